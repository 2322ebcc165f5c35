#!/bin/sh
# A solver that ends at once.
exit 0

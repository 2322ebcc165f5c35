#!/bin/sh
# A solver that has an example and cannot show it.
while read -r line; do
    case $line in *check-sat*) echo sat ;; *get-model*) echo '()' ;; esac
done

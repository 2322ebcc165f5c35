#!/bin/sh
# Plans, asks the rules about the plan, and leaves a plan file to apply only when they allow it.
#
# usage: opentofu.sh ROOT   (TOFU=terraform for Terraform; what follows is for `allod check`, such as --config FILE)
set -eu
tofu=${TOFU:-tofu}
root=$1
shift
"$tofu" -chdir="$root" init -input=false
"$tofu" -chdir="$root" plan -input=false -out=allowed.tfplan
"$tofu" -chdir="$root" show -json allowed.tfplan > "$root/plan.json"
if ! allod check "$root/plan.json" "$@"; then
    rm -f "$root/allowed.tfplan"
    exit 1
fi

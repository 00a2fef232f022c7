#!/bin/sh
# localize.sh PARTS.a OUT.a CC...: makes one object of an archive, in which only the symbols of assay.h are global.
set -eu
parts=$1 out=$2
shift 2
object=$out.o
rm -f "$out" "$object"
"$@" -r -nostdlib -o "$object" -Wl,--whole-archive "$parts" -Wl,--no-whole-archive
objcopy --wildcard --keep-global-symbol='assay_[a-z]*' "$object"
ar rcs "$out" "$object"
rm -f "$object"

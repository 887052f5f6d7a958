#!/bin/sh
# hdf5_flavours.sh BUILD_DIR_A BUILD_DIR_B: builds against different HDF5 libraries write the same
# run files: the same rows byte for byte, and the same whole files.
set -eu
[ $# -eq 2 ] || { echo "usage: hdf5_flavours.sh BUILD_DIR_A BUILD_DIR_B" >&2; exit 64; }
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

writer() {
    find "$1" -type f -name write_sample_run -perm -u+x | head -n 1 | grep . ||
        { echo "$1 holds no write_sample_run: build it first" >&2; exit 1; }
}
writer_a=$(writer "$1")
writer_b=$(writer "$2")

same() { # NAME FILE FILE
    cmp "$2" "$3" || { echo "$1 differs" >&2; exit 1; }
    echo "$1: same bytes"
}
for size in "1 3 20" "2 16 40000"; do
    # shellcheck disable=SC2086 # three numbers
    "$writer_a" "$directory/a.h5" $size >"$directory/a.txt"
    # shellcheck disable=SC2086
    "$writer_b" "$directory/b.h5" $size >"$directory/b.txt"
    for dataset in badges nodes pairs trace/events trace/index histograms/lag/counts \
        windows/outside_s; do
        for flavour in a b; do
            h5dump -d "/$dataset" -b FILE -o "$directory/$flavour.bin" "$directory/$flavour.h5" \
                >/dev/null
        done
        [ -s "$directory/a.bin" ] || { echo "$dataset: h5dump wrote nothing" >&2; exit 1; }
        same "/$dataset ($size)" "$directory/a.bin" "$directory/b.bin"
    done
    same "whole file ($size)" "$directory/a.h5" "$directory/b.h5"
done

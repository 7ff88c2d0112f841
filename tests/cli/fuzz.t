#!/usr/bin/env bash
# Replays the corpus of every fuzz target.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
n=0
for source in "$root"/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    n=$((n + 1))
    files=("$root/fuzz/corpus/${name#fuzz_}"/*)
    if output=$(timeout 300 "$FIRE_FUZZ/$name" "${files[@]}" 2>&1) && [ "$output" = "${#files[@]} files" ] && [ -f "${files[0]}" ]; then
        echo "ok $n - $name: $output"
    else
        echo "not ok $n - $name"
        printf '%s\n' "$output" | tail -n 20 | sed 's/^/# /'
    fi
done
echo "1..$n"

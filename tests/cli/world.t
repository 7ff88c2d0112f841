#!/usr/bin/env bash
# fire world: exit codes, what it writes, what it refuses.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
check() { # check NAME COMMAND...
    n=$((n + 1))
    if "${@:2}" >"$dir/check" 2>&1; then echo "ok $n - $1"; else echo "not ok $n - $1"; sed 's/^/# /' "$dir/check"; fi
}
fire() { "$FIRE" "$@" >"$dir/out" 2>"$dir/err"; echo $? >"$dir/code"; }
gives() { [ "$(cat "$dir/code")" = "$1" ]; }
lines_on_stderr() { [ "$(wc -l <"$dir/err")" = "$1" ]; }
sums() { (cd "$1" && find . -type f | sort | xargs sha256sum); }

fire world "$dir/w"
check 'exit 0' gives 0
check 'stdout names the samples' grep -q "^$dir/w/samples.jsonl: 24 samples of kind 'counting', seed 1$" "$dir/out"
check 'nothing on stderr' lines_on_stderr 0
check '24 pictures' test "$(ls "$dir/w/images" | wc -l)" = 24
check '24 samples' test "$(wc -l <"$dir/w/samples.jsonl")" = 24
check '24 scenes' test "$(wc -l <"$dir/w/scenes.jsonl")" = 24
sums "$dir/w" >"$dir/first"
fire world "$dir/w"
sums "$dir/w" >"$dir/second"
check 'again: exit 0' gives 0
check 'again: the same bytes' cmp "$dir/first" "$dir/second"
fire world "$dir/other" --seed 2 --n 3 --kind counting
check 'another seed: exit 0' gives 0
check 'another seed: other pictures' test "$(sha256sum <"$dir/other/images/00000.png")" != "$(sha256sum <"$dir/w/images/00000.png")"

mkdir "$dir/full" && echo text >"$dir/full/notes.txt"
fire world "$dir/full"
check 'foreign folder: exit 1' gives 1
check 'foreign folder: one line' lines_on_stderr 1
check 'foreign folder: untouched' test "$(ls "$dir/full")" = notes.txt
fire world "$dir/full/notes.txt"
check 'a file: exit 1' gives 1
check 'a file: one line' lines_on_stderr 1

for arguments in '' "$dir/x $dir/y" "$dir/x --n 0" "$dir/x --n 100001" "$dir/x --seed -1" "$dir/x --n two" "$dir/x --kind cats" "$dir/x --no-such"; do
    fire world $arguments
    check "usage: ${arguments//$dir/DIR}: exit 2" gives 2
    check "usage: ${arguments//$dir/DIR}: one line" lines_on_stderr 1
done
check 'usage: nothing made' test ! -e "$dir/x"
echo "1..$n"

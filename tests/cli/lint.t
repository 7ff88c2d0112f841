#!/usr/bin/env bash
# fire lint: counts, one line a bad record, rejects, exit codes, files that cannot be used.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
ok() { # ok NAME COMMAND...: the command succeeds
    n=$((n + 1))
    if "${@:2}"; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}
run() { # run ARGS...: out, err and code of fire lint
    "$FIRE" lint "$@" >"$dir/out" 2>"$dir/err"
    code=$?
}
is() { # is CODE OUT N_ERR: exit code, stdout to the byte, lines on stderr
    [ "$code" = "$1" ] && [ "$(cat "$dir/out")" = "$2" ] && [ "$(wc -l <"$dir/err")" = "$3" ]
}
says() { grep -qF -- "$1" "$dir/err"; }

good='{"id":"a","source":"s","image":null,"question":"q","answer":"x"}'
bad='{"id":"b","source":"s","image":null,"question":"q"}'
printf '%s\n' "$good" "$bad" '{"id":"c"' "$good" >"$dir/mixed.jsonl"

run --json "$dir/mixed.jsonl"
ok "bad records: 3, one object on stdout, one line each on stderr" \
    is 3 '{"n":4,"ok":2,"bad":2,"disagree":0,"by_cause":{"missing-key":1,"bad-json":1}}' 2
ok "a line names file, number, id and cause" says "mixed.jsonl: record 2 (b): missing-key: 'answer' is missing"
ok "a line names file, number and cause where there is no id" says "mixed.jsonl: record 3: bad-json: "
run "$dir/mixed.jsonl"
ok "text" grep -qE '^bad +2$' "$dir/out"
ok "text: causes" grep -qE '^  missing-key +1$' "$dir/out"
run --json --max-failures 2 "$dir/mixed.jsonl"
ok "--max-failures 2: 0" test "$code" = 0
run --json --max-failures 1 "$dir/mixed.jsonl"
ok "--max-failures 1: 3" test "$code" = 3
run --json --rejects "$dir/rejects" "$dir/mixed.jsonl"
ok "--rejects: verbatim" cmp -s "$dir/rejects" <(printf '%s\n' "$bad" '{"id":"c"')
run --json --strict "$dir/mixed.jsonl"
ok "--strict: 1 at the first" is 1 '{"n":2,"ok":1,"bad":1,"disagree":0,"by_cause":{"missing-key":1}}' 2
ok "--strict says so" says "--strict"
run --json - <"$dir/mixed.jsonl"
ok "standard input" is 3 '{"n":4,"ok":2,"bad":2,"disagree":0,"by_cause":{"missing-key":1,"bad-json":1}}' 2

for _ in $(seq 50); do printf '%s\n' "$bad"; done >"$dir/many.jsonl"
printf '{"id":\n' >>"$dir/many.jsonl"
run --json "$dir/many.jsonl"
ok "20 lines of one cause, then its count" \
    is 3 '{"n":51,"ok":0,"bad":51,"disagree":0,"by_cause":{"missing-key":50,"bad-json":1}}' 22
ok "the count" says "50 bad records in all of cause missing-key"

# Files that cannot be used.
: >"$dir/empty"
printf '\211PNG\r\n\032\n\000\000' >"$dir/picture"
printf '[%s,%s' "$good" "$bad" >"$dir/open.json"
printf '[%s %s]' "$good" "$good" >"$dir/broken.json"
for file in absent empty picture .; do
    run --json "$dir/$file"
    ok "$file: 1, one line" is 1 '{"n":0,"ok":0,"bad":0,"disagree":0,"by_cause":{}}' 1
done
run --json "$dir/open.json"
ok "array not closed: 1, what was read before is reported" \
    is 1 '{"n":2,"ok":1,"bad":1,"disagree":0,"by_cause":{"missing-key":1}}' 2
ok "array not closed: says so" says "the array is not closed after record 2"
run --json "$dir/broken.json"
ok "comma missing: 1, what was read before is reported" is 1 '{"n":1,"ok":1,"bad":0,"disagree":0,"by_cause":{}}' 1
run --json "$dir/absent" "$dir/mixed.jsonl" "$dir/empty"
ok "the other files are read all the same" test "$code" = 1
ok "their records are counted" grep -qF '"n":4,"ok":2' "$dir/out"
ok "both unusable files are named" test "$(grep -c 'absent\|empty' "$dir/err")" = 2

# What a file says cannot forge a line of stderr or drive the terminal.
printf '{"id":"x\\ny\\u001b[31m","source":"s","question":"q"}\n' >"$dir/escape.jsonl"
run --json "$dir/escape.jsonl"
ok "control characters of an id are escaped" is 3 '{"n":1,"ok":0,"bad":1,"disagree":0,"by_cause":{"missing-key":1}}' 1
ok "no escape byte reaches the terminal" test "$(tr -d '\n\40-\176' <"$dir/err" | wc -c)" = 0

run
ok "no file: usage" test "$code" = 2
run --nonsense "$dir/mixed.jsonl"
ok "unknown option: usage" test "$code" = 2
run --rejects /nowhere/x "$dir/mixed.jsonl"
ok "rejects file cannot be written: 1" test "$code" = 1

shared=$FIRE_SHARED/data
if [ -d "$shared/fire-official" ]; then
    run --json "$shared/fire-official/records.json" --images "$shared/fire-official/images"
    ok "the official records, every picture decoded" is 0 '{"n":121,"ok":121,"bad":0,"disagree":3,"by_cause":{}}' 0
    cp -r "$shared/fire-official/images" "$dir/images" && chmod -R u+w "$dir/images"
    first=$(find "$dir/images" -type f | sort | head -1)
    second=$(find "$dir/images" -type f | sort | sed -n 2p)
    rm "$first"
    truncate -s $(($(stat -c %s "$second") / 2)) "$second"
    run --json "$shared/fire-official/records.json" --images "$dir/images"
    ok "a missing and a cut picture" test "$code" = 3
    ok "a missing picture is named" says "missing-image"
    ok "a cut picture is named" says "broken-image"
    run --json --no-images "$shared/fire-official/records.json"
    ok "--no-images" is 0 '{"n":121,"ok":121,"bad":0,"disagree":3,"by_cause":{}}' 0
    run --json --no-images "$shared/fire/malformed.json"
    ok "the malformed records" is 3 \
        '{"n":4,"ok":0,"bad":4,"disagree":1,"by_cause":{"no-score":1,"score-range":1,"turn-order":1,"missing-key":1}}' 4
fi
echo "1..$n"

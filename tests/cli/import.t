#!/usr/bin/env bash
# fire import: native files to sample lines, ids, pictures, bad records, usage.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
ok() { # ok NAME COMMAND...: the command succeeds
    n=$((n + 1))
    if "${@:2}"; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}
run() { # run ARGS...: err and code of fire import
    "$FIRE" import "$@" >"$dir/stdout" 2>"$dir/err"
    code=$?
    [ -s "$dir/stdout" ] && code="$code with output"
}
says() { grep -qF -- "$1" "$dir/err"; }
usage() { [ "$code" = 2 ] && [ "$(wc -l <"$dir/err")" = 1 ] && says "$1"; }

cat >"$dir/rows.json" <<'J'
[{"id": 7, "image": "coco/train2017/1.jpg", "conversations": [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A cat."}]},
 {"id": 7, "conversations": [{"from": "gpt", "value": "stray"}, {"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]},
 {"id": "z", "conversations": []}]
J
run --from llava "$dir/rows.json" -o "$dir/out.jsonl" --rejects "$dir/rejects"
ok "llava: a bad record gives 3" test "$code" = 3
ok "llava: it is named" says "rows.json: record 3 (z): no-turns"
ok "llava: it is rejected verbatim" cmp -s "$dir/rejects" <(echo '{"id": "z", "conversations": []}')
ok "llava: a sample line" grep -qxF '{"id":"7","source":"coco","image":"coco/train2017/1.jpg","question":"What?","answer":"A cat."}' "$dir/out.jsonl"
ok "llava: no picture, repeated id, stray first answer" grep -qE '^\{"id":"llava-[0-9a-f]{12}","source":"llava","image":null,"question":"Why\?","answer":"So."\}$' "$dir/out.jsonl"
ok "llava: a picture that is not there is mentioned" says "1 pictures are not there"
run --from llava "$dir/rows.json" -o "$dir/none.jsonl" --strict
ok "--strict: 1, no output" test "$code" = 1 -a ! -e "$dir/none.jsonl"
run --from llava "$dir/absent.json" -o "$dir/none.jsonl"
ok "absent file: 1, no output" test "$code" = 1 -a ! -e "$dir/none.jsonl"
run "$dir/rows.json" -o "$dir/none.jsonl"
ok "no source: usage" usage "--from SOURCE (chartqa, llava)"
run --from nothing "$dir/rows.json" -o "$dir/none.jsonl"
ok "unknown source: usage" usage "unknown source 'nothing'"
run --from llava "$dir/rows.json"
ok "no output: usage" usage "-o OUT"
"$FIRE" import --help >"$dir/help"
ok "--help names the sources" grep -q 'chartqa' "$dir/help"

charts="$FIRE_SHARED/data/chartqa/ChartQA Dataset"
if [ -d "$charts" ]; then
    run --from chartqa "$charts/test/test_human.json" "$charts/test/test_augmented.json" --images "$charts" -o "$dir/charts.jsonl"
    ok "chartqa: 50 samples, all pictures there" test "$code $(wc -l <"$dir/charts.jsonl") $(wc -l <"$dir/err")" = "0 50 1"
    ok "chartqa: unique ids" test "$(grep -oE '^\{"id":"[^"]*"' "$dir/charts.jsonl" | sort -u | wc -l)" = 50
    ok "chartqa: both kinds" test "$(grep -c '"kind":"human"' "$dir/charts.jsonl") $(grep -c '"kind":"augmented"' "$dir/charts.jsonl")" = "25 25"
    "$FIRE" lint --json "$dir/charts.jsonl" --images "$charts" >"$dir/lint" 2>/dev/null
    ok "chartqa: lint decodes every picture" grep -qF '{"n":50,"ok":50,"bad":0,' "$dir/lint"
    run --from chartqa "$charts/test/test_human.json" -o "$dir/charts.jsonl"
    ok "chartqa: the file's folder holds the pictures" grep -qF '"image":"png/multi_col_40633.png"' "$dir/charts.jsonl"
    mix=$FIRE_SHARED/data/open-llava-next-mix
    run --from llava "$mix"/*.json --images "$mix/data" -o "$dir/mix.jsonl"
    "$FIRE" lint --json "$dir/mix.jsonl" --images "$mix/data" >"$dir/lint" 2>/dev/null
    ok "the 1M mix: lint decodes every picture" grep -qF '{"n":10,"ok":10,"bad":0,' "$dir/lint"
fi
echo "1..$n"

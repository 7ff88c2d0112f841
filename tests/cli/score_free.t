#!/usr/bin/env bash
# fire score free: results, exit codes, files that cannot be used, rejects, formats.
set -u
n=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

ok() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
        echo "not ok $n - $2"
        sed 's/^/# /' out err 2>/dev/null
    fi
}
# run CODE NAME ARGUMENTS...: runs fire, output to out and err, and checks the exit code.
run() {
    local code=$1 name=$2 got
    shift 2
    "$FIRE" score free "$@" >out 2>err
    got=$?
    [ "$got" -eq "$code" ]
    ok $? "$name (exit $code, got $got)"
}
holds() { # FILE TEXT NAME
    grep -qF -- "$2" "$1"
    ok $? "$3"
}

line() { # ID SOURCE SCORES [STOP]
    local turns="" score
    for score in $3; do
        turns="$turns${turns:+,}{\"response\":\"Answer: 3\",\"feedback\":\"x\",\"score\":$score}"
    done
    echo "{\"id\":\"$1\",\"source\":\"$2\",\"image\":\"$1.png\",\"question\":\"how many?\",\"answer\":\"3\",\"turns\":[$turns]${4:+,\"stop\":\"$4\"}}"
}
{
    line a x "3 9"
    line b x "4 4"
    line c y "8"
    line d y "2 null 9"
} >four.jsonl
{
    line a x "5 6 8"
    line b x "4 4"
} >base.jsonl

# With parse-fail=stop, d scores 0 at round 2: n_k are 2, 10, 10; gains 6, 0, -2.
run 0 "plain" four.jsonl --json --resamples 100
holds out '"n":4,"removed":1,"k":3,"at_rounds":7.333333333333333,"at":null,"adr":1.3333333333333333,"atr":1.3333333333333333,"atr_all":1.0,"rr":0.3333333333333333,"unparsed":1,"ci":{"at_rounds":[' "all keys in order"
holds out '"by_source":{"x":{"n":2,' "by source"
holds out '"agreement":{"n":6,"precision":1.0,' "agreement with answer matching"
cp out first

"$FIRE" score free four.jsonl --json --resamples 100 >out 2>err
cmp -s out first; ok $? "the same bytes again"
FIRE_THREADS=1 "$FIRE" score free four.jsonl --json --resamples 100 >out 2>err
cmp -s out first; ok $? "the same bytes on one thread"
"$FIRE" score free four.jsonl --json --resamples 100 --resample-seed 2 >out 2>err
! cmp -s out first; ok $? "another seed, other intervals"
"$FIRE" score free - --json --resamples 100 <four.jsonl >out 2>err
cmp -s out first; ok $? "from standard input"

run 0 "parse-fail=zero" four.jsonl --json --resamples 0 --set parse-fail=zero
holds out '"at_rounds":5.0' "d is solved at round 3"
run 0 "turns" four.jsonl --json --resamples 0 --set parse-fail=zero --turns 2
holds out '"at_rounds":7.333333333333333' "--turns 2 does not see round 3"
run 0 "penalty" four.jsonl --json --resamples 0 --penalty 4
holds out '"at_rounds":3.3333333333333335' "--penalty 4"
run 0 "threshold" four.jsonl --json --resamples 0 --threshold 4
holds out '"removed":2' "--threshold 4"
run 0 "baseline number" four.jsonl --json --resamples 0 --baseline 10
holds out '"at":0.7333333333333333' "AT by a number"
run 0 "baseline file" four.jsonl --json --resamples 0 --baseline base.jsonl
holds out '"t_baseline":6.5' "AT by a file"
run 0 "common set" four.jsonl --json --resamples 0 --baseline base.jsonl --set k-set=common
holds out '"removed":2,"k":2' "K in both runs"
run 0 "paper" four.jsonl --json --resamples 0 --paper
holds out '"FIRE-LLaVA-8B":{"at":0.84,"adr":1.56,"atr_all":0.66,"rr":0.39}' "published numbers"

run 0 "text" four.jsonl --set final=best --resamples 10 --resample-seed 3
holds out "protocol paper with final=best; 95% intervals: 10 resamples of pictures, seed 3" "the rule stands below"
run 0 "csv" four.jsonl --format csv --resamples 0
[ "$(wc -l <out)" -eq 5 ]; ok $? "one line a row"
run 0 "markdown" four.jsonl --format markdown --resamples 0
holds out "| all (micro) | 4 |" "a Markdown table"

# Failed dialogues, bad records, --rejects, --strict.
{
    cat four.jsonl
    line e y "1 2" failed
} >failed.jsonl
run 3 "a failed dialogue" failed.jsonl --json --resamples 0
holds out '"n":4,' "it is not counted in n"
holds out '"failed":1' "but by itself"
run 0 "--max-failures" failed.jsonl --json --resamples 0 --max-failures 1
{
    head -2 four.jsonl
    echo '{"id":"z","source":"x","question":"?","answer":"3","turns":[{"response":"r","feedback":"f","score":11}]}'
    echo 'not json'
    tail -2 four.jsonl
} >bad.jsonl
run 3 "bad records" bad.jsonl --json --resamples 100 --rejects rejects
cmp -s out first; ok $? "the rest goes on"
sed -n '3,4p' bad.jsonl | cmp -s - rejects; ok $? "rejects are verbatim"
holds err "bad.jsonl: record 3 (z): score-range" "cause on stderr"
run 1 "strict" bad.jsonl --strict --json
[ ! -s out ]; ok $? "strict reports nothing"

# What cannot be used.
printf '[' >cut.json
head -1 four.jsonl | tr -d '\n' >>cut.json
run 1 "an array that is not closed" cut.json --json --resamples 0
holds out '"n":1,' "what was read before is reported"
: >empty
run 1 "an empty file" empty
run 1 "an absent file" absent
run 1 "a folder" .
echo '{}' | sed 's/.*/hello/' >text
run 1 "no JSON" text
run 1 "an absent baseline" four.jsonl --baseline absent
echo '{"id":"z","source":"x","question":"?","answer":"3"}' >samples.jsonl
run 1 "a baseline without dialogues" four.jsonl --baseline samples.jsonl

# Usage.
run 2 "no file"
run 2 "two files" four.jsonl four.jsonl
run 2 "unknown option" four.jsonl --nonsense
run 2 "unknown protocol" four.jsonl --protocol mine
run 2 "unknown set" four.jsonl --set colour=red
run 2 "threshold out of range" four.jsonl --threshold 11
run 2 "turns out of range" four.jsonl --turns 0
run 2 "resamples" four.jsonl --resamples many
run 2 "baseline below 0" four.jsonl --baseline -3
run 2 "common set without a baseline" four.jsonl --set k-set=common
run 2 "format" four.jsonl --format pdf
run 0 "help" --help
holds out "--resample-seed" "help names the options"

# The released records, where they are.
records=${FIRE_SHARED:-../shared}/data/fire-official/records.json
if [ -e "$records" ]; then
    run 0 "the 121 official records" "$records" --json --resamples 20
    holds out '"n":121,' "all of them"
else
    n=$((n + 1)); echo "ok $n # skip '$records' is absent"
fi
echo "1..$n"

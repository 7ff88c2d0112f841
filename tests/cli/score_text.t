#!/usr/bin/env bash
# fire score text and fire score tokens: results, exit codes, bad lines, files that cannot be used.
set -u
n=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
shared=$(cd "${FIRE_SHARED:-../shared}" 2>/dev/null && pwd)
cd "$folder" || exit 1

ok() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
        echo "not ok $n - $2"
        sed 's/^/# /' out err 2>/dev/null
    fi
}
# run CODE NAME COMMAND ARGUMENTS...: runs fire score, output to out and err, and checks the exit code.
run() {
    local code=$1 name=$2 got
    shift 2
    "$FIRE" score "$@" >out 2>err
    got=$?
    [ "$got" -eq "$code" ]
    ok $? "$name (exit $code, got $got)"
}
holds() { # FILE TEXT NAME
    grep -qF -- "$2" "$1"
    ok $? "$3"
}

cat >two <<'END'
{"id":1,"prediction":"The red bar, it is tall.","references":["the red bar is tall"]}
{"id":"b","prediction":"no","references":["yes it is","no"]}
END
run 0 "plain" text two --json
holds out '{"n":2,"bleu":{"corpus":[' "n and bleu"
holds out '"cider":{"mean":' "cider"
holds out '"variant":"official"},"tokenizer":"whitespace"}' "variant and tokenizer"
cp out first
"$FIRE" score text - --json <two >out 2>err
cmp -s out first; ok $? "from standard input"
printf '%s' "$(cat two)" | "$FIRE" score text - --json >out 2>err
cmp -s out first; ok $? "without the last line feed"
FIRE_THREADS=1 "$FIRE" score text two --json >out 2>err
cmp -s out first; ok $? "the same bytes on one thread"
run 0 "words" text two --json --cider words
holds out '"variant":"words"' "its name"
run 0 "ptb" text two --json --tokenizer ptb
holds out '"tokenizer":"ptb"' "its name"
! cmp -s out first; ok $? "ptb gives other numbers"
run 0 "table" text two --tokenizer ptb
holds out "tokens: ptb" "the table names the tokenizer"
holds out "CIDEr variant official" "and the variant"
holds out "BLEU-4" "and the columns"

run 0 "per item" text two --json --per-item items
[ "$(wc -l <items)" -eq 2 ]; ok $? "a line for each item"
sed -n 1p items | grep -q '^{"id":1,"bleu":\[0\.[0-9]*,.*\],"cider":[0-9.]*}$'; ok $? "a number as id"
sed -n 2p items | grep -q '^{"id":"b","bleu":\[0\.99999999[0-9]*,'; ok $? "a string as id; the nearest reference counts"
run 1 "per item in a missing folder" text two --per-item absent/items
[ ! -s out ]; ok $? "nothing is printed then"

head -1 two >one
run 0 "one item" text one --json
holds err "CIDEr" "is warned of"
holds out '"cider":{"mean":0.0,' "its CIDEr is 0"
run 0 "two items warn of nothing" text two
[ ! -s err ]; ok $? "stderr is empty"

# A record may hold every line separator but the line feed.
printf '{"prediction":"a\xe2\x80\xa8b\xc2\x85c","references":["a b c"]}\n\n{"prediction":"x","references":["x"]}\n' >separators
run 0 "U+2028 and U+0085 in a string, a blank line" text separators --json
holds out '{"n":2,"bleu":{"corpus":[0.99999999' "they separate words, not lines"

# Bad lines.
{
    cat two
    echo '{"id":"c","references":["x"]}'
    echo '{"id":7,"prediction":5,"references":["x"]}'
    echo '{"id":"d","prediction":"x"}'
    echo '{"id":"d","prediction":"x","references":[]}'
    echo '{"id":"d","prediction":"x","references":"x"}'
    echo '{"id":"d","prediction":"x","references":["x",null]}'
    echo '[1]'
    echo '{"prediction":"a","prediction":"b","references":["x"]}'
    printf '{"prediction":"\xff","references":["x"]}\n'
    printf '{"prediction":"a","references":["x"'
} >bad
run 3 "bad lines" text bad --json --rejects rejects
cmp -s out first; ok $? "the rest goes on"
tail -n +3 bad >expected; echo >>expected
cmp -s rejects expected; ok $? "rejects are verbatim"
holds err "bad: record 3 (c): missing-key: missing key 'prediction'" "file, record, id and cause"
holds err "bad: record 4 (7): wrong-type" "a number as id"
holds err "bad: record 6 (d): wrong-value" "no reference"
holds err "bad: record 11: bad-utf8" "broken UTF-8"
holds err "bad: record 12: bad-json" "a cut last line"
[ "$(wc -l <err)" -eq 10 ]; ok $? "one line each"
run 0 "max-failures" text bad --max-failures 10
run 3 "one more than max-failures" text bad --max-failures 9
run 1 "strict" text bad --strict --json
[ ! -s out ]; ok $? "strict reports nothing"
for i in $(seq 30); do echo '{"id":"q"}'; done >>many
run 3 "only bad lines" text many --json
[ "$(grep -c missing-key err)" -eq 21 ]; ok $? "20 lines and a count"
holds out '{"n":0,"bleu":{"corpus":[null,null,null,null],"mean":[null,null,null,null]},"cider":{"mean":null,' "no items"
run 3 "no items, as a table" text many
[ "$(grep -cE '^(mean|corpus)( +-){5}$' out)" -eq 2 ]; ok $? "no items, as a table: nothing is defined"

# What cannot be used.
: >empty
echo hello >words
printf '[{"prediction":"a","references":["a"]},' >cut.json
run 1 "an empty file" text empty
run 1 "an absent file" text absent
run 1 "a folder" text .
run 1 "no JSON" text words
run 1 "an array that is not closed" text cut.json --json
holds out '{"n":1,' "what was read before is reported"
run 1 "rejects in a missing folder" text two --rejects absent/r
run 2 "no file" text
run 2 "two files" text two two
run 2 "unknown tokenizer" text two --tokenizer moses
run 2 "unknown variant" text two --cider d
run 2 "unknown option" text two --nonsense
run 0 "help" text --help
holds out "--per-item" "help names the options"

# Tokens.
cat >texts <<'END'
{"text":"It isn't (well) done."}
{"text":""}
END
run 0 "tokens" tokens texts
printf '{"tokens":["It","isn'\''t","(well)","done."]}\n{"tokens":[]}\n' | cmp -s - out; ok $? "whitespace is the default"
run 0 "ptb tokens" tokens --tokenizer ptb texts
printf '{"tokens":["it","is","n'\''t","-lrb-","well","-rrb-","done"]}\n{"tokens":[]}\n' | cmp -s - out; ok $? "without punctuation"
"$FIRE" score tokens --tokenizer ptb <texts >piped 2>err
cmp -s piped out; ok $? "from standard input"
echo '{"txt":1}' >>texts
run 3 "a bad text" tokens texts --rejects rejects
[ "$(wc -l <out)" -eq 2 ] && [ "$(cat rejects)" = '{"txt":1}' ]; ok $? "is rejected"
run 1 "strict" tokens texts --strict
run 1 "an absent file" tokens absent
run 2 "unknown tokenizer" tokens --tokenizer x texts
for i in $(seq 20000); do echo "{\"text\":\"w$i of a long file, in order\"}"; done >long
run 0 "a long file" tokens long
[ "$(wc -l <out)" -eq 20000 ] && sed -n 17000p out | grep -q '"w17000"'; ok $? "keeps its order"

reference="$shared/reference/metrics/ptb_tokenizer.jsonl"
if [ -n "$shared" ] && [ -e "$reference" ]; then
    run 0 "the reference sentences" tokens --tokenizer ptb "$reference"
    perl -ne '/"tokens": (\[.*?\]), "all_tokens"/ or die; $t = $1; $t =~ s/", "/","/g; print "{\"tokens\":$t}\n"' "$reference" | cmp -s - out
    ok $? "have the reference tokens"
else
    n=$((n + 1)); echo "ok $n # skip the reference is absent"
fi
echo "1..$n"

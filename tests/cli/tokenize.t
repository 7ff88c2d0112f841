#!/usr/bin/env bash
# fire tokenize: ids and texts, the begin token, bad lines, folders that cannot be used.
set -u
data=$(cd "$(dirname "$0")/../data/tokenizer" && pwd)
n=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
mkdir llama3 llama2 empty broken
cp "$data/llama3.json" llama3/tokenizer.json
cp "$data/llama2.json" llama2/tokenizer.json
echo '{"model":{"type":"WordPiece"}}' >broken/tokenizer.json

ok() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
        echo "not ok $n - $2"
        sed 's/^/# /' out err 2>/dev/null
    fi
}
run() { # CODE NAME ARGUMENTS...
    local code=$1 name=$2 got
    shift 2
    "$FIRE" tokenize "$@" >out 2>err
    got=$?
    [ "$got" -eq "$code" ]
    ok $? "$name (exit $code, got $got)"
}
is() { # FILE TEXT NAME
    [ "$(cat "$1")" = "$2" ]
    ok $? "$3"
}
holds() { # FILE TEXT NAME
    grep -qF -- "$2" "$1"
    ok $? "$3"
}

cat >lines <<'END'
{"text":"ab"}
{"text":"","id":7}
{"text":"a<|eot_id|>\u0000é"}
END
run 0 "with the begin token" --model llama3 <lines
sed -n 1p out | grep -qE '^\{"ids":\[500,[0-9,]+\],"text":"<\|begin_of_text\|>ab"\}$'
ok $? "first line"
[ "$(sed -n 2p out)" = '{"ids":[500],"text":"<|begin_of_text|>"}' ]
ok $? "an empty text"
run 0 "without" --model llama3 --no-special <lines
[ "$(sed -n 2p out)" = '{"ids":[],"text":""}' ]
ok $? "an empty text is nothing"
sed -n 3p out | grep -qF '504,' && sed -n 3p out | grep -qF '"text":"a<|eot_id|>\u0000é"}'
ok $? "special tokens are parsed, a NUL is a character"
printf '{"text":"a  b"}' | "$FIRE" tokenize --model llama2 --no-special >out 2>err
ok $? "a line without its end"
holds out '"text":"a  b"}' "metaspace comes back as spaces"

# The order of lines stays, whatever the threads.
for i in $(seq 40000); do echo "{\"text\":\"line $i\"}"; done >many
run 0 "many lines" --model llama3 --no-special <many
sed 's/.*"text"/{"text"/' out | cmp -s - many
ok $? "in their order"

printf '{"text":7}\n{"text":"a"}\n{}\n[]\n{"text":"\xff"}\nx\n' >bad
run 3 "bad lines" --model llama3 --no-special --rejects rejects <bad
[ "$(wc -l <out)" -eq 1 ]
ok $? "the good one is there"
holds err "key 'text' is not a string" "why on stderr"
[ "$(wc -l <rejects)" -eq 5 ]
ok $? "rejects"
run 1 "strict" --model llama3 --strict <bad

run 2 "no model" <lines
holds err "--model is missing" "says so"
run 2 "an argument" --model llama3 lines
run 1 "no such folder" --model absent <lines
holds err "absent/tokenizer.json" "named"
run 1 "a folder without" --model empty <lines
run 1 "a file of another kind" --model broken <lines
is err "fire: error: cannot use 'broken/tokenizer.json': model: type 'WordPiece' is not supported" "in one line"
run 1 "no input" --model llama3 </dev/null
run 0 "help" --help
holds out "--no-special" "names the option"
echo "1..$n"

#!/usr/bin/env bash
# fire score mae: result, failure rules, bad lines, exit codes.
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
run() { # CODE NAME ARGUMENTS...
    local code=$1 name=$2 got
    shift 2
    "$FIRE" score mae "$@" >out 2>err
    got=$?
    [ "$got" -eq "$code" ]
    ok $? "$name (exit $code, got $got)"
}
holds() { # FILE TEXT NAME
    grep -qF -- "$2" "$1"
    ok $? "$3"
}

cat >lines <<'END'
{"label":6,"prediction":4}
{"label":3,"prediction":null}
{"label":null,"prediction":4}
{"label":5,"prediction":5.5,"id":"x"}
END
run 0 "plain" lines --json
holds out '{"n":3,"mae":4.166666666666667,"unparsed":1,' "a null prediction counts 10, a null label is left out"
run 0 "label-fail=official" lines --json --set label-fail=official
holds out '{"n":4,"mae":4.375,"unparsed":1,' "a null label counts as -1"
run 0 "text" lines
holds out "4.167" "the table"
holds out "protocol paper" "its rule"
run 0 "standard input" - --json <lines
holds out '"n":3' "read"

{
    cat lines
    echo '{"label":6}'
    echo '{"label":"6","prediction":4}'
    echo '{"label":6,"prediction":11}'
    echo '[1]'
    echo '{"label":6'
    echo '{"label":1,"label":6,"prediction":6}'
} >bad
run 3 "bad lines" bad --json --rejects rejects
holds out '{"n":3,"mae":4.166666666666667,' "the rest goes on"
tail -6 bad | cmp -s - rejects; ok $? "rejects are verbatim"
holds err "bad: record 5: missing-key: missing key 'prediction'" "cause on stderr"
run 1 "strict" bad --strict
[ ! -s out ]; ok $? "strict reports nothing"
run 3 "score-range=any" bad --json --set score-range=any
holds out '"n":4' "takes any number"
for i in $(seq 30); do echo '{"label":6}'; done >many
run 3 "many of one cause" many
[ "$(grep -c missing-key err)" -eq 21 ]; ok $? "20 lines and a count"

: >empty
run 1 "an empty file" empty
run 1 "an absent file" absent
run 1 "a folder" .
run 2 "no file"
run 2 "unknown option" lines --nonsense
run 2 "unknown protocol" lines --protocol mine
echo "1..$n"

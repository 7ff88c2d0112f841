#!/usr/bin/env bash
# Model folders as student and teacher: free and fixed dialogues of the official records with the reference checkpoints (they
# babble), in any order, killed and gone on with.
set -u
n=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
reference=$FIRE_SHARED/reference/engine
records=$FIRE_SHARED/data/fire-official
if [ ! -d "$reference" ] || [ ! -d "$records" ]; then
    echo "1..0 # SKIP no reference checkpoints or records in $FIRE_SHARED"
    exit 0
fi
a=$reference/models/a-f32 b=$reference/models/b-f32 adapter=$reference/train/init_b_random

ok() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
        echo "not ok $n - $2"
        sed 's/^/# /' out err 2>/dev/null | cut -c 1-2000
    fi
}
run() { # CODE NAME ARGUMENTS...
    local code=$1 name=$2 got
    shift 2
    "$FIRE" "$@" >out 2>err
    got=$?
    [ "$got" -eq "$code" ]
    ok $? "$name (exit $code, got $got)"
}
holds() { # FILE TEXT NAME
    grep -qF -- "$2" "$1"
    ok $? "$3"
}
same() { # FILE FILE NAME
    cmp -s "$1" "$2"
    ok $? "$3"
}
# dialogues RUN: all that was said.
dialogues() { "$FIRE" export "$1" -o - 2>>err | sort; }

"$FIRE" export "$records/records.json" -o all.jsonl 2>err
head -n 3 all.jsonl >few.jsonl
head -n 2 all.jsonl >two.jsonl
rules=(--set parse-fail=zero --set no-gain=off --set turns=2)
models=(bench free --student "$a+$adapter" --teacher "$a" --images "$records/images" --max-tokens 8 "${rules[@]}" --resamples 0)
free=("${models[@]}" few.jsonl)

run 0 "free dialogues, one folder for both" "${free[@]}" --run whole.db
cp out whole.out
dialogues whole.db >whole.said
[ "$(grep -c '"response"' whole.said)" -eq 3 ] && [ "$(grep -o '"feedback":"' whole.said | wc -l)" -eq 6 ]
ok $? "every dialogue went all its rounds"
run 0 "runs" runs whole.db
holds out "a-f32@" "the student's name tells its files"
holds out "+init_b_random@" "and its adapter's"

run 0 "one at a time" "${free[@]}" --run single.db --jobs 1
same out whole.out "the same tables"
dialogues single.db >single.said
same single.said whole.said "the same words"

run 1 "too little memory" "${free[@]}" --run tight.db --memory 1M
holds err "needs at least" "says how much"
least=$(sed -n 's/.*needs at least \([0-9]*\) MB.*/\1/p' err)
# The smallest bound in which one request has room.
while ! "$FIRE" probe --model "$a" --prompt x --greedy 900 --memory "${least}M" >out 2>err; do least=$((least + 1)); done
run 0 "hardly enough" "${free[@]}" --run tight.db --memory "${least}M"
same out whole.out "requests wait: the same tables"

# Killed as soon as something is recorded, and gone on with, twice.
for round in 1 2; do
    "$FIRE" "${free[@]}" --run killed.db --jobs 2 >killed.out 2>killed.err &
    pid=$!
    for ((k = 0; k < 1000; k++)); do
        said=$(dialogues killed.db 2>/dev/null | grep -o '"response"' | wc -l)
        [ "$said" -lt $((2 * round - 1)) ] || break
        kill -0 $pid 2>/dev/null || break
        sleep 0.02
    done
    kill -9 $pid 2>/dev/null
    { wait $pid; } 2>/dev/null
done
run 0 "killed, and gone on with" "${free[@]}" --run killed.db
same out whole.out "the same tables"
dialogues killed.db >killed.said
same killed.said whole.said "the same words"
run 2 "another adapter is another run" bench free --student "$a" --teacher "$a" few.jsonl --images "$records/images" --max-tokens 8 "${rules[@]}" --resamples 0 --run whole.db
holds err "student model" "says what differs"

hot=("${models[@]}" two.jsonl --temperature 1 --seed 7)
run 0 "random answers" "${hot[@]}" --run hot.db
dialogues hot.db >hot.said
[ -s hot.said ] && [ -z "$(comm -12 hot.said whole.said)" ]
ok $? "differ from the greedy ones"
run 0 "random answers, one at a time" "${hot[@]}" --run hot1.db --jobs 1
dialogues hot1.db >hot1.said
same hot1.said hot.said "do not depend on the order"

run 0 "a teacher held to its form" "${models[@]}" two.jsonl --constrain score --teacher-max-tokens 30 --run held.db
dialogues held.db >held.said
[ "$(grep -o '"score":[0-9]' held.said | wc -l)" -eq "$(grep -o '"feedback":"' held.said | wc -l)" ]
ok $? "always gives a score"

run 0 "fixed dialogues, the original layout" bench fixed --student "$b" --teacher "$b" two.jsonl --images "$records/images" --max-tokens 8 --resamples 0 --run fixed.db --set image-mode=pad
run 2 "an unknown form" "${free[@]}" --constrain poem --run e0.db
run 2 "no such folder" bench free --student "$folder/none" --teacher "$a" few.jsonl --run e1.db
holds err "unknown model" "says so"
run 1 "a folder that is no model" bench free --student "$folder" --teacher "$a" few.jsonl --run e2.db
run 1 "an adapter that is none" bench free --student "$a+$folder" --teacher "$a" few.jsonl --run e3.db
echo "1..$n"

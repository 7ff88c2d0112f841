#!/usr/bin/env bash
# Keys: where they come from, where they go, and that no file nor line of output ever holds one.
. "$(dirname "$0")/../support/cli.sh"
# Spelled in parts, so that only a key that got out is found below.
key=sk-planted; key=$key-0123456789abcdef
other=sk-second; other=$other-fedcba9876543210
mkdir work
cd work || exit 1
serve A --key "$key"
serve B --key "$other"
samples 2 >two.jsonl
i=0
bench() { # CODE NAME OPTIONS...: a new run; all it says is kept
    local code=$1 name=$2
    shift 2
    run "$code" "$name" bench free two.jsonl --run "r$((i += 1)).db" --rejects "rejects$i" --json --resamples 0 --retries 0 "$@"
    cat out err >>said
}
same=(--student "$A#student" --teacher "$A#teacher")
apart=(--student "$A#student" --teacher "$B#teacher")
sees() { log_is "$1.log" 'sum(map { $_->{authorization} ? 1 : 0 } @l) == @l && all { $_->{status} == 200 } @l'; }

# Where a key comes from.
FIRE_API_KEY=$key bench 0 "FIRE_API_KEY, one origin" "${same[@]}"
ok "FIRE_API_KEY, one origin: on every request" sees A
MY_KEY=$key bench 0 "--key-env" "${same[@]}" --key-env MY_KEY
MY_KEY=$key FIRE_API_KEY=wrong-key-of-the-environment bench 0 "--key-env before FIRE_API_KEY" "${same[@]}" --key-env MY_KEY
A_KEY=$key B_KEY=$other bench 0 "a key each" "${apart[@]}" --student-key-env A_KEY --teacher-key-env B_KEY
ok "a key each: each origin its own" sees B
B_KEY=$other FIRE_API_KEY=$key bench 0 "one of its own, one by default" "${apart[@]}" --teacher-key-env B_KEY
printf '%s\n' "$key" >../key.txt
chmod 600 ../key.txt
bench 0 "--key-file" "${same[@]}" --key-file ../key.txt
B_KEY=$other bench 0 "--student-key-file" "${apart[@]}" --student-key-file ../key.txt --teacher-key-env B_KEY
bench 3 "no key" "${same[@]}"
ok "no key: what the server says" says "Incorrect API key"
FIRE_API_KEY=$other bench 3 "a wrong key" "${same[@]}"

# Usage errors, before anything is sent.
refused() { # NAME TEXT OPTIONS...
    local name=$1 text=$2 n_before
    shift 2
    n_before=$(cat A.log B.log | wc -l)
    bench 2 "$name" "$@"
    ok "$name: says why" one_error "$text"
    ok "$name: nothing sent, no run" test "$(cat A.log B.log | wc -l)" = "$n_before" -a ! -e "r$i.db"
}
FIRE_API_KEY=$key refused "one default key for two origins" "--student-key-env" "${apart[@]}"
MY_KEY=$key refused "one --key-env for two origins" "--student-key-env" "${apart[@]}" --key-env MY_KEY
FIRE_API_KEY=$key refused "two ports are two origins" "one key would go to" "${same[@]:0:2}" --teacher "http://127.0.0.1:1/v1#t"
refused "a variable that is not set" "'NO_SUCH' is not set" "${same[@]}" --key-env NO_SUCH
MY_KEY='' refused "an empty key" "holds no key" "${same[@]}" --key-env MY_KEY
MY_KEY="$key"$'\n'"X: y" refused "a line break in a key" "holds no key" "${same[@]}" --key-env MY_KEY
chmod 644 ../key.txt
refused "a key file that others can read" "chmod 600" "${same[@]}" --key-file ../key.txt
chmod 640 ../key.txt
refused "a key file that the group can read" "chmod 600" "${same[@]}" --key-file ../key.txt
chmod 600 ../key.txt
refused "a key file that is not there" "absent.txt" "${same[@]}" --key-file absent.txt
refused "a key file that is a folder" "key file" "${same[@]}" --key-file .
A_KEY=$key refused "a key for a model without an address" "no http address" --student script:two.jsonl --teacher "$A#teacher" --student-key-env A_KEY
refused "a key in the address" "" --student "http://$key@127.0.0.1:1/v1#s" --teacher "$A#teacher"

# A redirect to another origin never carries it.
: >A.log
for fault in redirect-other redirect-302-other; do
    FIRE_API_KEY=$key bench 3 "$fault" --student "$A#student!$fault" --teacher "$A#teacher"
    ok "$fault: says so" says "another origin"
done
port=${A##*:} port=${port%/v1}
ok "a redirect: nothing reached the other origin with a key" log_is A.log '@l && !grep { $_->{port} != '"$port"' && $_->{authorization} } @l'

# Servers that say it back, in errors and in answers.
FIRE_API_KEY=$key bench 0 "the key in an answer" --student "$A#student!echo-key" --teacher "$A#teacher"
ok "the key in an answer: the answer is there" test "$("$FIRE" export "r$i.db" -o - 2>/dev/null | grep -c 'your key is ')" = 2
for fault in 400-echo-key 402-echo-key 500-echo-key; do
    FIRE_API_KEY=$key bench 3 "$fault" --student "$A#student!$fault" --teacher "$A#teacher"
done
for form in json csv md txt; do "$FIRE" report r1.db -o "report.$form" 2>>said; done
"$FIRE" runs . --json >>said 2>&1
for db in *.db; do "$FIRE" export "$db" -o "$db.jsonl" 2>>said; done

# While it runs, and after it was killed: the write-ahead log too.
serve L --latency-ms 100 --key "$key"
samples 20 >many.jsonl
FIRE_API_KEY=$key "$FIRE" bench free --student "$L#student!echo-key" --teacher "$L#teacher" many.jsonl --run killed.db --jobs 4 >killed.out 2>killed.err &
pid=$!
for ((k = 0; k < 500 && $(n_requests L) < 12; k++)); do sleep 0.02; done
ok "running: the key is on no command line" not grep -q -- "$key" "/proc/$pid/cmdline"
kill -KILL $pid
{ wait $pid; } 2>/dev/null
ok "killed: a log is left" test -s killed.db-wal

# A key would be found: the search sees what it is to see.
cp ../key.txt planted
ok "the search finds a planted key" grep -rqF -e "$key" -e "$other" .
rm planted
ok "no file holds a key, nor does anything said" not grep -rlF -e "$key" -e "$other" .
ok "nor its base64" not grep -rlF -e "$(printf %s "$key" | base64 | head -c 30)" .
ok "enough was searched" test "$(find . -type f -size +0 | wc -l)" -gt 40
finish

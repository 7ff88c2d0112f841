#!/usr/bin/env bash
# A run that is stopped and goes on: signals, two processes, what must be the same and what may change. (Kills at any point:
# tests/test_resume.c.)
. "$(dirname "$0")/../support/cli.sh"
serve S --latency-ms 300
serve Q # the same without latency
samples 12 >data.jsonl
free=(bench free --student "$S#student" --teacher "$S#teacher" data.jsonl --resamples 0 --json)
quick=(bench free --student "$Q#student" --teacher "$Q#teacher" data.jsonl --resamples 0 --json)
run 0 "uninterrupted" "${quick[@]}" --run whole.db
cp out whole.json
n_whole=$(n_requests Q)

# behind NAME DB OPTIONS...: runs beside us until the server has answered four requests of it.
behind() {
    local db=$1
    shift
    local n_before=$(n_requests S) k
    "$FIRE" "${free[@]}" --run "$db" "$@" >behind.out 2>behind.err </dev/null &
    pid=$!
    for ((k = 0; k < 1000; k++)); do
        [ "$(n_requests S)" -lt $((n_before + 4)) ] || break
        sleep 0.01
    done
}
# stopped NAME CODE: the process ends with the code.
stopped() {
    local got
    { wait $pid; } 2>/dev/null
    got=$?
    cp behind.out out
    cp behind.err err
    ok "$1: exit $2" test "$got" = "$2"
    ! grep -qE 'Sanitizer|runtime error|CRITICAL|GLib-' err || ok "$1: no crash" false
}
recorded() { json_of "$1" '$o->{usage}{requests}'; }
json_of() { "$FIRE" rescore "$1" --json --resamples 0 2>/dev/null | perl -MJSON::PP -e 'local $/; our $o = decode_json(<STDIN>); print eval($ARGV[0])' "$2"; }
# goes_on NAME DB: the same command finishes it, with the tables of the uninterrupted run.
goes_on() {
    run 0 "$1: goes on" "${quick[@]}" --run "$2"
    ok "$1: the tables of an uninterrupted run" same_results out whole.json
}

# Once: what is in flight is answered and kept.
for signal in INT TERM; do
    : >S.log
    behind "once-$signal.db" --jobs 3
    kill -$signal $pid
    stopped "$signal once" 1
    ok "$signal once: says what happens" says "in flight"
    ok "$signal once: and how to go on" says "of 12 dialogues unfinished; the same command goes on with them"
    ok "$signal once: the tables so far" json out '$o->{unfinished} > 0 && $o->{unfinished} + $o->{n} == 12'
    ok "$signal once: every answer is kept" test "$(recorded "once-$signal.db")" = "$(n_requests S)"
    run 0 "$signal once: runs" runs "once-$signal.db"
    n_before=$(n_requests Q)
    goes_on "$signal once" "once-$signal.db"
    ok "$signal once: nothing was asked again" test "$(($(n_requests Q) - n_before + $(n_requests S)))" = "$n_whole"
done

# Twice: at once; what was in flight is lost, and no more.
: >S.log
behind twice.db --jobs 3
kill -INT $pid
for ((k = 0; k < 1000; k++)); do
    ! grep -q "in flight" behind.err || break
    sleep 0.01
done
kill -INT $pid
stopped "INT twice" 1
ok "INT twice: says how to go on" says "the same command goes on with them"
sleep 0.4 # the server answers into the void
ok "INT twice: at most those in flight are lost" test "$(($(n_requests S) - $(recorded twice.db)))" -le 3
goes_on "INT twice" twice.db

# A second process.
behind locked.db --jobs 2
run 1 "a second process" "${free[@]}" --run locked.db
ok "a second process: says why" one_error "run 'locked.db' is in use by another process"
run 0 "a reader beside it" runs locked.db --json
ok "a reader beside it: sees what there is" json out '$o->{runs}[0]{run}{n_samples} == 12 && $o->{runs}[0]{unfinished} > 0'
run 0 "rescore beside it" rescore locked.db --json --resamples 0
run 0 "export beside it" export locked.db -o beside.jsonl
ok "the first goes on" kill -0 $pid
kill -KILL $pid
stopped "killed" 137
goes_on "killed" locked.db # its lock went with it
ok "killed: one plain file again" test ! -e locked.db-wal

# What must be the same, with what differs; nothing is sent, and the run stays as it is.
serve T
base=(bench free --student "$T#student" --teacher "$T#teacher" --resamples 0 --json --run base.db)
run 0 "base" "${base[@]}" data.jsonl
cp out base.json
"$FIRE" runs base.db --json >runs.json
: >T.log
mkdir prompts
{ cat "$here/share/prompts/student_question.txt"; echo more; } >prompts/student_question.txt
{ cat data.jsonl; samples 13 | tail -1; } >longer.jsonl
tac data.jsonl >turned.jsonl
other() { # NAME TEXT ARGUMENTS...
    local name=$1 text=$2
    shift 2
    run 2 "other $name" "$@"
    ok "other $name: says what differs" one_error "'base.db' holds another run: $text"
}
free=(bench free --resamples 0 --json --run base.db)
other "student" "student model is 'student' there and 'student2' here" "${free[@]}" --student "$T#student2" --teacher "$T#teacher" data.jsonl
other "teacher" "teacher model is 'teacher' there and 'teacher2' here" "${free[@]}" --student "$T#student" --teacher "$T#teacher2" data.jsonl
other "protocol" "protocol is 'paper' there and 'official' here" "${base[@]}" data.jsonl --protocol official
other "rule" "turns is '5' there and '3' here" "${base[@]}" data.jsonl --set turns=3
other "temperature" "student temperature is '0' there and '0.5' here" "${base[@]}" data.jsonl --temperature 0.5
other "length" "teacher max-tokens is '512' there and '64' here" "${base[@]}" data.jsonl --teacher-max-tokens 64
other "seed" "student seed is not set there and '1' here" "${base[@]}" data.jsonl --student-seed 1
other "top-p" "student top-p is not set there and '0.5' here" "${base[@]}" data.jsonl --student-top-p 0.5
other "body" "student extra-body is not set there and '{\"top_k\":1}' here" "${base[@]}" data.jsonl --student-extra-body '{"top_k":1}'
other "repairs" "repair is '1' there and '2' here" "${base[@]}" data.jsonl --repair 2
other "prompts" "prompt_hash is '" "${base[@]}" data.jsonl --prompts prompts
other "data, more of it" "data_hash is '" "${base[@]}" longer.jsonl
other "data, another order" "data_hash is '" "${base[@]}" turned.jsonl
other "data, twice" "data_hash is '" "${base[@]}" data.jsonl data.jsonl
other "command" "command is 'bench free' there and 'bench fixed' here" bench fixed --student "$T#student" --teacher "$T#teacher" data.jsonl --run base.db
ok "other runs: nothing was sent" test "$(n_requests T)" = 0
ok "other runs: the run is as it was" cmp runs.json <("$FIRE" runs base.db --json)

# What may change: address, keys, jobs, retries, time limits, and where the data lies.
mkdir moved
cp data.jsonl moved/renamed.jsonl
FIRE_API_KEY=sk-of-no-matter run 0 "what may change" bench free --student "$Q#student" --teacher "$Q#teacher" moved/renamed.jsonl --resamples 0 --json \
    --run base.db --jobs 1 --retries 0 --timeout 5 --dialogue-timeout 60 --max-failures 3
ok "what may change: the same results" same_results out base.json
ok "what may change: the run knows each session" json out '@{$o->{run}{sessions}} == 2 && $o->{run}{options}{jobs} eq "1" && $o->{run}{sessions}[0]{options}{jobs} eq "16"'

# Other numbers of jobs, other order: the same dialogues.
serve J --latency-ms 1 --latency-spread-ms 20
"$FIRE" export whole.db -o whole.jsonl 2>/dev/null
for jobs in 1 5 100; do
    run 0 "--jobs $jobs" bench free --student "$J#student" --teacher "$J#teacher" data.jsonl --resamples 0 --json --run "jobs$jobs.db" --jobs $jobs
    ok "--jobs $jobs: the same results" same_results out whole.json
    ok "--jobs $jobs: the same dialogues" cmp whole.jsonl <("$FIRE" export "jobs$jobs.db" -o - 2>/dev/null)
done

# On a terminal there is a progress line.
if command -v script >/dev/null; then
    script -qec "'$FIRE' bench free --student '$S#student' --teacher '$S#teacher' data.jsonl --resamples 0 --run terminal.db --jobs 6" /dev/null </dev/null >terminal 2>/dev/null
    ok "progress: done, in flight, tokens" grep -qE '[0-9]/12 dialogues, [0-9.]+/s, [0-9]:[0-9]{2} left, [1-6] in flight, [0-9]+ tokens' terminal
    ok "progress: gone at the end" grep -q "all (micro)" terminal
fi

# The fixed setting too.
"$FIRE" export whole.db -o dialogues.jsonl 2>/dev/null
fixed=(bench fixed --teacher "$Q#teacher" --student "$Q#student" dialogues.jsonl --json)
run 0 "fixed, uninterrupted" "${fixed[@]}" --run fixed.db
cp out fixed.json
: >S.log
"$FIRE" bench fixed --teacher "$S#teacher" --student "$S#student" dialogues.jsonl --json --run fixed2.db --jobs 3 >behind.out 2>behind.err &
pid=$!
for ((k = 0; k < 1000; k++)); do
    [ "$(n_requests S)" -lt 8 ] || break
    sleep 0.01
done
kill -KILL $pid
{ wait $pid; } 2>/dev/null
run 0 "fixed, killed, goes on" "${fixed[@]}" --run fixed2.db
ok "fixed, killed: the same results" same_results out fixed.json
finish

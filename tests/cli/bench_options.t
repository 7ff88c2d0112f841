#!/usr/bin/env bash
# fire bench: what each option does to the requests and the rules, and what is a usage error (2) before anything is sent.
. "$(dirname "$0")/../support/cli.sh"
serve S
student=$S#student teacher=$S#teacher
samples 2 >two.jsonl
i=0
# bench NAME OPTIONS...: a new run over two samples; its requests are then in new.log.
bench() {
    local name=$1
    shift
    : >S.log
    run 0 "$name" bench free --student "$student" --teacher "$teacher" two.jsonl --run "r$((i += 1)).db" --json --resamples 0 "$@"
    cp S.log new.log
}
# sent ROLE PERL: true of $p, what the role's requests held beside model and messages.
sent() { log_is new.log 'my @q = grep { $_->{model} =~ /^'"$1"'/ } @l; @q && all { my $p = $_->{params}; '"$2"' } @q'; }

bench "defaults"
for role in student teacher; do
    ok "defaults, $role: temperature 0 and 512 tokens, nothing else of sampling" sent $role '$p->{temperature} == 0 && $p->{max_tokens} == 512 && !grep { /top_p|seed|stop|penalty/ } keys %$p'
    ok "defaults, $role: not streamed" sent $role '!$p->{stream}'
done
bench "both roles" --temperature 0.5 --max-tokens 77 --top-p 0.25 --seed 9223372036854775807
for role in student teacher; do
    ok "both roles, $role" sent $role '$p->{temperature} == 0.5 && $p->{max_tokens} == 77 && $p->{top_p} == 0.25 && $p->{seed} eq "9223372036854775807"'
done
bench "one role" --temperature 0.5 --student-temperature 1 --teacher-max-tokens 64 --student-top-p 0.5 --teacher-seed -3
ok "one role, student" sent student '$p->{temperature} == 1 && $p->{max_tokens} == 512 && $p->{top_p} == 0.5 && !exists $p->{seed}'
ok "one role, teacher" sent teacher '$p->{temperature} == 0.5 && $p->{max_tokens} == 64 && !exists $p->{top_p} && $p->{seed} == -3'
bench "extra body" --extra-body '{"top_k":5,"chat_template_kwargs":{"enable_thinking":false}}' --teacher-extra-body '{"guided_regex":"Score.*"}'
ok "extra body, student" sent student '$p->{top_k} == 5 && !$p->{chat_template_kwargs}{enable_thinking} && $p->{max_tokens} == 512'
ok "extra body, teacher: its own" sent teacher '$p->{guided_regex} eq "Score.*" && !exists $p->{top_k}'
bench "extra body over sampling" --extra-body '{"max_completion_tokens":99,"temperature":0.125}'
ok "extra body over sampling" sent student '$p->{max_completion_tokens} == 99 && !exists $p->{max_tokens} && $p->{temperature} == 0.125'
bench "--api openai" --api openai

# Rules.
bench "--set" --set turns=2 --set no-gain=off --set threshold=10
ok "--set: what counts" json out '$o->{protocol}{turns} eq "2" && $o->{protocol}{"no-gain"} eq "off" && @{$o->{played}} == 2'
ok "--set: stored" json out '$o->{run}{settings}{threshold} eq "10"'
ok "--set: two rounds at most" log_is new.log 'all { 2 >= grep { $_->[0] eq "user" } @{$_->{texts}} } @l'
bench "teacher-history=full"
ok "teacher-history=full: more than one user turn" log_is new.log 'grep { my $q = $_; $q->{model} eq "teacher" && 1 < grep { $_->[0] eq "user" } @{$q->{texts}} } @l'
bench "--protocol official" --protocol official
ok "--protocol official: the teacher sees one round" sent teacher '1 == grep { $_->[0] eq "user" } @{$_->{texts}}'
ok "--protocol official: stored" json out '$o->{run}{settings}{protocol} eq "official" && $o->{protocol}{"score-parse"} eq "official"'
bench "feedback=full" --set feedback=full
ok "feedback=full: the student sees the score" log_is new.log 'grep { $_->{model} eq "student" && $_->{messages} > 1 && $_->{texts}[2][1] =~ /Score: \d/ } @l'
bench "feedback=comment"
ok "feedback=comment: it does not" log_is new.log '!grep { $_->{model} eq "student" && join("", map { $_->[1] } @{$_->{texts}}) =~ /Score: \d/ } @l'

# Repair requests.
repair=$(head -c 20 "$here/share/prompts/teacher_repair.txt")
printf '%s\n' "{\"role\":\"teacher\",\"match\":\"$repair\",\"text\":\"Score: 9.\\nFeedback: good\"}" '{"role":"teacher","text":"I like it."}' >script
serve R --script script
run 0 "no repair" bench free --student "$R#student" --teacher "$R#teacher" two.jsonl --run repair0.db --json
ok "no repair: unparsed is a result" json out '$o->{unparsed} == 2 && $o->{n} == 2 && $o->{failures} == 0'
run 0 "repair" bench free --student "$R#student" --teacher "$R#teacher" two.jsonl --run repair1.db --json --set parse-fail=retry
ok "repair: asked once more" json out '$o->{unparsed} == 0 && $o->{removed} == 2 && $o->{usage}{requests} == 6'
ok "repair: in the dialogue lines" test "$("$FIRE" export repair1.db -o - 2>/dev/null | grep -c '"repairs":1')" = 2
run 0 "--repair 0" bench free --student "$R#student" --teacher "$R#teacher" two.jsonl --run repair2.db --json --set parse-fail=retry --repair 0
ok "--repair 0" json out '$o->{unparsed} == 2'

# Prompts of one's own.
mkdir prompts broken
printf 'Look! {question} Say.\n' >prompts/student_question.txt
printf '{question} {answer}\n' >broken/student_question.txt
bench "--prompts" --prompts prompts
ok "--prompts: it is what the student sees" log_is new.log 'all { $_->{model} ne "student" || $_->{texts}[0][1] =~ /^Look! What is thing \d\? Say\.$/ } @l'
ok "--prompts: another hash" json out '$o->{run}{prompt_hash} ne "'"$(perl -MJSON::PP -e 'print decode_json(scalar `$ENV{FIRE} rescore r1.db --json`)->{run}{prompt_hash}')"'"'
: >S.log
run 1 "prompts that show the student the answer" bench free --student "$student" --teacher "$teacher" two.jsonl --run p.db --prompts broken
ok "prompts that show the student the answer: which" says "student_question.txt"
"$FIRE" bench free --student "$student" --teacher "$teacher" two.jsonl --run p.db --prompts absent >out 2>err
ok "prompts that are absent: not 0" test $? != 0
ok "prompts that are absent: which" one_error "absent"

# The time limit of a dialogue.
cat >dialogues.jsonl <<'END'
{"id":"d","source":"x","image":null,"question":"q","answer":"1","turns":[{"response":"r1","feedback":"Score: 3.\nFeedback: f1","score":3},{"response":"r2","feedback":"Score: 9.\nFeedback: f2","score":9}],"stop":"score"}
END
run 3 "--dialogue-timeout" bench free --student "$S#student-t" --teacher "$S#teacher!hang" two.jsonl --run slow.db --json --dialogue-timeout 1
ok "--dialogue-timeout: says so" says "failed: dialogue time limit"
ok "--dialogue-timeout: both" json out '$o->{failed} == 2 && $o->{usage}{requests} == 2'
# The first try of each of the teacher's two requests hangs.
slow=(bench fixed --student "$S#student-t" --teacher "$S#teacher!hang*1" dialogues.jsonl --run slow2.db --json --dialogue-timeout 1)
run 3 "fixed --dialogue-timeout" "${slow[@]}"
ok "fixed --dialogue-timeout: says so" says "failed: dialogue time limit"
ok "fixed --dialogue-timeout: what was answered is kept" json out '$o->{usage}{requests} == 2 && $o->{student}{n} == 1 && $o->{failures} == 1'
run 3 "fixed --dialogue-timeout, goes on" "${slow[@]}"
run 0 "fixed --dialogue-timeout, to the end" "${slow[@]}"
ok "fixed --dialogue-timeout, to the end: all of it" json out '$o->{usage}{requests} == 4 && $o->{teacher}{n} == 2 && $o->{failures} == 0'

# Usage errors: nothing is made, nothing is sent.
roles=(--student "$student" --teacher "$teacher")
n_before=$(n_requests S)
usage() { # NAME TEXT ARGUMENTS...
    local name=$1 text=$2
    shift 2
    run 2 "usage: $name" "$@"
    ok "usage: $name: says why" one_error "$text"
}
usage "no run" "--run" bench free "${roles[@]}" two.jsonl
usage "no data" "too few arguments" bench free "${roles[@]}" --run u.db
usage "no teacher" "--student and --teacher" bench free --student "$student" two.jsonl --run u.db
usage "a role twice" "--student is given twice" bench free "${roles[@]}" --student "$student" two.jsonl --run u.db
usage "no model name" "names no model" bench free --student "$S" --teacher "$teacher" two.jsonl --run u.db
usage "an empty model name" "names no model" bench free --student "$S#" --teacher "$teacher" two.jsonl --run u.db
usage "unknown model" "unknown model 'gpt'" bench free --student gpt --teacher "$teacher" two.jsonl --run u.db
usage "no host" "" bench free --student "http://#x" --teacher "$teacher" two.jsonl --run u.db
usage "credentials in the address" "credentials" bench free --student "http://user:sk-secret@127.0.0.1/v1#x" --teacher "$teacher" two.jsonl --run u.db
ok "usage: credentials are not quoted" not says sk-secret
usage "world without a role" "world:" bench free --student world:. --teacher "$teacher" two.jsonl --run u.db
usage "unknown api" "unknown --api 'azure'" bench free "${roles[@]}" --api azure two.jsonl --run u.db
usage "extra body, no JSON" "--extra-body" bench free "${roles[@]}" --extra-body '{' two.jsonl --run u.db
usage "extra body, no object" "--extra-body" bench free "${roles[@]}" --extra-body '[1]' two.jsonl --run u.db
usage "extra body with messages" "messages" bench free "${roles[@]}" --extra-body '{"messages":[]}' two.jsonl --run u.db
usage "unknown option" "--colour" bench free "${roles[@]}" --colour two.jsonl --run u.db
usage "unknown set" "colour" bench free "${roles[@]}" --set colour=red two.jsonl --run u.db
usage "value of set" "turns" bench free "${roles[@]}" --set turns=0 two.jsonl --run u.db
usage "unknown protocol" "mine" bench free "${roles[@]}" --protocol mine two.jsonl --run u.db
usage "common set, no baseline" "k-set=common" bench free "${roles[@]}" --set k-set=common two.jsonl --run u.db
usage "format" "pdf" bench free "${roles[@]}" --format pdf two.jsonl --run u.db
for pair in jobs=0 jobs=x timeout=0 timeout=-1 retries=-1 retries=1.5 repair=-1 max-failures=-1 dialogue-timeout=-1 temperature=-1 temperature=warm temperature=nan \
    top-p=2 max-tokens=0 max-tokens=1e3 seed=x resamples=-1 resample-seed=x baseline=0 student-temperature=11; do
    usage "--$pair" "" bench free "${roles[@]}" "--${pair%%=*}=${pair#*=}" two.jsonl --run u.db
done
ok "usage errors make no run" test ! -e u.db
ok "usage errors send nothing" test "$(n_requests S)" = "$n_before"
run 1 "a baseline that cannot be read, before the run" bench free "${roles[@]}" --baseline absent.jsonl two.jsonl --run u.db
ok "a baseline that cannot be read: nothing sent" test "$(n_requests S)" = "$n_before"
finish

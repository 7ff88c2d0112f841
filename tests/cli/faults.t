#!/usr/bin/env bash
# Each way in which a model server misbehaves (the table of tests/support/faults.c), through the whole chain: what passes is
# survived and leaves the tables as they were, what does not fails the dialogue with its reason, and odd answers are answers.
. "$(dirname "$0")/../support/cli.sh"
serve S
samples 2 >two.jsonl
tested=" "

# start NAME ARGUMENTS...: runs fire beside the others; `result CODE NAME` waits for it and takes its output.
declare -A pids
start() {
    local name=$1
    shift
    timeout 120 "$FIRE" bench free two.jsonl --run "$name.db" --json --resamples 0 --set turns=2 "$@" >"$name.out" 2>"$name.err" </dev/null &
    pids[$name]=$!
}
result() {
    wait "${pids[$2]}"
    local got=$?
    cp "$2.out" out
    cp "$2.err" err
    ok "$2: exit $1" test "$got" = "$1"
    ! grep -qE 'Sanitizer|runtime error|CRITICAL|GLib-' err || ok "$2: no crash" false
}
# Two files' values without what a fault may change: who was asked, and how often.
same_tables() {
    perl -MJSON::PP -e 'local $/; my @t = map { open my $f, "<", $_ or die; my $o = decode_json(<$f>); delete @$o{qw(run usage)};
        JSON::PP->new->canonical->pretty->encode($o) } @ARGV; exit 0 if $t[0] eq $t[1]; print @t; exit 1' "$1" "$2"
}
start plain --student "$S#student" --teacher "$S#teacher"
result 0 plain
cp out plain.json
"$FIRE" export plain.db -o plain.jsonl 2>/dev/null

# What passes: the first try of every request fails so. All at once, since each waits.
passing="429 429-seconds 429-float 429-date 429-ms 429-nonsense 429-hint 408 409 500 502-html 503-loading 529-empty 400-retry
    200-error 200-error-429 200-error-string 200-html 200-empty 200-list no-choices no-message choice-error abort reset
    truncated-json early-close bad-utf8 500-echo-key hang stall"
slow="hang stall 429-seconds 429-date" # of the student alone
for fault in $passing; do
    [[ " $slow " == *" $fault "* ]] && teacher=teacher || teacher="teacher!$fault*1"
    start "$fault" --student "$S#student!$fault*1" --teacher "$S#$teacher" --timeout $([[ $fault =~ hang|stall ]] && echo 1.5 || echo 60)
done
for fault in $passing; do
    result 0 "$fault"
    ok "$fault: the same tables" same_tables out plain.json
    ok "$fault: the same dialogues" cmp plain.jsonl <("$FIRE" export "$fault.db" -o - 2>/dev/null)
    # (A connection that is reset while it is reused is not even a try: the client opens another at once.)
    [[ " $slow reset " == *" $fault "* ]] && share=0.25 || share=1
    ok "$fault: the retries are counted" json out '$o->{usage}{retries} >= '$share' * $o->{usage}{requests} && $o->{usage}{failed} == 0'
    tested+="$fault "
done

# What does not, with as few tries as it takes.
failing='429-long|the server asks to wait 3600 s
429-quota|the quota is exhausted
429-daily|the quota is exhausted
402|Insufficient Balance
402-echo-key|has no money
500-final|HTTP 500: boom
400|HTTP 400: bad request
400-old-vllm|HTTP 400: old shape
400-context|exceeds the available context size
400-budget|is too large: 512
400-control|HTTP 400: a
400-echo-key|HTTP 400: key
401|HTTP 401: Unauthorized
403|HTTP 403: no
404|The model does not exist.
413-html|HTTP 413: a page: Request Too Large
422-detail|messages: field required
wider-refused|context length exceeded
no-budget|Unsupported parameter
200-error-400|bad picture
huge|longer than 16777216 bytes
redirect-loop|more than 5 redirects
redirect-other|another origin
redirect-302-other|another origin
redirect-nowhere|a redirect to nowhere'
while IFS='|' read -r fault text; do
    start "final-$fault" --student "$S#student!$fault" --teacher "$S#teacher"
done <<<"$failing"
# Passing ones that never pass, of the teacher.
for fault in 429 500 503-loading reset truncated-json early-close bad-utf8 200-html; do
    start "always-$fault" --student "$S#student" --teacher "$S#teacher!$fault" --retries 0
done
start always-hang --student "$S#student!hang" --teacher "$S#teacher" --retries 1 --timeout 1
# Odd answers, of the student.
answers="null-content empty-content no-content array-content nul-content length empty-length empty-length-small think
    think-close reasoning reasoning-content tool-calls null-finish no-usage null-usage part-usage echo-key close redirect-same
    no-max-tokens no-temperature no-seed no-top-p"
refusals="refusal content-filter 200-filter 400-filter"
for fault in $answers $refusals; do
    start "answer-$fault" --student "$S#student!$fault" --teacher "$S#teacher" --student-seed 1 --student-top-p 0.5
done
for fault in $refusals null-content length; do start "teacher-$fault" --student "$S#student" --teacher "$S#teacher!$fault"; done

while IFS='|' read -r fault text; do
    result 3 "final-$fault"
    ok "final-$fault: both dialogues failed" json out '$o->{n} == 0 && $o->{failed} == 2 && $o->{failures} == 2'
    ok "final-$fault: says why" says "$text"
    ok "final-$fault: not tried again" test "$(grep -c "\"model\":\"student!$fault\"" S.log)" -le $([[ $fault =~ loop|budget ]] && echo 12 || echo 2)
    tested+="$fault "
done <<<"$failing"
ok "what a server says cannot forge a line" not grep -q $'\x1b\|^fire: forged' final-400-control.err
for fault in 429 500 503-loading truncated-json early-close bad-utf8 200-html reset; do
    # Where there is not even an HTTP error, the endpoint never answered.
    result $([ $fault = reset ] && echo 1 || echo 3) "always-$fault"
    ok "always-$fault: failed, with the student's answer in the run" json out '$o->{failures} == 2 && $o->{usage}{failed} == 2 && $o->{usage}{requests} == 4'
done
result 1 always-hang
ok "always-hang: tried once more, and failed" json out '$o->{failures} == 2 && $o->{usage}{failed} == 2 && $o->{usage}{retries} == 2'
for fault in $answers; do
    result 0 "answer-$fault"
    ok "answer-$fault: an answer" json out '$o->{n} == 2 && $o->{failures} == 0'
    tested+="$fault "
done
for fault in $refusals; do
    result 0 "answer-$fault"
    ok "answer-$fault: a result, no failure" json out '$o->{n} == 2 && $o->{failures} == 0 && $o->{usage}{refused} == 2 && $o->{refused} == 2 && $o->{solved} == 0'
    ok "answer-$fault: how it ended" test "$("$FIRE" export "answer-$fault.db" -o - 2>/dev/null | grep -c '"stop":"refused"')" = 2
    result 0 "teacher-$fault"
    ok "teacher-$fault: a result, no failure" json out '$o->{n} == 2 && $o->{failures} == 0 && $o->{usage}{refused} == 2 && $o->{refused} == 2 && $o->{unparsed} == 0'
    tested+="$fault "
done
response() { "$FIRE" export "answer-$1.db" -o - 2>/dev/null | grep -cF "\"response\":\"$2\""; }
ok "null content is an empty answer" test "$(response null-content '')" = 2
ok "parts are joined" test "$(response array-content 'Answer: in parts')" = 2
ok "thoughts are kept apart" test "$(response think 'Answer: 7')" = 2
ok "a server without usage is counted" json answer-no-usage.out '$o->{usage}{without_usage} * 2 == $o->{usage}{requests}'
cp answer-length.out out
ok "a cut answer is marked" json out '$o->{usage}{truncated} == $o->{usage}{requests} / 2'
ok "in the dialogue lines too" test "$("$FIRE" export answer-length.db -o - 2>/dev/null | grep -c '"truncated":true')" = 2
result 0 teacher-null-content
ok "a teacher without words is unparsed" json out '$o->{unparsed} == 2'
result 0 teacher-length
for fault in seed top-p temperature; do
    ok "no-$fault: told once" test "$(grep -c "not sent" "answer-no-$fault.err")" = 1
    ok "no-$fault: the same dialogues" cmp plain.jsonl <("$FIRE" export "answer-no-$fault.db" -o - 2>/dev/null)
done

# The quota of one endpoint: one clear message, and nothing more is sent there.
samples 12 >twelve.jsonl
run 3 "quota" bench free --student "$S#student-q!429-quota" --teacher "$S#teacher" twelve.jsonl --run quota.db --jobs 1
ok "quota: one request" test "$(grep -c '"model":"student-q!429-quota"' S.log)" = 1
ok "quota: one message" test "$(grep -c "the quota is exhausted, nothing more is sent to" err)" = 1
ok "quota: all failed" test "$("$FIRE" runs quota.db --json 2>/dev/null | grep -o '"failures":[0-9]*')" = '"failures":12'

# Requests that the server finds fault with say nothing of the others: all are tried. One that fails at each is given up,
# but the same command gets further each time.
samples 50 >fifty.jsonl
run 3 "fifty bad requests" bench free --student "$S#student-b!400" --teacher "$S#teacher" fifty.jsonl --run bad.db --jobs 2 --json --resamples 0
ok "fifty bad requests: all were tried" json out '$o->{failed} == 50 && $o->{unfinished} == 0'
for want in "1 20" "1 40" "1 50"; do
    run "${want% *}" "${want#* } failures" bench free --student "$S#student-f!500-final" --teacher "$S#teacher" fifty.jsonl --run bad2.db --jobs 1 --json --resamples 0
    ok "${want#* } failures: so many were tried" test "$("$FIRE" runs bad2.db --json 2>/dev/null | grep -o '"failures":[0-9]*')" = "\"failures\":${want#* }"
done

# A fifth of all requests fails in one of the ways that pass.
samples 40 >forty.jsonl
serve F --fault-rate 0.2 --fault-seed 7
run 0 "no faults" bench free --student "$S#student" --teacher "$S#teacher" forty.jsonl --run none.db --json
cp out none.json
run 0 "a mix of faults" bench free --student "$F#student" --teacher "$F#teacher" forty.jsonl --run mix.db --json --jobs 40
ok "a mix of faults: there were some" test "$(grep -c '"fault":"' F.log)" -ge 30
ok "a mix of faults: every kind" test "$(grep -o '"fault":"[^"]*"' F.log | sort -u | wc -l)" -ge 8
ok "a mix of faults: the same tables" same_tables out none.json
"$FIRE" export none.db -o none.jsonl 2>/dev/null
ok "a mix of faults: the same dialogues" cmp none.jsonl <("$FIRE" export mix.db -o - 2>/dev/null)

# Nothing is left out.
tested+="429-quota-if-top-p 500-if-top-p " # needs a sampling option: tests/test_openai.c
for fault in $("$FIRE_TOOLS/fake_server" --faults); do
    [[ $tested == *" $fault "* ]] || ok "the fault '$fault' has a test" false
done
finish

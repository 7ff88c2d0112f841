#!/usr/bin/env bash
# fire rescore: by other rules it gives what a fresh run by them gives; where it cannot, it says so. Refusals and failures.
. "$(dirname "$0")/../support/cli.sh"

# Recorded turns whose text and list disagree, as a released record and as our lines.
cat >official.json <<'END'
[{"image":null,"question":{"role":"user","value":"q0"},"conversations":[
{"role":"student","type":"response","value":"Answer: w"},{"role":"teacher","type":"feedback","value":"Score: 7.5/10.\nFeedback: think about it more"},
{"role":"student","type":"response","value":"Answer: v is good now"},{"role":"teacher","type":"feedback","value":"Score: 10/10.\nFeedback: right so"}],
"groundtruth":{"role":"user","value":"a"},"source":"s0","round":2,"score":[0,1]},
{"image":null,"question":{"role":"user","value":"q1"},"conversations":[
{"role":"student","type":"response","value":"Answer: y"},{"role":"teacher","type":"feedback","value":"Score: 95.\nFeedback: think about it less"},
{"role":"student","type":"response","value":"Answer: z is good too"},{"role":"teacher","type":"feedback","value":"Score: 4.\nFeedback: wrong so"}],
"groundtruth":{"role":"user","value":"a"},"source":"s1","round":2,"score":[95,-3]}]
END
cat >lines.jsonl <<'END'
{"id":"a","source":"s0","image":null,"question":"q0","answer":"a","turns":[{"response":"r","feedback":"Score: 7.5.\nFeedback: f one"},{"response":"r","feedback":"Score: 7.5.\nFeedback: f two","score":6}]}
{"id":"b","source":"s1","image":null,"question":"q1","answer":"a","turns":[{"response":"r","feedback":"Score: 12.\nFeedback: f three"},{"response":"r","feedback":"Score: 3.\nFeedback: f four","score":null}]}
END
printf '%s\n' '{"id":"*","round":1,"text":"Score: 6.\nFeedback: think about it"}' '{"id":"*","round":2,"text":"Score: 9.5.\nFeedback: right"}' >teacher.jsonl
printf '%s\n' '{"id":"*","round":1,"text":"Answer: w"}' '{"id":"*","round":2,"text":"Answer: v is good"}' >student.jsonl
teacher=(bench fixed --teacher script:teacher.jsonl)

# The same numbers, whatever the run was played under.
rules=("" "label-score=field" "label-score=field score-range=any" "label-fail=official" "score-range=any" "feedback-text=whole")
options() { # RULES: the --set options
    local rule
    for rule in $1; do printf -- '--set\n%s\n' "$rule"; done
}
strip() { perl -MJSON::PP -e 'local $/; my $o = decode_json(<STDIN>); delete @$o{qw(run usage played_under)}; print JSON::PP->new->canonical->encode($o)'; }
for data in official.json lines.jsonl; do
    for ((i = 0; i < ${#rules[@]}; i++)); do
        mapfile -t set < <(options "${rules[i]}")
        run 0 "$data, a run under '${rules[i]}'" "${teacher[@]}" "$data" --run "$data.$i.db" --json "${set[@]}"
        strip <out >"fresh.$i"
    done
    for ((i = 0; i < ${#rules[@]}; i++)); do
        mapfile -t set < <(options "${rules[i]}")
        for from in 0 2; do
            mapfile -t own < <(options "${rules[from]}")
            run 0 "$data, rescore of '${rules[from]}' under '${rules[i]}'" rescore "$data.$from.db" --protocol paper --json "${set[@]}"
            strip <out >rescored
            ok "$data, rescore of '${rules[from]}' under '${rules[i]}': as a fresh run" cmp "fresh.$i" rescored
        done
    done
done
run 0 "labels from the text" rescore official.json.0.db --json
ok "labels from the text: |6-7.5|, |9.5-10|, none, |9.5-4|" json out '$o->{mae}{n} == 3 && $o->{mae}{no_label} == 1 && near($o->{mae}{mae}, 7.5 / 3)'
run 0 "labels from the list" rescore official.json.0.db --json --set label-score=field
ok "labels from the list: |6-0|, |9.5-1|; 95 and -3 are none" json out '$o->{mae}{n} == 2 && $o->{mae}{no_label} == 2 && near($o->{mae}{mae}, 14.5 / 2)'
run 0 "labels from the list, any range" rescore official.json.0.db --json --set label-score=field --set score-range=any
ok "labels from the list, any range: 95 and -3 count" json out '$o->{mae}{n} == 4 && near($o->{mae}{mae}, (6 + 8.5 + 89 + 12.5) / 4)'

# Played under other rules: a note, a warning, a key.
samples 4 >data.jsonl
free=(bench free --student script:student.jsonl --teacher script:teacher.jsonl data.jsonl)
run 0 "a free run" "${free[@]}" --run free.db --json
ok "a free run: played under its own" json out '!exists $o->{played_under}'
for change in threshold=10 turns=1 no-gain=off parse-fail=zero zero-score=stop feedback=full teacher-history=none score-parse=official score-range=1-10 stop-rule=gt; do
    run 0 "$change" rescore free.db --set $change --json
    ok "$change: a warning" says "'free.db' was played under protocol paper: by these rules (${change%%=*}) its dialogues would be others"
    ok "$change: the run's protocol" json out '$o->{played_under}{threshold} eq "8" && $o->{played_under}{protocol} eq "paper"'
done
run 0 "threshold=10 as text" rescore free.db --set threshold=10
ok "threshold=10 as text: in the note" prints "; played under protocol paper"
for change in final=best penalty=3 atr-divisor=penalty k-set=all first-fail=drop at-baseline=overall parse-fail=drop cider=words; do
    run 0 "$change" rescore free.db --set $change --json
    ok "$change: nothing to say" test ! -s err
    ok "$change: nothing in the JSON" json out '!exists $o->{played_under}'
done
run 0 "official" rescore free.db --protocol official
ok "official: all options named" says "(zero-score, score-range, score-parse, teacher-history)"
run 0 "a fixed run, threshold" rescore official.json.0.db --set threshold=10
ok "a fixed run, threshold: nothing to say" test ! -s err
run 0 "a fixed run, feedback" rescore official.json.0.db --set feedback=full
ok "a fixed run, feedback: said" says "(feedback)"
run 0 "a baseline by other rules" rescore free.db --baseline free.db --set threshold=10 --json
ok "a baseline by other rules: said" says "the baseline 'free.db' was played by other rules: threshold"

# Refused and failed turns of the fixed setting.
printf '%s\n' '{"id":"*","round":1,"outcome":"refused","text":"Score: 6. I will not."}' '{"id":"*","round":2,"text":"Score: 9.5.\nFeedback: right"}' >refuse.jsonl
run 0 "a teacher refuses" bench fixed --teacher script:refuse.jsonl lines.jsonl --run refuse.db --json
ok "a teacher refuses: counted, no score" json out '$o->{teacher}{refused} == 2 && $o->{teacher}{n} == 4 && $o->{mae}{n} == 2 && $o->{mae}{unparsed} == 1 && near($o->{mae}{mae}, (10 + 3.5) / 2)'
ok "a teacher refuses: what it says is no answer" json out '$o->{teacher}{by_source}{s0}{refused} == 1 && $o->{teacher}{bleu}{mean}[0] < 0.26'
printf '%s\n' '{"id":"*","round":2,"text":"Answer: v is good"}' >second.jsonl
run 3 "first turns fail" bench fixed --student script:second.jsonl official.json --run first.db --json
ok "first turns fail: in their own row" json out '$o->{student}{failed} == 0 && $o->{student}{n} == 2 && $o->{student}{first}{failed} == 2 && $o->{student}{first}{n} == 0 && !defined $o->{student}{first}{cider}{mean}'
run 0 "first turns fail, text" rescore first.db
ok "first turns fail, text: the row is there" grep -qE '^first turns apart +0 +0 +2 +- ' out
printf '%s\n' '{"id":"*","round":9,"text":"x"}' >silent.jsonl
run 1 "all fail" bench fixed --student script:silent.jsonl official.json --run none.db
ok "all fail: a table of counts" grep -qE '^all \(micro\) +0 +0 +2 +- ' out
printf '%s\n' '{"id":"s1","round":1,"outcome":"refused","text":"no"}' '{"id":"*","round":1,"text":"Answer: w"}' '{"id":"*","round":2,"text":"Answer: x"}' >unwilling.jsonl
run 0 "a student refuses" bench free --student script:unwilling.jsonl --teacher script:teacher.jsonl data.jsonl --run unwilling.db --json
ok "a student refuses: refused, not unparsed" json out '$o->{refused} == 1 && $o->{unparsed} == 0 && $o->{n} == 4'
run 0 "exported" export unwilling.db -o unwilling.dialogues
run 0 "score free of the export" score free unwilling.dialogues --json
ok "score free of the export: the same" json out '$o->{refused} == 1 && $o->{unparsed} == 0 && $o->{n} == 4'

# One CSV of both roles, with intervals.
run 0 "both roles" bench fixed --student script:student.jsonl --teacher script:teacher.jsonl official.json --run both.db --format csv --resamples 20
ok "both roles: one header" test "$(grep -c '^role,source,n,' out)" = 1
ok "both roles: rows of both" test "$(cut -d, -f1 out | sort | uniq -c | awk '{print $1 $2}' | tr '\n' ' ')" = "1role 5student 4teacher "
ok "both roles: as many fields everywhere" test "$(sed 's/"[^"]*"/x/g' out | awk -F, '{print NF}' | sort -u | wc -l)" = 1
run 0 "intervals" rescore both.db --json --resamples 20 --resample-seed 3
ok "intervals of both roles" json out 'all { my $c = $_; @{$c->{bleu}} == 4 && $c->{bleu}[0][0] <= $c->{bleu}[0][1] && @{$c->{cider}} == 2 } map { $o->{$_}{ci}, $o->{$_}{macro}{ci} } qw(student teacher)'
ok "intervals: the teacher's MAE" json out '@{$o->{teacher}{ci}{mae}} == 2 && !exists $o->{student}{ci}{mae} && $o->{resample_seed} == 3'
run 0 "no intervals" rescore both.db --json --resamples 0
ok "no intervals: empty" json out '!%{$o->{teacher}{ci}}'
finish

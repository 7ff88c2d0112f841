#!/usr/bin/env bash
# Every command: --help with all its options, usage errors, the version; and output that cannot be written.
. "$(dirname "$0")/../support/cli.sh"

"$FIRE" >out 2>err
ok "no command: exit 2" test $? = 2
ok "no command: the list of commands" prints "bench free"
for help in help --help -h; do
    run 0 "$help" $help
    ok "$help: the list of commands" prints "bench free"
done
run 2 "unknown command" frobnicate
ok "unknown command: says so" one_error "unknown command 'frobnicate'"
run 2 "half a command" bench
ok "half a command: says how it goes on" one_error "needs a second word: free, fixed"
run 2 "an empty word" ""

# Options of each command, as DESIGN.md 4 has them. A command that is not here fails below.
tables="--baseline --resamples --resample-seed --json --format --paper"
local="--vision-tower --weights --compute --memory --template"
sampling="temperature max-tokens top-p seed key-env key-file api extra-body"
bench="--student --teacher --run --images --protocol --set --prompts --jobs --timeout --dialogue-timeout --retries --repair --max-failures --rejects --strict --constrain $local $tables"
for option in $sampling; do bench+=" --$option --student-$option --teacher-$option"; done
input="--rejects --strict --max-failures"
declare -A options=(
    [import]="--from --images --output $input" [lint]="--images --no-images --json $input"
    [export]="--to --output --protocol --set --prompts $input" ["score text"]="--tokenizer --per-item --json $input"
    ["score tokens"]="--tokenizer" ["score mae"]="--json $input" ["score free"]="--threshold --turns --penalty --set --protocol $tables $input"
    ["bench free"]=$bench ["bench fixed"]=$bench [runs]="--json" [rescore]="--protocol --set $tables" [report]="--output $tables"
    [probe]="--model --adapter --image --greedy --logits-at --logits --features --json --prompt --prompt-file --messages --ids $local"
    [tokenize]="--model --no-special $input" [merge]="--output --vision-tower"
    [protocols]="--json" [demo]="" [world]="--n --seed --kind" [version]="--json"
)
mapfile -t commands < <("$FIRE" help | sed -nE 's/^  ([a-z]+( [a-z]+)?)  .*/\1/p')
ok "there are commands" test ${#commands[@]} -ge 16
for command in "${commands[@]}"; do
    # shellcheck disable=SC2086
    run 0 "$command --help" $command --help
    ok "$command --help: usage and summary" prints "fire $command"
    ok "$command: its options are known here" test -n "${options[$command]+x}"
    for option in ${options[$command]-} --help; do
        ok "$command --help: $option" grep -qE -- "(^| )$option(=|  |\$)" out
    done
    # shellcheck disable=SC2086
    run 2 "$command, an unknown option" $command --no-such-option
    ok "$command, an unknown option: named" one_error "--no-such-option"
done

run 0 "version" version
ok "version: one line" grep -qE '^fire [0-9]+\.[0-9]+\.[0-9]+ \([0-9a-f]{12}(-dirty)?|unknown\)$' out
run 0 "--version" --version
run 0 "version --json" version --json
ok "version --json: its keys" json out 'join(" ", sort keys %$o) eq "backends commit instruction_sets libraries version" && ref $o->{backends} eq "ARRAY" && ref $o->{instruction_sets} eq "ARRAY" && $o->{libraries}{sqlite} =~ /^3\./'

# Output that cannot be written: 1 and a line, whatever the command.
samples 2 >data.jsonl
printf '%s\n' '{"id":"*","round":1,"text":"Answer: 1"}' >student.jsonl
printf '%s\n' '{"id":"*","round":1,"text":"Score: 9.\nFeedback: yes"}' >teacher.jsonl
free=(bench free --student script:student.jsonl --teacher script:teacher.jsonl data.jsonl)
run 0 "a run" "${free[@]}" --run run.db
unwritable() { # NAME ARGUMENTS...
    local name=$1 got
    shift
    "$FIRE" "$@" >/dev/full 2>err
    got=$?
    : >out
    ok "$name > /dev/full: exit 1" test $got = 1
    ok "$name > /dev/full: a line" one_error "cannot write"
    "$FIRE" "$@" >&- 2>err
    got=$?
    ok "$name with stdout closed: exit 1" test $got = 1
    ok "$name with stdout closed: a line" one_error "cannot write"
}
unwritable "help" help
unwritable "version" version
unwritable "protocols" protocols
unwritable "runs" runs run.db
unwritable "rescore" rescore run.db --json
unwritable "export" export run.db -o -
unwritable "bench" "${free[@]}" --run run.db
unwritable "bench, a new run" "${free[@]}" --run "new.db"
run 0 "a run made with stdout closed" rescore new.db --json
ok "a run made with stdout closed: whole" json out '$o->{n} == 2'
"$FIRE" "${free[@]}" --run blind.db >out 2>&-
ok "stderr closed: exit 0" test $? = 0
run 0 "a run made with stderr closed" rescore blind.db
"$FIRE" rescore run.db 2>err | head -c 1 >/dev/null
ok "a reader that goes away: no crash" test "${PIPESTATUS[0]}" -le 1
run 1 "report to /dev/full" report run.db -o /dev/full
run 1 "export to /dev/full" export run.db -o /dev/full
echo '{"id":"bad"}' >>data.jsonl
run 1 "rejects to /dev/full" "${free[@]}" --run rejects.db --rejects /dev/full
finish

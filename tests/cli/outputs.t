#!/usr/bin/env bash
# No command writes two things into one file, nor bad records over its input, nor anything over a run.
. "$(dirname "$0")/../support/cli.sh"

samples 2 >data.jsonl
echo '{"id":"bad"}' >>data.jsonl
echo '{"id":"d","source":"s","image":null,"question":"q","answer":"a","turns":[{"response":"r","feedback":"f","score":3}]}' >dialogues.jsonl
echo '{"prediction":"a","references":["a"]}' >texts.jsonl
echo '{"label":1,"prediction":2}' >scores.jsonl
echo '{"text":"a"}' >tokens.jsonl
echo '[{"imgname":"1.png","query":"q","label":"3"}]' >test_human.json
mkdir folder
ln -s folder link
for input in data dialogues texts scores tokens; do cp $input.jsonl $input.kept; done

# same NAME ARGUMENTS...: usage error that says so, and nothing was touched.
same() {
    local name=$1
    shift
    run 2 "$name" "$@"
    ok "$name: says so" one_error "are the same file"
}
same "export" export dialogues.jsonl -o x --rejects x
same "export, spelled otherwise" export dialogues.jsonl -o folder/x --rejects ./link/../link/x
same "export to stdout" export dialogues.jsonl -o - --rejects -
same "export, rejects over the input" export dialogues.jsonl -o x --rejects dialogues.jsonl
same "import" import --from chartqa test_human.json -o x --rejects x
same "import, rejects over the input" import --from chartqa test_human.json -o x --rejects test_human.json
same "lint" lint data.jsonl --rejects data.jsonl
same "lint of two" lint dialogues.jsonl data.jsonl --rejects ./data.jsonl
same "score text" score text texts.jsonl --per-item x --rejects x
same "score text, rejects over the input" score text texts.jsonl --rejects texts.jsonl
same "score tokens" score tokens tokens.jsonl --rejects tokens.jsonl
same "score mae" score mae scores.jsonl --rejects scores.jsonl
same "score free" score free dialogues.jsonl --rejects dialogues.jsonl
ok "nothing was made" test ! -e x -a ! -e folder/x
for input in data dialogues texts scores tokens; do ok "$input is as it was" cmp $input.jsonl $input.kept; done

printf '%s\n' '{"id":"*","round":1,"text":"Answer: 1"}' >student.jsonl
printf '%s\n' '{"id":"*","round":1,"text":"Score: 9.\nFeedback: yes"}' >teacher.jsonl
run 3 "a run" bench free --student script:student.jsonl --teacher script:teacher.jsonl data.jsonl --run run.db
cp run.db run.kept
same "report over its run" report run.db -o run.db
same "export over its run" export run.db -o ./run.db
ok "the run is as it was" cmp run.db run.kept

# Files that are told apart, and devices.
run 0 "export over its input" export dialogues.jsonl -o dialogues.jsonl
run 0 "two devices" export dialogues.jsonl -o /dev/null --rejects /dev/null
run 3 "other names" lint data.jsonl --rejects x
ok "other names: the bad record" lines x 1
finish

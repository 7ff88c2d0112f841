#!/usr/bin/env bash
# fire export: layouts, options, ids over several files, bad records, outputs that stay away.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
ok() { # ok NAME COMMAND...: the command succeeds
    n=$((n + 1))
    if "${@:2}"; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}
run() { # run ARGS...: err and code of fire export; what it prints on stdout counts as wrong
    "$FIRE" export "$@" >"$dir/stdout" 2>"$dir/err"
    code=$?
    [ -s "$dir/stdout" ] && code="$code with output"
}
says() { grep -qF -- "$1" "$dir/err"; }
usage() { [ "$code" = 2 ] && [ "$(wc -l <"$dir/err")" = 1 ] && says "$1"; }
# json FILE EXPRESSION: a Perl expression over the decoded value $o
json() {
    perl -MJSON::PP -e 'local $/; open my $f, "<", $ARGV[0]; my $o = decode_json(<$f>); exit(eval($ARGV[1]) ? 0 : 1)' "$1" "$2"
}

line='{"id":"a","source":"s","image":"i.png","question":"q","answer":"x","turns":[{"response":"r1","feedback":"Score: 3.\nFeedback: f1","score":3},{"response":"r2","feedback":"Score: 9.\nFeedback: f2","score":9}],"stop":"score"}'
one='{"id":"b","source":"s","image":"i.png","question":"q","answer":"x","turns":[{"response":"r1","feedback":"Score: 9.\nFeedback: f1","score":9}],"stop":"score"}'
sample='{"id":"c","source":"s","image":null,"question":"q","answer":"x"}'
printf '%s\n' "$line" >"$dir/in.jsonl"

run "$dir/in.jsonl" -o "$dir/out"
ok "our lines come back to the byte" cmp -s "$dir/in.jsonl" "$dir/out"
ok "exit 0" test "$code" = 0
run --to fire "$dir/in.jsonl" -o "$dir/out"
ok "fire: counts, scores, id" json "$dir/out" \
    '@$o == 1 && $o->[0]{round} == 2 && "@{$o->[0]{score}}" eq "3 9" && $o->[0]{id} eq "a" && $o->[0]{question}{value} eq "q"'
run --to fire-student "$dir/in.jsonl" -o "$dir/out"
ok "fire-student: protocol paper has r1 as assistant" json "$dir/out" \
    'join(" ", map { "$_->{from}:$_->{value}" } @{$o->[0]{conversations}}) eq "human:<image>\nq gpt:r1 human:f1 gpt:r2"'
run --to fire-student --set r1-role=user "$dir/in.jsonl" -o "$dir/out"
ok "fire-student: r1-role=user" json "$dir/out" \
    'join(" ", map { "$_->{from}:$_->{value}" } @{$o->[0]{conversations}}) eq "human:<image>\nq human:r1 human:f1 gpt:r2"'
run --to fire-student --protocol official "$dir/in.jsonl" -o "$dir/out"
ok "fire-student: protocol official" json "$dir/out" '$o->[0]{conversations}[1]{from} eq "human"'
run --to fire-teacher "$dir/in.jsonl" -o "$dir/out"
ok "fire-teacher" json "$dir/out" '@{$o->[0]{conversations}} == 6 && $o->[0]{conversations}[0]{value} eq "Question: <image>\nq\nGroundtruth: x"
    && $o->[0]{conversations}[1]{value} =~ /Score: .*\nFeedback: / && $o->[0]{conversations}[5]{value} eq "Score: 9.\nFeedback: f2"'
printf '%s\n' "$sample" >"$dir/sample.jsonl"
run --to llava "$dir/sample.jsonl" "$dir/in.jsonl" -o "$dir/out"
ok "llava: samples will do" json "$dir/out" '@$o == 2 && !exists $o->[0]{image} && $o->[1]{conversations}[1]{value} eq "x"'

# Nothing to learn in a dialogue of one turn where r1 stands on the human side.
printf '%s\n' "$one" "$line" >"$dir/two.jsonl"
run --to fire-student --set r1-role=user --rejects "$dir/rejects" "$dir/two.jsonl" -o "$dir/out"
ok "no-target: 3, named" test "$code" = 3
ok "no-target: named" says "two.jsonl: record 1 (b): no-target"
ok "no-target: rejected verbatim" cmp -s "$dir/rejects" <(printf '%s\n' "$one")
ok "the rest goes on" json "$dir/out" '@$o == 1 && $o->[0]{id} eq "a"'

# Ids are unique over all files.
run "$dir/in.jsonl" "$dir/in.jsonl" "$dir/in.jsonl" -o "$dir/out"
ok "repeated ids are replaced" test "$(grep -o '"id":"[^"]*"' "$dir/out" | sort -u | wc -l)" = 3
ok "by the source and a hash" grep -qE '"id":"s-[0-9a-f]{12}-2"' "$dir/out"

# Bad input.
run "$dir/sample.jsonl" -o "$dir/out"
ok "a sample is no dialogue" test "$code" = 3
ok "and that is said" says "no-turns"
echo old >"$dir/kept"
printf '[%s' "$line" >"$dir/open.json"
run "$dir/open.json" -o "$dir/kept"
ok "a file that cannot be used: 1" test "$code" = 1
ok "the output stays as it was" test "$(cat "$dir/kept")" = old
ok "nothing else is left" test "$(find "$dir" -name 'kept*' | wc -l)" = 1
printf '%s\n{\n' "$line" >"$dir/bad.jsonl"
run --strict "$dir/bad.jsonl" -o "$dir/kept"
ok "--strict: 1, the output stays as it was" test "$code $(cat "$dir/kept")" = "1 old"
run "$dir/in.jsonl" -o /nowhere/out
ok "output cannot be written: 1" test "$code" = 1
run "$dir/in.jsonl"
ok "no output: usage" usage "-o OUT"
run --to sharegpt "$dir/in.jsonl" -o "$dir/out"
ok "unknown layout: usage" usage "unknown layout 'sharegpt'"
run --set r1-role=teacher "$dir/in.jsonl" -o "$dir/out"
ok "wrong value: usage" usage "r1-role"
"$FIRE" export "$dir/in.jsonl" -o - >"$dir/out" 2>/dev/null
ok "-o - is standard output" cmp -s "$dir/in.jsonl" "$dir/out"

# Official -> ours -> official, as decoded values, with keys that nobody knows.
records=$FIRE_SHARED/data/fire-official/records.json
if [ -f "$records" ]; then
    perl -MJSON::PP -e 'local $/; open my $f, "<", $ARGV[0]; my $o = decode_json(<$f>);
        for my $r (@$o) { $r->{"new key"} = [1, undef, {a => "b"}]; $r->{question}{more} = 1; $_->{seen} = "yes" for @{$r->{conversations}} }
        print encode_json($o)' "$records" >"$dir/more.json"
    for file in "$records" "$dir/more.json"; do
        "$FIRE" export "$file" -o "$dir/ours.jsonl" 2>/dev/null
        "$FIRE" export --to fire "$dir/ours.jsonl" -o "$dir/back.json" 2>/dev/null
        ok "$(basename "$file"): 121 lines between" test "$(wc -l <"$dir/ours.jsonl")" = 121
        ok "$(basename "$file"): the same again" perl -MJSON::PP -e 'local $/; my @t = map { open my $f, "<", $_; JSON::PP->new->canonical->encode(decode_json(<$f>)) } @ARGV;
            exit($t[0] ne $t[1])' "$file" "$dir/back.json"
    done
fi
echo "1..$n"

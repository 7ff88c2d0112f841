#!/usr/bin/env bash
# fire protocols: the table, effective values, JSON, wrong usage.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
ok() { # ok NAME COMMAND...: the command succeeds
    n=$((n + 1))
    if "${@:2}"; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}
run() { # run ARGS...: out, err and code of fire protocols
    "$FIRE" protocols "$@" >"$dir/out" 2>"$dir/err"
    code=$?
}
row() { grep -qE "$1" "$dir/out"; }
fails() { # fails MESSAGE: usage error, one line, nothing on stdout
    [ "$code" = 2 ] && [ ! -s "$dir/out" ] && [ "$(wc -l <"$dir/err")" = 1 ] && grep -qF -- "$1" "$dir/err"
}
# json EXPRESSION: a Perl expression over the decoded object $o, options by name in %o
json() {
    perl -MJSON::PP -e 'local $/; my $o = decode_json(<STDIN>); my %o = map { $_->{name} => $_ } @{$o->{options}};
        exit(eval($ARGV[0]) ? 0 : 1)' "$1" <"$dir/out"
}

run
ok "exit 0, nothing on stderr" test "$code" = 0 -a ! -s "$dir/err"
ok "29 options under one heading" test "$(wc -l <"$dir/out")" = 30
ok "no column of effective values" row '^option +paper +official +row '
ok "a row: paper, official, row of the paper's table" row '^lora-targets +q,k +q,k,v +26 '
ok "a number's range" row '^turns +5 +5 +6 .*\(1 \.\. 100\)$'
ok "a choice's values" row '^no-gain +le +le +3, 4 .*\(le lt off\)$'

run --protocol official --set turns=3 --set parse-fail=zero --set turns=2 --set lora-targets=q,k,v,o,gate,up,down
ok "effective: exit 0" test "$code" = 0
ok "effective: the last --set wins" row '^turns +2 +5 +5 '
ok "effective: overridden" row '^parse-fail +zero +stop +stop '
ok "effective: of the named protocol" row '^teacher-history +none +full +none '
ok "effective: the columns stand under their headings" awk 'NR == 1 { p = index($0, "paper") }
    NR > 1 && (substr($0, p, 1) == " " || substr($0, p - 1, 1) != " ") { bad = 1 } END { exit bad }' "$dir/out"

run --json
ok "json: exit 0, one line" test "$code" = 0 -a "$(wc -l <"$dir/out")" = 1
ok "json: all options" json '@{$o->{options}} == 29 && $o->{protocol} eq "paper"'
ok "json: values in order" json 'join(" ", @{$o{"parse-fail"}{values}}) eq "stop zero retry drop repeat-last"'
ok "json: range of a number" json '$o{turns}{min} == 1 && $o{turns}{max} == 100 && !$o{turns}{values}'
ok "json: both protocols" json '$o{"score-range"}{paper} eq "0-10" && $o{"score-range"}{official} eq "any"'
ok "json: the default is paper's" json '!grep { $_->{value} ne $_->{paper} } @{$o->{options}}'
run --protocol official --json
ok "json: official" json '$o->{protocol} eq "official" && !grep { $_->{value} ne $_->{official} } @{$o->{options}}'
run --set feedback=full --json
ok "json: overridden" json '$o{feedback}{value} eq "full" && $o{feedback}{paper} eq "comment"'

run --protocol mine
ok "unknown protocol" fails "unknown protocol 'mine' (paper, official)"
run --set turn=3
ok "unknown option" fails "unknown protocol option 'turn'"
run --set turns=0
ok "value out of range" fails "'0' is not a whole number from 1 to 100"
run --set turns
ok "no assignment" fails "'turns' is not NAME=VALUE"
run --set no-gain=maybe --json
ok "unknown value" fails "option 'no-gain' has no value 'maybe' (le, lt, off)"
run extra
ok "an argument" fails "unexpected argument 'extra'"
run --colour
ok "unknown flag" fails "--colour"
run --help
ok "help" test "$code" = 0 -a -s "$dir/out" -a ! -s "$dir/err"
ok "fire help names it" eval '"$FIRE" help | grep -q "^  protocols "'
echo "1..$n"

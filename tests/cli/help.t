#!/usr/bin/env bash
# fire help, --help and docs/commands.md say the same: commands, arguments, options and their values, keys of JSON objects.
set -u
n=0
page=$(cd "$(dirname "$0")/../.." && pwd)/docs/commands.md
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

ok() { # STATUS NAME: on failure shows `out` and `err`
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
        echo "not ok $n - $2"
        sed 's/^/# /' out err 2>/dev/null
    fi
}
# same A B NAME: are two files equal?
same() {
    diff -U 0 --label "$1" --label "$2" "$1" "$2" >out
    ok $? "$3"
}

# The lines under heading `$1` ("## fire lint", "### Table options") of page `$2`, up to the next heading.
section() { awk -v title="$1" '/^##/ { inside = $0 == title; next } inside' "$2"; }

# Option rows of a part of the page on stdin as "-o" and "--name VALUE" lines. A row names its options in its first cell;
# `--[student-|teacher-]x` stands for three.
written_options() {
    grep '^| `-' | sed 's/\\|/\x01/g' | cut -d '|' -f 2 | grep -o '`[^`]*`' | tr -d '`' | tr '\001' '|' |
        sed -n 's/^--\[student-|teacher-\]\(.*\)/--\1\n--student-\1\n--teacher-\1/; p' | sort
}

# The options of command `$1` on page `$2`: its own rows and those of the groups that its section links to.
documented() {
    section "## fire $1" "$2" >section
    written_options <section
    grep -o '(#[a-z]*-options)' section | tr -d '(#)' | sort -u | while read -r group; do
        group=${group/-/ }
        section "### ${group^}" "$2" | written_options
    done
}

# The options that --help of command `$1` prints, in the same form.
printed() {
    # shellcheck disable=SC2086
    "$FIRE" $1 --help | sed -n 's/^  \(-[a-z], \)\?\(--[a-z-]*\)\(=[^ ]*\)\? .*/\1\2\3/p' | grep -v -e '--help$' |
        sed 's/^\(-[a-z]\), /\1\n/; s/=/ /' | sort
}

# compare COMMAND PAGE: its options on the page (there) and in --help (here).
compare() {
    documented "$1" "$2" | sort -u >there
    printed "$1" >here
    cmp -s there here
}

"$FIRE" help | sed -n 's/^  \(.\{14\}\) .*/\1/p' | sed 's/ *$//' >commands
[ "$(wc -l <commands)" -ge 16 ]; ok $? "fire help lists the commands"
sed -n 's/^## fire //p' "$page" | sort >there
sort commands >here
same there here "docs/commands.md has a section for each command, and no other"

while read -r command; do
    compare "$command" "$page"
    same there here "fire $command: options"
    # shellcheck disable=SC2086
    usage=$("$FIRE" $command --help | sed -n '2s/^ *//; 2s/\[OPTION…\]//; 2s/  */ /g; 2s/ *$//; 2p')
    section "## fire $command" "$page" | grep -qxF "    $usage"
    ok $? "fire $command: arguments ('$usage')"
    # shellcheck disable=SC2086
    "$FIRE" help $command | cmp -s - <("$FIRE" $command --help)
    ok $? "fire help $command"
done <commands

# Every group is used, and this test sees what is wrong: a row too many, one too few, another value.
grep -o '^### .* options$' "$page" | sed 's/^### //; s/ /-/' | tr '[:upper:]' '[:lower:]' | while read -r group; do
    grep -q "(#$group)" "$page" || echo "$group"
done >out
[ ! -s out ]; ok $? "every group of options belongs to a command"
sed 's/^| `--no-images`/| `--invented`/' "$page" >page
! compare lint page; ok $? "an invented option is seen"
grep -v '^| `--strict`' "$page" >page
! compare lint page; ok $? "a missing option is seen"
sed 's/`--per-item FILE`/`--per-item DIR`/' "$page" >page
! compare "score text" page; ok $? "another value is seen"

# Keys of JSON objects; those of settings, sources, causes, models and libraries are data.
"$FIRE" world w --n 3 >out 2>err
{
    "$FIRE" bench free --student world:w#novice --teacher world:w#oracle w/samples.jsonl --run free.db --paper --json
    "$FIRE" export free.db -o d.jsonl
    "$FIRE" bench fixed --student world:w#novice --teacher world:w#oracle d.jsonl --images w --run fixed.db --json --paper
    "$FIRE" runs --json free.db
    "$FIRE" lint --json d.jsonl --images w
    "$FIRE" protocols --json
    "$FIRE" version --json
    echo '{"prediction":"a","references":["a"]}' | "$FIRE" score text - --json
    echo '{"label":1,"prediction":1}' | "$FIRE" score mae - --json
} >objects 2>err
perl -MJSON::PP -ne '
    sub walk {
        my ($value, $hidden) = @_;
        if (ref $value eq "ARRAY") { walk($_, 0) for @$value }
        return if ref $value ne "HASH";
        for my $key (sort keys %$value) {
            print "$key\n" if !$hidden;
            next if $key eq "protocol" && ref $value->{$key};
            walk($value->{$key}, $key =~ /^(by_source|by_cause|settings|options|paper|libraries)$/ && ref $value->{$key} eq "HASH");
        }
    }
    walk(decode_json($_), 0) if /^\{/' objects | sort -u >keys
[ "$(wc -l <keys)" -ge 60 ]; ok $? "the commands print JSON"
while read -r key; do grep -qF -e "\`$key\`" -e "\"$key\"" "$page" || echo "$key"; done <keys >out
[ ! -s out ]; ok $? "every key of a JSON object is described"

# What a newcomer may type.
"$FIRE" bench >out 2>err
[ $? -eq 2 ] && grep -qF "'bench' needs a second word: free, fixed" err; ok $? "half a command"
"$FIRE" help frob >out 2>err
[ $? -eq 2 ] && grep -qF "unknown command 'frob'" err; ok $? "help of an unknown command"
"$FIRE" >out 2>err
[ $? -eq 2 ] && grep -q '^usage: ' out; ok $? "no command: usage"
{ sleep 0.2; "$FIRE" protocols 2>err; } | true
[ ! -s err ]; ok $? "a reader that has gone is nothing to complain of"
"$FIRE" protocols >/dev/full 2>err
[ $? -eq 1 ] && grep -q 'cannot write' err; ok $? "a full disk is"
echo "1..$n"

#!/usr/bin/env bash
# fire bench free on the 121 official dialogues with their pictures, and all that is made from its run: tables in each form,
# rescore, report, runs, export, and the same numbers by fire score free.
. "$(dirname "$0")/../support/cli.sh"
official=$FIRE_SHARED/data/fire-official
if [ ! -f "$official/records.json" ]; then
    echo "1..0 # skip '$official' is absent"
    exit 0
fi
data=("$official/records.json" --images "$official/images")
serve S
roles=(--student "$S#student" --teacher "$S#teacher")

run 0 "free" bench free "${roles[@]}" "${data[@]}" --run free.db --json --resamples 200
cp out free.json
ok "nothing on stderr" test ! -s err
ok "one line" lines out 1
ok "the keys of score free, in order" grep -qE '^\{"n":[0-9]+,"removed":[0-9]+,"k":[0-9]+,"at_rounds":[0-9.]+,"at":null,"adr":[0-9.-]+,"atr":[0-9.-]+,"atr_all":[0-9.-]+,"rr":[0-9.]+,"unparsed":[0-9]+,' out
ok "and of bench free" json out 'all { exists $o->{$_} } qw(by_source ci run protocol usage failures)'
ok "ci: a pair for each metric, null without a baseline" json out \
    'join(" ", sort keys %{$o->{ci}}) eq "adr at at_rounds atr atr_all rr" && !defined $o->{ci}{at} && @{$o->{ci}{rr}} == 2 && $o->{ci}{rr}[0] <= $o->{rr} && $o->{rr} <= $o->{ci}{rr}[1]'
ok "121 samples of 19 sources" json out '$o->{n} == 121 && $o->{removed} + $o->{k} == 121 && keys %{$o->{by_source}} == 19 && sum(map { $_->{n} } values %{$o->{by_source}}) == 121'
ok "by_source has the same keys" json out 'my $k = "n removed k at_rounds at adr atr atr_all rr unparsed ci"; all { my $s = $_; all { exists $s->{$_} } split / /, $k } values %{$o->{by_source}}'
ok "protocol, usage, failures" json out '$o->{protocol}{protocol} eq "paper" && $o->{protocol}{"no-gain"} eq "le" && $o->{failures} == 0 && $o->{usage}{requests} == '"$(n_requests S)"' && $o->{usage}{failed} == 0'
ok "every reply was counted" json out '$o->{usage}{without_usage} == 0 && $o->{usage}{prompt_tokens} > 0 && $o->{usage}{completion_tokens} > 0'
ok "the run says what it is" json out '$o->{run}{command} eq "bench free" && $o->{run}{data_hash} =~ /^[0-9a-f]{64}$/ && $o->{run}{prompt_hash} =~ /^[0-9a-f]{64}$/ && $o->{run}{settings}{"student model"} eq "student" && $o->{run}{n_samples} == 121'

# What the models were shown.
cat >shown.pl <<'PERL'
use JSON::PP;
use Digest::SHA qw(sha256_hex);
local $/;
my ($records, $images, $log) = @ARGV;
sub slurp { open my $f, "<:raw", $_[0] or die "$_[0]: $!"; <$f> }
my %digests;
for my $r (@{decode_json(slurp($records))}) {
    s/<image>//, s/^\s+|\s+$//g for $r->{question}{value}; # the released mark is no part of the question
    push @{$digests{sha256_hex(slurp("$images/$r->{image}"))}}, $r;
}
$/ = "\n";
my ($students, $teachers) = (0, 0);
open my $f, "<", $log or die;
for my $q (map { decode_json($_) } <$f>) {
    my $found = $digests{$q->{picture}{digest}} or die "a picture that no record has";
    my $all = join "\n", map { $_->[1] } @{$q->{texts}};
    # Neither can be told apart by the question where two records share the picture.
    my @fits = grep { index($all, $_->{question}{value}) >= 0 } @$found or die "a picture with another's question: $all";
    if ($q->{model} eq "student") {
        $students++;
        # Beyond the question, which may list it as a choice; a short one may be a word of the prompt.
        for (@fits) {
            my ($rest, $truth) = ($all, $_->{groundtruth}{value});
            $rest =~ s/\Q$_->{question}{value}//g;
            die "the student saw '$truth' in '$rest'" if length $truth >= 8 && index($rest, $truth) >= 0;
        }
    } else {
        $teachers++;
        grep { index($all, $_->{groundtruth}{value}) >= 0 } @fits or die "the teacher did not see the ground truth";
    }
}
die "$students $teachers" unless $students >= 121 && $students == $teachers;
PERL
ok "each record's own picture and question; the ground truth to the teacher alone" perl shown.pl "$official/records.json" "$official/images" S.log
ok "pictures go as JPEG or PNG" log_is S.log 'all { $_->{picture}{mime} =~ m{^image/(jpeg|png)$} } @l'
ok "nothing was asked twice" log_is S.log 'all { $_->{try} == 1 } @l'

# The same again: no request, the same tables.
n_before=$(n_requests S)
run 0 "again" bench free "${roles[@]}" "${data[@]}" --run free.db --json --resamples 200
ok "again: the same results" same_results free.json out
ok "again: no request" test "$(n_requests S)" = "$n_before"

# rescore
run 0 "rescore" rescore free.db --json --resamples 200
ok "rescore: the same results" same_results free.json out
run 0 "rescore, other options" rescore free.db --json --resamples 0 --set threshold=10
ok "rescore: fewer are solved at 10" json out '$o->{protocol}{threshold} eq "10" && $o->{solved} < '"$(perl -MJSON::PP -e 'print decode_json(<>)->{solved}' free.json)"
run 0 "rescore, official" rescore free.db --json --resamples 0 --protocol official
ok "rescore: protocol official" json out '$o->{protocol}{protocol} eq "official" && $o->{protocol}{"score-range"} eq "any" && $o->{n} == 121'
run 2 "rescore, unknown option" rescore free.db --set colour=red
run 2 "rescore, unknown protocol" rescore free.db --protocol mine
run 0 "free as text" bench free "${roles[@]}" "${data[@]}" --run free.db --resamples 200
cp out free.txt
run 0 "rescore as text" rescore free.db --resamples 200
ok "rescore: the same text" cmp free.txt out

# export, then score free: the same numbers.
run 0 "export" export free.db -o dialogues.jsonl
ok "export: 121 dialogues" lines dialogues.jsonl 121
run 0 "score free" score free dialogues.jsonl --json --resamples 200
ok "score free: the same numbers" perl -MJSON::PP -e 'local $/; my @t = map { open my $f, "<", $_ or die; my $o = decode_json(<$f>);
    delete @$o{qw(run usage failures rejected unfinished)}; JSON::PP->new->canonical->pretty->encode($o) } @ARGV; exit 0 if $t[0] eq $t[1]; print @t; exit 1' free.json out
run 0 "export to fire" export --to fire free.db -o back.json
ok "export to fire: records as released" json back.json '@$o == 121 && $o->[0]{round} == @{$o->[0]{score}} && $o->[0]{question}{role} eq "user" && @{$o->[0]{conversations}} == 2 * $o->[0]{round}'
run 0 "export to fire-teacher" export --to fire-teacher free.db -o teacher.json
run 2 "export without -o" export free.db

# runs, report
mkdir many
cp free.db many/a.db
cp free.db many/b.db
echo "no run" >many/notes.txt
run 0 "runs of a folder" runs many --json
ok "runs: both, in order" json out '@{$o->{runs}} == 2 && $o->{runs}[0]{run}{path} eq "many/a.db" && $o->{runs}[1]{run}{path} eq "many/b.db" && $o->{runs}[0]{run}{n_ended} == 121'
run 0 "runs as text" runs many free.db
ok "runs: a row each" test "$(grep -c 'bench free' out)" = 3
ok "runs: done" prints "121/121"
run 1 "runs: what is none" runs many/notes.txt free.db
ok "runs: the others are listed" prints "free.db"
run 1 "runs: absent" runs absent.db
for form in json csv md txt; do
    run 0 "report .$form" report free.db -o "report.$form" --resamples 200
    ok "report .$form: nothing on stdout" test ! -s out
done
ok "report: .json" same_results free.json report.json
ok "report: .txt" cmp free.txt report.txt
ok "report: .csv has a row a source and two of all" lines report.csv 22
ok "report: .csv has the header's fields in each line" perl -ne 's/"[^"]*"/x/g; my $k = tr/,//; $n //= $k; $bad = 1 if $k != $n; END { exit($bad || !$n) }' report.csv
ok "report: .csv has the rule" grep -q '"protocol paper; 95% intervals: 200 resamples of pictures, seed 1' report.csv
ok "report: .md is a table" grep -qE '^\| all \(micro\) +\| +121 \|' report.md
run 0 "report --format" report free.db -o odd.name --format csv --resamples 200
ok "report: --format decides" cmp report.csv odd.name
run 2 "report without -o" report free.db
run 2 "report, unknown format" report free.db -o x --format pdf
run 1 "report into no folder" report free.db -o absent/x.txt
run 1 "report of no run" report "$official/records.json" -o x.txt
ok "report: nothing is left" test ! -e x.txt
run 0 "csv" rescore free.db --format csv --resamples 200
ok "csv on stdout" cmp report.csv out
run 0 "markdown" rescore free.db --format markdown --resamples 200
ok "markdown on stdout" cmp report.md out
run 0 "--format json" rescore free.db --format json --resamples 200
ok "--format json is --json" same_results free.json out
run 2 "unknown format" rescore free.db --format pdf

# --paper, --baseline
run 0 "paper" rescore free.db --paper --json --resamples 0
ok "paper: the published numbers" json out '$o->{paper}{"FIRE-LLaVA-8B"}{at} == 0.84 && ref $o->{by_source}{gqa}{paper} eq "HASH"'
run 0 "paper as text" rescore free.db --paper --resamples 0
ok "paper: beside ours" prints "0.84 / 1.56 / 0.66 / 0.39"
rounds=$(perl -MJSON::PP -e 'print decode_json(<>)->{at_rounds}' free.json)
run 0 "baseline, itself" rescore free.db --baseline free.db --json --resamples 200
ok "baseline, itself: AT is 1" json out '$o->{at} == 1 && near($o->{t_baseline}, '"$rounds"') && @{$o->{ci}{at}} == 2'
run 0 "baseline, its dialogues" rescore free.db --baseline dialogues.jsonl --json --resamples 0
ok "baseline, its dialogues: AT is 1" json out '$o->{at} == 1'
run 0 "baseline, a number" bench free "${roles[@]}" "${data[@]}" --run free.db --baseline 2 --json --resamples 0
ok "baseline, a number" json out 'near($o->{at}, $o->{at_rounds} / 2) && $o->{t_baseline} == 2'
run 1 "baseline, absent" rescore free.db --baseline absent.jsonl
run 2 "baseline, below 0" rescore free.db --baseline=-1
run 1 "baseline, a run in text" rescore free.db --baseline "$0"

# The run database: no picture is in it, and its texts are.
ok "requests hold the picture's digest, not its bytes" not grep -q 'base64,' free.db
ok "requests hold the texts" grep -q 'guess 1 of' free.db
ok "a run at rest is one file" test ! -e free.db-wal -a ! -e free.db-shm
finish

#!/usr/bin/env bash
# fire bench fixed on the 121 official dialogues: its numbers are those of fire score text and fire score mae on the pairs of
# prediction and label that a program of its own takes from the records and from the server's log.
. "$(dirname "$0")/../support/cli.sh"
official=$FIRE_SHARED/data/fire-official
if [ ! -f "$official/records.json" ]; then
    echo "1..0 # skip '$official' is absent"
    exit 0
fi
data=("$official/records.json" --images "$official/images")
serve S

run 0 "fixed" bench fixed --student "$S#student" --teacher "$S#teacher" "${data[@]}" --run fixed.db --json
cp out fixed.json
ok "nothing on stderr" test ! -s err
ok "keys of both roles are those of score text" json out 'all { my $r = $o->{$_}; join(" ", sort keys %{$r->{bleu}}) eq "corpus mean" && @{$r->{bleu}{mean}} == 4 && $r->{cider}{variant} eq "official" && $r->{tokenizer} eq "whitespace" } qw(student teacher)'
ok "and mae, run, protocol, usage, failures" json out 'all { exists $o->{$_} } qw(mae run protocol usage failures)'
ok "one request a text" json out '$o->{usage}{requests} == 596 && $o->{student}{n} == 177 && $o->{student}{first}{n} == 121 && $o->{teacher}{n} == 298 && $o->{mae}{n} == 298'

cat >pairs.pl <<'PERL'
# pairs.pl RECORDS IMAGES LOG: writes student.jsonl, first.jsonl, teacher.jsonl, whole.jsonl, mae.jsonl
use JSON::PP;
use Digest::SHA qw(sha256_hex);
my ($records, $images, $log) = @ARGV;
sub slurp { local $/; open my $f, "<:raw", $_[0] or die "$_[0]: $!"; <$f> }
my %replies; # model, picture, number of user turns -> reply; no two records share a picture
open my $f, "<", $log or die;
for my $q (map { decode_json($_) } <$f>) {
    my $key = "$q->{model} $q->{picture}{digest} " . grep { $_->[0] eq "user" } @{$q->{texts}};
    die "asked twice: $key" if exists $replies{$key};
    $replies{$key} = $q->{reply};
    # The history is the recorded one, not what the model said.
    die "its own words in the history" if grep { $_->[1] =~ /guess \d+ of \d+/ } @{$q->{texts}};
}
my %files = map { open my $f, ">", "$_.jsonl" or die; $_ => $f } qw(student first teacher whole mae);
sub comment { my $t = shift; $t =~ s/.*?^Feedback:\s*//ms; $t =~ s/\s+$//; $t }
sub score { $_[0] =~ /^Score: (\d+)/m ? $1 + 0 : undef }
sub pair { my ($to, $prediction, $label) = @_; print {$files{$to}} encode_json({prediction => $prediction, references => [$label]}), "\n" }
for my $r (@{decode_json(slurp($records))}) {
    my $picture = sha256_hex(slurp("$images/$r->{image}"));
    my @c = @{$r->{conversations}};
    for my $i (1 .. @c / 2) {
        my ($response, $feedback) = map { $_->{value} } @c[2 * $i - 2, 2 * $i - 1];
        my $said = delete $replies{"student $picture $i"} // die "student $i of $r->{image} was not asked";
        pair($i == 1 ? "first" : "student", $said, $response);
        # Under protocol official's teacher-history the teacher has one user turn only; here it has one a round.
        $said = delete $replies{"teacher $picture $i"} // die "teacher $i of $r->{image} was not asked";
        pair("teacher", comment($said), comment($feedback));
        pair("whole", $said, $feedback);
        print {$files{mae}} encode_json({prediction => score($said), label => score($feedback)}), "\n";
    }
}
die "more was asked: ", join ", ", keys %replies if %replies;
PERL
ok "each prefix was asked once, with the recorded history" perl pairs.pl "$official/records.json" "$official/images" S.log
# same ROLE-EXPRESSION FILE NAME: bench fixed's part has the numbers of score text on FILE.
same() {
    "$FIRE" score text "$2" --json >text.json 2>/dev/null
    ok "$3: the numbers of score text" perl -MJSON::PP -e 'local $/; my ($o, $t) = map { open my $f, "<", $_ or die; decode_json(<$f>) } @ARGV[0, 1];
        my $r = eval $ARGV[2]; sub near { abs($_[0] - $_[1]) <= 1e-9 * abs($_[1]) }
        die "n" unless $r->{n} == $t->{n} && $t->{n} > 0;
        for my $k (qw(corpus mean)) { for (0 .. 3) { die "bleu $k $_: $r->{bleu}{$k}[$_] $t->{bleu}{$k}[$_]" unless near($r->{bleu}{$k}[$_], $t->{bleu}{$k}[$_]) } }
        die "cider $r->{cider}{mean} $t->{cider}{mean}" unless near($r->{cider}{mean}, $t->{cider}{mean})' "${4:-fixed.json}" text.json "$1"
}
same '$o->{student}' student.jsonl "student, i >= 2"
same '$o->{student}{first}' first.jsonl "student, i = 1"
same '$o->{teacher}' teacher.jsonl "teacher"
"$FIRE" score mae mae.jsonl --json >text.json 2>/dev/null
ok "MAE of score mae" perl -MJSON::PP -e 'local $/; my ($o, $t) = map { open my $f, "<", $_ or die; decode_json(<$f>) } @ARGV;
    exit !($o->{mae}{n} == $t->{n} && abs($o->{mae}{mae} - $t->{mae}) < 1e-12 && $o->{mae}{unparsed} == $t->{unparsed})' fixed.json text.json

run 0 "rescore" rescore fixed.db --json
ok "rescore: the same results" same_results fixed.json out
run 0 "rescore, whole feedback" rescore fixed.db --json --set feedback-text=whole
cp out whole.json
same '$o->{teacher}' whole.jsonl "rescore, whole feedback" whole.json
run 0 "rescore, CIDEr by words" rescore fixed.db --json --set cider=words
ok "rescore, CIDEr by words" json out '$o->{student}{cider}{variant} eq "words"'
run 0 "rescore as text, with the paper's" rescore fixed.db --paper
ok "both roles, means and corpus" test "$(grep -c 'all (micro)' out)" = 4
ok "the paper's numbers" prints "paper: "
for form in json csv md txt; do
    run 0 "report .$form" report fixed.db -o "report.$form"
    ok "report .$form: not empty" test -s "report.$form"
done
ok "report .json" same_results fixed.json report.json

# One role alone.
n_before=$(n_requests S)
run 0 "teacher alone" bench fixed --teacher "$S#teacher" "${data[@]}" --run teacher.db --json
ok "teacher alone: no student" json out '!exists $o->{student} && $o->{teacher}{n} == 298 && $o->{mae}{n} == 298'
ok "teacher alone: its requests only" test "$(($(n_requests S) - n_before))" = 298
run 0 "student alone" bench fixed --student "$S#student" "${data[@]}" --run student.db --json
ok "student alone: no teacher, mae is null" json out '!exists $o->{teacher} && exists $o->{mae} && !defined $o->{mae}'
n_before=$(n_requests S)
run 0 "again" bench fixed --student "$S#student" "${data[@]}" --run student.db --json --jobs 3
ok "again: no request" test "$(n_requests S)" = "$n_before"

# protocol official: the teacher sees no history.
serve O
run 0 "official" bench fixed --teacher "$O#teacher" "${data[@]}" --run official.db --protocol official --json
ok "official: one user turn" log_is O.log '@l == 298 && all { my $q = $_; 1 == grep { $_->[0] eq "user" } @{$q->{texts}} } @l'
ok "official: the score list" json out '$o->{protocol}{"label-score"} eq "field"'

# What a fixed run is not for.
run 2 "export" export fixed.db -o x.jsonl
ok "export: says which command" says "bench fixed"
ok "export: nothing is left" test ! -e x.jsonl
run 2 "baseline" rescore fixed.db --baseline 2
n_before=$(n_requests S)
run 2 "baseline of a new run" bench fixed --student "$S#student" "${data[@]}" --run new.db --baseline 2
ok "baseline of a new run: nothing was asked" test "$(n_requests S)" = "$n_before"
run 2 "no role" bench fixed "${data[@]}" --run new.db
ok "no role: says so" says "--student or --teacher"
run 2 "the run of another command" bench free --student "$S#student" --teacher "$S#teacher" "${data[@]}" --run fixed.db
ok "the run of another command: says so" says "command is 'bench fixed' there and 'bench free' here"

# Samples without recorded turns are no dialogues.
samples 2 >samples.jsonl
run 3 "samples" bench fixed --student "$S#student" samples.jsonl --run samples.db
ok "samples: no-turns" says "no-turns"
finish

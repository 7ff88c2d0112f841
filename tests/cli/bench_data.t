#!/usr/bin/env bash
# fire bench: what it makes of its data files: files that cannot be used, records that cannot, pictures of every kind; exit
# codes 0, 1, 2 and 3.
. "$(dirname "$0")/../support/cli.sh"
serve S
free=(bench free --student "$S#student" --teacher "$S#teacher" --resamples 0)

# What cannot be used at all: 1, one error, no request.
: >empty
printf '[{"id":"a","source":"x","image":null,"question":"q","answer":"1"}' >open.json
printf 'hello\n' >text
mkfifo pipe
i=0
while read -r file line; do
    run 1 "data $file" "${free[@]}" "$file" --run "unusable$((i += 1)).db"
    ok "data $file: says why" one_error "$line"
done <<'END'
absent cannot read 'absent'
empty it is empty
. it is no file
text neither JSON Lines nor a JSON array
open.json not closed
/dev/zero it is no file
pipe it is no file
END
ok "unusable data: no request" test "$(n_requests S)" = 0
samples 3 >good.jsonl
run 1 "one good and one that cannot be used" "${free[@]}" good.jsonl text --run two.db
ok "one good and one that cannot be used: no request" test "$(n_requests S)" = 0
# The run is nobody's yet: the same file mended is no other run.
cp good.jsonl text
run 0 "the data mended" "${free[@]}" text --run unusable4.db
printf '[]' >none.json
run 0 "an array of nothing" "${free[@]}" none.json --run none.db --json
ok "an array of nothing: n is 0" json out '$o->{n} == 0 && !defined $o->{rr}'

# Records that cannot be used.
{
    samples 1
    echo '{"id":"bad1","source":"x","image":null,"answer":"no question"}'
    echo '{"id":"bad2","source":"x","image":17,"question":"q","answer":"1"}'
    echo 'no JSON at all'
    printf '{"id":"bad3","source":"x","image":null,"question":"\xff\xfe","answer":"1"}\n'
    echo '{"id":"bad4","source":"x","image":"absent.png","question":"q","answer":"1"}'
    samples 3 | tail -2
    printf '{"id":"cut","source":"x","ima'
} >mixed.jsonl
sed -n '2,6p' mixed.jsonl >want
printf '{"id":"cut","source":"x","ima\n' >>want
run 3 "bad records" "${free[@]}" mixed.jsonl --run mixed.db --rejects rejects --json
cp out mixed.json
ok "bad records: the rest goes on" json out '$o->{n} == 3 && $o->{rejected} == 6 && $o->{failures} == 0'
ok "bad records: rejects are verbatim" cmp rejects want
for line in 'mixed.jsonl: record 2 (bad1): missing-key' 'record 3 (bad2): wrong-type' 'record 4: ' 'record 5' 'record 6 (bad4): ' 'record 9: '; do
    ok "bad records: $line" says "$line"
done
ok "bad records: one line each" test "$(grep -c 'mixed.jsonl: record' err)" = 6
cp err first
rm rejects
n_before=$(n_requests S)
run 3 "bad records, again" "${free[@]}" mixed.jsonl --run mixed.db --rejects rejects --json
ok "bad records, again: told again" cmp err first
ok "bad records, again: rejects are verbatim" cmp rejects want
ok "bad records, again: the same results" same_results out mixed.json
ok "bad records, again: no request" test "$(n_requests S)" = "$n_before"
run 3 "--max-failures 5" "${free[@]}" mixed.jsonl --run mixed.db --max-failures 5
run 0 "--max-failures 6" "${free[@]}" mixed.jsonl --run mixed.db --max-failures 6
run 1 "--strict" "${free[@]}" mixed.jsonl --run strict.db --strict --rejects rejects --json
ok "--strict: stops at the first" one_error "--strict"
ok "--strict: no request, no result" test "$(n_requests S)" = "$n_before" -a ! -s out
ok "--strict: the first is in the rejects" cmp rejects <(head -1 want)
run 1 "--strict, when it goes on" "${free[@]}" mixed.jsonl --run mixed.db --strict
run 1 "rejects into no folder" "${free[@]}" mixed.jsonl --run rejects.db --rejects absent/rejects
perl -e 'print "{\"id\":\"b$_\",\"source\":\"x\",\"image\":null,\"answer\":\"1\"}\n" for 1 .. 30; print `cat good.jsonl`' >many.jsonl
run 3 "30 of a cause" "${free[@]}" many.jsonl --run many.db
ok "30 of a cause: 20 lines and their count" test "$(grep -c 'missing-key: ' err)" = 20
ok "30 of a cause: the count" says "30 bad records in all of cause missing-key"

# Dialogues that fail.
cat >student.jsonl <<'END'
{"id":"s1","round":1,"text":"Answer: 1"}
{"id":"s1","round":2,"text":"Answer: 2"}
{"id":"s2","round":1,"text":"Answer: 1"}
{"id":"s2","round":2,"text":"Answer: 2"}
END
cat >teacher.jsonl <<'END'
{"id":"*","round":1,"text":"Score: 5.\nFeedback: no"}
{"id":"*","round":2,"text":"Score: 9.\nFeedback: yes"}
END
scripted=(bench free --student script:student.jsonl --teacher script:teacher.jsonl --resamples 0)
run 3 "one of three fails" "${scripted[@]}" good.jsonl --run failed.db --json
ok "one of three fails: counted apart" json out '$o->{n} == 2 && $o->{failed} == 1 && $o->{failures} == 1'
ok "one of three fails: says which and why" says "'s3' failed: "
run 0 "--max-failures 1" "${scripted[@]}" good.jsonl --run failed.db --max-failures 1
sed 's/s2/s3/' student.jsonl >>student.jsonl.more
cat student.jsonl.more >>student.jsonl
run 0 "the failed one is tried again" "${scripted[@]}" good.jsonl --run failed.db --json
ok "the failed one is tried again: none is left" json out '$o->{n} == 3 && $o->{failed} == 0 && $o->{failures} == 0'

# Endpoints that never answer: 1, whichever it is.
dead=http://127.0.0.1:1/v1
run 1 "both dead" bench free --student "$dead#student" --teacher "$dead#teacher" good.jsonl --run dead.db --retries 0
ok "both dead: says so" says "a model never answered"
run 1 "a dead teacher" bench free --student "$S#student" --teacher "$dead#teacher" good.jsonl --run dead2.db --retries 0
run 1 "a dead student" bench fixed --student "$dead#student" --retries 0 --run dead3.db <(:)
cat >dialogues.jsonl <<'END'
{"id":"d","source":"x","image":null,"question":"q","answer":"1","turns":[{"response":"r1","feedback":"Score: 3.\nFeedback: f1","score":3},{"response":"r2","feedback":"Score: 9.\nFeedback: f2","score":9}],"stop":"score"}
END
run 1 "fixed, a dead student" bench fixed --student "$dead#student" dialogues.jsonl --run dead4.db --retries 0
run 1 "fixed, a dead teacher beside a student" bench fixed --student "$S#student" --teacher "$dead#teacher" dialogues.jsonl --run dead5.db --retries 0
samples 60 >sixty.jsonl
run 1 "dead, many" bench free --student "$dead#student" --teacher "$dead#teacher" sixty.jsonl --run dead6.db --retries 0 --jobs 2
ok "dead, many: the rest is not tried" says "so the rest were not tried"
run 0 "and alive again" "${free[@]}" sixty.jsonl --run dead6.db --json
ok "and alive again: all of them" json out '$o->{n} == 60 && $o->{failures} == 0'

# Pictures: those of two data files in folders of their own, WebP, data URLs, none.
images=$here/tests/data/images
mkdir one two
cp "$images/lossy.webp" one/p
cp "$images/lossless_alpha.webp" two/p
cp "$images/rgb_progressive.jpg" one/j.png # by content, not by name
cp "$images/rgb_interlaced.png" two/j.png
head -c 100 "$images/rgb_progressive.jpg" >one/cut.jpg
echo text >one/text.png
picture() { # ID IMAGE
    echo "{\"id\":\"$1\",\"source\":\"x\",\"image\":\"$2\",\"question\":\"About $1?\",\"answer\":\"1\"}"
}
url=data:image/gif\;base64,$(base64 -w0 "$images/interlaced.gif")
{ picture w1 p; picture j1 j.png; picture none ""; picture cut cut.jpg; picture text text.png; picture gone gone.png; picture up ../good.jsonl; picture url "$url"; } >one/data.jsonl
{ picture w2 p; picture j2 j.png; picture broken "data:image/png;base64,AAAA"; } >two/data.jsonl
serve P
run 3 "pictures" bench free --student "$P#student" --teacher "$P#teacher" one/data.jsonl two/data.jsonl --run pictures.db --json
ok "pictures: the good ones" json out '$o->{n} == 6 && $o->{rejected} == 5'
for id in cut text gone up broken; do
    ok "pictures: '$id' is named" says "($id): "
done
shown() { # ID PERL: of the picture $p that was sent with the question about ID
    log_is P.log 'my @q = grep { $_->{texts}[-1][1] =~ /About '"$1"'\?/ || $_->{texts}[0][1] =~ /About '"$1"'\?/ } @l; @q && all { my $p = $_->{picture}; '"$2"' } @q'
}
digest() { sha256sum <"$1" | cut -d' ' -f1; }
ok "pictures: WebP is sent as PNG" shown w1 '$p->{mime} eq "image/png"'
ok "pictures: of the other folder too" shown w2 '$p->{mime} eq "image/png"'
ok "pictures: each folder's own" log_is P.log '4 == uniq map { $_->{picture}{digest} } grep { $_->{texts}[0][1] =~ /About [wj]\d/ && $_->{model} eq "student" } @l'
ok "pictures: JPEG as it is, whatever its name" shown j1 '$p->{mime} eq "image/jpeg" && $p->{digest} eq "'"$(digest one/j.png)"'"'
ok "pictures: PNG as it is" shown j2 '$p->{mime} eq "image/png" && $p->{digest} eq "'"$(digest two/j.png)"'"'
ok "pictures: a data URL" shown url '$p->{mime} =~ m{^image/(png|gif)$}'
ok "pictures: none" shown none '!defined $p'
run 3 "pictures by --images" bench free --student "$P#student" --teacher "$P#teacher" two/data.jsonl --images one --run images.db --json
ok "pictures by --images: the other folder's" json out '$o->{n} == 2'
rm two/p
sed 's/w2/w3/' two/data.jsonl >two/again.jsonl
run 3 "a picture gone" bench free --student "$P#student" --teacher "$P#teacher" two/again.jsonl --run again.db --json
ok "a picture gone: the rest" json out '$o->{n} == 1 && $o->{rejected} == 2'

# Hostile data.
perl -e 'print "{\"id\":\"long\",\"source\":\"x\",\"image\":null,\"question\":\"", "q" x 10_000_000, "\",\"answer\":\"1\"}\n";
    print "{\"id\":\"deep\",\"meta\":", "[" x 100_000, "]" x 100_000, "}\n";
    print "{\"id\":\"nul\",\"source\":\"x\",\"image\":null,\"question\":\"a\0b\",\"answer\":\"1\"}\n";
    print "{\"id\":\"nul2\",\"source\":\"x\",\"image\":null,\"question\":\"a\\u0000b\",\"answer\":\"1\"}\n";
    print "\0\0\0\n"' >hostile.jsonl
samples 1 >>hostile.jsonl
run 3 "hostile lines" "${free[@]}" hostile.jsonl --run hostile.db --json
ok "hostile lines: the good ones remain" json out '$o->{n} >= 1 && $o->{n} + $o->{rejected} == 6'
perl -e 'print "[" x 1_000_000' >deep.json
run 1 "a deep array" "${free[@]}" deep.json --run deep.db
perl -e 'print "[", "{\"a\":" x 200_000, "1", "}" x 200_000, "]"' >deeper.json
run 3 "a deep object" "${free[@]}" deeper.json --run deeper.db
finish

#!/usr/bin/env bash
# The run database as a file: paths that cannot be one, files that are something else, full disks, folders that cannot be
# written, damage. One line each, never a crash, and what was there stays.
. "$(dirname "$0")/../support/cli.sh"
samples 3 >data.jsonl
printf '%s\n' '{"id":"*","round":1,"text":"Answer: 1"}' >student.jsonl
printf '%s\n' '{"id":"*","round":1,"text":"Score: 9.\nFeedback: yes"}' >teacher.jsonl
free=(bench free --student script:student.jsonl --teacher script:teacher.jsonl data.jsonl --resamples 0)
run 0 "a run" "${free[@]}" --run good.db
kept() { # NAME FILE: a file that is no run stays as it is
    sha=$(sha256sum <"$2")
    run 1 "$1" "${free[@]}" --run "$2"
    ok "$1: one error" test "$(grep -c 'fire: error: ' err)" = 1
    ok "$1: the file is as it was" test "$(sha256sum <"$2")" = "$sha"
}
run 1 "in a folder that is absent" "${free[@]}" --run absent/r.db
ok "in a folder that is absent: one error" one_error "absent/r.db"
run 1 "a folder" "${free[@]}" --run .
run 1 "a device" "${free[@]}" --run /dev/null
run 1 "below a file" "${free[@]}" --run data.jsonl/r.db
mkfifo pipe
run 1 "a pipe" "${free[@]}" --run pipe
echo "some text" >text
kept "a text" text
kept "its own data" data.jsonl
head -c 5000 /dev/urandom >noise
kept "noise" noise
{ head -c 100 good.db; head -c 5000 /dev/urandom; } >damaged.db
kept "a damaged head" damaged.db
head -c 9000 good.db >short.db
run 1 "a run cut short" "${free[@]}" --run short.db
perl -e 'open my $f, "+<", $ARGV[0]; seek $f, 4096, 0; print $f "x" x 8192' "$(cp good.db middle.db && echo middle.db)"
run 1 "a damaged middle" "${free[@]}" --run middle.db
ok "a damaged middle: says so" says "middle.db"
for command in "rescore damaged.db" "rescore text" "rescore short.db" "rescore middle.db" "rescore absent.db" "rescore ." "runs text" "runs middle.db" "report text -o x" "report middle.db -o x" \
    "export short.db -o x" "export middle.db -o x"; do
    # shellcheck disable=SC2086
    run 1 "$command" $command
done
ok "no output of a command that failed" test ! -e x
: >empty.db
run 0 "an empty file becomes a run" "${free[@]}" --run empty.db
run 1 "rescore of an empty file" rescore "$(: >nothing.db && echo nothing.db)"

# Nothing is written over a run.
sha=$(sha256sum <good.db)
run 2 "report over a run" report good.db -o good.db
run 2 "export over a run" export good.db -o good.db
run 2 "rejects over a run" "${free[@]}" --run other.db --rejects good.db
ok "a run is not written over" test "$(sha256sum <good.db)" = "$sha"

# Every byte range of a run damaged in turn: an answer or one line, never a crash.
crashes=0
for ((at = 0; at < $(stat -c %s good.db); at += 2903)); do
    cp good.db hurt.db
    perl -e 'open my $f, "+<", $ARGV[0]; seek $f, $ARGV[1], 0; print $f "\xff" x 64' hurt.db $at
    for command in "rescore hurt.db --json --resamples 0" "export hurt.db -o x.jsonl" "${free[*]} --run hurt.db"; do
        # shellcheck disable=SC2086
        timeout 60 "$FIRE" $command >out 2>err
        code=$?
        if [ $code -gt 3 ] || grep -qE 'Sanitizer|runtime error|CRITICAL|GLib-' err; then
            crashes=$((crashes + 1))
            echo "# $command, damaged at $at: exit $code"
            sed 's/^/#   /' err | head -5
        fi
    done
done
ok "damage anywhere: no crash" test $crashes = 0

# Folders and files that cannot be written: to root everything can.
as=()
if [ "$(id -u)" = 0 ]; then
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chmod 755 .
fi
mkdir -m 555 closed
cp good.db closed.db
chmod 444 closed.db
"${as[@]}" "$FIRE" "${free[@]}" --run closed/r.db >out 2>err
ok "in a folder that cannot be written: 1" test $? = 1
ok "in a folder that cannot be written: one error" one_error "closed/r.db"
"${as[@]}" "$FIRE" "${free[@]}" --run closed.db >out 2>err
ok "a run that cannot be written: 1" test $? = 1
ok "a run that cannot be written: one error" one_error "closed.db"
"${as[@]}" "$FIRE" rescore closed.db --json --resamples 0 >out 2>err
ok "but it can be read" test $? = 0

# Full disks: a small one of our own where we may mount, else a limit on the size of files.
small() ( ulimit -f "$1" && trap '' XFSZ && shift && "$@" )
samples 400 >many.jsonl
full=(bench free --student script:student.jsonl --teacher script:teacher.jsonl many.jsonl --resamples 0)
for blocks in 8 40 100; do
    small $blocks "$FIRE" "${full[@]}" --run "full$blocks.db" >out 2>err
    ok "files of at most $blocks blocks: 1" test $? = 1
    ok "files of at most $blocks blocks: an error" says "fire: error: "
    ok "files of at most $blocks blocks: few lines" test "$(wc -l <err)" -le 3
done
run 0 "then there is room: it goes on" "${full[@]}" --run full100.db
small 1 "$FIRE" rescore full100.db >out 2>err
ok "a table that does not fit: 1" test $? = 1
small 4 "$FIRE" export full100.db -o cut.jsonl >out 2>err
ok "an export that does not fit: 1" test $? = 1
ok "an export that does not fit: nothing is left" test -z "$(find . -name 'cut.jsonl*')"
mkdir disk
if mount -t tmpfs -o size=256k tmpfs disk 2>/dev/null; then
    timeout 60 "$FIRE" "${full[@]}" --run disk/r.db >out 2>err
    ok "a full disk: 1" test $? = 1
    ok "a full disk: says so" says "full"
    mount -o remount,size=64m disk
    run 0 "a larger disk: it goes on" "${full[@]}" --run disk/r.db --json
    ok "a larger disk: all of it" json out '$o->{n} == 400'
    umount disk
else
    ok "a full disk # skip no mount here" true
fi
finish

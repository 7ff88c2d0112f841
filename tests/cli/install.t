#!/usr/bin/env bash
# make install into any folder; the installed program runs from anywhere, also after the folder was moved, as anybody.
. "$(dirname "$0")/../support/cli.sh"
chmod 755 .
build() { env -u MAKEFLAGS -u MAKELEVEL -u MAKEOVERRIDES make --no-print-directory -C "$here" VARIANT="${FIRE_VARIANT:-release}" "$@" >make.out 2>&1; }
ok "make install" build install PREFIX="$folder/some prefix"
ok "the program" test -x "some prefix/bin/fire"
ok "the prompts" test "$(find "some prefix/share/fire/prompts" -name '*.txt' | wc -l)" = "$(find "$here/share/prompts" -name '*.txt' | wc -l)"
ok "nothing else" test "$(find "some prefix" -maxdepth 2 -mindepth 2 | sort | tr '\n' ' ')" = "some prefix/bin/fire some prefix/share/fire "
ok "make install with DESTDIR" build install DESTDIR="$folder/stage" PREFIX=/opt/fire
ok "it stands below DESTDIR" test -x stage/opt/fire/bin/fire
ok "make uninstall" build uninstall DESTDIR="$folder/stage" PREFIX=/opt/fire
ok "nothing is left" test -z "$(find stage -type f)"
mv "some prefix" elsewhere
mkdir empty
chmod 777 empty
program=$folder/elsewhere/bin/fire
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi; }
(cd empty && as "$program" demo >out 2>err)
ok "demo, from an empty folder, as anybody" test $? = 0
ok "demo: says that the student is scripted" grep -q "SCRIPTED" empty/out
ok "demo: tables" grep -q "all (micro)  24 " empty/out
ok "demo: says where the run is" grep -q "fire-demo/run.db" empty/out
(cd empty && as "$program" rescore fire-demo/run.db --set threshold=10 >out 2>err)
ok "and what it names next works" test $? = 0
(cd empty && as "$program" demo >again 2>err)
ok "demo, again" test $? = 0
(cd empty && as "$program" bench free --student world:fire-demo#novice --teacher world:fire-demo#oracle fire-demo/samples.jsonl --run mine.db --prompts ../elsewhere/share/fire/prompts --json >out 2>err)
ok "with the installed prompts" test $? = 0
ok "they are those compiled in" test "$(perl -MJSON::PP -e 'local $/; print decode_json(<>)->{run}{prompt_hash}' empty/out)" = \
    "$(cd empty && as "$program" rescore fire-demo/run.db --json | perl -MJSON::PP -e 'local $/; print decode_json(<>)->{run}{prompt_hash}')"
mkdir closed
chmod 555 closed
(cd closed && as "$program" demo >../out 2>../err)
ok "demo where nothing can be written: 1" test $? = 1
ok "demo where nothing can be written: a line" test "$(wc -l <err)" = 1
finish

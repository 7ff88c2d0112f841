#!/usr/bin/env bash
# The pages for people keep their word: every example prints what stands below it, every link leads somewhere, no heading is
# empty. The first part shows that tools/run-examples would tell.
set -u
n=0
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$root" || exit 1

ok() { # STATUS NAME: on failure shows $folder/out
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
        echo "not ok $n - $2"
        sed 's/^/# /' "$folder/out"
    fi
}
# page TEXT: a page with one console block of these lines.
page() { printf '# Page\n\n```console\n%b\n```\n' "$1" >"$folder/page.md"; }
good() { # NAME
    tools/run-examples "$folder/page.md" >"$folder/out" 2>&1
    ok $? "$1"
}
bad() { # TEXT NAME: it must fail and say TEXT
    ! tools/run-examples "$folder/page.md" >"$folder/out" 2>&1 && grep -qF -- "$1" "$folder/out"
    ok $? "$2"
}

page '$ echo one\none\n$ printf "a\\\\nb\\\\nc\\\\n"\na\n...\nc\n\n$ cat <<END\n> x\n> END\nx'
good "commands, continued commands, outputs and gaps"
page '$ fire version\nfire 9.9.9 (0123456789ab)\n$ fire nonsense\nfire: error: unknown command '"'nonsense'; 'fire help' lists them"'\n$ echo $?\n2'
good "commits may differ; stderr counts; a failure is told by echo \$?"
page '$ x=1; cd /\n$ echo $x $PWD\n1 /'
good "one shell for a file"
page '$ echo one\ntwo'
bad 'page.md:4: '"'echo one' prints something else" "another output"
bad '-two' "with the difference"
page '$ echo one'
bad 'page.md:4' "an output that is not written"
page '$ true\none'
bad 'page.md:4' "a written output that does not come"
page '$ printf "a\\\\nb\\\\n"\na\n...\nc'
bad 'page.md:4' "a gap does not swallow what follows"
page '$ echo 12\n1'
bad 'page.md:4' "a line fits as a whole"
page '$ false'
bad 'exit code 1' "a command that fails"
page '$ exit 0\n$ echo on\non'
bad 'did not come to its end' "a command that ends the shell"
page 'echo no prompt'
bad "page.md:4: a console block begins with '\$ '" "no prompt"
printf '```sh\nif true; then\n```\n' >"$folder/page.md"
bad 'page.md:1: bash cannot read this' "a script with a wrong syntax"
printf '```console\n$ true\n' >"$folder/page.md"
bad 'is not closed' "an open block"
page '$ echo one\ntwo\n$ echo three\nthree'
tools/run-examples --update "$folder/page.md" >"$folder/out" 2>&1
good "--update writes the real output"

pages=$(git ls-files '*.md' 2>/dev/null) || pages=$(find . -name '*.md' -not -path './build/*' | sed 's|^\./||')
[ "$(echo "$pages" | wc -l)" -ge 15 ]; ok $? "there are pages"
for name in README.md HACKING.md $(echo "$pages" | grep '^docs/'); do
    tools/run-examples "$name" >"$folder/out" 2>&1
    ok $? "$name: $(tail -n 1 "$folder/out" | sed 's/.*: //')"
done
grep -q '^README.md: [1-9][0-9]* commands' <(tools/run-examples README.md); ok $? "README has examples"

# Links to files: relative to their page. Anchors: a heading of that name.
links() { # PAGE: broken links
    grep -o '](\([^)]*\))' "$1" | sed 's/^](//; s/)$//' | grep -v '^https\?://' | while read -r link; do
        file=${link%%#*} anchor=
        case $link in *'#'*) anchor=${link#*#} ;; esac
        target=${file:+$(dirname "$1")/$file}
        target=${target:-$1}
        if [ ! -e "$target" ]; then echo "$1: $link: no such file"
        elif [ -n "$anchor" ] && ! sed -n 's/^##* //p' "$target" | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9_\n-' | grep -qxF -- "$anchor"; then
            echo "$1: $link: no such heading"
        fi
    done
}
for name in $pages; do links "$name"; done >"$folder/out"
[ ! -s "$folder/out" ]; ok $? "every link leads somewhere"
printf '[a](#nowhere) [b](absent.md)\n' >"$folder/page.md"
[ "$(links "$folder/page.md" | wc -l)" -eq 2 ]; ok $? "a link that leads nowhere is seen"

# A heading is followed by text; lines that look like one inside of a block are none.
empty_headings() {
    awk 'FNR == 1 { if (heading) print where; heading = 0; block = 0 }
         /^```/ { block = !block; heading = 0; next }
         block || /^ *$/ { next }
         /^#+ / { if (heading) print where; heading = 1; where = FILENAME ":" FNR ": " $0; next }
         { heading = 0 }
         END { if (heading) print where }' "$@"
}
# shellcheck disable=SC2086
empty_headings $pages >"$folder/out"
[ ! -s "$folder/out" ]; ok $? "no heading without text"
printf '# A\n\n## B\n\ntext\n\n## C\n' >"$folder/page.md"
[ "$(empty_headings "$folder/page.md" | wc -l)" -eq 2 ]; ok $? "a heading without text is seen"

wc -l HACKING.md >"$folder/out"
[ "$(wc -l <HACKING.md)" -le 150 ]; ok $? "HACKING.md: at most 150 lines"
awk '{ if ($1 > 60 && $2 != "total") print }' <(wc -l src/*/README.md) >"$folder/out"
[ ! -s "$folder/out" ]; ok $? "READMEs of src: at most 60 lines each"
echo "1..$n"

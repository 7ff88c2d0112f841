# cli.sh -- what the shell tests of whole commands share; sourced by tests/cli/*.t.
#
# Leaves the test in an empty folder of its own, removed at the end together with the servers started. The last command's
# output is in the files `out` and `err`.

here=$(cd "$(dirname "${BASH_SOURCE[1]}")/../.." && pwd) # the repository
folder=$(mktemp -d)
cd "$folder" || exit 1
n=0
servers=()
unset FIRE_API_KEY
export LC_ALL=C

# shellcheck disable=SC2317
at_end() {
    [ ${#servers[@]} = 0 ] || kill "${servers[@]}" 2>/dev/null
    cd / && chmod -R u+w "$folder" && rm -rf "$folder"
}
trap at_end EXIT

finish() { echo "1..$n"; }

# ok NAME COMMAND...: the command succeeds.
ok() {
    local name=$1
    shift
    n=$((n + 1))
    if "$@" >check 2>&1; then echo "ok $n - $name"; else
        echo "not ok $n - $name"
        head -c 2000 check | sed 's/^/#   /'
        for file in out err; do [ ! -s $file ] || head -c 600 $file | sed "s/^/# $file: /"; echo; done
    fi
}
not() { ! "$@"; }

# run CODE NAME ARGUMENTS...: runs fire and checks the exit code; where it is not 0, that stderr has a line that says why,
# and that nothing crashed.
run() {
    local want=$1 name=$2 got
    shift 2
    timeout 120 "$FIRE" "$@" >out 2>err </dev/null
    got=$?
    ok "$name: exit $want" test "$got" = "$want"
    [ "$want" = 0 ] || ok "$name: a line says why" grep -q '^fire: ' err
    ! grep -qE 'Sanitizer|runtime error|CRITICAL|GLib-' err || ok "$name: no crash" false
}
# The only line on stderr that is an error; and, like `says`, holds TEXT.
one_error() { test "$(grep -c '^fire: error: ' err)" = 1 && says "$1"; }
says() { grep -qF -- "$1" err; }
prints() { grep -qF -- "$1" out; }
lines() { test "$(wc -l <"$1")" = "$2"; }

# json FILE PERL: the expression, in which $o is the file's JSON value, is true.
json() {
    perl -MJSON::PP -MList::Util=sum,first,all -e 'local $/; open my $f, "<", $ARGV[0] or die; our $o = decode_json(<$f>);
        sub near { abs($_[0] - $_[1]) <= 1e-9 * (abs($_[1]) > 1 ? abs $_[1] : 1) }
        my $r = eval($ARGV[1]); die $@ if $@; exit($r ? 0 : 1)' "$1" "$2"
}

# log_is FILE PERL: the expression, in which @l are the values of a JSON Lines file, is true.
log_is() {
    perl -MJSON::PP -MList::Util=sum,first,all,uniq -e 'open my $f, "<", $ARGV[0] or die; our @l = map { decode_json($_) } <$f>;
        my $r = eval($ARGV[1]); die $@ if $@; exit($r ? 0 : 1)' "$1" "$2"
}

# What may differ between two runs that measured the same: when, where and how fast.
same_results() {
    perl -MJSON::PP -e 'local $/; my @t = map { open my $f, "<", $_ or die; my $o = decode_json(<$f>);
        delete @{$o->{run}}{qw(path started sessions options)}; JSON::PP->new->canonical->pretty->encode($o) } @ARGV;
        exit 0 if $t[0] eq $t[1]; print @t; exit 1' "$1" "$2"
}

# serve NAME OPTIONS...: starts a model server; its address is then in $NAME, its log in NAME.log.
serve() {
    local name=$1 port i
    shift
    "$FIRE_TOOLS/fake_server" --with-parent --log "$name.log" --log-texts "$@" >"$name.port" 2>"$name.err" &
    servers+=($!)
    for ((i = 0; i < 1000; i++)); do
        [ ! -s "$name.port" ] || break
        sleep 0.02
    done
    read -r port <"$name.port"
    : >>"$name.log"
    printf -v "$name" 'http://127.0.0.1:%s/v1' "$port"
}
n_requests() { wc -l <"$1.log"; }

# samples N: lines of samples s1, s2 ... without a picture.
samples() {
    local i
    for ((i = 1; i <= $1; i++)); do
        echo "{\"id\":\"s$i\",\"source\":\"src$((i % 3))\",\"image\":null,\"question\":\"What is thing $i?\",\"answer\":\"$i\"}"
    done
}

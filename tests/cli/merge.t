#!/usr/bin/env bash
# fire merge: the folder written, exit codes, one line for what cannot be done.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0
ok() { # ok NAME COMMAND...: the command succeeds
    n=$((n + 1))
    if "${@:2}"; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}
run() { # run ARGS...: out, err and code of fire merge
    "$FIRE" merge "$@" >"$dir/out" 2>"$dir/err"
    code=$?
}
is() { # is CODE N_ERR: exit code, nothing on stdout, lines on stderr
    [ "$code" = "$1" ] && [ ! -s "$dir/out" ] && [ "$(wc -l <"$dir/err")" = "$2" ]
}
says() { grep -qF -- "$1" "$dir/err"; }
data=tests/data

run $data/models/bias $data/adapters/rslora -o "$dir/merged"
ok "done: 0" is 0 1
ok "it says how much was changed" says "15 tensors changed in '$dir/merged'"
ok "the configuration is copied" cmp -s $data/models/bias/config.json "$dir/merged/config.json"
ok "the shard is changed" test "$(cmp -s $data/models/bias/model.safetensors "$dir/merged/model.safetensors"; echo $?)" = 1
ok "and as long as before" \
    test "$(stat -c %s "$dir/merged/model.safetensors")" = "$(stat -c %s $data/models/bias/model.safetensors)"
cp "$dir/merged/model.safetensors" "$dir/first"
FIRE_THREADS=1 run $data/models/bias $data/adapters/rslora -o "$dir/again"
ok "one thread: the same bytes" cmp -s "$dir/first" "$dir/again/model.safetensors"
run $data/models/bias $data/adapters/rslora -o "$dir/merged"
ok "a folder in use: 1" is 1 1
ok "it says so" says "it is there already"
ok "and it is untouched" cmp -s "$dir/first" "$dir/merged/model.safetensors"

run "$dir/merged" $data/adapters/rslora -o "$dir/twice"
ok "what was written is a model again" is 0 1

run $data/models/bias $data/adapters/projector -o "$dir/x"
ok "an adapter of another model: 1" is 1 1
ok "it names file and tensor" says "adapter_model.safetensors': tensor 'base_model.model.model.multi_modal_projector.linear_1.bias' is none of the model's"
run $data/models/absent $data/adapters/rslora -o "$dir/x"
ok "no model: 1" is 1 1
run $data/models/bias "$dir" -o "$dir/x"
ok "no adapter: 1" is 1 1
run --vision-tower $data/models/tower $data/models/bias $data/adapters/rslora -o "$dir/x"
ok "a tower where there is none: 2" is 2 1
run $data/models/bias $data/adapters/rslora
ok "no -o: 2" is 2 1
run $data/models/bias -o "$dir/x"
ok "no adapter named: 2" is 2 1
ok "nothing is left of failures" test ! -e "$dir/x"
ok "nor of the work" test -z "$(find "$dir" -name '*.tmp')"

model=$FIRE_SHARED/reference/engine/models/b-f32
if [ -d "$model" ]; then
    run "$model" "$FIRE_SHARED/reference/engine/train/init_b_random_layout_b" -o "$dir/b"
    ok "away from its tower: 0 and a word about it" is 0 2
    ok "the word" says "copy that folder too, or use --vision-tower"
else
    ok "skipped: no $model # SKIP" true
fi
echo "1..$n"

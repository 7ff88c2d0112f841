#!/usr/bin/env bash
# fire probe: forms of the request, files, exit codes. (Numbers: tests/test_probe.c.)
set -u
n=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
reference=$FIRE_SHARED/reference/engine
if [ ! -d "$reference" ]; then
    echo "1..0 # SKIP $reference is not there"
    exit 0
fi
a=$reference/models/a-f32 b=$reference/models/b-f32 picture=$reference/images/wide.png

ok() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
        echo "not ok $n - $2"
        sed 's/^/# /' out err 2>/dev/null
    fi
}
run() { # CODE NAME ARGUMENTS...
    local code=$1 name=$2 got
    shift 2
    "$FIRE" probe "$@" >out 2>err
    got=$?
    [ "$got" -eq "$code" ]
    ok $? "$name (exit $code, got $got)"
    if [ "$code" -ne 0 ]; then
        [ "$(grep -c '^fire: error: ' err)" = 1 ]
        ok $? "$name: one line says why"
    fi
}
holds() { # FILE TEXT NAME
    grep -qF -- "$2" "$1"
    ok $? "$3"
}
size() { # FILE BYTES NAME
    [ "$(wc -c <"$1")" -eq "$2" ]
    ok $? "$3"
}

run 0 "a prompt" --model "$a" --prompt "Name it:" --json
holds out '"image_token_counts":[]' "no picture"
holds out '"greedy_ids":[],"text":""' "nothing greedy unless asked"
ids=$(sed 's/.*"token_ids":\(\[[0-9,]*\]\).*/\1/' out)
cp out prompt.out
echo "$ids" >ids
run 0 "its ids" --model "$a" --ids ids --json
cmp -s out prompt.out
ok $? "give the same"
printf 'Name it:' >prompt
run 0 "the prompt in a file" --model "$a" --prompt-file prompt --json
cmp -s out prompt.out
ok $? "gives the same"
run 0 "for people" --model "$a" --prompt "Name it:" --greedy 3
holds out "greedy [" "shows the greedy ids"

run 0 "a picture" --model "$a" --prompt "<image> What?" --image "$picture" --json --logits l --features f --logits-at 3,0
holds out '"image_token_counts":[60]' "its tokens"
size l $((2 * 640 * 4)) "two rows of logits"
size f $((4 * 16 * 64 * 4)) "features of all tiles"
run 0 "in the other order" --model "$a" --prompt "<image> What?" --image "$picture" --json --logits m --logits-at 0,3
head -c 2560 l | cmp -s - <(tail -c 2560 m)
ok $? "rows come as asked"
run 0 "the original layout" --model "$b" --prompt "<image> What?" --image "$picture" --json
holds out '"token_ids":[560,-200,' "begin token, and -200 for the picture"
echo '[560,-200,11]' >marked
run 0 "ids with -200 for the picture" --model "$a" --ids marked --image "$picture" --json
holds out '"token_ids":[560,576,11],"merged_length":62' "the model's own image token"
echo '[{"role":"user","content":[{"type":"image"},{"type":"text","text":"What is shown?"}]}]' >messages
echo '[{"role":"user","content":"<image> What is shown?"}]' >spelled
printf '<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n<image>\nWhat is shown?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n' >rendered
run 0 "messages" --model "$a" --messages messages --image "$picture" --json
cp out messages.out
run 0 "what the template makes of them" --model "$a" --prompt-file rendered --image "$picture" --json
cmp -s out messages.out
ok $? "is the same"
run 0 "messages, the original layout" --model "$b" --messages spelled --image "$picture" --json
holds out '"token_ids":[560,560,566,' "two begin tokens, as its code has it"
run 0 "an adapter" --model "$a" --adapter "$reference/train/init_b_random" --prompt "Name it:" --json
! cmp -s out prompt.out
ok $? "changes the logits"
# An adapter beside the weights and folded into them: plain, under the other layout's names, and with a projector of its own.
merged() { # NAME MODEL ADAPTER OPTIONS...
    local name=$1 model=$2 adapter=$3
    local -a request=(--prompt "<image> What?" --image "$picture" --greedy 16 --json)
    shift 3
    "$FIRE" merge "$model" "$adapter" -o "merged-$name" "$@" >out 2>err
    ok $? "$name: merged"
    run 0 "$name: merged, asked" --model "merged-$name" "$@" "${request[@]}" --features f1
    grep -o '"greedy_ids.*' out >greedy1
    run 0 "$name: beside it, asked" --model "$model" --adapter "$adapter" "${request[@]}" --features f2
    grep -o '"greedy_ids.*' out | cmp -s - greedy1
    ok $? "$name: both answer the same"
    cmp -s f1 f2
    ok $? "$name: with the same features"
}
merged plain "$a" "$reference/train/init_b_random"
merged original "$b" "$reference/train/init_b_random_layout_b" --vision-tower "$reference/models/clip-vit-tiny-patch14-56"
merged projector "$a" "$reference/train/lora_and_projector/after_3_steps"
cmp -s f1 f
[ $? -eq 1 ]
ok $? "the adapter's projector is the one that is used"
run 0 "bf16 weights" --model "$a" --weights bf16 --compute f32 --prompt "Name it:" --json

run 2 "no model" --prompt x
run 2 "no request" --model "$a"
run 2 "two requests" --model "$a" --prompt x --ids ids
run 2 "a bad position" --model "$a" --prompt x --logits-at 900
run 2 "a mark without a picture" --model "$a" --prompt "<image>"
run 2 "a picture without a mark" --model "$a" --prompt "x" --image "$picture"
run 2 "more than fits" --model "$a" --prompt x --greedy 9000
run 2 "an unknown type" --model "$a" --prompt x --weights q3
run 2 "a bad size" --model "$a" --prompt x --memory lots
run 2 "an empty prompt" --model "$a" --prompt ""
run 1 "too little memory" --model "$a" --prompt x --memory 1M
run 1 "no such folder" --model "$folder/none" --prompt x
run 1 "no model folder" --model "$folder" --prompt x
run 1 "no such picture" --model "$a" --prompt "<image>" --image none.png
run 1 "no picture" --model "$a" --prompt "<image>" --image ids
run 1 "a file that cannot be written" --model "$a" --prompt x --logits "$folder/none/l"
echo '[1,2' >cut
run 1 "ids that are no JSON" --model "$a" --ids cut
echo '{}' >object
run 1 "ids that are no list" --model "$a" --ids object
echo '[1,"2"]' >text
run 1 "ids that are no numbers" --model "$a" --ids text
for bad in '{}' '[]' '[{"role":"user"}]' '[{"role":"judge","content":"x"}]' '[{"role":"user","content":[{"type":"sound"}]}]' '[1]'; do
    echo "$bad" >bad
    run 1 "messages $bad" --model "$a" --messages bad
done
run 2 "an unknown template" --model "$a" --messages messages --image "$picture" --template poem
echo '[1,640]' >large
run 2 "an id beyond the vocabulary" --model "$a" --ids large
echo '[1,-1]' >negative
run 2 "a negative id" --model "$a" --ids negative
run 1 "an adapter that is none" --model "$a" --adapter "$folder" --prompt x
echo "1..$n"

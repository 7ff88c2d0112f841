#!/usr/bin/env python3
"""Makes the tokenizers of this folder and what the `tokenizers` package (0.23.3) computes from them:

    pip install tokenizers==0.23.3 && python3 tests/data/tokenizer/make.py

NAME.json is a tokenizer.json, trained on text.txt; cases.json lists variants of them ("patch" replaces parts of the file) with
strings, their ids, and their decoded text.
"""
import copy
import json
import os
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = open(os.path.join(HERE, "text.txt"), encoding="utf-8").read()
LLAMA3_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
                r"|\s+(?!\S)|\s+")
BYTES = pre_tokenizers.ByteLevel.alphabet()


def begin(token, id):
    return processors.TemplateProcessing(single=f"{token} $A", special_tokens=[(token, id)])


def train(tokenizer, lines, **options):
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(show_progress=False, **options))


def make_gpt2():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    train(t, [TEXT], vocab_size=480, initial_alphabet=BYTES, special_tokens=["<|endoftext|>"])
    return t


def make_llama3():
    t = Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3_SPLIT), "isolated"),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    train(t, [TEXT], vocab_size=500, initial_alphabet=BYTES)
    t.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
                          "<image>"])
    first = t.token_to_id("<|begin_of_text|>")
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), begin("<|begin_of_text|>", first)])
    return t


def make_llama2():
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    train(t, TEXT.split("\n"), vocab_size=560, special_tokens=special, limit_alphabet=90)
    file = json.loads(t.to_str())
    file["added_tokens"] = [a for a in file["added_tokens"] if not a["content"].startswith("<0x")]
    file["pre_tokenizer"] = None
    t = Tokenizer.from_str(json.dumps(file))
    t.add_special_tokens(["<image>"])
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                   decoders.Strip(" ", 1, 0)])
    t.post_processor = begin("<s>", 1)
    return t


def split(pattern, behavior, invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def metaspace(scheme, **more):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, **more}


def added(id, content, **more):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return {"id": id, "content": content, **flags, **more}


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
STRIP_ONLY = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]}


def variants(files):
    """Name of the base, patch of the file, patch of its model."""
    n2, n3 = (len(files[b]["model"]["vocab"]) for b in ("gpt2", "llama2"))
    byte = lambda *steps: {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [*steps, BYTE_LEVEL]}}
    yield "gpt2", {}, {}
    yield "llama3", {}, {}
    yield "llama2", {}, {}
    yield "gpt2", {"pre_tokenizer": dict(BYTE_LEVEL, add_prefix_space=True, use_regex=True)}, {}
    yield "gpt2", {"normalizer": {"type": "NFC"}}, {}
    yield "gpt2", {"normalizer": {"type": "Replace", "pattern": {"Regex": " {2,}|\\t"}, "content": " "}}, {}
    yield "gpt2", {"decoder": None}, {}
    for behavior in ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        yield "gpt2", byte(split("[aeiou ]", behavior)), {}
        yield "gpt2", byte(split("\\p{L}", behavior, invert=True)), {}
        yield "gpt2", byte(split("x*", behavior)), {}
    yield "gpt2", byte(split(" ", "Removed", kind="String"), split("\\d", "Isolated")), {}
    yield "gpt2", byte(split("^.|.$|[^\\S\\n]+|\\w{2,3}?|\\W", "Isolated")), {}
    yield "gpt2", byte(split("(?>a|ab)c?|[\\wé\\-\\]]++|(?<=\\d)\\s|(?<!\\s)\\D|\\u4E00|\\x{20}", "Isolated")), {}
    yield "gpt2", {"added_tokens": files["gpt2"]["added_tokens"] + [
        added(n2, "the boat", single_word=True), added(n2 + 1, "<mask>", lstrip=True), added(n2 + 2, "<sep>", rstrip=True),
        added(n2 + 3, "<m"), added(n2 + 4, "<mask><sep>x", lstrip=True, rstrip=True), added(n2 + 5, "é!", normalized=True),
        added(n2 + 6, " \n")], "normalizer": {"type": "NFC"}}, {}
    for scheme in ("always", "first", "never"):
        for cut in (True, False):
            yield "llama2", {"normalizer": None, "pre_tokenizer": metaspace(scheme, split=cut),
                             "decoder": metaspace(scheme, split=cut)}, {}
    yield "llama2", {"decoder": STRIP_ONLY}, {"byte_fallback": False}
    yield "llama2", {"decoder": STRIP_ONLY}, {"byte_fallback": False, "fuse_unk": False}
    yield "llama2", {"decoder": STRIP_ONLY}, {"byte_fallback": False, "unk_token": None}
    yield "llama2", {}, {"ignore_merges": True}
    yield "llama2", {"added_tokens": files["llama2"]["added_tokens"] + [added(n3 + 1, "<pad>", normalized=True)],
                     "ids_only": True}, {}


def strings(special):
    rng = random.Random(5)
    fixed = ["", " ", "  ", "\n", " \n ", "\r\n\r\n", "a", " a", "a ", "▁", "▁▁a ▁", "\0", "a\0b", "e\u0301! é! \u1100\u1161",
             "don't I'LL it'\u017f", "<0x41>", "<0xE4>", "Ġthe", "\u180e\u2028\u3000\u00a0x", "\ufeff", "1234567 12a3",
             "the boatthe boat the boat, the boat", "x <mask>  y<mask><sep>x <sep>\n z", "x" * 70, "ab" * 40, " " * 70 + "a",
             "你" * 24, "👩‍👩‍👧‍👦🏽", "\U000e0041\u0378", "Score: 5.\nFeedback: look <image>\n"]
    pieces = special + [" ", "  ", "\n", "\t", "x", "é", "e\u0301", "7", "▁", "😀", "你好", "한", "<", "'s", "\u00a0"]
    for _ in range(40):
        i, n = rng.randrange(len(TEXT)), rng.randrange(1, 30)
        fixed.append("".join(rng.choice(pieces) for _ in range(rng.randrange(4))) + TEXT[i:i + n]
                     + "".join(rng.choice(pieces) for _ in range(rng.randrange(4))))
    return fixed


def with_texts(t, item):
    """"decoded" where it is not the text, "skipped" (without special tokens) where it is not what is decoded."""
    decoded, skipped = (t.decode(item["ids"], skip_special_tokens=skip) for skip in (False, True))
    if decoded != item.get("text"):
        item["decoded"] = decoded
    if skipped != decoded:
        item["skipped"] = skipped
    return item


def case(files, base, patch, model):
    file = copy.deepcopy(files[base])
    ids_only = patch.pop("ids_only", False)
    file.update(patch)
    file["model"].update(model)
    t = Tokenizer.from_str(json.dumps(file))
    rng, items = random.Random(9), []
    for text in strings([a["content"] for a in file["added_tokens"]]):
        item = {"text": text, "ids": t.encode(text, add_special_tokens=False).ids}
        items.append(item if ids_only else with_texts(t, item))
    for _ in range(0 if ids_only else 12):
        ids = [rng.randrange(t.get_vocab_size()) for _ in range(rng.randrange(1, 9))]
        items.append(with_texts(t, {"ids": ids}))
    return {"base": base, "patch": patch, "model": model, "ids_only": ids_only, "added": t.encode("", add_special_tokens=True).ids, "items": items}


def main():
    files = {}
    for name, make in (("gpt2", make_gpt2), ("llama3", make_llama3), ("llama2", make_llama2)):
        make().save(os.path.join(HERE, name + ".json"), pretty=False)
        files[name] = json.load(open(os.path.join(HERE, name + ".json"), encoding="utf-8"))
    with open(os.path.join(HERE, "cases.json"), "w", encoding="utf-8") as out:
        cases = [case(files, *variant) for variant in variants(files)]
        out.write("[" + ",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cases) + "]\n")


main()

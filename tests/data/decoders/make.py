#!/usr/bin/env python3
"""Small random decoders of every kind that fire runs, and their logits as transformers computes them in f32.

    python3 tests/data/decoders/make.py tests/data/decoders     # transformers 5.24.0, torch 2.15.0

Weights are rounded to bf16 and stored so. expected.safetensors: NAME/logits (positions, vocabulary) at NAME/at of the ids
NAME/ids. Two folders have their rope settings in the form of transformers 4."""
import json, os, shutil, sys
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

out = sys.argv[1]
base = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
            max_position_embeddings=512)
llama3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
models = {
    "llama3": LlamaConfig(**base, num_key_value_heads=2, rope_theta=500000.0, rms_norm_eps=1e-5),
    "llama31": LlamaConfig(**base, num_key_value_heads=2, rope_theta=500000.0, rope_scaling=llama3),
    "vicuna": LlamaConfig(**base, num_key_value_heads=4, rope_theta=10000.0, rms_norm_eps=1e-5),
    "vicuna16k": LlamaConfig(**base, num_key_value_heads=4, rope_scaling=dict(rope_type="linear", factor=4.0)),
    "tied": LlamaConfig(**base, num_key_value_heads=1, tie_word_embeddings=True),
    "biased": LlamaConfig(**base, num_key_value_heads=2, attention_bias=True, head_dim=16),
    "mistral": MistralConfig(**base, num_key_value_heads=2, sliding_window=32, attn_implementation="eager"),
    "mistral2": MistralConfig(**base, num_key_value_heads=2, sliding_window=None, head_dim=8, rope_theta=1e6),
}
expected = {}
for name, config in models.items():
    torch.manual_seed(1)
    cls = MistralForCausalLM if name.startswith("mistral") else LlamaForCausalLM
    model = cls(config).eval().float()
    with torch.no_grad():
        for key, p in model.named_parameters():
            p.normal_(0, 1.5 / p.shape[1] ** 0.5) if p.dim() == 2 else p.normal_(0 if "bias" in key else 1, 0.2)
            p.copy_(p.bfloat16().float())
        ids = torch.randint(0, config.vocab_size, (1, 150), generator=torch.Generator().manual_seed(2))
        logits = model(ids).logits[0]
    at = torch.tensor([0, 1, 7, 40, 77, 120, 149])
    expected |= {name + "/ids": ids[0].int(), name + "/at": at.int(), name + "/logits": logits[at].contiguous()}
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    model.bfloat16().save_pretrained(folder)
    os.remove(os.path.join(folder, "generation_config.json"))
    path = os.path.join(folder, "config.json")
    values = json.load(open(path))
    rope = values.pop("rope_parameters")
    if name in ("llama31", "vicuna16k"):  # as transformers 4 wrote it
        values["rope_theta"] = rope.pop("rope_theta")
        values["rope_scaling"] = rope
    else:
        values["rope_parameters"] = rope
    json.dump(values, open(path, "w"), indent=1, sort_keys=True)
save_file(expected, os.path.join(out, "expected.safetensors"))

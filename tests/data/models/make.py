"""Tiny random models as transformers 5.24 saves them, and what their files hold. python make.py, in this folder."""
import json
import shutil

import torch
from safetensors.torch import load_file
from transformers import (CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM, LlavaNextConfig,
                          LlavaNextForConditionalGeneration, MistralConfig)

torch.manual_seed(7)
text = dict(vocab_size=24, hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2)
vision = dict(hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2, image_size=4,
              patch_size=2, projection_dim=4)
rope = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 64}


def next_model(text_config):
    config = LlavaNextConfig(vision_config=CLIPVisionConfig(**vision), text_config=text_config,
                             image_grid_pinpoints=[[4, 8], [8, 4], [8, 8]], image_token_index=20)
    return LlavaNextForConditionalGeneration(config)


next_model(LlamaConfig(**text, rope_parameters=rope)).to(torch.bfloat16).save_pretrained("next-llama3")
next_model(MistralConfig(**text, sliding_window=None)).half().save_pretrained("next-mistral", max_shard_size="4KB")
LlamaForCausalLM(LlamaConfig(**text, tie_word_embeddings=True)).save_pretrained("tied")
LlamaForCausalLM(LlamaConfig(**text, attention_bias=True)).save_pretrained("bias")
CLIPVisionModel(CLIPVisionConfig(**vision)).save_pretrained("tower")

"""Adapters of PEFT 0.21 on ../models, and what PEFT makes of them. python make.py, in this folder."""
import os
import shutil

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import LlamaForCausalLM, LlavaNextForConditionalGeneration

torch.manual_seed(11)


def randomise(model):
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    return model


# All linears, rsLoRA, ranks that differ; merged by PEFT.
base = LlamaForCausalLM.from_pretrained("../models/bias")
targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "lm_head"]
config = LoraConfig(r=3, lora_alpha=5, use_rslora=True, target_modules=targets, rank_pattern={"o_proj": 2})
model = randomise(get_peft_model(base, config))
model.save_pretrained("rslora")
model.merge_and_unload().save_pretrained("rslora-merged")
for name in os.listdir("rslora-merged"):
    if name != "model.safetensors":
        os.remove("rslora-merged/" + name)

# A whole projector saved beside the low-rank parts, as PEFT does it; then in the files that LLaVA's trainings write.
base = LlavaNextForConditionalGeneration.from_pretrained("../models/next-llama3")
config = LoraConfig(r=2, lora_alpha=4, target_modules=r".*language_model.*\.(q_proj|v_proj)",
                    modules_to_save=["multi_modal_projector"])
model = randomise(get_peft_model(base, config))
for name, parameter in model.named_parameters():
    if "modules_to_save" in name:
        torch.nn.init.normal_(parameter, std=0.5)
model.save_pretrained("projector")
tensors = load_file("projector/adapter_model.safetensors")
os.makedirs("projector-bin", exist_ok=True)
shutil.copy("projector/adapter_config.json", "projector-bin")
torch.save({k: v for k, v in tensors.items() if "lora_" in k}, "projector-bin/adapter_model.bin")
torch.save({k: v for k, v in tensors.items() if "lora_" not in k}, "projector-bin/non_lora_trainables.bin")
for folder in ["rslora", "projector"]:
    os.remove(folder + "/README.md")

/* config.h -- the shapes and constants of a model, read from a Hugging Face folder of either layout.
 *
 * Llava-hf folders (`LlavaNextForConditionalGeneration`) nest text_config and vision_config and leave out values equal to
 * the class defaults; original LLaVA folders (`LlavaLlamaForCausalLM` and kin) are flat and name a vision tower in a
 * folder of its own. Plain LLaMA text models have no vision part. */
#ifndef FIRE_MODEL_CONFIG_H
#define FIRE_MODEL_CONFIG_H

#include <glib.h>
#include <stdbool.h>

enum model_layout { LAYOUT_HF, LAYOUT_ORIGINAL, LAYOUT_TEXT };

enum rope_scaling { ROPE_PLAIN, ROPE_LINEAR, ROPE_LLAMA3 };

/* The decoder: LLaMA-3, LLaMA-2 (Vicuna) or Mistral. */
struct text_config {
    int vocab_size, hidden_size, intermediate_size, n_layers, n_heads, n_kv_heads, head_dim;
    int max_positions;
    float rms_norm_eps;
    double rope_theta;
    enum rope_scaling rope_scaling;
    double rope_factor, rope_low_freq_factor, rope_high_freq_factor; /* of the scaling; 1 where unused */
    int rope_original_positions;
    int sliding_window; /* 0: none */
    bool tied;          /* the head is the embedding */
    bool attention_bias;
};

/* The CLIP tower. */
struct vision_config {
    int hidden_size, intermediate_size, n_layers, n_heads, image_size, patch_size;
    float layer_norm_eps;
    bool quick_gelu; /* else exact GELU */
    int feature_layer; /* as configured: -2 is the output of the last layer but one */
};

struct model_config {
    enum model_layout layout;
    struct text_config text;
    bool has_vision;
    struct vision_config vision;
    int image_token;        /* id of <image>; -200 where the layout has none */
    int (*pinpoints)[2];    /* (n_pinpoints) (height, width) in both layouts; owned */
    int n_pinpoints;
    bool anyres;            /* else padded square (image_aspect_ratio "pad") */
    bool unpad;             /* mm_patch_merge_type ends in "unpad" */
    char *tower;            /* original layout: mm_vision_tower as written; owned; NULL: inside */
    bool tower_tuned;       /* unfreeze_mm_vision_tower: weights inside the folder win */
    int bos_token, eos_tokens[8], n_eos_tokens; /* -1: none; from generation_config.json, else config.json */
    char *dtype;            /* torch_dtype as written, or NULL; owned */
};

/* FIRE_ERROR_FORMAT names the file, the key and the cause: absent, wrong type, absurd, not supported. */
bool model_config_load(struct model_config *config, const char *folder, GError **error);
void model_config_clear(struct model_config *config); /* accepts a zeroed one */

#endif

/* config.h -- the shapes and constants of a model, read from a Hugging Face folder of either layout.
 *
 * Llava-hf folders (`LlavaNextForConditionalGeneration`) nest text_config and vision_config and leave out values equal to
 * the class defaults; original LLaVA folders (`LlavaLlamaForCausalLM` and kin) are flat and name a vision tower in a
 * folder of its own. Plain LLaMA and Mistral text models have no vision part. */
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
    double rope_factor, rope_low_freq_factor,
        rope_high_freq_factor; /* of the scaling; 1 where unused */
    int rope_original_positions;
    int sliding_window;  /* 0: none */
    bool tied;           /* the head is the embedding */
    bool attention_bias; /* q, k, v and o have one */
};

/* The CLIP tower and how its pictures are normalised. */
struct vision_config {
    int hidden_size, intermediate_size, n_layers, n_heads, image_size,
        patch_size; /* whole patches a side */
    float layer_norm_eps;
    bool quick_gelu; /* else exact GELU */
    int feature_layer; /* as configured, -(n_layers + 1) to n_layers: -2 is the output of the last layer but one */
    double mean[3], std[3]; /* of values in 0 to 1; preprocessor_config.json, else CLIP's */
};

struct model_config {
    enum model_layout layout;
    struct text_config text;
    bool has_vision;
    struct vision_config vision;
    int image_token; /* id of <image>; -200 where the layout has none */
    int (*pinpoints)
        [2]; /* (n_pinpoints) (height, width) in both layouts, whole tiles; owned; NULL: none given */
    int n_pinpoints;
    bool anyres; /* else padded square (image_aspect_ratio "pad") */
    bool unpad;  /* mm_patch_merge_type ends in "unpad" */
    char *tower; /* original layout: mm_vision_tower as written; owned */
    char *
        tower_folder; /* original layout: where the tower was found; owned; NULL: nowhere, or inside */
    bool tower_tuned; /* unfreeze_mm_vision_tower: weights inside the folder win */
    int bos_token, eos_tokens[8],
        n_eos_tokens; /* -1: none; from generation_config.json, else config.json */
    char *dtype;      /* torch_dtype as written, or NULL; owned */
};

/* Reads config.json, generation_config.json and preprocessor_config.json of `folder`, and for the original layout those of
 * its vision tower: `tower` where it is not NULL, else the path in the config as given, then a sibling of the folder with
 * the same base name. Where there is none of these, the shapes of OpenAI's towers are known by their names.
 * FIRE_ERROR_FORMAT names the file, the key and the cause: absent, wrong type, absurd, not supported. `*config` need not
 * be initialised and is untouched on failure. */
bool model_config_load(struct model_config *config, const char *folder, const char *tower,
                       GError **error);

/* Only the text of a config.json; what other files say is left at its default, and the vision shapes of the original
 * layout at those of the class. `path` is for messages. */
bool model_config_parse(struct model_config *config, const char *text, size_t n_bytes,
                        const char *path, GError **error);

void model_config_clear(struct model_config *config); /* accepts a zeroed one */

#endif

#include "model/config_text.h"

#include <string.h>

static void read_shapes(struct text_config *text, struct json_keys *keys, bool mistral)
{
    text->vocab_size = json_keys_int(keys, "vocab_size", 32000, 1, 1 << 24);
    text->hidden_size = json_keys_int(keys, "hidden_size", 4096, 1, 1 << 17);
    text->intermediate_size =
        json_keys_int(keys, "intermediate_size", mistral ? 14336 : 11008, 1, 1 << 20);
    text->n_layers = json_keys_int(keys, "num_hidden_layers", 32, 1, 1024);
    text->n_heads = json_keys_int(keys, "num_attention_heads", 32, 1, 1024);
    text->n_kv_heads =
        json_keys_int(keys, "num_key_value_heads", mistral ? 8 : text->n_heads, 1, 1024);
    text->head_dim = json_keys_int(keys, "head_dim", text->hidden_size / text->n_heads, 1, 4096);
    text->max_positions =
        json_keys_int(keys, "max_position_embeddings", mistral ? 1 << 17 : 2048, 1, 1 << 24);
    if (!json_keys_get(keys, "head_dim") && text->hidden_size % text->n_heads != 0)
        json_keys_fail(keys, "num_attention_heads", "is %d, which does not divide hidden_size %d",
                       text->n_heads, text->hidden_size);
    if (text->n_heads % text->n_kv_heads != 0)
        json_keys_fail(keys, "num_key_value_heads", "is %d, which does not divide the %d heads",
                       text->n_kv_heads, text->n_heads);
    if (text->head_dim % 2 != 0)
        json_keys_fail(keys, "head_dim", "is %d; rotary positions need an even width",
                       text->head_dim);
}

static void read_scaling(struct text_config *text, struct json_keys *keys)
{
    const char *type =
        json_keys_string(keys, "rope_type", json_keys_string(keys, "type", "default"));
    text->rope_theta = json_keys_number(keys, "rope_theta", text->rope_theta, 1, 1e12);
    if (strcmp(type, "default") == 0)
        return;
    bool llama3 = strcmp(type, "llama3") == 0;
    if (!llama3 && strcmp(type, "linear") != 0) {
        json_keys_fail(keys, "rope_type", "is '%s'; 'default', 'linear' and 'llama3' are supported",
                       type);
        return;
    }
    text->rope_scaling = llama3 ? ROPE_LLAMA3 : ROPE_LINEAR;
    static const char *const needed[] = {"factor", "low_freq_factor", "high_freq_factor",
                                         "original_max_position_embeddings"};
    for (size_t i = 0; i < (llama3 ? G_N_ELEMENTS(needed) : 1); i++)
        if (!json_keys_get(keys, needed[i]))
            json_keys_fail(keys, needed[i], "is missing");
    text->rope_factor = json_keys_number(keys, "factor", 1, 1, 1e6);
    if (!llama3)
        return;
    text->rope_low_freq_factor = json_keys_number(keys, "low_freq_factor", 1, 1e-3, 1e6);
    text->rope_high_freq_factor = json_keys_number(keys, "high_freq_factor", 4, 1e-3, 1e6);
    text->rope_original_positions =
        json_keys_int(keys, "original_max_position_embeddings", text->max_positions, 1, 1 << 24);
    if (text->rope_high_freq_factor <= text->rope_low_freq_factor)
        json_keys_fail(keys, "high_freq_factor", "is not above low_freq_factor");
}

/* Newer folders write rope_parameters, with rope_theta inside. */
static void read_rope(struct text_config *text, struct json_keys *keys)
{
    text->rope_theta = json_keys_number(keys, "rope_theta", 10000, 1, 1e12);
    text->rope_scaling = ROPE_PLAIN;
    text->rope_factor = text->rope_low_freq_factor = text->rope_high_freq_factor = 1;
    text->rope_original_positions = text->max_positions;
    const char *key = json_keys_get(keys, "rope_parameters") ? "rope_parameters" : "rope_scaling";
    g_autofree char *prefix = g_strconcat(keys->prefix, key, ".", NULL);
    struct json_keys inner = {json_keys_object(keys, key), keys->path, prefix, NULL};
    read_scaling(text, &inner);
    if (keys->error)
        g_clear_error(&inner.error);
    else
        keys->error = inner.error;
}

void text_config_read(struct text_config *text, struct json_keys *keys, bool mistral)
{
    read_shapes(text, keys, mistral);
    read_rope(text, keys);
    text->rms_norm_eps = (float)json_keys_number(keys, "rms_norm_eps", 1e-6, 0, 1);
    text->tied = json_keys_bool(keys, "tie_word_embeddings", false);
    text->attention_bias = json_keys_bool(keys, "attention_bias", false);
    /* null means no window here, not the default */
    bool absent = !json_object_get(keys->object, "sliding_window");
    text->sliding_window =
        mistral ? json_keys_int(keys, "sliding_window", absent ? 4096 : 0, 1, 1 << 24) : 0;
    if (json_keys_bool(keys, "mlp_bias", false))
        json_keys_fail(keys, "mlp_bias", "is true, which is not supported");
    json_keys_only(keys, "hidden_act", "silu");
}

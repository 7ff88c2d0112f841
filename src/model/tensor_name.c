#include "model/tensor_name.h"

#include <string.h>

/* A name of ours and the file's. */
struct row {
    const char *ours, *file;
    bool plain; /* the file's name is all; else ".weight" or ".bias" follows it */
};

/* A part of a model. */
struct part {
    const char *ours;        /* prefix of our names */
    const char *files[8];    /* prefixes that files have for it, up to the first NULL */
    const char *written[3];  /* the one that is written, by enum model_layout; NULL: no such part */
    const struct row *once;  /* names outside layers */
    const struct row *layer; /* names inside a layer */
    const char *layers;      /* stands before a layer's number */
};

static const struct row decoder_once[] = {
    {"embed", "embed_tokens", false}, {"norm", "norm", false}, {0}};
static const struct row decoder_layer[] = {
    {"q", "self_attn.q_proj", false},
    {"k", "self_attn.k_proj", false},
    {"v", "self_attn.v_proj", false},
    {"o", "self_attn.o_proj", false},
    {"gate", "mlp.gate_proj", false},
    {"up", "mlp.up_proj", false},
    {"down", "mlp.down_proj", false},
    {"attention_norm", "input_layernorm", false},
    {"mlp_norm", "post_attention_layernorm", false},
    {0},
};
static const struct row head_once[] = {{"head", "lm_head", false}, {0}};
static const struct row newline_once[] = {{"newline", "image_newline", true}, {0}};
static const struct row vision_once[] = {
    {"patch", "embeddings.patch_embedding", false},
    {"class", "embeddings.class_embedding", true},
    {"position", "embeddings.position_embedding", false},
    {"pre_norm", "pre_layrnorm", false}, /* spelled so in the files */
    {0},
};
static const struct row vision_layer[] = {
    {"q", "self_attn.q_proj", false},
    {"k", "self_attn.k_proj", false},
    {"v", "self_attn.v_proj", false},
    {"o", "self_attn.out_proj", false},
    {"fc1", "mlp.fc1", false},
    {"fc2", "mlp.fc2", false},
    {"norm1", "layer_norm1", false},
    {"norm2", "layer_norm2", false},
    {0},
};
static const struct row projector_hf[] = {{"1", "linear_1", false}, {"2", "linear_2", false}, {0}};
static const struct row projector_original[] = {{"1", "0", false}, {"2", "2", false}, {0}};

static const char inner_tower[] = "model.vision_tower.vision_tower.vision_model.";

/* Releases of transformers differ in where they put "model." and "vision_model."; a tower's folder may have no prefix. */
static const struct part parts[] = {
    {"",
     {"language_model.model.", "model.language_model.", "model."},
     {"language_model.model.", "model.", "model."},
     decoder_once,
     decoder_layer,
     "layers."},
    {"", {"language_model.", ""}, {"language_model.", "", ""}, head_once, NULL, NULL},
    {"", {"", "model."}, {"", "model.", NULL}, newline_once, NULL, NULL},
    {"vision.",
     {inner_tower, "vision_tower.vision_model.", "vision_tower.",
      "model.vision_tower.vision_model.", "model.vision_tower.", "vision_model.", ""},
     {"vision_tower.vision_model.", inner_tower, NULL},
     vision_once,
     vision_layer,
     "encoder.layers."},
    {"projector.",
     {"multi_modal_projector.", "model.multi_modal_projector."},
     {"multi_modal_projector.", NULL, NULL},
     projector_hf,
     NULL,
     NULL},
    {"projector.",
     {"model.mm_projector."},
     {NULL, "model.mm_projector.", NULL},
     projector_original,
     NULL,
     NULL},
};

static const char *after(const char *text, const char *prefix)
{
    return g_str_has_prefix(text, prefix) ? text + strlen(prefix) : NULL;
}

/* Reads "12." (no sign, no leading zero) and steps over it. */
static bool read_layer(const char **text, int *layer)
{
    const char *at = *text;
    int n = 0;
    if (at[0] == '0' && at[1] != '.')
        return false;
    for (; g_ascii_isdigit(*at) && n < 10000; at++)
        n = 10 * n + (*at - '0');
    if (at == *text || *at != '.')
        return false;
    *text = at + 1;
    *layer = n;
    return true;
}

/* The row of a file's name, and whether it is the bias. */
static const struct row *find_file(const struct row *rows, const char *rest, bool *bias)
{
    for (; rows && rows->ours; rows++) {
        const char *end = after(rest, rows->file);
        *bias = end && !rows->plain && strcmp(end, ".bias") == 0;
        if (*bias || (end && strcmp(end, rows->plain ? "" : ".weight") == 0))
            return rows;
    }
    return NULL;
}

static char *from_part(const struct part *part, const char *rest)
{
    bool bias;
    int layer;
    const char *in_layer = part->layers ? after(rest, part->layers) : NULL;
    if (in_layer && read_layer(&in_layer, &layer)) {
        const struct row *row = find_file(part->layer, in_layer, &bias);
        const char *layers = *part->ours ? "" : "layers.";
        return row ? g_strdup_printf("%s%s%d.%s%s", part->ours, layers, layer, row->ours,
                                     bias ? ".bias" : "")
                   : NULL;
    }
    const struct row *row = find_file(part->once, rest, &bias);
    return row ? g_strconcat(part->ours, row->ours, bias ? ".bias" : "", NULL) : NULL;
}

char *tensor_name_from_file(const char *file_name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        for (size_t k = 0; k < G_N_ELEMENTS(parts[i].files) && parts[i].files[k]; k++) {
            const char *rest = after(file_name, parts[i].files[k]);
            char *name = rest ? from_part(&parts[i], rest) : NULL;
            if (name)
                return name;
        }
    return NULL;
}

/* The row of one of our names, and whether it is the bias. */
static const struct row *find_ours(const struct row *rows, const char *rest, bool *bias)
{
    for (; rows && rows->ours; rows++) {
        const char *end = after(rest, rows->ours);
        *bias = end && !rows->plain && strcmp(end, ".bias") == 0;
        if (*bias || (end && *end == '\0'))
            return rows;
    }
    return NULL;
}

static char *to_part(const struct part *part, const char *prefix, const char *rest)
{
    bool bias;
    int layer;
    const char *in_layer = *part->ours ? rest : after(rest, "layers.");
    if (part->layers && in_layer && read_layer(&in_layer, &layer)) {
        const struct row *row = find_ours(part->layer, in_layer, &bias);
        return row ? g_strdup_printf("%s%s%d.%s%s", prefix, part->layers, layer, row->file,
                                     bias ? ".bias" : ".weight")
                   : NULL;
    }
    const struct row *row = find_ours(part->once, rest, &bias);
    return row ? g_strconcat(prefix, row->file,
                             row->plain ? ""
                             : bias     ? ".bias"
                                        : ".weight",
                             NULL)
               : NULL;
}

char *tensor_name_to_file(const char *name, enum model_layout layout)
{
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        const char *prefix = parts[i].written[layout], *rest = after(name, parts[i].ours);
        char *file_name = prefix && rest ? to_part(&parts[i], prefix, rest) : NULL;
        if (file_name)
            return file_name;
    }
    return NULL;
}

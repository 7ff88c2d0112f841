/* Configurations: the reference folders, real ones of the family, every key of a wrong type, what is not supported. */
#include "model/config.h"

#include "support/model_folder.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

static void load(struct model_config *config, const char *folder)
{
    g_autoptr(GError) error = NULL;
    bool ok = model_config_load(config, folder, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static bool parse(struct model_config *config, const char *text, GError **error)
{
    return model_config_parse(config, text, strlen(text), "config.json", error);
}

static void assert_tiny(const struct model_config *config)
{
    const struct text_config *text = &config->text;
    g_assert_cmpint(text->hidden_size, ==, 64);
    g_assert_cmpint(text->intermediate_size, ==, 176);
    g_assert_cmpint(text->n_layers, ==, 4);
    g_assert_cmpint(text->n_heads, ==, 8);
    g_assert_cmpint(text->n_kv_heads, ==, 2);
    g_assert_cmpint(text->head_dim, ==, 8);
    g_assert_cmpint(text->max_positions, ==, 8192);
    g_assert_cmpfloat(text->rms_norm_eps, ==, 1e-5F);
    g_assert_cmpfloat(text->rope_theta, ==, 500000);
    g_assert_cmpint(text->rope_scaling, ==, ROPE_PLAIN);
    g_assert_cmpint(text->sliding_window, ==, 0);
    g_assert_false(text->tied || text->attention_bias);
    const struct vision_config *vision = &config->vision;
    g_assert_true(config->has_vision);
    g_assert_cmpint(vision->hidden_size, ==, 48);
    g_assert_cmpint(vision->intermediate_size, ==, 192);
    g_assert_cmpint(vision->n_layers, ==, 4);
    g_assert_cmpint(vision->n_heads, ==, 4);
    g_assert_cmpint(vision->image_size, ==, 56);
    g_assert_cmpint(vision->patch_size, ==, 14);
    g_assert_cmpfloat(vision->layer_norm_eps, ==, 1e-5F);
    g_assert_true(vision->quick_gelu);
    g_assert_cmpint(vision->feature_layer, ==, -2);
    g_assert_cmpfloat(vision->mean[2], ==, 0.40821073);
    g_assert_cmpfloat(vision->std[0], ==, 0.26862954);
    g_assert_true(config->anyres && config->unpad);
    g_assert_cmpint(config->n_pinpoints, ==, 5);
    g_assert_cmpint(config->bos_token, ==, 560);
    g_assert_cmpint(config->n_eos_tokens, ==, 2);
    g_assert_cmpint(config->eos_tokens[0], ==, 561);
    g_assert_cmpint(config->eos_tokens[1], ==, 569);
}

static void test_reference(void)
{
    static const char *const names[] = {"a-f32", "a-bf16", "b-f32", "b-bf16"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *relative = g_strconcat("reference/engine/models/", names[i], NULL);
        g_autofree char *folder = support_shared(relative);
        if (!folder)
            return;
        struct model_config config;
        load(&config, folder);
        assert_tiny(&config);
        bool original = names[i][0] == 'b';
        g_assert_cmpint(config.layout, ==, original ? LAYOUT_ORIGINAL : LAYOUT_HF);
        g_assert_cmpint(config.text.vocab_size, ==, original ? 576 : 640);
        g_assert_cmpint(config.image_token, ==, original ? -200 : 576);
        /* The same numbers, read as (height, width) in one layout and as (width, height) in the other. */
        g_assert_cmpint(config.pinpoints[0][original ? 1 : 0], ==, 56);
        g_assert_cmpint(config.pinpoints[0][original ? 0 : 1], ==, 112);
        g_assert_cmpint(config.pinpoints[3][original ? 1 : 0], ==, 168);
        g_assert_cmpstr(config.tower, ==, original ? "clip-vit-tiny-patch14-56" : NULL);
        g_assert_true(g_str_has_suffix(original ? config.tower_folder : "/clip-vit-tiny-patch14-56",
                                       "/clip-vit-tiny-patch14-56"));
        g_assert_cmpint(config.tower_tuned, ==, strcmp(names[i], "b-bf16") == 0);
        g_assert_cmpstr(config.dtype, ==, strstr(names[i], "bf16") ? "bfloat16" : "float32");
        model_config_clear(&config);
    }
}

/* config-8b.json: a folder that leaves out what the classes know, and what it stands for. */
static void test_defaults(void)
{
    g_autofree char *path = support_shared("reference/engine/config-8b.json");
    if (!path)
        return;
    json_t *root = json_load_file(path, 0, NULL), *resolved = json_object_get(root, "resolved");
    g_autofree char *written = json_dumps(json_object_get(root, "written"), 0);
    struct model_config config;
    g_autoptr(GError) error = NULL;
    g_assert_true(parse(&config, written, &error));
    const json_t *text = json_object_get(resolved, "text"),
                 *vision = json_object_get(resolved, "vision");
    const json_t *top = json_object_get(resolved, "top");
    const struct {
        const json_t *object;
        const char *key;
        double value;
    } rows[] = {
        {text, "vocab_size", config.text.vocab_size},
        {text, "hidden_size", config.text.hidden_size},
        {text, "intermediate_size", config.text.intermediate_size},
        {text, "num_hidden_layers", config.text.n_layers},
        {text, "num_attention_heads", config.text.n_heads},
        {text, "num_key_value_heads", config.text.n_kv_heads},
        {text, "rope_theta", config.text.rope_theta},
        {text, "max_position_embeddings", config.text.max_positions},
        {vision, "hidden_size", config.vision.hidden_size},
        {vision, "intermediate_size", config.vision.intermediate_size},
        {vision, "num_hidden_layers", config.vision.n_layers},
        {vision, "num_attention_heads", config.vision.n_heads},
        {vision, "image_size", config.vision.image_size},
        {vision, "patch_size", config.vision.patch_size},
        {top, "image_token_index", config.image_token},
        {top, "vision_feature_layer", config.vision.feature_layer},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpfloat(rows[i].value, ==,
                          json_number_value(json_object_get(rows[i].object, rows[i].key)));
    support_assert_near(config.text.rms_norm_eps, 1e-5, 1e-12);
    support_assert_near(config.vision.layer_norm_eps, 1e-5, 1e-12);
    g_assert_true(config.vision.quick_gelu && !config.text.tied);
    g_assert_cmpint(config.text.head_dim, ==, 128);
    const json_t *pinpoints = json_object_get(top, "image_grid_pinpoints");
    g_assert_cmpint(config.n_pinpoints, ==, (int)json_array_size(pinpoints));
    for (size_t i = 0; i < json_array_size(pinpoints); i++)
        for (size_t k = 0; k < 2; k++)
            g_assert_cmpint(config.pinpoints[i][k], ==,
                            json_integer_value(json_array_get(json_array_get(pinpoints, i), k)));
    model_config_clear(&config);
    json_decref(root);
}

/* The least that each kind of folder may write. */
static void test_least(void)
{
    struct model_config config;
    g_assert_true(parse(&config, "{\"model_type\":\"llava_next\"}", NULL));
    g_assert_cmpint(config.text.hidden_size, ==, 4096);
    g_assert_cmpint(config.text.intermediate_size, ==, 11008);
    g_assert_cmpint(config.text.n_kv_heads, ==, 32);
    g_assert_cmpint(config.vision.n_layers, ==, 24); /* ViT-L/14-336, not the class's ViT-B/32 */
    g_assert_cmpint(config.vision.image_size, ==, 336);
    g_assert_cmpint(config.image_token, ==, 32000);
    g_assert_cmpint(config.n_pinpoints, ==, 5);
    g_assert_cmpint(config.bos_token, ==, 1);
    g_assert_cmpint(config.eos_tokens[0], ==, 2);
    model_config_clear(&config);
    g_assert_true(parse(
        &config,
        "{\"model_type\":\"llava_next\",\"vision_config\":{\"image_size\":336,\"patch_size\":14}}",
        NULL));
    g_assert_cmpint(config.vision.hidden_size, ==, 768);
    g_assert_cmpint(config.vision.n_layers, ==, 12);
    model_config_clear(&config);
    g_assert_true(parse(&config, "{\"model_type\":\"mistral\"}", NULL));
    g_assert_cmpint(config.layout, ==, LAYOUT_TEXT);
    g_assert_false(config.has_vision);
    g_assert_cmpint(config.text.n_kv_heads, ==, 8);
    g_assert_cmpint(config.text.intermediate_size, ==, 14336);
    g_assert_cmpint(config.text.sliding_window, ==, 4096);
    model_config_clear(&config);
    g_assert_true(
        parse(&config, "{\"model_type\":\"mistral\",\"sliding_window\":null,\"eos_token_id\":null}",
              NULL));
    g_assert_cmpint(config.text.sliding_window, ==, 0);
    g_assert_cmpint(config.n_eos_tokens, ==, 0);
    model_config_clear(&config);
    g_assert_true(parse(
        &config, "{\"model_type\":\"llama\",\"sliding_window\":7,\"bos_token_id\":null}", NULL));
    g_assert_cmpint(config.text.sliding_window, ==, 0);
    g_assert_cmpint(config.text.max_positions, ==, 2048);
    g_assert_cmpint(config.bos_token, ==, -1);
    model_config_clear(&config);
}

static void test_rope(void)
{
    struct model_config config;
    g_assert_true(
        parse(&config,
              "{\"model_type\":\"llama\",\"rope_theta\":500000.0,\"rope_scaling\":{\"factor\":8.0,"
              "\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,\"original_max_position_"
              "embeddings\":8192,"
              "\"rope_type\":\"llama3\"}}",
              NULL));
    g_assert_cmpint(config.text.rope_scaling, ==, ROPE_LLAMA3);
    g_assert_cmpfloat(config.text.rope_theta, ==, 500000);
    g_assert_cmpfloat(config.text.rope_factor, ==, 8);
    g_assert_cmpfloat(config.text.rope_high_freq_factor, ==, 4);
    g_assert_cmpint(config.text.rope_original_positions, ==, 8192);
    model_config_clear(&config);
    g_assert_true(parse(
        &config, "{\"model_type\":\"llama\",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}}",
        NULL));
    g_assert_cmpint(config.text.rope_scaling, ==, ROPE_LINEAR);
    g_assert_cmpfloat(config.text.rope_factor, ==, 2);
    g_assert_cmpfloat(config.text.rope_theta, ==, 10000);
    model_config_clear(&config);
    g_assert_true(parse(&config,
                        "{\"model_type\":\"llama\",\"rope_parameters\":{\"rope_type\":\"default\","
                        "\"rope_theta\":1e6}}",
                        NULL));
    g_assert_cmpint(config.text.rope_scaling, ==, ROPE_PLAIN);
    g_assert_cmpfloat(config.text.rope_theta, ==, 1e6);
    model_config_clear(&config);
}

/* As transformers 5.24 writes them. */
static void test_newer(void)
{
    g_autofree char *llama3 = support_data("models/next-llama3"),
                    *mistral = support_data("models/next-mistral");
    struct model_config config;
    load(&config, llama3);
    g_assert_cmpint(config.text.rope_scaling, ==, ROPE_LLAMA3);
    g_assert_cmpfloat(config.text.rope_theta, ==, 500000);
    g_assert_cmpint(config.image_token, ==, 20);
    g_assert_cmpstr(config.dtype, ==, "bfloat16");
    model_config_clear(&config);
    load(&config, mistral);
    g_assert_cmpint(config.text.sliding_window, ==, 0);
    g_assert_cmpint(config.text.max_positions, ==, 131072);
    g_assert_cmpstr(config.dtype, ==, "float16");
    model_config_clear(&config);
}

/* A folder of LLaVA's own, as the released Vicuna and LLaMA-3 models write it, whose tower is not at hand. */
static const char original[] = "{\"model_type\":\"llava\",\"mm_vision_tower\":\"openai/"
                               "clip-vit-large-patch14-336\",\"image_aspect_ratio\":\"anyres\","
                               "\"image_grid_pinpoints\":[[336,672],[672,336],[672,672],[1008,336],"
                               "[336,1008]],\"mm_hidden_size\":1024,"
                               "\"mm_patch_merge_type\":\"spatial_unpad\",\"mm_projector_type\":"
                               "\"mlp2x_gelu\",\"mm_vision_select_layer\":-2,"
                               "\"unfreeze_mm_vision_tower\":true,\"hidden_size\":4096,"
                               "\"intermediate_size\":11008,\"vocab_size\":32000}";

static void test_named_tower(void)
{
    g_autofree char *folder = support_folder();
    g_free(support_write(folder, "config.json", original));
    struct model_config config;
    load(&config, folder);
    g_assert_cmpint(config.vision.hidden_size, ==, 1024);
    g_assert_cmpint(config.vision.n_layers, ==, 24);
    g_assert_cmpint(config.vision.image_size, ==, 336);
    g_assert_null(config.tower_folder);
    g_assert_true(config.tower_tuned);
    model_config_clear(&config);
    model_folder_set(folder, "config.json", "mm_vision_tower", json_string("a/clip-of-nobody"));
    g_autoptr(GError) error = NULL;
    g_assert_false(model_config_load(&config, folder, NULL, &error));
    model_folder_assert_error(&error, "--vision-tower");
    model_folder_set(folder, "config.json", "mm_vision_tower",
                     json_string("clip-vit-large-patch14"));
    g_assert_false(
        model_config_load(&config, folder, NULL, &error)); /* 336 is made of no tiles of 224 */
    model_folder_assert_error(&error, "'image_grid_pinpoints' holds 672 x 336");
}

/* The path as given, then the sibling; --vision-tower before both. */
static void test_finds_tower(void)
{
    g_autofree char *tower = support_data("models/tower"), *parent = support_folder();
    g_autofree char *folder = g_build_filename(parent, "model", NULL),
                    *sibling = g_build_filename(parent, "eye", NULL);
    g_autofree char *from = g_build_filename(tower, "config.json", NULL),
                    *to = g_build_filename(sibling, "config.json", NULL);
    g_autofree char *bytes = NULL;
    struct model_config config;
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(g_mkdir_with_parents(folder, 0700) | g_mkdir_with_parents(sibling, 0700), ==,
                    0);
    g_free(support_write(folder, "config.json", original));
    model_folder_set(folder, "config.json", "image_aspect_ratio", json_string("pad"));
    model_folder_set(folder, "config.json", "image_grid_pinpoints", json_null());
    model_folder_set(folder, "config.json", "mm_hidden_size", json_integer(8));
    model_folder_set(folder, "config.json", "mm_vision_tower", json_string("/somewhere/eye"));
    g_assert_false(model_config_load(&config, folder, NULL, &error));
    model_folder_assert_error(&error, "'/somewhere/eye'");
    g_assert_true(g_file_get_contents(from, &bytes, NULL, NULL) &&
                  g_file_set_contents(to, bytes, -1, NULL));
    load(&config, folder);
    g_assert_cmpstr(config.tower_folder, ==, sibling);
    g_assert_cmpint(config.vision.image_size, ==, 4);
    g_assert_false(config.anyres);
    model_config_clear(&config);
    model_folder_set(folder, "config.json", "mm_vision_tower", json_string(tower));
    load(&config, folder);
    g_assert_cmpstr(config.tower_folder, ==, tower);
    model_config_clear(&config);
    g_assert_true(model_config_load(&config, folder, sibling, &error));
    g_assert_cmpstr(config.tower_folder, ==, sibling);
    model_config_clear(&config);
    g_assert_false(model_config_load(&config, folder, parent, &error));
    model_folder_assert_error(&error, "cannot read");
    model_folder_set(folder, "config.json", "mm_hidden_size", json_integer(9));
    g_assert_false(model_config_load(&config, folder, NULL, &error));
    model_folder_assert_error(&error, "key 'mm_hidden_size' is 9, but the tower's is 8");
    g_autofree char *text = support_data("models/tied");
    g_assert_false(model_config_load(&config, text, tower, &error));
    model_folder_assert_error(&error, "takes no other vision tower");
}

enum { HF, ORIGINAL };

/* One key of a good folder set to a bad value: the error names the key. */
static const struct {
    int layout;
    const char *file, *key, *value; /* value NULL: removed */
} bad[] = {
    {HF, "config.json", "model_type", "\"qwen2\""},
    {HF, "config.json", "model_type", "7"},
    {HF, "config.json", "model_type", NULL},
    {HF, "config.json", "text_config", "7"},
    {HF, "config.json", "text_config.model_type", "\"gemma\""},
    {HF, "config.json", "text_config.vocab_size", "\"640\""},
    {HF, "config.json", "text_config.vocab_size", "0"},
    {HF, "config.json", "text_config.vocab_size", "99999999999"},
    {HF, "config.json", "text_config.hidden_size", "64.0"},
    {HF, "config.json", "text_config.hidden_size", "-64"},
    {HF, "config.json", "text_config.intermediate_size", "[]"},
    {HF, "config.json", "text_config.num_hidden_layers", "1000000"},
    {HF, "config.json", "text_config.num_hidden_layers", "true"},
    {HF, "config.json", "text_config.num_attention_heads", "0"},
    {HF, "config.json", "text_config.num_key_value_heads", "3"},
    {HF, "config.json", "text_config.head_dim", "7"},
    {HF, "config.json", "text_config.head_dim", "{}"},
    {HF, "config.json", "text_config.max_position_embeddings", "0"},
    {HF, "config.json", "text_config.rms_norm_eps", "\"1e-5\""},
    {HF, "config.json", "text_config.rms_norm_eps", "-1"},
    {HF, "config.json", "text_config.rope_theta", "0"},
    {HF, "config.json", "text_config.rope_theta", "[]"},
    {HF, "config.json", "text_config.rope_scaling", "\"linear\""},
    {HF, "config.json", "text_config.tie_word_embeddings", "0"},
    {HF, "config.json", "text_config.attention_bias", "\"no\""},
    {HF, "config.json", "text_config.mlp_bias", "true"},
    {HF, "config.json", "text_config.hidden_act", "\"gelu\""},
    {HF, "config.json", "text_config.hidden_act", "1"},
    {HF, "config.json", "text_config.bos_token_id", "\"x\""},
    {HF, "config.json", "text_config.eos_token_id", "-1"},
    {HF, "config.json", "text_config.eos_token_id", "[1,\"2\"]"},
    {HF, "config.json", "text_config.eos_token_id", "[1,2,3,4,5,6,7,8,9]"},
    {HF, "config.json", "vision_config", "[]"},
    {HF, "config.json", "vision_config.model_type", "\"siglip_vision_model\""},
    {HF, "config.json", "vision_config.num_attention_heads", "5"},
    {HF, "config.json", "vision_config.num_hidden_layers", "0"},
    {HF, "config.json", "vision_config.image_size", "57"},
    {HF, "config.json", "vision_config.image_size", "1000000"},
    {HF, "config.json", "vision_config.patch_size", "15"},
    {HF, "config.json", "vision_config.layer_norm_eps", "2"},
    {HF, "config.json", "vision_config.hidden_act", "\"relu\""},
    {HF, "config.json", "vision_config.num_channels", "1"},
    {HF, "config.json", "vision_feature_layer", "[-2,-3]"},
    {HF, "config.json", "vision_feature_layer", "-6"},
    {HF, "config.json", "vision_feature_layer", "5"},
    {HF, "config.json", "vision_feature_select_strategy", "\"full\""},
    {HF, "config.json", "projector_hidden_act", "\"relu\""},
    {HF, "config.json", "multimodal_projector_bias", "false"},
    {HF, "config.json", "image_token_index", "\"<image>\""},
    {HF, "config.json", "image_token_index", "-1"},
    {HF, "config.json", "image_grid_pinpoints", "7"},
    {HF, "config.json", "image_grid_pinpoints", "[]"},
    {HF, "config.json", "image_grid_pinpoints", "[[56]]"},
    {HF, "config.json", "image_grid_pinpoints", "[[56,\"56\"]]"},
    {HF, "config.json", "image_grid_pinpoints", "[[56,57]]"},
    {HF, "config.json", "image_grid_pinpoints", "[[56,0]]"},
    {HF, "config.json", "image_grid_pinpoints", "[[5600,5600]]"},
    {HF, "config.json", "image_grid_pinpoints", "\"[[56,56]]\""},
    {HF, "config.json", "torch_dtype", "32"},
    {HF, "generation_config.json", "eos_token_id", "\"x\""},
    {HF, "generation_config.json", "bos_token_id", "1.5"},
    {HF, "preprocessor_config.json", "image_mean", "[0.5,0.5]"},
    {HF, "preprocessor_config.json", "image_mean", "0.5"},
    {HF, "preprocessor_config.json", "image_std", "[0.5,0,0.5]"},
    {HF, "preprocessor_config.json", "image_std", "[0.5,0.5,\"1\"]"},
    {HF, "preprocessor_config.json", "size", "{\"shortest_edge\":57}"},
    {HF, "preprocessor_config.json", "size", "\"56\""},
    {HF, "preprocessor_config.json", "crop_size", "{\"height\":56,\"width\":112}"},
    {HF, "preprocessor_config.json", "crop_size", "57"},
    {HF, "preprocessor_config.json", "resample", "2"},
    {HF, "preprocessor_config.json", "rescale_factor", "0.5"},
    {HF, "preprocessor_config.json", "do_normalize", "false"},
    {HF, "preprocessor_config.json", "do_rescale", "false"},
    {HF, "preprocessor_config.json", "image_grid_pinpoints", "[[56,112]]"},
    {ORIGINAL, "config.json", "mm_vision_tower", "7"},
    {ORIGINAL, "config.json", "mm_vision_select_layer", "\"-2\""},
    {ORIGINAL, "config.json", "mm_vision_select_layer", "-9"},
    {ORIGINAL, "config.json", "mm_vision_select_feature", "\"cls_patch\""},
    {ORIGINAL, "config.json", "mm_projector_type", "\"linear\""},
    {ORIGINAL, "config.json", "mm_projector_type", NULL},
    {ORIGINAL, "config.json", "mm_use_im_start_end", "true"},
    {ORIGINAL, "config.json", "mm_patch_merge_type", "\"flat\""},
    {ORIGINAL, "config.json", "mm_patch_merge_type", NULL},
    {ORIGINAL, "config.json", "image_aspect_ratio", "\"square\""},
    {ORIGINAL, "config.json", "image_aspect_ratio", NULL},
    {ORIGINAL, "config.json", "image_grid_pinpoints", NULL},
    {ORIGINAL, "config.json", "image_grid_pinpoints", "\"[[56,\""},
    {ORIGINAL, "config.json", "unfreeze_mm_vision_tower", "1"},
    {ORIGINAL, "config.json", "mm_hidden_size", "64"},
    {ORIGINAL, "config.json", "num_key_value_heads", "3"},
};

static void test_bad_keys(void)
{
    g_autofree char *hf = support_shared("reference/engine/models/a-f32");
    g_autofree char *flat = support_shared("reference/engine/models/b-f32");
    g_autofree char *tower = support_shared("reference/engine/models/clip-vit-tiny-patch14-56");
    if (!hf || !flat || !tower)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        bool original_layout = bad[i].layout == ORIGINAL;
        g_autofree char *folder = model_folder_copy(original_layout ? flat : hf);
        json_t *value = bad[i].value ? json_loads(bad[i].value, JSON_DECODE_ANY, NULL) : NULL;
        model_folder_set(folder, bad[i].file, bad[i].key, value);
        struct model_config config;
        g_autoptr(GError) error = NULL;
        bool ok = model_config_load(&config, folder, original_layout ? tower : NULL, &error);
        if (ok)
            g_error("%s = %s was taken", bad[i].key, bad[i].value);
        g_assert_nonnull(strstr(error->message, bad[i].file));
        const char *last = strrchr(bad[i].key, '.');
        /* A size that fits nothing is told by the key that shows it. */
        bool shape = strstr(bad[i].key, "image_size") || strstr(bad[i].key, "head_dim");
        model_folder_assert_error(&error, shape ? "key '" : last ? last + 1 : bad[i].key);
    }
}

static void test_bad_scaling(void)
{
    static const struct {
        const char *scaling, *cause;
    } rows[] = {
        {"{\"type\":\"dynamic\",\"factor\":2}", "'rope_scaling.rope_type' is 'dynamic'"},
        {"{\"rope_type\":1}", "'rope_scaling.rope_type' is not a string"},
        {"{\"type\":\"linear\"}", "'rope_scaling.factor' is missing"},
        {"{\"type\":\"linear\",\"factor\":\"2\"}", "'rope_scaling.factor' is not a number"},
        {"{\"type\":\"linear\",\"factor\":0}", "'rope_scaling.factor' is 0"},
        {"{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":1,\"high_freq_factor\":4}",
         "'rope_scaling.original_max_position_embeddings' is missing"},
        {"{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":4,"
         "\"original_max_position_embeddings\":8192}",
         "'rope_scaling.high_freq_factor' is not above"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            g_strdup_printf("{\"model_type\":\"llama\",\"rope_scaling\":%s}", rows[i].scaling);
        struct model_config config;
        g_autoptr(GError) error = NULL;
        g_assert_false(parse(&config, text, &error));
        model_folder_assert_error(&error, rows[i].cause);
    }
}

static void test_bad_files(void)
{
    static const struct {
        const char *text, *cause;
    } rows[] = {{"", "config.json"},
                {"[]", "not a JSON object"},
                {"{", "config.json"},
                {"{}", "'model_type' is missing"},
                {"{\"model_type\":\"llama\",\"model_type\":\"llama\"}", "duplicate"}};
    g_autofree char *folder = support_folder();
    struct model_config config = {.image_token = 77};
    g_autoptr(GError) error = NULL;
    g_assert_false(model_config_load(&config, folder, NULL, &error));
    model_folder_assert_error(&error, "No such file");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_free(support_write(folder, "config.json", rows[i].text));
        g_assert_false(model_config_load(&config, folder, NULL, &error));
        model_folder_assert_error(&error, rows[i].cause);
    }
    g_assert_cmpint(config.image_token, ==, 77); /* untouched */
    g_free(support_write(folder, "config.json", "{\"model_type\":\"llama\"}"));
    g_free(support_write(folder, "generation_config.json", "[1]"));
    g_assert_false(model_config_load(&config, folder, NULL, &error));
    model_folder_assert_error(&error, "generation_config.json': not a JSON object");
}

/* Pinpoints written as a string are taken in the original layout. */
static void test_pinpoints_string(void)
{
    g_autofree char *folder = support_folder();
    g_free(support_write(folder, "config.json", original));
    model_folder_set(folder, "config.json", "image_grid_pinpoints",
                     json_string("[[336, 672], [672, 336]]"));
    struct model_config config;
    load(&config, folder);
    g_assert_cmpint(config.n_pinpoints, ==, 2);
    g_assert_cmpint(config.pinpoints[0][0], ==, 672);
    model_config_clear(&config);
}

/* Whatever the value of whatever key: taken, or one line. */
static void test_any_value(void)
{
    static const char *const values[] = {
        "\"x\"", "[]", "[[]]", "{}", "true", "-1", "0", "1e308", "9223372036854775807", "[1,2,3]"};
    static const char *const files[] = {"config.json", "generation_config.json",
                                        "preprocessor_config.json"};
    g_autofree char *hf = support_shared("reference/engine/models/a-f32");
    if (!hf)
        return;
    for (size_t f = 0; f < G_N_ELEMENTS(files); f++) {
        g_autofree char *path = g_build_filename(hf, files[f], NULL);
        json_t *root = json_load_file(path, 0, NULL), *member;
        const char *key;
        g_autofree char *folder = model_folder_copy(hf);
        json_object_foreach (root, key, member)
            for (size_t v = 0; v < G_N_ELEMENTS(values); v++) {
                model_folder_set(folder, files[f], key,
                                 json_loads(values[v], JSON_DECODE_ANY, NULL));
                struct model_config config;
                g_autoptr(GError) error = NULL;
                if (model_config_load(&config, folder, NULL, &error))
                    model_config_clear(&config);
                else
                    model_folder_assert_error(&error, files[f]);
                model_folder_set(folder, files[f], key, json_incref(member));
            }
        json_decref(root);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/reference", test_reference);
    g_test_add_func("/config/defaults", test_defaults);
    g_test_add_func("/config/least", test_least);
    g_test_add_func("/config/rope", test_rope);
    g_test_add_func("/config/newer", test_newer);
    g_test_add_func("/config/named-tower", test_named_tower);
    g_test_add_func("/config/finds-tower", test_finds_tower);
    g_test_add_func("/config/bad-keys", test_bad_keys);
    g_test_add_func("/config/bad-scaling", test_bad_scaling);
    g_test_add_func("/config/bad-files", test_bad_files);
    g_test_add_func("/config/pinpoints-string", test_pinpoints_string);
    g_test_add_func("/config/any-value", test_any_value);
    return g_test_run();
}

/* fire probe against the reference: what the command prints and writes, for every prompt of every model. */
#include "support/engine_case.h"
#include "support/support.h"

#include <string.h>

static const char *const names[] = {"a-f32", "b-f32", "a-bf16", "b-bf16"};

struct result {
    json_t *json;
    char *logits, *features;
    gsize n_logits, n_features;
};

static void add(GPtrArray *arguments, const char *option, const char *value)
{
    g_ptr_array_add(arguments, g_strdup(option));
    if (value)
        g_ptr_array_add(arguments, g_strdup(value));
}

/* Runs the program over a prompt, or over its ids. */
static void probe(struct result *result, const struct reference *reference, const json_t *item,
                  bool by_ids, const char *folder)
{
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *logits = g_build_filename(folder, "logits", NULL);
    g_autofree char *features = g_build_filename(folder, "features", NULL);
    g_autofree char *ids = json_dumps(json_object_get(item, "ids"), 0);
    g_autofree char *prompt =
        by_ids
            ? support_write(folder, "ids", ids)
            : support_write(folder, "prompt", json_string_value(json_object_get(item, "prompt")));
    g_autoptr(GString) positions = g_string_new(NULL);
    for (size_t i = 0; i < json_length(item, "logits_at"); i++)
        g_string_append_printf(positions, "%s%d", i > 0 ? "," : "",
                               json_int_at(item, "logits_at", i));
    add(arguments, g_getenv("FIRE"), "probe");
    add(arguments, "--model", reference->folder);
    add(arguments, by_ids ? "--ids" : "--prompt-file", prompt);
    for (size_t i = 0; i < json_length(item, "images"); i++) {
        g_autofree char *name = g_strconcat(
            "reference/engine/images/",
            json_string_value(json_array_get(json_object_get(item, "images"), i)), NULL);
        g_autofree char *path = support_shared(name);
        add(arguments, "--image", path);
    }
    add(arguments, "--greedy", "32");
    add(arguments, "--compute", "f32");
    add(arguments, "--logits-at", positions->str);
    add(arguments, "--logits", logits);
    add(arguments, "--features", features);
    add(arguments, "--json", NULL);
    g_ptr_array_add(arguments, NULL);
    g_autofree char *out = NULL;
    int status;
    g_autoptr(GError) error = NULL;
    g_spawn_sync(NULL, (char **)arguments->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL,
                 &status, &error);
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
    result->json = json_loads(out, JSON_ALLOW_NUL, NULL);
    g_assert_nonnull(result->json);
    g_assert_true(g_file_get_contents(logits, &result->logits, &result->n_logits, NULL));
    g_assert_true(g_file_get_contents(features, &result->features, &result->n_features, NULL));
}

static void result_clear(struct result *result)
{
    json_decref(result->json);
    g_free(result->logits);
    g_free(result->features);
}

static void compare_floats(const struct reference *reference, const json_t *item, const char *name,
                           const char *bytes, gsize n_bytes)
{
    g_autofree char *path =
        g_strdup_printf("%s/%s", json_string_value(json_object_get(item, "name")), name);
    size_t n;
    const float *expected = tensors_get_f32(&reference->tensors, path, &n);
    g_assert_cmpuint(n_bytes, ==, n * sizeof(float));
    g_autofree float *values = g_memdup2(bytes, n_bytes);
    g_assert_cmpfloat(relative_difference(values, expected, n), <=, 1e-4);
}

static void check_result(const struct result *result, const struct reference *reference,
                         const json_t *item)
{
    const json_t *json = result->json;
    g_assert_true(json_equal(json_object_get(json, "token_ids"), json_object_get(item, "ids")));
    g_assert_true(
        json_equal(json_object_get(json, "merged_length"), json_object_get(item, "merged_length")));
    const json_t *counts = json_object_get(item, "image_token_counts");
    if (counts)
        g_assert_true(json_equal(json_object_get(json, "image_token_counts"), counts));
    g_assert_cmpuint(json_length(json, "image_token_counts"), ==, json_length(item, "images"));
    const json_t *top = json_array_get(json_object_get(json, "top"), 0);
    g_assert_cmpint(json_integer_value(json_object_get(top, "id")), ==,
                    json_int_at(item, "greedy", 0));
    g_assert_cmpuint(json_length(json, "greedy_ids"), ==, json_length(item, "greedy"));
    for (size_t i = 0; i < json_length(item, "greedy"); i++) {
        if (json_real_at(item, "greedy_margins", i) < 1e-3)
            break;
        g_assert_cmpint(json_int_at(json, "greedy_ids", i), ==, json_int_at(item, "greedy", i));
    }
    g_assert_true(json_is_string(json_object_get(json, "text")));
    compare_floats(reference, item, "logits", result->logits, result->n_logits);
    if (reference->name[0] != 'a')
        return;
    if (json_length(item, "images") > 0)
        compare_floats(reference, item, "projected", result->features, result->n_features);
    else
        g_assert_cmpuint(result->n_features, ==, 0);
}

static void test_probe(const void *data)
{
    struct reference reference;
    if (!g_getenv("FIRE")) {
        g_test_skip("$FIRE is not set");
        return;
    }
    if (!reference_open(&reference, data))
        return;
    g_autofree char *folder = support_folder();
    for (size_t i = 0; i < reference_n_cases(&reference); i++)
        for (int by_ids = 0; by_ids < 2; by_ids++) {
            struct result result;
            probe(&result, &reference, reference_case(&reference, i), by_ids, folder);
            check_result(&result, &reference, reference_case(&reference, i));
            result_clear(&result);
        }
    reference_close(&reference);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_strdup_printf("/probe/%s", names[i]);
        g_test_add_data_func(path, names[i], test_probe);
    }
    return g_test_run();
}

/* Decoders of every kind against transformers: tests/data/decoders. */
#include "model/session.h"
#include "support/engine_case.h"
#include "support/support.h"

#include <string.h>

static const char *const names[] = {"llama3", "llama31", "vicuna",  "vicuna16k",
                                    "tied",   "biased",  "mistral", "mistral2"};

static void take(int position G_GNUC_UNUSED, const float *logits, void *user)
{
    g_array_append_vals(user, logits, 96);
}

/* i32 values of a tensor. */
static const int *get_ints(const struct tensors *tensors, const char *name, size_t *n)
{
    const json_t *offsets = json_object_get(json_object_get(tensors->header, name), "data_offsets");
    json_int_t first = json_integer_value(json_array_get(offsets, 0));
    json_int_t end = json_integer_value(json_array_get(offsets, 1));
    *n = (size_t)(end - first) / sizeof(int);
    return (const int *)(const void *)(tensors->bytes + tensors->at + first);
}

static void check(const char *name, const struct tensors *expected, const struct backend *backend,
                  int max_rows)
{
    g_autofree char *relative = g_strconcat("decoders/", name, NULL);
    g_autofree char *folder = support_data(relative);
    g_autofree char *ids_name = g_strconcat(name, "/ids", NULL);
    g_autofree char *at_name = g_strconcat(name, "/at", NULL);
    g_autofree char *logits_name = g_strconcat(name, "/logits", NULL);
    size_t n_ids, n_at, n_logits;
    const int *ids = get_ints(expected, ids_name, &n_ids), *at = get_ints(expected, at_name, &n_at);
    const float *logits = tensors_get_f32(expected, logits_name, &n_logits);
    struct engine_options options = ENGINE_OPTIONS_INIT;
    options.backend = backend;
    options.compute = ENGINE_COMPUTE_F32;
    options.max_rows = max_rows;
    g_autoptr(GError) error = NULL;
    struct engine *engine = engine_open(folder, &options, &error);
    g_assert_no_error(error);
    struct sequence prompt;
    sequence_init(&prompt, ids, n_ids, engine->config.image_token, engine->config.text.vocab_size,
                  engine_max_positions(engine), NULL, 0, &error);
    g_assert_no_error(error);
    g_autoptr(GArray) seen = g_array_new(FALSE, FALSE, sizeof(float));
    const struct session_request request = {
        .logits_at = at, .n_logits_at = (int)n_at, .take = take, .user = seen};
    struct session *session = session_new(engine, -1);
    g_assert_true(session_start(session, &prompt, &request, &error));
    run_sessions(engine, &session, 1);
    g_assert_cmpuint(seen->len, ==, n_logits);
    double difference =
        relative_difference((const float *)(const void *)seen->data, logits, n_logits);
    g_test_message("%s, %s, steps of %d: %.1e", name, backend->name, max_rows, difference);
    g_assert_cmpfloat(difference, <=, 1e-4);
    session_free(session);
    sequence_clear(&prompt);
    engine_close(engine);
}

static void test_decoder(const void *data)
{
    g_autofree char *path = support_data("decoders/expected.safetensors");
    struct tensors expected;
    tensors_open(&expected, path);
    for (size_t i = 0; i < TEST_BACKENDS; i++) {
        const struct backend *backend = test_backend(i);
        if (!backend)
            continue;
        check(data, &expected, backend, 512);
        check(data, &expected, backend, 11);
    }
    tensors_close(&expected);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_strconcat("/decoders/", names[i], NULL);
        g_test_add_data_func(path, names[i], test_decoder);
    }
    return g_test_run();
}

/* The engine against the reference: every intermediate value that ../shared/reference/engine holds. */
#include "model/vision.h"
#include "support/engine_case.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

/* Which files, how computed, how near. */
static const struct parity {
    const char *name;
    bool bf16;
    const char *logits, *greedy, *margins; /* names of what is compared */
    double tolerance, margin;
} parities[] = {
    {"a-f32", false, "logits", "greedy", "greedy_margins", 1e-4, 1e-3},
    {"b-f32", false, "logits", "greedy", "greedy_margins", 1e-4, 1e-3},
    {"a-bf16", false, "logits", "greedy", "greedy_margins", 1e-4, 1e-3},
    {"b-bf16", false, "logits", "greedy", "greedy_margins", 1e-4, 1e-3},
    {"a-bf16", true, "bf16_compute/logits", "greedy_bf16_compute", "greedy_margins_bf16_compute",
     0.1, 0.5},
    {"b-bf16", true, "bf16_compute/logits", "greedy_bf16_compute", "greedy_margins_bf16_compute",
     0.1, 0.5},
};

/* All that a run showed: name -> floats. */
struct seen {
    GHashTable *values; /* of GArray of float */
};

static void values_free(void *values)
{
    g_array_unref(values);
}

static void see(const char *name, const float *x, int n_rows, int width, void *user)
{
    struct seen *seen = user;
    GArray *values = g_hash_table_lookup(seen->values, name);
    if (!values) {
        values = g_array_new(FALSE, FALSE, sizeof(float));
        g_hash_table_insert(seen->values, g_strdup(name), values);
    }
    g_array_append_vals(values, x, (guint)(n_rows * width));
}

static void see_logits(int position G_GNUC_UNUSED, const float *logits, void *user)
{
    const struct engine *engine = ((struct session *)user)->engine;
    see("logits", logits, 1, engine->config.text.vocab_size, engine->watch_user);
}

/* The last values of what was seen under `name` against a tensor of the reference; false where there is none of it. */
static bool compare(const struct seen *seen, const char *name, const struct reference *reference,
                    const char *case_name, const char *tensor, double tolerance)
{
    g_autofree char *path = g_strdup_printf("%s/%s", case_name, tensor);
    if (!tensors_has(&reference->tensors, path))
        return false;
    size_t n;
    const float *expected = tensors_get_f32(&reference->tensors, path, &n);
    const GArray *values = g_hash_table_lookup(seen->values, name);
    g_assert_nonnull(values);
    g_assert_cmpuint(values->len, >=, n);
    double difference = relative_difference(
        (const float *)(const void *)values->data + (values->len - n), expected, n);
    g_test_message("%s %s: %.1e", reference->name, path, difference);
    if (!(difference <= tolerance))
        g_error("%s, %s: off by %g, allowed %g", reference->name, path, difference, tolerance);
    return true;
}

static void compare_layers(const struct seen *seen, const struct reference *reference,
                           const char *case_name, double tolerance)
{
    static const char *const names[] = {"hidden_after_layer_0", "hidden_after_layer_1",
                                        "hidden_after_layer_2", "vision_hidden_0",
                                        "vision_hidden_1"};
    size_t n = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        n += compare(seen, names[i], reference, case_name, names[i], tolerance);
    if (reference->name[0] == 'a')
        g_assert_cmpuint(n, >=, 3);
}

static void check_pictures(struct engine *engine, const json_t *item, const struct sequence *prompt,
                           struct seen *seen)
{
    size_t width = (size_t)engine->config.text.hidden_size;
    for (guint i = 0; i < prompt->pictures->len; i++) {
        const struct features *picture = prompt->pictures->pdata[i];
        const json_t *order = json_array_get(json_object_get(item, "image_token_order"), i);
        if (json_object_get(item, "image_token_counts"))
            g_assert_cmpint(picture->n_slots, ==, json_int_at(item, "image_token_counts", i));
        for (int j = 0; order && j < picture->n_slots; j++)
            g_assert_cmpint(picture->order[j], ==,
                            json_integer_value(json_array_get(order, (size_t)j)));
        see("vision_features", picture->rows, picture->n_rows, picture->width, seen);
        g_autofree float *projected = g_new(float, (size_t)picture->n_rows *width);
        vision_project(engine, projected, picture->rows, picture->n_rows, -1);
        see("projected", projected, picture->n_rows, (int)width, seen);
    }
}

static void check_case(struct engine *engine, const struct parity *parity,
                       const struct reference *reference, const json_t *item)
{
    struct seen seen = {g_hash_table_new_full(g_str_hash, g_str_equal, g_free, values_free)};
    engine->watch = see;
    engine->watch_user = &seen;
    const char *name = json_string_value(json_object_get(item, "name"));
    struct sequence prompt;
    reference_prompt(&prompt, engine, item);
    g_assert_cmpint(prompt.n_slots, ==, json_integer_value(json_object_get(item, "merged_length")));
    check_pictures(engine, item, &prompt, &seen);

    g_autofree int *all = g_new(int, prompt.n_slots);
    for (int i = 0; i < prompt.n_slots; i++)
        all[i] = i;
    struct session *session = session_new(engine, -1);
    const struct session_request request = {
        .logits_at = all, .n_logits_at = prompt.n_slots, .take = see_logits, .user = session};
    g_assert_true(session_start(session, &prompt, &request, NULL));
    run_sessions(engine, &session, 1);
    engine->watch = NULL;

    if (!parity->bf16) {
        g_assert_true(compare(&seen, "embeds", reference, name, "embeds", parity->tolerance));
        bool pictures = prompt.pictures->len > 0 && reference->name[0] == 'a';
        g_assert_true(compare(&seen, "vision_features", reference, name, "vision_features",
                              parity->tolerance) == pictures);
        g_assert_true(compare(&seen, "projected", reference, name, "projected",
                              parity->tolerance) == pictures);
        g_assert_true(compare(&seen, "hidden_after_final_norm", reference, name,
                              "hidden_after_final_norm",
                              parity->tolerance) == (reference->name[0] == 'a'));
        compare_layers(&seen, reference, name, parity->tolerance);
    }
    /* Logits stand in the reference for some positions only. */
    const GArray *logits = g_hash_table_lookup(seen.values, "logits");
    GArray *chosen = g_array_new(FALSE, FALSE, sizeof(float));
    guint vocab = (guint)engine->config.text.vocab_size;
    for (size_t i = 0; i < json_length(item, "logits_at"); i++)
        g_array_append_vals(
            chosen, &g_array_index(logits, float, (guint)json_int_at(item, "logits_at", i) * vocab),
            vocab);
    g_hash_table_insert(seen.values, g_strdup("chosen"), chosen);
    g_assert_true(compare(&seen, "chosen", reference, name, parity->logits, parity->tolerance));
    if (parity->bf16)
        g_assert_true(compare(&seen, "chosen", reference, name, "logits", parity->tolerance));

    const struct session_request answer = {.max_new = (int)json_length(item, parity->greedy)};
    g_assert_true(session_start(session, &prompt, &answer, NULL));
    run_sessions(engine, &session, 1);
    g_assert_cmpint(session->end, ==, SESSION_END_LENGTH);
    g_assert_cmpint(session_n_new(session), ==, answer.max_new);
    size_t n =
        reference_check_greedy(item, parity->greedy, parity->margins, parity->margin, session);
    g_test_message("%s %s: %zu greedy tokens compared", reference->name, name, n);
    session_free(session);
    sequence_clear(&prompt);
    g_hash_table_unref(seen.values);
}

static void test_forward(const void *data)
{
    const struct parity *parity = data;
    struct reference reference;
    if (!reference_open(&reference, parity->name))
        return;
    for (size_t i = 0; i < TEST_BACKENDS; i++) {
        struct engine_options options = ENGINE_OPTIONS_INIT;
        if (!(options.backend = test_backend(i)))
            continue;
        g_test_message("backend %s", test_backend_name(i));
        options.compute = parity->bf16 ? ENGINE_COMPUTE_BF16 : ENGINE_COMPUTE_F32;
        struct engine *engine = reference_engine(&reference, &options);
        for (size_t j = 0; j < reference_n_cases(&reference); j++)
            check_case(engine, parity, &reference, reference_case(&reference, j));
        engine_close(engine);
    }
    reference_close(&reference);
}

static void take_row(int position G_GNUC_UNUSED, const float *logits, void *user)
{
    see("logits", logits, 1, 640, user);
}

/* The last logits of a training row, with an adapter and without, also when both are of one step. */
static void check_adapter(const struct reference *reference, const struct tensors *expected,
                          const json_t *row, const struct backend *backend)
{
    g_autofree char *folder = support_shared("reference/engine/train/init_b_random");
    struct engine_options options = ENGINE_OPTIONS_INIT;
    options.backend = backend;
    struct engine *engine = reference_engine(reference, &options);
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(engine_add_adapter(engine, folder, &error), ==, 0);
    g_assert_no_error(error);
    g_assert_cmpint(engine_add_adapter(engine, folder, &error), ==, 0);
    struct sequence prompt;
    reference_prompt(&prompt, engine, row);
    int last = prompt.n_slots - 1;
    /* Adapter of each session: alone, together, and taking turns. */
    static const int sets[][3] = {{0}, {-1}, {0, -1, 0}, {-1, 0, -1}};
    static const size_t n_sessions[] = {1, 1, 3, 3};
    for (size_t i = 0; i < G_N_ELEMENTS(sets); i++) {
        struct seen seen[3];
        struct session *sessions[3];
        for (size_t j = 0; j < n_sessions[i]; j++) {
            seen[j].values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, values_free);
            sessions[j] = session_new(engine, sets[i][j]);
            const struct session_request request = {
                .logits_at = &last, .n_logits_at = 1, .take = take_row, .user = &seen[j]};
            g_assert_true(session_start(sessions[j], &prompt, &request, NULL));
        }
        run_sessions(engine, sessions, n_sessions[i]);
        for (size_t j = 0; j < n_sessions[i]; j++) {
            size_t n;
            const float *logits = tensors_get_f32(
                expected, sets[i][j] == 0 ? "row0_last_logits" : "row0_last_logits_without_adapter",
                &n);
            const GArray *values = g_hash_table_lookup(seen[j].values, "logits");
            g_assert_cmpuint(values->len, ==, n);
            g_assert_cmpfloat(
                relative_difference((const float *)(const void *)values->data, logits, n), <=,
                1e-4);
            g_hash_table_unref(seen[j].values);
            session_free(sessions[j]);
        }
    }
    sequence_clear(&prompt);
    engine_close(engine);
}

static void test_adapter(void)
{
    struct reference reference;
    if (!reference_open(&reference, "a-f32"))
        return;
    g_autofree char *tensors_path =
        support_shared("reference/engine/train/adapter-forward.safetensors");
    g_autofree char *batch_path = support_shared("reference/engine/train/batch.json");
    struct tensors expected;
    tensors_open(&expected, tensors_path);
    json_t *batch = json_load_file(batch_path, 0, NULL);
    for (size_t i = 0; i < TEST_BACKENDS; i++) {
        const struct backend *backend = test_backend(i);
        if (backend)
            check_adapter(&reference, &expected, json_array_get(json_object_get(batch, "rows"), 0),
                          backend);
    }
    json_decref(batch);
    tensors_close(&expected);
    reference_close(&reference);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(parities); i++) {
        g_autofree char *path =
            g_strdup_printf("/parity/%s%s", parities[i].name, parities[i].bf16 ? "/bf16" : "");
        g_test_add_data_func(path, &parities[i], test_forward);
    }
    g_test_add_func("/parity/adapter", test_adapter);
    return g_test_run();
}

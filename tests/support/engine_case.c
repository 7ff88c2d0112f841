#include "support/engine_case.h"

#include "image/image.h"
#include "model/picture_encode.h"
#include "num/cpu/cpu.h"
#include "support/support.h"

#include <math.h>

bool reference_open(struct reference *reference, const char *name)
{
    g_autofree char *json_name = g_strdup_printf("reference/engine/forward-%s.json", name);
    g_autofree char *tensors_name =
        g_strdup_printf("reference/engine/forward-%s.safetensors", name);
    g_autofree char *folder_name = g_strdup_printf("reference/engine/models/%s", name);
    g_autofree char *json_path = support_shared(json_name);
    if (!json_path)
        return false;
    g_autofree char *tensors_path = support_shared(tensors_name);
    *reference = (struct reference){.name = g_strdup(name), .folder = support_shared(folder_name)};
    reference->file = json_load_file(json_path, 0, NULL);
    g_assert_nonnull(reference->file);
    tensors_open(&reference->tensors, tensors_path);
    return true;
}

void reference_close(struct reference *reference)
{
    g_free(reference->name);
    g_free(reference->folder);
    json_decref(reference->file);
    tensors_close(&reference->tensors);
}

struct engine *reference_engine(const struct reference *reference,
                                const struct engine_options *options)
{
    g_autoptr(GError) error = NULL;
    struct engine *engine = engine_open(reference->folder, options, &error);
    g_assert_no_error(error);
    return engine;
}

size_t reference_n_cases(const struct reference *reference)
{
    return json_length(reference->file, "cases");
}

const json_t *reference_case(const struct reference *reference, size_t i)
{
    return json_array_get(json_object_get(reference->file, "cases"), i);
}

int json_int_at(const json_t *object, const char *key, size_t i)
{
    return (int)json_integer_value(json_array_get(json_object_get(object, key), i));
}

double json_real_at(const json_t *object, const char *key, size_t i)
{
    return json_number_value(json_array_get(json_object_get(object, key), i));
}

size_t json_length(const json_t *object, const char *key)
{
    return json_array_size(json_object_get(object, key));
}

size_t reference_check_greedy(const json_t *item, const char *key, const char *margins_key,
                              double margin, const struct session *session)
{
    size_t n = json_length(item, key);
    g_assert_cmpuint(n, ==, json_length(item, margins_key));
    n = MIN(n, (size_t)session_n_new(session));
    for (size_t i = 0; i < n; i++) {
        if (json_real_at(item, margins_key, i) < margin)
            return i;
        g_assert_cmpint(session_new_token(session, (int)i), ==, json_int_at(item, key, i));
    }
    return n;
}

void run_sessions(struct engine *engine, struct session **sessions, size_t n_sessions)
{
    while (engine_step(engine, sessions, n_sessions) > 0)
        continue;
    for (size_t i = 0; i < n_sessions; i++)
        g_assert_cmpint(sessions[i]->state, ==, SESSION_IDLE);
}

double relative_difference(const float *x, const float *y, size_t n)
{
    double difference = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]))
            return INFINITY;
        difference = fmax(difference, fabs((double)x[i] - (double)y[i]));
        most = fmax(most, fabs((double)y[i]));
    }
    return difference / most;
}

void reference_prompt(struct sequence *prompt, struct engine *engine, const json_t *item)
{
    size_t n_ids = json_length(item, "ids"), n_pictures = json_length(item, "images");
    g_autofree int *ids = g_new(int, n_ids);
    for (size_t i = 0; i < n_ids; i++)
        ids[i] = json_int_at(item, "ids", i);
    g_autoptr(GPtrArray) pictures = g_ptr_array_new_with_free_func((GDestroyNotify)features_unref);
    for (size_t i = 0; i < n_pictures; i++) {
        g_autofree char *name = g_strconcat(
            "reference/engine/images/",
            json_string_value(json_array_get(json_object_get(item, "images"), i)), NULL);
        g_autofree char *path = support_shared(name);
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) file = image_read_file(path, &error);
        g_assert_no_error(error);
        g_ptr_array_add(pictures, picture_encode(engine, file, NULL, PICTURE_MODE_MODEL, &error));
        g_assert_no_error(error);
    }
    g_autoptr(GError) error = NULL;
    sequence_init(prompt, ids, n_ids, engine->config.image_token, engine->config.text.vocab_size,
                  engine_max_positions(engine), (struct features *const *)pictures->pdata,
                  n_pictures, &error);
    g_assert_no_error(error);
}

static const char *const backend_names[TEST_BACKENDS] = {"ref", "avx2", "avx512", "amx"};

const struct backend *test_backend(size_t i)
{
    static const enum cpu_isa isas[TEST_BACKENDS] = {CPU_BEST, CPU_AVX2, CPU_AVX512, CPU_AMX};
#ifdef __SANITIZE_THREAD__
    /* GEMM libraries have threads that the sanitizer does not know. */
    return i == 0 ? &backend_ref : NULL;
#endif
    return i == 0 ? &backend_ref : backend_cpu(isas[i]);
}

const char *test_backend_name(size_t i)
{
    return backend_names[i];
}

/* probe.c -- fire probe: what a model makes of one request: ids, features, logits, greedy tokens. For debugging and for
 * comparing with other programs. */
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "cmd/command.h"
#include "cmd/engine_settings.h"
#include "cmd/probe_input.h"
#include "image/image.h"
#include "model/picture_encode.h"
#include "model/session.h"
#include "model/vision.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int run(int argc, char **argv, GError **error);

const struct command command_probe = {
    "probe", "Show what a model makes of one request: ids, logits, greedy tokens", run};

enum { N_TOP = 10, MAX_FILE_BYTES = 64 << 20 };

/* As written. */
struct options {
    struct engine_settings engine;
    struct probe_input input;
    char *model, *adapter, *logits_at, *logits, *features;
    char **images;
    gint64 n_greedy;
    gboolean as_json;
};

/* One request on its way through the engine. */
struct probe {
    struct engine *engine;
    struct tokenizer *tokenizer;
    GPtrArray *pictures; /* struct features */
    GArray *ids;         /* of int32_t */
    GArray *positions;   /* of int: where logits are asked for, as asked */
    GArray *sorted;      /* of int: each once and the last position, ascending */
    GArray *logits;      /* of float: a row for each of `sorted` */
    struct sequence prompt;
    struct session *session;
};

static void options_clear(struct options *options)
{
    engine_settings_clear(&options->engine);
    probe_input_clear(&options->input);
    g_free(options->model);
    g_free(options->adapter);
    g_free(options->logits_at);
    g_free(options->logits);
    g_free(options->features);
    g_strfreev(options->images);
}

static void probe_clear(struct probe *probe)
{
    session_free(probe->session);
    sequence_clear(&probe->prompt);
    g_clear_pointer(&probe->pictures, g_ptr_array_unref);
    g_clear_pointer(&probe->ids, g_array_unref);
    g_clear_pointer(&probe->positions, g_array_unref);
    g_clear_pointer(&probe->sorted, g_array_unref);
    g_clear_pointer(&probe->logits, g_array_unref);
    tokenizer_free(probe->tokenizer);
    engine_close(probe->engine);
}

static bool check(const struct options *options, GError **error)
{
    const char *cause = NULL;
    if (!options->model)
        cause = "--model must be given";
    else if (options->n_greedy < 0 || options->n_greedy > 1 << 20)
        cause = "--greedy is 0 or more";
    if (cause) {
        g_set_error_literal(error, FIRE_ERROR, FIRE_ERROR_USAGE, cause);
        return false;
    }
    return probe_input_check(&options->input, error);
}

static bool open_model(struct probe *probe, const struct options *options, int *adapter,
                       GError **error)
{
    struct engine_options engine = ENGINE_OPTIONS_INIT;
    *adapter = -1;
    return engine_settings_resolve(&options->engine, &engine, error) &&
           (probe->tokenizer = tokenizer_load(options->model, error)) &&
           (probe->engine = engine_open(options->model, &engine, error)) &&
           (!options->adapter ||
            (*adapter = engine_add_adapter(probe->engine, options->adapter, error)) >= 0);
}

static bool encode_pictures(struct probe *probe, char *const *paths, GError **error)
{
    for (; paths && *paths; paths++) {
        g_autoptr(GBytes) file = image_read_file(*paths, error);
        struct features *picture =
            file ? picture_encode(probe->engine, file, NULL, PICTURE_MODE_MODEL, error) : NULL;
        if (!picture) {
            g_prefix_error(error, "picture '%s': ", *paths);
            return false;
        }
        g_ptr_array_add(probe->pictures, picture);
    }
    return true;
}

static int compare_ints(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* "I,J,..."; the last position without. */
static bool parse_positions(struct probe *probe, const char *text, GError **error)
{
    int last = probe->prompt.n_slots - 1;
    g_auto(GStrv) parts = g_strsplit(text ? text : "", ",", -1);
    for (char **part = parts; *part; part++) {
        gint64 position;
        if (!g_ascii_string_to_signed(*part, 10, 0, last, &position, NULL)) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                        "--logits-at: '%s' is not a position from 0 to %d", *part, last);
            return false;
        }
        int value = (int)position;
        g_array_append_val(probe->positions, value);
    }
    if (probe->positions->len == 0)
        g_array_append_val(probe->positions, last);
    g_array_append_vals(probe->sorted, probe->positions->data, probe->positions->len);
    g_array_append_val(probe->sorted, last);
    g_array_sort(probe->sorted, compare_ints);
    for (guint i = probe->sorted->len - 1; i > 0; i--)
        if (g_array_index(probe->sorted, int, i) == g_array_index(probe->sorted, int, i - 1))
            g_array_remove_index(probe->sorted, i);
    return true;
}

static void keep_logits(int position G_GNUC_UNUSED, const float *logits, void *user)
{
    struct probe *probe = user;
    g_array_append_vals(probe->logits, logits, (guint)probe->engine->config.text.vocab_size);
}

static bool compute(struct probe *probe, int adapter, int n_greedy, GError **error)
{
    const struct session_request request = {.max_new = n_greedy,
                                            .logits_at = (const int *)(void *)probe->sorted->data,
                                            .n_logits_at = (int)probe->sorted->len,
                                            .take = keep_logits,
                                            .user = probe};
    int most = engine_max_positions(probe->engine);
    if (n_greedy > most - probe->prompt.n_slots) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "--greedy %d after %d positions: the model and its memory hold %d", n_greedy,
                    probe->prompt.n_slots, most);
        return false;
    }
    probe->session = session_new(probe->engine, adapter);
    if (!session_start(probe->session, &probe->prompt, &request, error))
        return false;
    while (probe->session->state != SESSION_IDLE)
        engine_step(probe->engine, &probe->session, 1);
    return true;
}

/* Raw little-endian floats; the machines we run on have no other order. */
static bool write_floats(const char *path, const float *const *rows, const size_t *n_floats,
                         size_t n_rows, GError **error)
{
    struct atomic_file *file = atomic_file_open(path, error);
    if (!file)
        return false;
    for (size_t i = 0; i < n_rows; i++)
        fwrite(rows[i], sizeof(float), n_floats[i], atomic_file_stream(file));
    return atomic_file_commit(file, error);
}

/* The row of `logits` for a position of `sorted`. */
static const float *logits_of(const struct probe *probe, int position)
{
    guint i = 0;
    while (g_array_index(probe->sorted, int, i) != position)
        i++;
    return &g_array_index(probe->logits, float, i *(guint)probe->engine->config.text.vocab_size);
}

static bool write_logits(const struct probe *probe, const char *path, GError **error)
{
    guint n = probe->positions->len;
    g_autofree const float **rows = g_new(const float *, n);
    g_autofree size_t *n_floats = g_new(size_t, n);
    for (guint i = 0; i < n; i++) {
        rows[i] = logits_of(probe, g_array_index(probe->positions, int, i));
        n_floats[i] = (size_t)probe->engine->config.text.vocab_size;
    }
    return write_floats(path, rows, n_floats, n, error);
}

/* All tiles of all pictures after the projector. */
static bool write_features(struct probe *probe, const char *path, int adapter, GError **error)
{
    size_t width = (size_t)probe->engine->config.text.hidden_size, n = 0;
    for (guint i = 0; i < probe->pictures->len; i++)
        n += (size_t)((const struct features *)probe->pictures->pdata[i])->n_rows;
    g_autofree float *projected = g_try_malloc_n(MAX(n, 1) * width, sizeof *projected);
    if (!projected) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "no memory for %zu rows of features", n);
        return false;
    }
    float *at = projected;
    for (guint i = 0; i < probe->pictures->len; i++) {
        const struct features *picture = probe->pictures->pdata[i];
        vision_project(probe->engine, at, picture->rows, picture->n_rows, adapter);
        at += (size_t)picture->n_rows * width;
    }
    const float *rows = projected;
    n *= width;
    return write_floats(path, &rows, &n, 1, error);
}

/* The N_TOP largest logits of the last position, the largest first, the lower id first among equals. */
static json_t *top_to_json(const struct probe *probe)
{
    const float *logits = logits_of(probe, probe->prompt.n_slots - 1);
    int n = probe->engine->config.text.vocab_size, top[N_TOP], n_top = 0;
    for (int id = 0; id < n; id++) {
        int at = n_top;
        while (at > 0 && logits[id] > logits[top[at - 1]])
            at--;
        if (at == N_TOP)
            continue;
        n_top = MIN(n_top + 1, N_TOP);
        memmove(top + at + 1, top + at, (size_t)(n_top - at - 1) * sizeof *top);
        top[at] = id;
    }
    json_t *list = json_array();
    for (int i = 0; i < n_top; i++)
        json_array_append_new(list, json_pack("{s:i,s:o}", "id", top[i], "logit",
                                              json_real_or_null((double)logits[top[i]])));
    return list;
}

static json_t *to_json(const struct probe *probe)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GArray) greedy = g_array_new(FALSE, FALSE, sizeof(int32_t));
    json_t *token_ids = json_array(), *greedy_ids = json_array(), *counts = json_array();
    for (guint i = 0; i < probe->ids->len; i++)
        json_array_append_new(token_ids, json_integer(g_array_index(probe->ids, int32_t, i)));
    for (int i = 0; i < session_n_new(probe->session); i++) {
        int32_t id = session_new_token(probe->session, i);
        g_array_append_val(greedy, id);
        json_array_append_new(greedy_ids, json_integer(id));
    }
    for (guint i = 0; i < probe->pictures->len; i++)
        json_array_append_new(
            counts, json_integer(((const struct features *)probe->pictures->pdata[i])->n_slots));
    tokenizer_decode(probe->tokenizer, (const int32_t *)(void *)greedy->data, greedy->len, true,
                     text);
    return json_pack("{s:o,s:i,s:o,s:o,s:o,s:o}", "token_ids", token_ids, "merged_length",
                     probe->prompt.n_slots, "image_token_counts", counts, "top", top_to_json(probe),
                     "greedy_ids", greedy_ids, "text", json_stringn_nocheck(text->str, text->len));
}

/* The same for people. */
static void print_lines(const struct probe *probe, const json_t *result)
{
    size_t i;
    const json_t *item;
    g_autofree char *ids = json_print(json_object_get(result, "token_ids"));
    g_autofree char *counts = json_print(json_object_get(result, "image_token_counts"));
    printf("ids %s\npositions %d, of pictures %s\n", ids, probe->prompt.n_slots, counts);
    json_array_foreach (json_object_get(result, "top"), i, item) {
        int id = (int)json_integer_value(json_object_get(item, "id"));
        const char *token = tokenizer_token(probe->tokenizer, id);
        g_autofree char *shown = g_strescape(token ? token : "", NULL);
        printf("%8d %10.4f  %s\n", id, json_number_value(json_object_get(item, "logit")), shown);
    }
    if (session_n_new(probe->session) > 0) {
        g_autofree char *greedy = json_print(json_object_get(result, "greedy_ids"));
        printf("greedy %s\n%s\n", greedy, json_get_string(result, "text"));
    }
}

static bool probe_run(struct probe *probe, const struct options *options, GError **error)
{
    int adapter;
    probe->pictures = g_ptr_array_new_with_free_func((GDestroyNotify)features_unref);
    probe->ids = g_array_new(FALSE, FALSE, sizeof(int32_t));
    probe->positions = g_array_new(FALSE, FALSE, sizeof(int));
    probe->sorted = g_array_new(FALSE, FALSE, sizeof(int));
    probe->logits = g_array_new(FALSE, FALSE, sizeof(float));
    if (!open_model(probe, options, &adapter, error))
        return false;
    const struct model_config *config = &probe->engine->config;
    if (!probe_input_read(&options->input, options->model, options->engine.template_name, config,
                          probe->tokenizer, probe->ids, error) ||
        !encode_pictures(probe, options->images, error) ||
        !sequence_init(
            &probe->prompt, (const int *)(void *)probe->ids->data, probe->ids->len,
            config->image_token, config->text.vocab_size, engine_max_positions(probe->engine),
            (struct features *const *)probe->pictures->pdata, probe->pictures->len, error) ||
        !parse_positions(probe, options->logits_at, error) ||
        !compute(probe, adapter, (int)options->n_greedy, error) ||
        (options->logits && !write_logits(probe, options->logits, error)) ||
        (options->features && !write_features(probe, options->features, adapter, error)))
        return false;
    g_autoptr(json_t) result = to_json(probe);
    if (options->as_json) {
        g_autofree char *line = json_print(result);
        puts(line);
    } else {
        print_lines(probe, result);
    }
    return true;
}

static int run(int argc, char **argv, GError **error)
{
    struct options options = {0};
    struct probe probe = {0};
    const GOptionEntry rows[] = {
        {"model", 0, 0, G_OPTION_ARG_FILENAME, &options.model, "Model folder", "DIR"},
        {"adapter", 0, 0, G_OPTION_ARG_FILENAME, &options.adapter, "PEFT adapter folder", "DIR"},
        {"image", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.images,
         "Picture of the next <image> mark; repeatable", "FILE"},
        {"greedy", 0, 0, G_OPTION_ARG_INT64, &options.n_greedy,
         "Go on for exactly N tokens, the likeliest each time", "N"},
        {"logits-at", 0, 0, G_OPTION_ARG_STRING, &options.logits_at,
         "Positions of the merged sequence (the last)", "I,J,..."},
        {"logits", 0, 0, G_OPTION_ARG_FILENAME, &options.logits,
         "Write the logits there as raw f32, row after row", "FILE"},
        {"features", 0, 0, G_OPTION_ARG_FILENAME, &options.features,
         "Write what the projector gives as raw f32", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options.as_json, "One JSON object", NULL},
    };
    g_autoptr(GArray) entries = g_array_new(TRUE, FALSE, sizeof(GOptionEntry));
    g_array_append_vals(entries, rows, G_N_ELEMENTS(rows));
    probe_input_add(&options.input, entries);
    engine_settings_add(&options.engine, entries);
    int code = EXIT_USAGE;
    if (command_parse(&argc, &argv, &command_probe, NULL, (GOptionEntry *)(void *)entries->data, 0,
                      0, error)) {
        if (argc == 0)
            code = EXIT_DONE;
        else if (check(&options, error))
            code = probe_run(&probe, &options, error) ? EXIT_DONE : EXIT_FAILED;
    }
    probe_clear(&probe);
    options_clear(&options);
    return code;
}

#include "cmd/run_tables.h"

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "report/run_view.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool print_free(struct store *store, const struct protocol *protocol,
                       const struct table_options *options, const char *note, json_t *extra,
                       FILE *out, GError **error)
{
    struct complaints *complaints = complaints_open(NULL, false, error);
    if (!complaints)
        return false;
    struct free_set *set = free_set_new(), *baseline = free_set_new();
    int n_failed;
    bool ok = table_options_read_baseline(options, baseline, protocol, complaints, error) &&
              run_view_free_set(store, protocol, set, NULL, error) &&
              table_options_print_free(options, set, baseline, protocol, note, extra, out,
                                       &n_failed, error);
    free_set_free(set);
    free_set_free(baseline);
    return complaints_close(complaints, ok ? error : NULL) && ok;
}

/* The role's part of the JSON into `object`, or its table on `out`; nothing where the run did not ask that role. */
static bool print_role(struct store *store, const struct protocol *protocol,
                       const struct table_options *options, const char *note, bool is_teacher,
                       json_t *object, FILE *out, GError **error)
{
    struct fixed_view view;
    if (!run_view_fixed(store, protocol, TOKENIZER_WHITESPACE, is_teacher, &view, error))
        return false;
    const struct fixed_report report = {
        .is_teacher = is_teacher,
        .tokenizer = tokenizer_name(TOKENIZER_WHITESPACE),
        .protocol = protocol,
        .micro = &view.micro,
        .rows = view.rows,
        .n_rows = view.n_rows,
        .paper = options->paper,
        .note = note,
    };
    if (view.n_predictions + (size_t)view.micro.failed > 0 && options->as_json) {
        g_autoptr(json_t) role = fixed_report_json(&report);
        /* A student has no MAE: it must not hide the teacher's. */
        if (!is_teacher && json_object_get(object, "mae"))
            json_object_del(role, "mae");
        json_object_update(object, role);
    } else if (view.n_predictions + (size_t)view.micro.failed > 0) {
        g_autofree char *text = fixed_report_print(&report, options->table_format);
        fputs(text, out);
    }
    fixed_view_clear(&view);
    return true;
}

static bool print_fixed(struct store *store, const struct protocol *protocol,
                        const struct table_options *options, const char *note, json_t *extra,
                        FILE *out, GError **error)
{
    g_autoptr(json_t) object = json_object();
    if (!print_role(store, protocol, options, note, false, object, out, error) ||
        !print_role(store, protocol, options, note, true, object, out, error))
        return false;
    if (options->as_json) {
        json_object_update(object, extra);
        print_json(out, object);
    }
    return true;
}

bool run_tables_check(const char *command, const struct protocol *protocol,
                      const struct table_options *options, GError **error)
{
    bool is_free = g_strcmp0(command, "bench free") == 0;
    if (options->baseline && !is_free) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "--baseline: '%s' has no AT", command);
        return false;
    }
    if (is_free && protocol->k_set == K_SET_COMMON && !options->has_baseline_file) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "k-set=common compares two runs: give --baseline FILE or RUN.db");
        return false;
    }
    if (options->has_baseline_file && access(options->baseline, R_OK) != 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "baseline: cannot read '%s': %s",
                    options->baseline, g_strerror(errno));
        return false;
    }
    return true;
}

bool run_tables_print(struct store *store, const char *path, const struct protocol *protocol,
                      const struct table_options *options, FILE *out, GError **error)
{
    g_autofree char *note = run_view_note(store, error);
    g_autoptr(json_t) extra = note ? run_view_to_json(store, path, error) : NULL;
    if (!extra)
        return false;
    gint64 n_rejected = json_integer_value(json_object_get(extra, "rejected"));
    gint64 n_unfinished = json_integer_value(json_object_get(extra, "unfinished"));
    if (n_rejected > 0 || n_unfinished > 0) {
        char *longer = g_strdup_printf(
            "%s; %" G_GINT64_FORMAT " records rejected, %" G_GINT64_FORMAT " dialogues unfinished",
            note, n_rejected, n_unfinished);
        g_free(note);
        note = longer;
    }
    const char *command = json_get_string(json_object_get(extra, "run"), "command");
    if (!run_tables_check(command, protocol, options, error))
        return false;
    if (g_strcmp0(command, "bench free") == 0)
        return print_free(store, protocol, options, note, extra, out, error);
    if (g_strcmp0(command, "bench fixed") == 0)
        return print_fixed(store, protocol, options, note, extra, out, error);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                "'%s' is a run of 'fire %s', which has no tables", path, command);
    return false;
}

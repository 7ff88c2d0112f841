#include "cmd/run_tables.h"

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "report/fixed_report.h"
#include "report/rule.h"
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

static bool print_fixed(struct store *store, const struct protocol *protocol,
                        const struct table_options *options, const char *note, json_t *extra,
                        FILE *out, GError **error)
{
    struct fixed_result roles[2] = {0};
    bool ok = true;
    for (int is_teacher = 0; ok && is_teacher <= 1; is_teacher++)
        ok = run_view_fixed(store, protocol, TOKENIZER_WHITESPACE, is_teacher, options->n_resamples,
                            options->seed, &roles[is_teacher], error);
    const struct fixed_report report = {
        .student = roles[0].n_items > 0 ? &roles[0] : NULL,
        .teacher = roles[1].n_items > 0 ? &roles[1] : NULL,
        .tokenizer = TOKENIZER_WHITESPACE,
        .protocol = protocol,
        .n_resamples = options->n_resamples,
        .seed = options->seed,
        .paper = options->paper,
        .note = note,
    };
    if (ok && options->as_json) {
        g_autoptr(json_t) object = fixed_report_json(&report);
        json_object_update(object, extra);
        print_json(out, object);
    } else if (ok) {
        g_autofree char *text = fixed_report_print(&report, options->table_format);
        fputs(text, out);
    }
    fixed_result_clear(&roles[0]);
    fixed_result_clear(&roles[1]);
    return ok;
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

/* Where the run was played by other rules than those of the tables: says so on stderr and at the end
 * of the note, and joins the run's protocol to the JSON as "played_under". */
static bool tell_played_under(struct store *store, const char *path,
                              const struct protocol *protocol, GString *note, json_t *extra,
                              GError **error)
{
    struct protocol played;
    g_autofree char *difference = NULL;
    if (!run_view_played_under(store, protocol, &played, &difference, error))
        return false;
    if (!difference)
        return true;
    json_object_set_new(extra, "played_under", protocol_to_json(&played));
    g_autofree char *rule = rule_of_protocol(&played);
    g_string_append_printf(note, "; played under %s", rule);
    log_warn("'%s' was played under %s: by these rules (%s) its dialogues would be others", path,
             rule, difference);
    return true;
}

/* What the numbers come from, for people. NULL with an error. */
static GString *make_note(struct store *store, const char *path, const struct protocol *protocol,
                          json_t *extra, GError **error)
{
    g_autofree char *start = run_view_note(store, error);
    if (!start)
        return NULL;
    GString *note = g_string_new(start);
    gint64 n_rejected = json_integer_value(json_object_get(extra, "rejected"));
    gint64 n_unfinished = json_integer_value(json_object_get(extra, "unfinished"));
    if (n_rejected > 0 || n_unfinished > 0)
        g_string_append_printf(note,
                               "; %" G_GINT64_FORMAT " records rejected, %" G_GINT64_FORMAT
                               " dialogues unfinished",
                               n_rejected, n_unfinished);
    if (tell_played_under(store, path, protocol, note, extra, error))
        return note;
    g_string_free(note, TRUE);
    return NULL;
}

bool run_tables_print(struct store *store, const char *path, const struct protocol *protocol,
                      const struct table_options *options, FILE *out, GError **error)
{
    g_autoptr(json_t) extra = run_view_to_json(store, path, error);
    const char *command = json_get_string(json_object_get(extra, "run"), "command");
    if (!extra || !run_tables_check(command, protocol, options, error))
        return false;
    g_autoptr(GString) note = make_note(store, path, protocol, extra, error);
    if (!note)
        return false;
    if (g_strcmp0(command, "bench free") == 0)
        return print_free(store, protocol, options, note->str, extra, out, error);
    if (g_strcmp0(command, "bench fixed") == 0)
        return print_fixed(store, protocol, options, note->str, extra, out, error);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                "'%s' is a run of 'fire %s', which has no tables", path, command);
    return false;
}

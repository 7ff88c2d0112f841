#include "report/fixed_report.h"

#include "report/published.h"
#include "report/rule.h"

#include <math.h>
#include <string.h>

/* One role of the report. */
struct role {
    const struct fixed_report *report;
    const char *name;
    const struct fixed_result *result;
    bool is_teacher;
};

static struct role role_of(const struct fixed_report *report, bool is_teacher)
{
    return (struct role){report, is_teacher ? "teacher" : "student",
                         is_teacher ? report->teacher : report->student, is_teacher};
}

static bool has_turns(const struct fixed_part *part)
{
    return part->text.n > 0 || part->failed > 0;
}

/* The next of the paper's rows for a role from `row` on; NULL: none. */
static const struct published_fixed *next_published(const struct role *role,
                                                    const struct published_fixed *row)
{
    while (row->role && strcmp(row->role, role->name) != 0)
        row++;
    return role->report->paper && row->role ? row : NULL;
}

static const char *cider_variant(const struct protocol *protocol)
{
    return protocol->cider == CIDER_WORDS ? "words" : "official";
}

/* --- JSON --- */

json_t *bleu_to_json(const double bleu[4])
{
    json_t *array = json_array();
    for (size_t k = 0; k < 4; k++)
        json_array_append_new(array, json_real_or_null(bleu[k]));
    return array;
}

json_t *text_scores_to_json(const struct text_scores *scores, enum tokenizer tokenizer,
                            const struct protocol *protocol)
{
    return json_pack("{s:I, s:{s:o, s:o}, s:{s:o, s:s}, s:s}", "n", (json_int_t)scores->n, "bleu",
                     "corpus", bleu_to_json(scores->bleu_corpus), "mean",
                     bleu_to_json(scores->bleu_mean), "cider", "mean",
                     json_real_or_null(scores->cider), "variant", cider_variant(protocol),
                     "tokenizer", tokenizer_name(tokenizer));
}

static json_t *part_to_json(const struct fixed_report *report, const struct fixed_part *part)
{
    json_t *object = text_scores_to_json(&part->text, report->tokenizer, report->protocol);
    json_object_set_new(object, "refused", json_integer(part->refused));
    json_object_set_new(object, "failed", json_integer(part->failed));
    return object;
}

static json_t *interval_to_json(struct interval interval)
{
    return isnan(interval.low) ? json_null() : json_pack("[f, f]", interval.low, interval.high);
}

static json_t *intervals_to_json(const struct role *role, const struct fixed_scores *scores)
{
    json_t *object = json_object(), *bleu = json_array();
    if (role->report->n_resamples == 0) {
        json_decref(bleu);
        return object;
    }
    for (size_t k = 0; k < 4; k++)
        json_array_append_new(bleu, interval_to_json(scores->ci[FIXED_BLEU + k]));
    json_object_set_new(object, "bleu", bleu);
    json_object_set_new(object, "cider", interval_to_json(scores->ci[FIXED_CIDER]));
    if (role->is_teacher)
        json_object_set_new(object, "mae", interval_to_json(scores->ci[FIXED_MAE]));
    return object;
}

static json_t *mae_to_json(const struct fixed_scores *scores)
{
    return json_pack("{s:i, s:o, s:i, s:i}", "n", scores->mae.n, "mae",
                     json_real_or_null(scores->mae_mean), "unparsed", scores->mae.unparsed,
                     "no_label", scores->mae.no_label);
}

static json_t *scores_to_json(const struct role *role, const struct fixed_scores *scores)
{
    json_t *object = part_to_json(role->report, &scores->headline);
    json_object_set_new(object, "first",
                        has_turns(&scores->first) ? part_to_json(role->report, &scores->first)
                                                  : json_null());
    json_object_set_new(object, "ci", intervals_to_json(role, scores));
    return object;
}

/* A row of `by_source`, or the macro one. */
static json_t *row_to_json(const struct role *role, const struct fixed_scores *scores)
{
    json_t *object = scores_to_json(role, scores);
    if (role->is_teacher)
        json_object_set_new(object, "mae", mae_to_json(scores));
    return object;
}

static json_t *published_to_json(const struct role *role)
{
    json_t *object = json_object();
    const struct published_fixed *row = published_fixed;
    for (; (row = next_published(role, row)); row++)
        json_object_set_new(object, row->model,
                            json_pack("{s:o, s:f, s:o}", "bleu", bleu_to_json(row->bleu), "cider",
                                      row->cider, "mae", json_real_or_null(row->mae)));
    return object;
}

static json_t *role_to_json(const struct role *role)
{
    const struct fixed_result *result = role->result;
    json_t *object = scores_to_json(role, &result->micro), *by_source = json_object();
    for (size_t r = 0; r < result->n_rows; r++)
        json_object_set_new(by_source, result->rows[r].source,
                            row_to_json(role, &result->rows[r].scores));
    json_object_set_new(object, "by_source", by_source);
    json_object_set_new(object, "macro", row_to_json(role, &result->macro));
    if (role->report->paper)
        json_object_set_new(object, "paper", published_to_json(role));
    return object;
}

json_t *fixed_report_json(const struct fixed_report *report)
{
    json_t *object = json_object();
    for (int is_teacher = 0; is_teacher <= 1; is_teacher++) {
        const struct role role = role_of(report, is_teacher);
        if (role.result)
            json_object_set_new(object, role.name, role_to_json(&role));
    }
    json_object_set_new(object, "mae",
                        report->teacher ? mae_to_json(&report->teacher->micro) : json_null());
    json_object_set_new(object, "protocol", protocol_to_json(report->protocol));
    json_object_set_new(object, "resamples", json_integer(report->n_resamples));
    json_object_set_new(object, "resample_seed", json_integer((json_int_t)report->seed));
    return object;
}

/* --- tables --- */

static char *describe(const struct fixed_report *report)
{
    g_autofree char *protocol = rule_of_protocol(report->protocol);
    g_autofree char *intervals = rule_of_intervals(report->n_resamples, report->seed);
    return g_strdup_printf("%s; %s; tokens: %s; CIDEr: %s", protocol, intervals,
                           tokenizer_name(report->tokenizer), cider_variant(report->protocol));
}

static void add_notes(struct table *table, const struct fixed_report *report)
{
    g_autofree char *rule = describe(report);
    table_add_note(table, rule);
    if (report->note)
        table_add_note(table, report->note);
}

/* n, refused, failed. */
static void add_counts(struct table *table, const struct fixed_part *part)
{
    table_add_int(table, (gint64)part->text.n);
    table_add_int(table, part->refused);
    table_add_int(table, part->failed);
}

static void add_interval(struct table *table, double value, struct interval interval)
{
    table_add_interval(table, value, interval.low, interval.high, 3);
}

/* A row of the headline: mean BLEU, CIDEr and, of a teacher, MAE. */
static void add_row(struct table *table, const struct role *role, const char *name,
                    const struct fixed_scores *scores)
{
    const struct text_scores *text = &scores->headline.text;
    table_add_row(table);
    table_add_cell(table, name);
    add_counts(table, &scores->headline);
    for (size_t k = 0; k < 4; k++)
        add_interval(table, text->bleu_mean[k], scores->ci[FIXED_BLEU + k]);
    add_interval(table, text->cider, scores->ci[FIXED_CIDER]);
    if (role->is_teacher) {
        add_interval(table, scores->mae_mean, scores->ci[FIXED_MAE]);
        table_add_int(table, scores->mae.unparsed);
        table_add_int(table, scores->mae.no_label);
    }
}

static void add_first(struct table *table, const struct fixed_part *first, bool corpus)
{
    table_add_row(table);
    table_add_cell(table, "first turns apart");
    add_counts(table, first);
    for (size_t k = 0; k < 4; k++)
        table_add_number(table, corpus ? first->text.bleu_corpus[k] : first->text.bleu_mean[k], 3);
    if (!corpus)
        table_add_number(table, first->text.cider, 3);
}

static void add_published(struct table *table, const struct role *role)
{
    const struct published_fixed *row = published_fixed;
    for (; (row = next_published(role, row)); row++) {
        g_autofree char *name = g_strdup_printf("paper: %s", row->model);
        table_add_row(table);
        table_add_cell(table, name);
        for (size_t i = 0; i < 3; i++)
            table_add_cell(table, NULL);
        for (size_t k = 0; k < 4; k++)
            table_add_number(table, row->bleu[k], 3);
        table_add_number(table, row->cider, 3);
        if (role->is_teacher)
            table_add_number(table, row->mae, 3);
    }
}

static struct table *new_table(const char *title, const char *first, const char *const *others)
{
    struct table *table = table_new(title);
    table_add_column(table, first, ALIGN_LEFT);
    for (; *others; others++)
        table_add_column(table, *others, ALIGN_RIGHT);
    return table;
}

static void print_means(GString *out, const struct role *role, enum table_format format)
{
    static const char *const columns[] = {"n",      "refused", "failed", "BLEU-1", "BLEU-2",
                                          "BLEU-3", "BLEU-4",  "CIDEr",  NULL};
    const struct fixed_result *result = role->result;
    struct table *table = new_table(NULL, role->name, columns);
    if (role->is_teacher) {
        table_add_column(table, "MAE", ALIGN_RIGHT);
        table_add_column(table, "unparsed", ALIGN_RIGHT);
        table_add_column(table, "no label", ALIGN_RIGHT);
    }
    for (size_t r = 0; r < result->n_rows; r++)
        add_row(table, role, result->rows[r].source, &result->rows[r].scores);
    add_row(table, role, "all (micro)", &result->micro);
    add_row(table, role, "all (macro)", &result->macro);
    if (has_turns(&result->micro.first))
        add_first(table, &result->micro.first, false);
    add_published(table, role);
    add_notes(table, role->report);
    g_autofree char *text = table_print(table, format);
    g_string_append_printf(out, "%s%s", out->len ? "\n" : "", text);
    table_free(table);
}

static void add_corpus_row(struct table *table, const char *name, const struct fixed_part *part)
{
    table_add_row(table);
    table_add_cell(table, name);
    add_counts(table, part);
    for (size_t k = 0; k < 4; k++)
        table_add_number(table, part->text.bleu_corpus[k], 3);
}

static void print_corpus(GString *out, const struct role *role, enum table_format format)
{
    static const char *const columns[] = {"n",      "refused", "failed", "BLEU-1",
                                          "BLEU-2", "BLEU-3",  "BLEU-4", NULL};
    const struct fixed_result *result = role->result;
    struct table *table = new_table("Corpus BLEU, from pooled counts (above: means of sentences)",
                                    role->name, columns);
    for (size_t r = 0; r < result->n_rows; r++)
        add_corpus_row(table, result->rows[r].source, &result->rows[r].scores.headline);
    add_corpus_row(table, "all (micro)", &result->micro.headline);
    add_corpus_row(table, "all (macro)", &result->macro.headline);
    if (has_turns(&result->micro.first))
        add_first(table, &result->micro.first, true);
    g_autofree char *text = table_print(table, format);
    g_string_append_printf(out, "\n%s", text);
    table_free(table);
}

/* --- CSV --- */

/* The numbers with intervals, in the order of FIXED_BLEU and so on. */
static const char *const csv_names[FIXED_N_VALUES] = {"bleu_1", "bleu_2", "bleu_3",
                                                      "bleu_4", "cider",  "mae"};

static struct table *new_csv_table(void)
{
    static const char *const counts[] = {"source", "n", "refused", "failed", NULL};
    static const char *const others[] = {"corpus_bleu_1", "corpus_bleu_2", "corpus_bleu_3",
                                         "corpus_bleu_4", "unparsed",      "no_label"};
    struct table *table = new_table(NULL, "role", counts);
    for (size_t v = 0; v < FIXED_N_VALUES; v++) {
        g_autofree char *low = g_strconcat(csv_names[v], "_low", NULL);
        g_autofree char *high = g_strconcat(csv_names[v], "_high", NULL);
        table_add_column(table, csv_names[v], ALIGN_RIGHT);
        table_add_column(table, low, ALIGN_RIGHT);
        table_add_column(table, high, ALIGN_RIGHT);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        table_add_column(table, others[i], ALIGN_RIGHT);
    return table;
}

/* `ci` NULL: no intervals. */
static void add_csv_numbers(struct table *table, const double values[FIXED_N_VALUES],
                            const struct interval *ci, int digits)
{
    for (size_t v = 0; v < FIXED_N_VALUES; v++) {
        table_add_number(table, values[v], digits);
        table_add_number(table, ci ? ci[v].low : NAN, digits);
        table_add_number(table, ci ? ci[v].high : NAN, digits);
    }
}

static void add_csv_part(struct table *table, const struct role *role, const char *name,
                         const struct fixed_part *part, double mae, const struct interval *ci)
{
    const struct text_scores *text = &part->text;
    const double values[] = {text->bleu_mean[0], text->bleu_mean[1], text->bleu_mean[2],
                             text->bleu_mean[3], text->cider,        mae};
    table_add_row(table);
    table_add_cell(table, role->name);
    table_add_cell(table, name);
    add_counts(table, part);
    add_csv_numbers(table, values, ci, 6);
    for (size_t k = 0; k < 4; k++)
        table_add_number(table, text->bleu_corpus[k], 6);
}

static void add_csv_row(struct table *table, const struct role *role, const char *name,
                        const struct fixed_scores *scores)
{
    add_csv_part(table, role, name, &scores->headline, scores->mae_mean, scores->ci);
    if (role->is_teacher) {
        table_add_int(table, scores->mae.unparsed);
        table_add_int(table, scores->mae.no_label);
    }
}

static void add_csv_role(struct table *table, const struct role *role)
{
    const struct fixed_result *result = role->result;
    for (size_t r = 0; r < result->n_rows; r++)
        add_csv_row(table, role, result->rows[r].source, &result->rows[r].scores);
    add_csv_row(table, role, "all (micro)", &result->micro);
    add_csv_row(table, role, "all (macro)", &result->macro);
    if (has_turns(&result->micro.first))
        add_csv_part(table, role, "first turns apart", &result->micro.first, NAN, NULL);
    const struct published_fixed *row = published_fixed;
    for (; (row = next_published(role, row)); row++) {
        g_autofree char *name = g_strdup_printf("paper: %s", row->model);
        const double values[] = {row->bleu[0], row->bleu[1], row->bleu[2],
                                 row->bleu[3], row->cider,   row->mae};
        table_add_row(table);
        table_add_cell(table, role->name);
        table_add_cell(table, name);
        for (size_t i = 0; i < 3; i++)
            table_add_cell(table, NULL);
        add_csv_numbers(table, values, NULL, 2);
    }
}

/* --- the whole --- */

char *fixed_report_print(const struct fixed_report *report, enum table_format format)
{
    GString *out = g_string_new(NULL);
    struct table *csv = new_csv_table();
    for (int is_teacher = 0; is_teacher <= 1; is_teacher++) {
        const struct role role = role_of(report, is_teacher);
        if (!role.result)
            continue;
        add_csv_role(csv, &role);
        if (format != TABLE_CSV) {
            print_means(out, &role, format);
            print_corpus(out, &role, format);
        }
    }
    if (format == TABLE_CSV) {
        add_notes(csv, report);
        g_autofree char *text = table_print(csv, TABLE_CSV);
        g_string_append(out, text);
    }
    table_free(csv);
    return g_string_free(out, FALSE);
}

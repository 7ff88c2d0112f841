#include "report/fixed_report.h"

#include "report/published.h"
#include "report/rule.h"

#include <math.h>
#include <string.h>

/* The numbers of a row that have a mean over sources. */
struct means {
    double bleu_mean[4], cider, mae;
};

static struct means means_of(const struct fixed_scores *scores)
{
    struct means means = {.cider = NAN, .mae = mae_mean(&scores->mae)};
    for (size_t k = 0; k < 4; k++)
        means.bleu_mean[k] = scores->text.n > 0 ? scores->text.bleu_mean[k] : NAN;
    if (scores->text.n > 0)
        means.cider = scores->text.cider;
    return means;
}

static void add_defined(double *sum, int *n, double value)
{
    if (isnan(value))
        return;
    *sum += value;
    ++*n;
}

/* Mean of each number over the sources where it is defined. */
static struct means macro_of(const struct fixed_report *report)
{
    double sums[6] = {0};
    int n[6] = {0};
    for (size_t r = 0; r < report->n_rows; r++) {
        struct means means = means_of(&report->rows[r].scores);
        for (size_t k = 0; k < 4; k++)
            add_defined(&sums[k], &n[k], means.bleu_mean[k]);
        add_defined(&sums[4], &n[4], means.cider);
        add_defined(&sums[5], &n[5], means.mae);
    }
    for (size_t i = 0; i < 6; i++)
        sums[i] = n[i] ? sums[i] / n[i] : NAN;
    return (struct means){{sums[0], sums[1], sums[2], sums[3]}, sums[4], sums[5]};
}

static const char *cider_variant(const struct protocol *protocol)
{
    return protocol->cider == CIDER_WORDS ? "words" : "official";
}

/* --- JSON --- */

static json_t *four(const double *values, bool defined)
{
    json_t *array = json_array();
    for (size_t k = 0; k < 4; k++)
        json_array_append_new(array, json_real_or_null(defined ? values[k] : NAN));
    return array;
}

json_t *text_scores_to_json(const struct text_scores *scores, const char *tokenizer,
                            const struct protocol *protocol)
{
    bool defined = scores->n > 0;
    return json_pack("{s:I, s:{s:o, s:o}, s:{s:o, s:s}, s:s}", "n", (json_int_t)scores->n, "bleu",
                     "corpus", four(scores->bleu_corpus, defined), "mean",
                     four(scores->bleu_mean, defined), "cider", "mean",
                     json_real_or_null(defined ? scores->cider : NAN), "variant",
                     cider_variant(protocol), "tokenizer", tokenizer);
}

static json_t *mae_to_json(const struct mae *mae)
{
    return json_pack("{s:i, s:o, s:i, s:i}", "n", mae->n, "mae", json_real_or_null(mae_mean(mae)),
                     "unparsed", mae->unparsed, "no_label", mae->no_label);
}

static json_t *scores_to_json(const struct fixed_report *report, const struct fixed_scores *scores)
{
    json_t *object = text_scores_to_json(&scores->text, report->tokenizer, report->protocol);
    json_object_set_new(object, "first",
                        scores->first.n > 0 ? text_scores_to_json(&scores->first, report->tokenizer,
                                                                  report->protocol)
                                            : json_null());
    json_object_set_new(object, "failed", json_integer(scores->failed));
    return object;
}

static json_t *macro_to_json(const struct fixed_report *report)
{
    struct means macro = macro_of(report);
    return json_pack("{s:{s:o}, s:{s:o, s:s}, s:o}", "bleu", "mean", four(macro.bleu_mean, true),
                     "cider", "mean", json_real_or_null(macro.cider), "variant",
                     cider_variant(report->protocol), "mae", json_real_or_null(macro.mae));
}

static json_t *published_to_json(const struct fixed_report *report)
{
    json_t *object = json_object();
    for (const struct published_fixed *row = published_fixed; row->role; row++)
        if (strcmp(row->role, report->is_teacher ? "teacher" : "student") == 0)
            json_object_set_new(object, row->model,
                                json_pack("{s:o, s:f, s:o}", "bleu", four(row->bleu, true), "cider",
                                          row->cider, "mae", json_real_or_null(row->mae)));
    return object;
}

json_t *fixed_report_json(const struct fixed_report *report)
{
    json_t *role = scores_to_json(report, report->micro), *by_source = json_object();
    for (size_t r = 0; r < report->n_rows; r++) {
        json_t *row = scores_to_json(report, &report->rows[r].scores);
        if (report->is_teacher)
            json_object_set_new(row, "mae", mae_to_json(&report->rows[r].scores.mae));
        json_object_set_new(by_source, report->rows[r].source, row);
    }
    json_object_set_new(role, "by_source", by_source);
    json_object_set_new(role, "macro", macro_to_json(report));
    if (report->paper)
        json_object_set_new(role, "paper", published_to_json(report));
    json_t *object = json_object();
    json_object_set_new(object, report->is_teacher ? "teacher" : "student", role);
    json_object_set_new(object, "mae",
                        report->is_teacher ? mae_to_json(&report->micro->mae) : json_null());
    json_object_set_new(object, "protocol", protocol_to_json(report->protocol));
    return object;
}

/* --- the table --- */

static struct table *new_table(bool is_teacher)
{
    static const char *const titles[] = {"n",      "failed", "BLEU-1", "BLEU-2",
                                         "BLEU-3", "BLEU-4", "CIDEr"};
    struct table *table = table_new(NULL);
    table_add_column(table, is_teacher ? "teacher" : "student", ALIGN_LEFT);
    for (size_t i = 0; i < G_N_ELEMENTS(titles); i++)
        table_add_column(table, titles[i], ALIGN_RIGHT);
    if (is_teacher) {
        table_add_column(table, "MAE", ALIGN_RIGHT);
        table_add_column(table, "unparsed", ALIGN_RIGHT);
        table_add_column(table, "no label", ALIGN_RIGHT);
    }
    return table;
}

/* `n` and `failed` below 0: no value. */
static void add_row(struct table *table, const char *name, int64_t n, int failed,
                    const double bleu[4], double cider)
{
    table_add_row(table);
    table_add_cell(table, name);
    if (n < 0) {
        table_add_cell(table, NULL);
        table_add_cell(table, NULL);
    } else {
        table_add_int(table, n);
        table_add_int(table, failed);
    }
    for (size_t k = 0; k < 4; k++)
        table_add_number(table, bleu[k], 3);
    table_add_number(table, cider, 3);
}

static void add_scores(struct table *table, const struct fixed_report *report, const char *name,
                       const struct fixed_scores *scores)
{
    struct means means = means_of(scores);
    add_row(table, name, (int64_t)scores->text.n, scores->failed, means.bleu_mean, means.cider);
    if (report->is_teacher) {
        table_add_number(table, means.mae, 3);
        table_add_int(table, scores->mae.unparsed);
        table_add_int(table, scores->mae.no_label);
    }
}

static void add_mean(struct table *table, const struct fixed_report *report, const char *name,
                     const double bleu[4], double cider, double mae)
{
    add_row(table, name, -1, -1, bleu, cider);
    if (report->is_teacher)
        table_add_number(table, mae, 3);
}

char *fixed_report_print(const struct fixed_report *report, enum table_format format)
{
    struct table *table = new_table(report->is_teacher);
    const struct text_scores *text = &report->micro->text, *first = &report->micro->first;
    static const double none[4] = {NAN, NAN, NAN, NAN};
    for (size_t r = 0; r < report->n_rows; r++)
        add_scores(table, report, report->rows[r].source, &report->rows[r].scores);
    add_scores(table, report, "all (micro)", report->micro);
    struct means macro = macro_of(report);
    add_mean(table, report, "all (macro)", macro.bleu_mean, macro.cider, macro.mae);
    add_row(table, "all, corpus BLEU", (int64_t)text->n, report->micro->failed,
            text->n ? text->bleu_corpus : none, NAN);
    if (first->n > 0)
        add_row(table, "first turns apart", (int64_t)first->n, 0, first->bleu_mean, first->cider);
    for (const struct published_fixed *row = published_fixed; report->paper && row->role; row++) {
        if (strcmp(row->role, report->is_teacher ? "teacher" : "student") != 0)
            continue;
        g_autofree char *name = g_strdup_printf("paper: %s", row->model);
        add_mean(table, report, name, row->bleu, row->cider, row->mae);
    }
    g_autofree char *protocol = rule_of_protocol(report->protocol);
    g_autofree char *rule =
        g_strdup_printf("%s; tokens: %s; BLEU: mean of sentences unless it says corpus; CIDEr: %s",
                        protocol, report->tokenizer, cider_variant(report->protocol));
    table_add_note(table, rule);
    if (report->note)
        table_add_note(table, report->note);
    char *printed = table_print(table, format);
    table_free(table);
    return printed;
}

#include "report/free_report.h"

#include "report/published.h"
#include "report/rule.h"

#include <math.h>
#include <string.h>

/* Counts of a row, in the order of the tables. */
static const struct {
    const char *name, *title;
    size_t offset;
} counts[] = {
    {"n", "n", offsetof(struct free_scores, n)},
    {"removed", "removed", offsetof(struct free_scores, removed)},
    {"k", "K", offsetof(struct free_scores, k)},
    {"solved", "solved", offsetof(struct free_scores, solved)},
    {"dropped", "dropped", offsetof(struct free_scores, dropped)},
    {"unparsed", "unparsed", offsetof(struct free_scores, unparsed)},
    {"refused", "refused", offsetof(struct free_scores, refused)},
    {"failed", "failed", offsetof(struct free_scores, failed)},
};

static int count_of(const struct free_scores *scores, size_t offset)
{
    return *(const int *)((const char *)scores + offset);
}

static const struct free_metric *metric_named(const char *name)
{
    const struct free_metric *metric = free_metrics;
    while (strcmp(metric->name, name) != 0)
        metric++;
    return metric;
}

/* --- JSON --- */

static json_t *integers(const int *values, int n)
{
    json_t *array = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(array, json_integer(values[i]));
    return array;
}

static json_t *reals(const double *values, int n)
{
    json_t *array = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(array, json_real_or_null(values[i]));
    return array;
}

static json_t *intervals_to_json(const struct free_scores *scores)
{
    json_t *object = json_object();
    for (size_t m = 0; m < FREE_N_METRICS; m++) {
        struct interval interval = free_metric_interval(&free_metrics[m], scores);
        json_t *ends =
            isnan(interval.low) ? json_null() : reals((double[]){interval.low, interval.high}, 2);
        json_object_set_new(object, free_metrics[m].name, ends);
    }
    return object;
}

static json_t *scores_to_json(const struct free_scores *scores, bool with_intervals)
{
    json_t *object = json_object();
    json_object_set_new(object, "n", json_integer(scores->n));
    json_object_set_new(object, "removed", json_integer(scores->removed));
    json_object_set_new(object, "k", json_integer(scores->k));
    for (size_t m = 0; m < FREE_N_METRICS; m++)
        json_object_set_new(object, free_metrics[m].name,
                            json_real_or_null(free_metric_value(&free_metrics[m], scores)));
    json_object_set_new(object, "unparsed", json_integer(scores->unparsed));
    json_object_set_new(object, "ci", with_intervals ? intervals_to_json(scores) : json_object());
    json_object_set_new(object, "t_baseline", json_real_or_null(scores->t_baseline));
    json_object_set_new(object, "solved", json_integer(scores->solved));
    json_object_set_new(object, "dropped", json_integer(scores->dropped));
    json_object_set_new(object, "refused", json_integer(scores->refused));
    json_object_set_new(object, "failed", json_integer(scores->failed));
    json_object_set_new(object, "worsened", json_integer(scores->worsened));
    json_object_set_new(object, "best_minus_last", json_real_or_null(scores->best_minus_last));
    json_object_set_new(object, "played", integers(scores->played, scores->n_rounds));
    json_object_set_new(object, "solved_by", reals(scores->solved_by, scores->n_rounds));
    json_object_set_new(object, "correct_by", reals(scores->correct_by, scores->n_rounds));
    return object;
}

static json_t *agreement_to_json(const struct agreement *agreement)
{
    json_t *object = json_object();
    json_object_set_new(object, "n", json_integer(agreement->n));
    json_object_set_new(object, "precision", json_real_or_null(agreement->precision));
    json_object_set_new(object, "recall", json_real_or_null(agreement->recall));
    json_object_set_new(object, "accepted_right", json_real(agreement->accepted_right));
    json_object_set_new(object, "accepted_wrong", json_real(agreement->accepted_wrong));
    json_object_set_new(object, "rejected_right", json_real(agreement->rejected_right));
    json_object_set_new(object, "rejected_wrong", json_real(agreement->rejected_wrong));
    json_object_set_new(object, "n_by_score", integers(agreement->n_by_score, 11));
    json_object_set_new(object, "correct_by_score", reals(agreement->correct_by_score, 11));
    return object;
}

/* {STUDENT: {METRIC: number, ...}, ...}; null where the paper has no row. */
static json_t *published_to_json(const char *source)
{
    const struct published_free *row = published_free_find(source);
    if (!row)
        return json_null();
    json_t *object = json_object();
    for (size_t s = 0; s < PUBLISHED_N_STUDENTS; s++) {
        json_t *metrics = json_object();
        for (size_t m = 0; m < PUBLISHED_N_METRICS; m++)
            json_object_set_new(metrics, published_metrics[m],
                                json_real_or_null(row->values[s][m]));
        json_object_set_new(object, published_students[s], metrics);
    }
    return object;
}

json_t *free_report_json(const struct free_report *report)
{
    const struct free_result *result = report->result;
    bool intervals = report->n_resamples > 0;
    json_t *object = scores_to_json(&result->micro, intervals);
    json_t *by_source = json_object();
    for (size_t r = 0; r < result->n_rows; r++) {
        json_t *row = scores_to_json(&result->rows[r].scores, intervals);
        if (report->paper)
            json_object_set_new(row, "paper", published_to_json(result->rows[r].source));
        json_object_set_new(by_source, result->rows[r].source, row);
    }
    json_object_set_new(object, "by_source", by_source);
    json_object_set_new(object, "macro", scores_to_json(&result->macro, intervals));
    if (report->paper)
        json_object_set_new(object, "paper", published_to_json(NULL));
    json_object_set_new(object, "scores",
                        json_pack("{s:o, s:o}", "first", integers(result->first_counts, 11),
                                  "final", integers(result->final_counts, 11)));
    json_object_set_new(object, "agreement", agreement_to_json(report->agreement));
    json_object_set_new(object, "protocol", protocol_to_json(report->protocol));
    json_object_set_new(object, "resamples", json_integer(report->n_resamples));
    json_object_set_new(object, "resample_seed", json_integer((json_int_t)report->seed));
    return object;
}

/* --- the table of metrics --- */

static char *describe(const struct free_report *report)
{
    g_autofree char *protocol = rule_of_protocol(report->protocol);
    g_autofree char *intervals = rule_of_intervals(report->n_resamples, report->seed);
    return g_strdup_printf(
        "%s; %s; AT: %s%s%s", protocol, intervals, report->baseline ? "T from " : "no baseline",
        report->baseline ? report->baseline : "",
        report->paper ? "; paper: AT / ADR / ATR / RR, its ATR being over all samples (ATR all)"
                      : "");
}

/* "1.00 / 0.97 / 0.41 / 0.25", the paper's own way. */
static void add_published(struct table *table, const struct published_free *row, size_t student)
{
    if (!row || isnan(row->values[student][0])) {
        table_add_cell(table, NULL);
        return;
    }
    GString *cell = g_string_new(NULL);
    for (size_t m = 0; m < PUBLISHED_N_METRICS; m++) {
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        g_ascii_formatd(text, sizeof text, "%.2f", row->values[student][m]);
        g_string_append_printf(cell, "%s%s", m ? " / " : "", text);
    }
    table_add_cell(table, cell->str);
    g_string_free(cell, TRUE);
}

/* Metrics in the order of the paper's tables, AT's rounds last. */
static const char *const shown_metrics[] = {"at", "adr", "atr", "atr_all", "rr", "at_rounds"};

static void add_columns(struct table *table, const struct free_report *report)
{
    table_add_column(table, "source", ALIGN_LEFT);
    for (size_t c = 0; c < G_N_ELEMENTS(counts); c++)
        table_add_column(table, counts[c].title, ALIGN_RIGHT);
    for (size_t m = 0; m < G_N_ELEMENTS(shown_metrics); m++)
        table_add_column(table, metric_named(shown_metrics[m])->title, ALIGN_RIGHT);
    for (size_t s = 0; report->paper && s < PUBLISHED_N_STUDENTS; s++) {
        g_autofree char *title = g_strdup_printf("paper: %s", published_students[s]);
        table_add_column(table, title, ALIGN_RIGHT);
    }
}

static void add_row(struct table *table, const struct free_report *report, const char *name,
                    const struct free_scores *scores, const struct published_free *published)
{
    table_add_row(table);
    table_add_cell(table, name);
    for (size_t c = 0; c < G_N_ELEMENTS(counts); c++)
        table_add_int(table, count_of(scores, counts[c].offset));
    for (size_t m = 0; m < G_N_ELEMENTS(shown_metrics); m++) {
        const struct free_metric *metric = metric_named(shown_metrics[m]);
        struct interval interval = free_metric_interval(metric, scores);
        table_add_interval(table, free_metric_value(metric, scores), interval.low, interval.high,
                           3);
    }
    for (size_t s = 0; report->paper && s < PUBLISHED_N_STUDENTS; s++)
        add_published(table, published, s);
}

static void add_csv_columns(struct table *table, const struct free_report *report)
{
    table_add_column(table, "source", ALIGN_LEFT);
    for (size_t c = 0; c < G_N_ELEMENTS(counts); c++)
        table_add_column(table, counts[c].name, ALIGN_RIGHT);
    for (size_t m = 0; m < G_N_ELEMENTS(shown_metrics); m++) {
        g_autofree char *low = g_strconcat(shown_metrics[m], "_low", NULL);
        g_autofree char *high = g_strconcat(shown_metrics[m], "_high", NULL);
        table_add_column(table, shown_metrics[m], ALIGN_RIGHT);
        table_add_column(table, low, ALIGN_RIGHT);
        table_add_column(table, high, ALIGN_RIGHT);
    }
    for (size_t s = 0; report->paper && s < PUBLISHED_N_STUDENTS; s++) {
        for (size_t m = 0; m < PUBLISHED_N_METRICS; m++) {
            g_autofree char *title =
                g_strdup_printf("paper %s %s", published_students[s], published_metrics[m]);
            table_add_column(table, title, ALIGN_RIGHT);
        }
    }
}

static void add_csv_row(struct table *table, const struct free_report *report, const char *name,
                        const struct free_scores *scores, const struct published_free *published)
{
    table_add_row(table);
    table_add_cell(table, name);
    for (size_t c = 0; c < G_N_ELEMENTS(counts); c++)
        table_add_int(table, count_of(scores, counts[c].offset));
    for (size_t m = 0; m < G_N_ELEMENTS(shown_metrics); m++) {
        const struct free_metric *metric = metric_named(shown_metrics[m]);
        struct interval interval = free_metric_interval(metric, scores);
        table_add_number(table, free_metric_value(metric, scores), 6);
        table_add_number(table, interval.low, 6);
        table_add_number(table, interval.high, 6);
    }
    for (size_t s = 0; report->paper && s < PUBLISHED_N_STUDENTS; s++)
        for (size_t m = 0; m < PUBLISHED_N_METRICS; m++)
            table_add_number(table, published ? published->values[s][m] : NAN, 2);
}

static void print_metrics(GString *out, const struct free_report *report, enum table_format format)
{
    const struct free_result *result = report->result;
    struct table *table = table_new(NULL);
    void (*add)(struct table *, const struct free_report *, const char *,
                const struct free_scores *, const struct published_free *) =
        format == TABLE_CSV ? add_csv_row : add_row;
    if (format == TABLE_CSV)
        add_csv_columns(table, report);
    else
        add_columns(table, report);
    for (size_t r = 0; r < result->n_rows; r++)
        add(table, report, result->rows[r].source, &result->rows[r].scores,
            published_free_find(result->rows[r].source));
    add(table, report, "all (micro)", &result->micro, published_free_find(NULL));
    add(table, report, "all (macro)", &result->macro, NULL);
    g_autofree char *rule = describe(report);
    table_add_note(table, rule);
    if (report->note)
        table_add_note(table, report->note);
    g_autofree char *text = table_print(table, format);
    g_string_append(out, text);
    table_free(table);
}

/* --- the tables behind it --- */

static void print_rounds(GString *out, const struct free_report *report, enum table_format format)
{
    const struct free_scores *micro = &report->result->micro;
    struct table *table = table_new("By round, all samples");
    table_add_column(table, "round", ALIGN_RIGHT);
    table_add_column(table, "ended", ALIGN_RIGHT);
    table_add_column(table, "solved by", ALIGN_RIGHT);
    table_add_column(table, "answer right", ALIGN_RIGHT);
    for (int i = 0; i < micro->n_rounds; i++) {
        table_add_row(table);
        table_add_int(table, i + 1);
        table_add_int(table, micro->played[i]);
        table_add_number(table, micro->solved_by[i], 3);
        table_add_number(table, micro->correct_by[i], 3);
    }
    char best[G_ASCII_DTOSTR_BUF_SIZE] = "undefined";
    if (!isnan(micro->best_minus_last))
        g_ascii_formatd(best, sizeof best, "%.3f", micro->best_minus_last);
    g_autofree char *note = g_strdup_printf(
        "best score less last, mean over K: %s; dialogues of K that ended below their first "
        "score: %d",
        best, micro->worsened);
    table_add_note(table, note);
    g_autofree char *text = table_print(table, format);
    g_string_append_printf(out, "\n%s", text);
    table_free(table);
}

static char *describe_agreement(const struct agreement *agreement)
{
    char texts[6][G_ASCII_DTOSTR_BUF_SIZE];
    const double values[] = {agreement->precision,      agreement->recall,
                             agreement->accepted_right, agreement->accepted_wrong,
                             agreement->rejected_right, agreement->rejected_wrong};
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        if (isnan(values[i]))
            g_strlcpy(texts[i], "undefined", sizeof texts[i]);
        else
            g_ascii_formatd(texts[i], sizeof texts[i], i < 2 ? "%.3f" : "%.1f", values[i]);
    return g_strdup_printf(
        "score against answer matching (%d rounds): precision %s, recall %s; accepted and right "
        "%s, accepted and wrong %s, rejected and right %s, rejected and wrong %s",
        agreement->n, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5]);
}

static void print_scores(GString *out, const struct free_report *report, enum table_format format)
{
    const struct agreement *agreement = report->agreement;
    struct table *table = table_new("By score, all samples");
    table_add_column(table, "score", ALIGN_RIGHT);
    table_add_column(table, "first", ALIGN_RIGHT);
    table_add_column(table, "final", ALIGN_RIGHT);
    table_add_column(table, "rounds", ALIGN_RIGHT);
    table_add_column(table, "answer right", ALIGN_RIGHT);
    for (int s = 0; s <= 10; s++) {
        table_add_row(table);
        table_add_int(table, s);
        table_add_int(table, report->result->first_counts[s]);
        table_add_int(table, report->result->final_counts[s]);
        table_add_int(table, agreement->n_by_score[s]);
        table_add_number(table, agreement->correct_by_score[s], 3);
    }
    g_autofree char *note = describe_agreement(agreement);
    table_add_note(table, note);
    g_autofree char *text = table_print(table, format);
    g_string_append_printf(out, "\n%s", text);
    table_free(table);
}

char *free_report_print(const struct free_report *report, enum table_format format)
{
    GString *out = g_string_new(NULL);
    print_metrics(out, report, format);
    if (format != TABLE_CSV) {
        print_rounds(out, report, format);
        print_scores(out, report, format);
    }
    return g_string_free(out, FALSE);
}

/* score_text.c -- fire score text: BLEU and CIDEr of predictions from a plain file. */
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "cmd/batches.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "report/fixed_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int run(int argc, char **argv, GError **error);

const struct command command_score_text = {
    "score text", "BLEU-1..4 and CIDEr of predictions against references, from a file", run};

struct part {
    struct text_batch *batch;
    GString *ids; /* a JSON value and a line feed for each item; NULL: not wanted */
};

struct job {
    struct input_options input;
    enum tokenizer tokenizer;
    struct protocol protocol; /* `cider` counts */
    char *per_item;           /* file name or NULL */
    gboolean as_json;
    struct text_metric *metric;
    GString *ids; /* of all items, where there is a per_item */
};

static bool read_references(const json_t *record, const char ***references, size_t *n,
                            struct flaw *flaw)
{
    const json_t *list = json_object_get(record, "references");
    if (!list)
        return flaw_set(flaw, "missing-key", "missing key 'references'");
    if (!json_is_array(list))
        return flaw_set(flaw, "wrong-type", "key 'references' is not a list");
    if (json_array_size(list) == 0)
        return flaw_set(flaw, "wrong-value", "key 'references' is an empty list");
    *n = json_array_size(list);
    *references = g_new(const char *, *n);
    for (size_t i = 0; i < *n; i++)
        if (!((*references)[i] = json_string_value(json_array_get(list, i))))
            return flaw_set(flaw, "wrong-type", "key 'references' holds something not a string");
    return true;
}

static bool add_record(void *user, const json_t *record, struct flaw *flaw)
{
    struct part *part = user;
    const char *prediction = batches_get_string(record, "prediction", flaw);
    g_autofree const char **references = NULL;
    size_t n = 0;
    if (!prediction || !read_references(record, &references, &n, flaw))
        return false;
    text_batch_add(part->batch, prediction, references, n);
    if (part->ids) {
        const json_t *id = json_object_get(record, "id");
        g_autofree char *text = id ? json_print(id) : g_strdup("null");
        g_string_append_printf(part->ids, "%s\n", text);
    }
    return true;
}

static bool take_part(void *user_part, void *user, GError **error G_GNUC_UNUSED)
{
    struct part *part = user_part;
    struct job *job = user;
    text_metric_take(job->metric, part->batch);
    if (part->ids) {
        g_string_append_len(job->ids, part->ids->str, (gssize)part->ids->len);
        g_string_truncate(part->ids, 0);
    }
    return true;
}

static enum batches_status read_items(struct job *job, const char *path,
                                      struct complaints *complaints, GError **error)
{
    struct part parts[BATCHES_AT_ONCE];
    struct batches_job batches = {.work = add_record, .take = take_part, .user = job};
    for (size_t i = 0; i < BATCHES_AT_ONCE; i++) {
        parts[i].batch = text_batch_new(job->tokenizer);
        parts[i].ids = job->per_item ? g_string_new(NULL) : NULL;
        batches.parts[i] = &parts[i];
    }
    enum batches_status status = batches_run(path, complaints, &batches, error);
    for (size_t i = 0; i < BATCHES_AT_ONCE; i++) {
        text_batch_free(parts[i].batch);
        if (parts[i].ids)
            g_string_free(parts[i].ids, TRUE);
    }
    return status;
}

static bool write_items(const struct job *job, const struct text_item_scores *items, size_t n,
                        GError **error)
{
    struct atomic_file *file = atomic_file_open(job->per_item, error);
    if (!file)
        return false;
    const char *id = job->ids->str;
    for (size_t i = 0; i < n; i++) {
        g_autoptr(json_t) scores =
            json_pack("{s:o, s:f}", "bleu", bleu_to_json(items[i].bleu), "cider", items[i].cider);
        g_autofree char *line = json_print(scores);
        const char *end = strchr(id, '\n');
        fprintf(atomic_file_stream(file), "{\"id\":%.*s,%s\n", (int)(end - id), id, line + 1);
        id = end + 1;
    }
    return atomic_file_commit(file, error);
}

static void add_row(struct table *table, const char *name, const double bleu[4], double cider)
{
    table_add_row(table);
    table_add_cell(table, name);
    for (size_t k = 0; k < 4; k++)
        table_add_number(table, bleu[k], 4);
    table_add_number(table, cider, 4);
}

static void print_table(const struct job *job, const struct text_scores *scores)
{
    static const char *const columns[] = {"BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "CIDEr"};
    g_autofree char *first = g_strdup_printf("%zu items", scores->n);
    struct table *table = table_new(NULL);
    table_add_column(table, first, ALIGN_LEFT);
    for (size_t c = 0; c < G_N_ELEMENTS(columns); c++)
        table_add_column(table, columns[c], ALIGN_RIGHT);
    add_row(table, "mean", scores->bleu_mean, scores->cider);
    add_row(table, "corpus", scores->bleu_corpus, NAN);
    bool words = job->protocol.cider == CIDER_WORDS;
    g_autofree char *rule = g_strdup_printf(
        "tokens: %s; CIDEr variant %s: its length term counts %s", tokenizer_name(job->tokenizer),
        words ? "words" : "official", words ? "words" : "bigrams");
    table_add_note(table,
                   "mean: of the items' own values (the paper's); corpus: from pooled counts");
    table_add_note(table, rule);
    g_autofree char *text = table_print(table, TABLE_TEXT);
    fputs(text, stdout);
    table_free(table);
}

static void print_scores(const struct job *job, const struct text_scores *scores)
{
    if (!job->as_json) {
        print_table(job, scores);
        return;
    }
    g_autoptr(json_t) object = text_scores_to_json(scores, job->tokenizer, &job->protocol);
    g_autofree char *line = json_print(object);
    puts(line);
}

static bool report(const struct job *job, GError **error)
{
    size_t n = text_metric_n_items(job->metric);
    g_autofree struct text_item_scores *items =
        job->per_item ? g_try_new(struct text_item_scores, n + 1) : NULL;
    struct text_scores scores;
    if (job->per_item && !items) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "not enough memory for %zu items", n);
        return false;
    }
    if (!text_metric_compute(job->metric, &scores, items, error))
        return false;
    if (n == 0)
        log_warn("there is no usable item: nothing is defined");
    else if (n == 1)
        log_warn("CIDEr compares an item with others: over 1 item it is 0 whatever the texts");
    if (job->per_item && !write_items(job, items, n, error))
        return false;
    print_scores(job, &scores);
    return true;
}

static int score(struct job *job, const char *path, GError **error)
{
    struct complaints *complaints = complaints_open(job->input.rejects, job->input.strict, error);
    if (!complaints)
        return EXIT_FAILED;
    job->metric = text_metric_new(job->tokenizer, (enum cider_length)job->protocol.cider);
    job->ids = g_string_new(NULL);
    enum batches_status status = read_items(job, path, complaints, error);
    size_t n_bad = complaints_count(complaints);
    bool ok = complaints_close(complaints, status == BATCHES_DONE ? error : NULL);
    ok = ok && status != BATCHES_STOPPED && report(job, status == BATCHES_DONE ? error : NULL);
    text_metric_free(job->metric);
    g_string_free(job->ids, TRUE);
    return ok && status == BATCHES_DONE ? input_exit_code(&job->input, n_bad) : EXIT_FAILED;
}

static bool set_options(struct job *job, const char *tokenizer, const char *cider, GError **error)
{
    if (tokenizer && !tokenizer_from_name(tokenizer, &job->tokenizer)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "unknown tokenizer '%s' (whitespace, ptb)",
                    tokenizer);
        return false;
    }
    g_autofree char *assignment = g_strdup_printf("cider=%s", cider ? cider : "official");
    return protocol_init(&job->protocol, "paper", error) &&
           protocol_set(&job->protocol, assignment, error);
}

static bool check_paths(const struct job *job, char *const *path, GError **error)
{
    const struct input_path outputs[] = {{"--per-item", job->per_item},
                                         {"--rejects", job->input.rejects}};
    return input_check_apart(outputs, G_N_ELEMENTS(outputs), error) &&
           input_check_rejects(&job->input, path, 1, error);
}

static int run(int argc, char **argv, GError **error)
{
    struct job job = {.tokenizer = TOKENIZER_WHITESPACE};
    g_autofree char *tokenizer = NULL;
    g_autofree char *cider = NULL;
    const GOptionEntry entries[] = {
        {"tokenizer", 0, 0, G_OPTION_ARG_STRING, &tokenizer,
         "whitespace (default) or ptb, as caption evaluation has it", "NAME"},
        {"cider", 0, 0, G_OPTION_ARG_STRING, &cider,
         "Length term: official (default; bigrams) or words", "VARIANT"},
        {"per-item", 0, 0, G_OPTION_ARG_FILENAME, &job.per_item,
         "Write a line {\"id\",\"bleu\",\"cider\"} for each item there", "FILE"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &job.as_json, "One JSON object", NULL},
        INPUT_REJECTS(job.input),
        INPUT_STRICT(job.input),
        INPUT_MAX_FAILURES(job.input),
        {0}};
    int code = EXIT_USAGE;
    if (command_parse(&argc, &argv, &command_score_text, "FILE|-", entries, 1, 1, error)) {
        if (argc == 0)
            code = EXIT_DONE;
        else if (set_options(&job, tokenizer, cider, error) && check_paths(&job, argv + 1, error))
            code = score(&job, argv[1], error);
    }
    g_free(job.per_item);
    input_clear(&job.input);
    return code;
}

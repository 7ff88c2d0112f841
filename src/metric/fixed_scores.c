#include "metric/fixed_scores.h"

#include "metric/clusters.h"
#include "metric/mean.h"

#include <math.h>
#include <string.h>

/* The turns of one source, or of all. */
struct list {
    char *source; /* NULL: all */
    struct text_metric *headline, *first;
    struct fixed_scores scores;     /* counts and MAE while items are added */
    struct text_item_scores *items; /* (headline's n) */
    size_t i_row, n_seen;
};

/* A turn of the headline. */
struct entry {
    struct list *list; /* its source's */
    uint32_t cluster;
    double error; /* NAN: none */
};

struct fixed_set {
    const struct protocol *protocol;
    enum tokenizer tokenizer;
    struct list *all;
    GPtrArray *lists;      /* of the sources; owned */
    GHashTable *by_source; /* source -> list */
    struct clusters clusters;
    GArray *entries; /* of struct entry */
    size_t n_items;
};

static struct list *list_new(const struct fixed_set *set, const char *source)
{
    struct list *list = g_new0(struct list, 1);
    enum cider_length cider = (enum cider_length)set->protocol->cider;
    list->source = g_strdup(source);
    list->headline = text_metric_new(set->tokenizer, cider);
    list->first = text_metric_new(set->tokenizer, cider);
    return list;
}

static void list_free(void *data)
{
    struct list *list = data;
    g_free(list->source);
    text_metric_free(list->headline);
    text_metric_free(list->first);
    g_free(list->items);
    g_free(list);
}

struct fixed_set *fixed_set_new(const struct protocol *protocol, enum tokenizer tokenizer)
{
    struct fixed_set *set = g_new0(struct fixed_set, 1);
    set->protocol = protocol;
    set->tokenizer = tokenizer;
    set->all = list_new(set, NULL);
    set->lists = g_ptr_array_new_with_free_func(list_free);
    set->by_source = g_hash_table_new(g_str_hash, g_str_equal);
    set->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
    clusters_init(&set->clusters);
    return set;
}

void fixed_set_free(struct fixed_set *set)
{
    if (!set)
        return;
    list_free(set->all);
    g_ptr_array_unref(set->lists);
    g_hash_table_unref(set->by_source);
    g_array_unref(set->entries);
    clusters_clear(&set->clusters);
    g_free(set);
}

static struct list *list_of(struct fixed_set *set, const char *source)
{
    struct list *list = g_hash_table_lookup(set->by_source, source);
    if (!list) {
        list = list_new(set, source);
        g_ptr_array_add(set->lists, list);
        g_hash_table_insert(set->by_source, list->source, list);
    }
    return list;
}

static void list_add(struct list *list, const struct fixed_set *set, const struct fixed_item *item)
{
    struct fixed_part *part = item->is_first ? &list->scores.first : &list->scores.headline;
    part->failed += item->failed;
    part->refused += item->refused;
    if (item->failed)
        return;
    text_metric_add(item->is_first ? list->first : list->headline, item->prediction, &item->label,
                    1);
    if (item->has_score)
        mae_add(&list->scores.mae, set->protocol, item->label_score, item->score);
}

void fixed_set_add(struct fixed_set *set, const struct fixed_item *item)
{
    struct list *list = list_of(set, item->source);
    set->n_items++;
    list_add(set->all, set, item);
    list_add(list, set, item);
    if (item->failed || item->is_first)
        return;
    struct entry entry = {
        .list = list,
        .cluster = clusters_find(&set->clusters, item->image, item->id),
        .error = item->has_score ? mae_error(set->protocol, item->label_score, item->score) : NAN,
    };
    g_array_append_val(set->entries, entry);
}

/* --- the point estimates --- */

static bool list_compute(struct list *list, GError **error)
{
    struct fixed_scores *scores = &list->scores;
    list->items = g_new(struct text_item_scores, text_metric_n_items(list->headline) + 1);
    scores->mae_mean = mae_mean(&scores->mae);
    return text_metric_compute(list->headline, &scores->headline.text, list->items, error) &&
           text_metric_compute(list->first, &scores->first.text, NULL, error);
}

/* Mean over the sources of the number that lies `offset` bytes into fixed_scores. */
static double mean_of_rows(const struct fixed_result *result, size_t offset)
{
    struct mean mean = {0};
    for (size_t r = 0; r < result->n_rows; r++)
        mean_add(&mean, *(const double *)((const char *)&result->rows[r].scores + offset));
    return mean_value(&mean);
}

static void make_macro(struct fixed_result *result)
{
    struct fixed_scores *macro = &result->macro;
    *macro = result->micro;
    macro->mae_mean = mean_of_rows(result, offsetof(struct fixed_scores, mae_mean));
    struct fixed_part *const parts[] = {&macro->headline, &macro->first};
    for (size_t p = 0; p < G_N_ELEMENTS(parts); p++) {
        struct text_scores *text = &parts[p]->text;
        for (size_t k = 0; k < 4; k++) {
            text->bleu_corpus[k] =
                mean_of_rows(result, (size_t)((char *)&text->bleu_corpus[k] - (char *)macro));
            text->bleu_mean[k] =
                mean_of_rows(result, (size_t)((char *)&text->bleu_mean[k] - (char *)macro));
        }
        text->cider = mean_of_rows(result, (size_t)((char *)&text->cider - (char *)macro));
    }
}

/* --- the intervals --- */

/* What the turns of one picture and one source add: every number is a ratio of such sums. */
struct sums {
    double n, bleu[4];
    double cider, cider_of_all; /* by the document frequencies of the source, and of all turns */
    double n_errors, error;
};

struct cell {
    uint32_t cluster;
    uint32_t row;
    struct sums sums;
};

struct work {
    struct cell *cells;
    size_t n_cells, n_rows;
};

static void add_sums(struct sums *to, const struct sums *from, double weight)
{
    to->n += weight * from->n;
    for (size_t k = 0; k < 4; k++)
        to->bleu[k] += weight * from->bleu[k];
    to->cider += weight * from->cider;
    to->cider_of_all += weight * from->cider_of_all;
    to->n_errors += weight * from->n_errors;
    to->error += weight * from->error;
}

static void set_values(double *values, const struct sums *sums, double cider)
{
    for (size_t k = 0; k < 4; k++)
        values[FIXED_BLEU + k] = mean_ratio(sums->bleu[k], sums->n);
    values[FIXED_CIDER] = mean_ratio(cider, sums->n);
    values[FIXED_MAE] = mean_ratio(sums->error, sums->n_errors);
}

/* bootstrap's statistic: (n_rows + 2, FIXED_N_VALUES) values: the rows, micro, macro. */
static void compute_values(double *values, const uint32_t *n_drawn, const void *user)
{
    const struct work *work = user;
    g_autofree struct sums *rows = g_new0(struct sums, work->n_rows + 1);
    struct sums *total = &rows[work->n_rows];
    for (size_t i = 0; i < work->n_cells; i++) {
        const struct cell *cell = &work->cells[i];
        if (n_drawn[cell->cluster] > 0)
            add_sums(&rows[cell->row], &cell->sums, n_drawn[cell->cluster]);
    }
    for (size_t r = 0; r < work->n_rows; r++) {
        add_sums(total, &rows[r], 1);
        set_values(values + r * FIXED_N_VALUES, &rows[r], rows[r].cider);
    }
    double *micro = values + work->n_rows * FIXED_N_VALUES, *macro = micro + FIXED_N_VALUES;
    set_values(micro, total, total->cider_of_all);
    for (size_t v = 0; v < FIXED_N_VALUES; v++) {
        struct mean mean = {0};
        for (size_t r = 0; r < work->n_rows; r++)
            mean_add(&mean, values[r * FIXED_N_VALUES + v]);
        macro[v] = mean_value(&mean);
    }
}

/* One cell for neighbours of one picture and one source: the turns of a dialogue, mostly. */
static void make_cells(struct work *work, const struct fixed_set *set)
{
    work->cells = g_new(struct cell, set->entries->len);
    for (guint i = 0; i < set->entries->len; i++) {
        const struct entry *entry = &g_array_index(set->entries, struct entry, i);
        const struct text_item_scores *item = &entry->list->items[entry->list->n_seen++];
        const bool has_error = !isnan(entry->error);
        const struct sums sums = {
            .n = 1,
            .bleu = {item->bleu[0], item->bleu[1], item->bleu[2], item->bleu[3]},
            .cider = item->cider,
            .cider_of_all = set->all->items[i].cider,
            .n_errors = has_error,
            .error = has_error ? entry->error : 0,
        };
        const uint32_t row = (uint32_t)entry->list->i_row;
        struct cell *last = work->n_cells > 0 ? &work->cells[work->n_cells - 1] : NULL;
        if (last && last->cluster == entry->cluster && last->row == row)
            add_sums(&last->sums, &sums, 1);
        else
            work->cells[work->n_cells++] = (struct cell){entry->cluster, row, sums};
    }
}

static bool set_intervals(struct fixed_result *result, const struct fixed_set *set, int n_resamples,
                          uint64_t seed, GError **error)
{
    struct work work = {.n_rows = result->n_rows};
    size_t n_values = (result->n_rows + 2) * FIXED_N_VALUES;
    g_autofree struct interval *intervals = g_new(struct interval, n_values);
    make_cells(&work, set);
    const struct bootstrap bootstrap = {
        .n_clusters = set->clusters.n,
        .n_resamples = n_resamples,
        .seed = seed,
        .statistic = compute_values,
        .user = &work,
        .n_values = n_values,
    };
    bool ok = bootstrap_run(&bootstrap, intervals, error);
    for (size_t r = 0; ok && r < result->n_rows + 2; r++) {
        struct fixed_scores *scores = r < result->n_rows    ? &result->rows[r].scores
                                      : r == result->n_rows ? &result->micro
                                                            : &result->macro;
        memcpy(scores->ci, intervals + r * FIXED_N_VALUES, sizeof scores->ci);
    }
    g_free(work.cells);
    return ok;
}

/* --- the whole --- */

static int compare_lists(const void *a, const void *b)
{
    const struct list *const *x = a, *const *y = b;
    return strcmp((*x)->source, (*y)->source);
}

static bool compute(struct fixed_result *result, struct fixed_set *set, int n_resamples,
                    uint64_t seed, GError **error)
{
    g_ptr_array_sort(set->lists, compare_lists);
    result->n_items = set->n_items;
    result->rows = g_new0(struct fixed_row, set->lists->len);
    if (!list_compute(set->all, error))
        return false;
    result->micro = set->all->scores;
    for (guint r = 0; r < set->lists->len; r++) {
        struct list *list = set->lists->pdata[r];
        if (!list_compute(list, error))
            return false;
        list->i_row = r;
        result->rows[result->n_rows++] = (struct fixed_row){g_strdup(list->source), list->scores};
    }
    make_macro(result);
    return set_intervals(result, set, n_resamples, seed, error);
}

bool fixed_compute(struct fixed_result *result, struct fixed_set *set, int n_resamples,
                   uint64_t seed, GError **error)
{
    struct fixed_result computed = {0};
    bool ok = compute(&computed, set, n_resamples, seed, error);
    if (ok)
        *result = computed;
    else
        fixed_result_clear(&computed);
    return ok;
}

void fixed_result_clear(struct fixed_result *result)
{
    for (size_t r = 0; r < result->n_rows; r++)
        g_free(result->rows[r].source);
    g_free(result->rows);
    *result = (struct fixed_result){0};
}

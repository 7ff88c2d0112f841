/* text_compute.c -- BLEU's matches and CIDEr's similarities, one order at a time on all cores.
 *
 * In front of order k, ids[i] names the (k-1)-gram that begins at token i, so that the pair
 * (ids[i], ids[i + 1]) names the k-gram. An order takes two passes over the items:
 *
 *   count  in how many items' references does each k-gram stand (ngram_table);
 *   score  per item: counts in prediction and references, clipped matches, similarities; then
 *          ids[i] becomes the name of the k-gram.
 *
 * A k-gram in at most one item weighs ln N, and so does every longer one that holds it. It needs no
 * place in a table: its name is RARE | its number in its own item, which tells it apart where that
 * matters, within the item. Most longer n-grams are rare, so tables stay small.
 *
 * Items are independent in both passes, sums run over an item's n-grams in order of appearance and
 * over items in order of input: results do not depend on threads, nor on the numbers of words. */
#include "base/error.h"
#include "base/pool.h"
#include "metric/bleu.h"
#include "metric/mean.h"
#include "metric/ngram.h"
#include "metric/text_items.h"

#include <math.h>
#include <string.h>

#define RARE 0x80000000u

enum { MAX_ORDER = 4, ITEMS_PER_JOB = 64 };

struct item_sums {
    uint32_t matches[MAX_ORDER];
    double cider; /* similarities so far, summed over orders and references */
};

struct computation {
    const struct text_metric *metric;
    struct text_batch *all;
    int order;
    struct ngram_table table; /* of this order, from 2 on */
    uint32_t *word_counts;    /* (n_words) the same of order 1, by word */
    double *weights;          /* (n_items + 1) ln N - ln max(1, df) by df */
    struct item_sums *sums;   /* (n_items) */
    size_t n_candidates; /* places in references that may begin a common gram of the next order */
};

/* The distinct n-grams of one item, numbered in order of appearance. */
struct item_grams {
    size_t max_tokens; /* of an item, for which there is room */
    uint32_t *buckets; /* (n_buckets, a power of two) 0, or a gram's number + 1 */
    size_t n_buckets;
    size_t n_grams;
    uint64_t *keys;      /* (n_grams) the pair of ids, or the word */
    size_t *slots;       /* (n_grams) home, later place in the table */
    double *weights;     /* (n_grams) */
    uint32_t *counts[3]; /* (n_grams) in the prediction, in one reference, most in any reference */
    uint32_t *gram_at;   /* (n_tokens) the gram's number at each place of the item */
};

enum { IN_PREDICTION, IN_REFERENCE, IN_ANY };

static void grams_clear(struct item_grams *grams)
{
    g_free(grams->buckets);
    g_free(grams->keys);
    g_free(grams->slots);
    g_free(grams->weights);
    for (int i = 0; i < 3; i++)
        g_free(grams->counts[i]);
    g_free(grams->gram_at);
}

/* Forgets all grams and makes room for an item of `n_tokens`. */
static void grams_reset(struct item_grams *grams, size_t n_tokens)
{
    if (n_tokens > grams->max_tokens || !grams->keys) {
        size_t max = MAX(n_tokens + n_tokens / 2, (size_t)256);
        grams_clear(grams);
        *grams = (struct item_grams){
            .max_tokens = max,
            .buckets = g_new(uint32_t, 4 * max),
            .keys = g_new(uint64_t, max),
            .slots = g_new(size_t, max),
            .weights = g_new(double, max),
            .counts = {g_new(uint32_t, max), g_new(uint32_t, max), g_new(uint32_t, max)},
            .gram_at = g_new(uint32_t, max),
        };
    }
    grams->n_buckets = 64;
    while (grams->n_buckets < 2 * n_tokens)
        grams->n_buckets *= 2;
    memset(grams->buckets, 0, grams->n_buckets * sizeof *grams->buckets);
    grams->n_grams = 0;
}

static uint32_t grams_add(struct item_grams *grams, uint64_t key)
{
    uint64_t hash = (key ^ key >> 29) * 0x9e3779b97f4a7c15u;
    size_t mask = grams->n_buckets - 1, bucket = (size_t)(hash >> 32) & mask;
    for (; grams->buckets[bucket]; bucket = (bucket + 1) & mask)
        if (grams->keys[grams->buckets[bucket] - 1] == key)
            return grams->buckets[bucket] - 1;
    uint32_t gram = (uint32_t)grams->n_grams++;
    grams->buckets[bucket] = gram + 1;
    grams->keys[gram] = key;
    for (int i = 0; i < 3; i++)
        grams->counts[i][gram] = 0;
    return gram;
}

static inline uint64_t key_at(const struct computation *c, size_t i)
{
    const uint32_t *ids = c->all->ids;
    return c->order == 1 ? ids[i] : (uint64_t)ids[i] << 32 | ids[i + 1];
}

/* Can this gram stand in more than one item? Only if both its parts do. */
static inline bool may_be_common(const struct computation *c, uint64_t key)
{
    return c->order == 1 || !(key & ((uint64_t)RARE << 32 | RARE));
}

/* Grams of this order in text t. */
static inline size_t n_grams_of(const struct computation *c, size_t t)
{
    size_t n = c->all->ends[t] - text_batch_first_id(c->all, t), less = (size_t)c->order - 1;
    return n > less ? n - less : 0;
}

static void count_item(struct computation *c, struct item_grams *grams, size_t i_item)
{
    size_t first = text_batch_first_text(c->all, i_item) + 1, end = c->all->item_ends[i_item];
    grams_reset(grams, c->all->ends[end - 1] - c->all->ends[first - 1]);
    for (size_t t = first; t < end; t++) {
        size_t start = text_batch_first_id(c->all, t), n = n_grams_of(c, t);
        for (size_t i = start; i < start + n; i++) {
            uint64_t key = key_at(c, i);
            if (may_be_common(c, key))
                grams_add(grams, key);
        }
    }
    if (c->order == 1) {
        for (size_t g = 0; g < grams->n_grams; g++)
            __atomic_fetch_add(&c->word_counts[grams->keys[g]], 1, __ATOMIC_RELAXED);
        return;
    }
    for (size_t g = 0; g < grams->n_grams; g++)
        grams->slots[g] = ngram_table_home(&c->table, grams->keys[g]);
    for (size_t g = 0; g < grams->n_grams; g++)
        ngram_table_count(&c->table, grams->keys[g], grams->slots[g]);
}

/* Numbers the item's grams, and finds the weight and the slot of each: RARE where it stands in at
 * most one item. */
static void weigh_grams(struct computation *c, struct item_grams *grams, size_t first, size_t end)
{
    size_t start_of_item = text_batch_first_id(c->all, first);
    grams_reset(grams, c->all->ends[end - 1] - start_of_item);
    for (size_t t = first; t < end; t++) {
        size_t start = text_batch_first_id(c->all, t), n = n_grams_of(c, t);
        for (size_t i = start; i < start + n; i++)
            grams->gram_at[i - start_of_item] = grams_add(grams, key_at(c, i));
    }
    if (c->order > 1) {
        for (size_t g = 0; g < grams->n_grams; g++)
            if (may_be_common(c, grams->keys[g]))
                grams->slots[g] = ngram_table_home(&c->table, grams->keys[g]);
    }
    for (size_t g = 0; g < grams->n_grams; g++) {
        uint32_t df = 0;
        if (c->order == 1) {
            grams->slots[g] = (size_t)grams->keys[g];
            df = c->word_counts[grams->slots[g]];
        } else if (may_be_common(c, grams->keys[g])) {
            grams->slots[g] = ngram_table_find(&c->table, grams->keys[g], grams->slots[g]);
            df = grams->slots[g] == SIZE_MAX ? 0 : c->table.slots[grams->slots[g]].count;
        }
        if (df <= 1)
            grams->slots[g] = RARE | g;
        grams->weights[g] = c->weights[df];
    }
}

/* CIDEr-D's cosine of this order: sum of min(h, s) * s over |h| |s|. Raises counts[IN_ANY] to the
 * reference's counts. */
static double compare_reference(struct item_grams *grams, const uint32_t *places, size_t n,
                                double prediction_norm)
{
    double product = 0, norm = 0;
    for (size_t i = 0; i < n; i++)
        grams->counts[IN_REFERENCE][places[i]]++;
    for (size_t i = 0; i < n; i++) {
        uint32_t g = places[i], count = grams->counts[IN_REFERENCE][g];
        if (count == 0) /* seen before in this reference */
            continue;
        double h = grams->counts[IN_PREDICTION][g] * grams->weights[g];
        double s = count * grams->weights[g];
        product += MIN(h, s) * s;
        norm += s * s;
        grams->counts[IN_ANY][g] = MAX(grams->counts[IN_ANY][g], count);
        grams->counts[IN_REFERENCE][g] = 0;
    }
    return prediction_norm > 0 && norm > 0 ? product / (sqrt(prediction_norm) * sqrt(norm)) : 0;
}

/* exp(-d^2 / (2 * 6^2)), d the difference in length. The official code takes for length the number
 * of bigrams. */
static double length_factor(const struct computation *c, size_t t_prediction, size_t t_reference)
{
    double length[2];
    for (int i = 0; i < 2; i++) {
        size_t t = i ? t_reference : t_prediction;
        length[i] = (double)(c->all->ends[t] - text_batch_first_id(c->all, t));
        if (c->metric->cider == CIDER_OFFICIAL)
            length[i] = MAX(length[i] - 1, 0);
    }
    double difference = length[0] - length[1];
    return exp(-difference * difference / 72);
}

/* Replaces the names of (k-1)-grams by those of the k-grams; returns the number of pairs of
 * neighbours in references of which none is rare. */
static size_t rename_grams(struct computation *c, const struct item_grams *grams, size_t first,
                           size_t end)
{
    size_t start_of_item = text_batch_first_id(c->all, first), n_candidates = 0;
    for (size_t t = first; t < end; t++) {
        size_t start = text_batch_first_id(c->all, t), n = n_grams_of(c, t);
        uint32_t before = RARE;
        for (size_t i = start; i < start + n; i++) {
            uint32_t id = (uint32_t)grams->slots[grams->gram_at[i - start_of_item]];
            c->all->ids[i] = id;
            n_candidates += t > first && !((id | before) & RARE);
            before = id;
        }
    }
    return n_candidates;
}

/* Returns as rename_grams. */
static size_t score_item(struct computation *c, struct item_grams *grams, size_t i_item)
{
    size_t first = text_batch_first_text(c->all, i_item), end = c->all->item_ends[i_item];
    struct item_sums *sums = &c->sums[i_item];
    weigh_grams(c, grams, first, end);
    /* The prediction comes first, so its distinct grams have the first numbers. */
    size_t n = n_grams_of(c, first), n_distinct = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t g = grams->gram_at[i];
        grams->counts[IN_PREDICTION][g]++;
        n_distinct = MAX(n_distinct, (size_t)g + 1);
    }
    double norm = 0;
    for (size_t g = 0; g < n_distinct; g++) {
        double h = grams->counts[IN_PREDICTION][g] * grams->weights[g];
        norm += h * h;
    }
    size_t start_of_item = text_batch_first_id(c->all, first);
    for (size_t t = first + 1; t < end; t++)
        sums->cider += compare_reference(
                           grams, grams->gram_at + text_batch_first_id(c->all, t) - start_of_item,
                           n_grams_of(c, t), norm) *
                       length_factor(c, first, t);
    for (size_t g = 0; g < n_distinct; g++)
        sums->matches[c->order - 1] +=
            MIN(grams->counts[IN_PREDICTION][g], grams->counts[IN_ANY][g]);
    return rename_grams(c, grams, first, end);
}

static void count_job(size_t i_job, void *user)
{
    struct computation *c = user;
    struct item_grams grams = {0};
    for (size_t i = i_job * ITEMS_PER_JOB; i < MIN((i_job + 1) * ITEMS_PER_JOB, c->all->n_items);
         i++)
        count_item(c, &grams, i);
    grams_clear(&grams);
}

static void score_job(size_t i_job, void *user)
{
    struct computation *c = user;
    struct item_grams grams = {0};
    size_t n_candidates = 0;
    for (size_t i = i_job * ITEMS_PER_JOB; i < MIN((i_job + 1) * ITEMS_PER_JOB, c->all->n_items);
         i++)
        n_candidates += score_item(c, &grams, i);
    grams_clear(&grams);
    __atomic_fetch_add(&c->n_candidates, n_candidates, __ATOMIC_RELAXED);
}

static bool run_orders(struct computation *c)
{
    size_t n_jobs = (c->all->n_items + ITEMS_PER_JOB - 1) / ITEMS_PER_JOB;
    for (c->order = 1; c->order <= MAX_ORDER; c->order++) {
        if (c->order > 1 && !ngram_table_init(&c->table, c->n_candidates))
            return false;
        pool_run(n_jobs, count_job, c);
        c->n_candidates = 0;
        pool_run(n_jobs, score_job, c);
        ngram_table_clear(&c->table);
    }
    return true;
}

/* Counts of one item for BLEU. */
static struct bleu_counts item_counts(const struct computation *c, size_t i_item)
{
    const struct text_batch *all = c->all;
    size_t first = text_batch_first_text(all, i_item), nearest = SIZE_MAX;
    struct bleu_counts counts = {.n_tokens = all->ends[first] - text_batch_first_id(all, first)};
    for (int k = 0; k < MAX_ORDER; k++) {
        counts.matches[k] = c->sums[i_item].matches[k];
        counts.grams[k] = counts.n_tokens > (size_t)k ? counts.n_tokens - (size_t)k : 0;
    }
    for (size_t t = first + 1; t < all->item_ends[i_item]; t++) {
        size_t length = all->ends[t] - text_batch_first_id(all, t);
        size_t distance =
            length > counts.n_tokens ? length - counts.n_tokens : counts.n_tokens - length;
        if (distance < nearest || (distance == nearest && length < counts.n_reference_tokens)) {
            nearest = distance;
            counts.n_reference_tokens = length;
        }
    }
    return counts;
}

static void summarize(const struct computation *c, struct text_scores *scores,
                      struct text_item_scores *items)
{
    size_t n = c->all->n_items;
    struct bleu_counts corpus = {0};
    *scores = (struct text_scores){.n = n};
    for (size_t i = 0; i < n; i++) {
        struct bleu_counts counts = item_counts(c, i);
        struct text_item_scores item;
        size_t n_references = c->all->item_ends[i] - text_batch_first_text(c->all, i) - 1;
        bleu_compute(item.bleu, &counts);
        item.cider = n_references ? c->sums[i].cider * 10 / MAX_ORDER / (double)n_references : 0;
        bleu_counts_add(&corpus, &counts);
        for (int k = 0; k < MAX_ORDER; k++)
            scores->bleu_mean[k] += item.bleu[k];
        scores->cider += item.cider;
        if (items)
            items[i] = item;
    }
    bleu_compute(scores->bleu_corpus, &corpus);
    for (int k = 0; k < MAX_ORDER; k++) {
        scores->bleu_mean[k] = mean_ratio(scores->bleu_mean[k], (double)n);
        scores->bleu_corpus[k] = n > 0 ? scores->bleu_corpus[k] : NAN;
    }
    scores->cider = mean_ratio(scores->cider, (double)n);
}

bool text_metric_compute(struct text_metric *metric, struct text_scores *scores,
                         struct text_item_scores *items, GError **error)
{
    struct text_batch *all = &metric->all;
    size_t n = all->n_items;
    struct computation c = {.metric = metric, .all = all};
    c.word_counts = g_try_new0(uint32_t, all->vocabulary.n_words + 1);
    c.weights = g_try_new0(double, n + 1);
    c.sums = g_try_new0(struct item_sums, n + 1);
    bool done = c.word_counts && c.weights && c.sums && !all->is_full;
    if (done) {
        for (size_t df = 0; df <= n; df++)
            c.weights[df] = n ? log((double)n) - log((double)MAX(df, 1)) : 0;
        done = run_orders(&c);
    }
    if (done)
        summarize(&c, scores, items);
    else
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO,
                    "not enough memory to compare %zu texts of %zu words", all->n_texts,
                    all->n_ids);
    g_free(c.word_counts);
    g_free(c.weights);
    g_free(c.sums);
    return done;
}

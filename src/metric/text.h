/* text.h -- BLEU-1..4 and CIDEr over many items (METRICS.md 2-4).
 *
 * Items are added one by one, or by threads in batches; only token numbers are kept (4 bytes a
 * token). n-gram tables come after the last item, one order at a time. */
#ifndef FIRE_METRIC_TEXT_H
#define FIRE_METRIC_TEXT_H

#include "data/protocol.h"
#include "metric/tokenize.h"

#include <stddef.h>

struct text_item_scores {
    double bleu[4];
    double cider;
};

struct text_scores { /* NAN where n is 0 */
    size_t n;
    double bleu_corpus[4]; /* counts pooled over the items */
    double bleu_mean[4];   /* mean of the items: the paper's */
    double cider;          /* mean of the items */
};

struct text_metric;

/* `cider`: enum cider_length. */
struct text_metric *text_metric_new(enum tokenizer tokenizer, enum cider_length cider);
/* One item: a prediction and one or more references, UTF-8. */
void text_metric_add(struct text_metric *metric, const char *prediction,
                     const char *const *references, size_t n_references);
size_t text_metric_n_items(const struct text_metric *metric);
/* All items' scores at once, on all cores; the result does not depend on their number. Where no
 * reference has a token every CIDEr is 0. `items` (n of them) may be NULL. To be called once, last.
 * FIRE_ERROR_IO where memory does not suffice or there are more than 2^30 tokens. */
bool text_metric_compute(struct text_metric *metric, struct text_scores *scores,
                         struct text_item_scores *items, GError **error);
void text_metric_free(struct text_metric *metric); /* accepts NULL */

/* Items tokenised apart from a metric, so that each thread can fill a batch of its own. */
struct text_batch;

struct text_batch *text_batch_new(enum tokenizer tokenizer);
void text_batch_add(struct text_batch *batch, const char *prediction, const char *const *references,
                    size_t n_references);
/* Moves the items to the end of `metric`, whose tokenizer is the same, and leaves `batch` empty. */
void text_metric_take(struct text_metric *metric, struct text_batch *batch);
void text_batch_free(struct text_batch *batch); /* accepts NULL */

#endif

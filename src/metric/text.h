/* text.h -- BLEU-1..4 and CIDEr over many items (METRICS.md 2-4).
 *
 * Items are added one by one; only token numbers are kept (4 bytes a token). n-gram tables come
 * after the last item, one order at a time. */
#ifndef FIRE_METRIC_TEXT_H
#define FIRE_METRIC_TEXT_H

#include "data/protocol.h"

#include <stddef.h>

enum tokenizer { TOKENIZER_WHITESPACE, TOKENIZER_PTB };
/* "whitespace", "ptb". */
const char *tokenizer_name(enum tokenizer tokenizer);
bool tokenizer_from_name(const char *name, enum tokenizer *tokenizer);

struct text_item_scores {
    double bleu[4];
    double cider;
};

struct text_scores {
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
/* All items' scores at once, on all cores; the result does not depend on their number. `items` (n
 * of them) may be NULL. To be called once, last. */
void text_metric_compute(struct text_metric *metric, struct text_scores *scores,
                         struct text_item_scores *items);
void text_metric_free(struct text_metric *metric); /* accepts NULL */

#endif

/* text_items.h -- the inside of a text_metric, for the files that fill it and count over it. */
#ifndef FIRE_METRIC_TEXT_ITEMS_H
#define FIRE_METRIC_TEXT_ITEMS_H

#include "metric/text.h"
#include "metric/vocabulary.h"

/* So many leave room for the marks and tables of text_compute.c: 4 GB. */
#define TEXT_MAX_TOKENS ((size_t)1 << 30)

/* Texts one behind the other. Text t has tokens ids[ends[t - 1]] .. ids[ends[t] - 1] (from 0 for
 * t = 0); item i has texts item_ends[i - 1] .. item_ends[i] - 1: the prediction, then the
 * references. */
struct text_batch {
    enum tokenizer tokenizer;
    struct vocabulary vocabulary;
    uint32_t *ids; /* (n_ids) numbers of words of the vocabulary */
    size_t n_ids, max_ids;
    bool is_full; /* a token had no room: nothing can be computed any more */
    size_t *ends; /* (n_texts) */
    size_t n_texts, max_texts;
    size_t *item_ends; /* (n_items) */
    size_t n_items, max_items;
};

struct text_metric {
    enum cider_length cider;
    struct text_batch all;
};

static inline size_t text_batch_first_text(const struct text_batch *batch, size_t i_item)
{
    return i_item ? batch->item_ends[i_item - 1] : 0;
}

static inline size_t text_batch_first_id(const struct text_batch *batch, size_t i_text)
{
    return i_text ? batch->ends[i_text - 1] : 0;
}

#endif

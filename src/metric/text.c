#include "metric/text_items.h"

#include <string.h>

/* Room for `n` more elements behind the first `used`. */
static void *reserve(void *array, size_t used, size_t *max, size_t n, size_t size)
{
    if (*max - used >= n)
        return array;
    *max = MAX(*max + *max / 2, used + n + 64);
    return g_realloc_n(array, *max, size);
}

/* Room for `n` more tokens; false, and the batch is full, where there are too many or memory does
 * not suffice. */
static bool make_room(struct text_batch *batch, size_t n)
{
    if (batch->max_ids - batch->n_ids >= n)
        return true;
    size_t max = MAX(batch->max_ids + batch->max_ids / 2, batch->n_ids + n + 64);
    bool fits = n <= TEXT_MAX_TOKENS - batch->n_ids;
    uint32_t *ids = fits ? g_try_realloc_n(batch->ids, max, sizeof *ids) : NULL;
    batch->is_full = !ids;
    if (ids) {
        batch->ids = ids;
        batch->max_ids = max;
    }
    return !batch->is_full;
}

static void append_text_end(struct text_batch *batch, size_t end)
{
    batch->ends = reserve(batch->ends, batch->n_texts, &batch->max_texts, 1, sizeof *batch->ends);
    batch->ends[batch->n_texts++] = end;
}

static void append_item_end(struct text_batch *batch, size_t end)
{
    batch->item_ends =
        reserve(batch->item_ends, batch->n_items, &batch->max_items, 1, sizeof *batch->item_ends);
    batch->item_ends[batch->n_items++] = end;
}

static void add_token(void *user, const char *token, size_t n_bytes)
{
    struct text_batch *batch = user;
    if (!batch->is_full && make_room(batch, 1))
        batch->ids[batch->n_ids++] = vocabulary_add(&batch->vocabulary, token, n_bytes);
}

static void add_text(struct text_batch *batch, const char *text)
{
    tokenize_words(batch->tokenizer, text, strlen(text), add_token, batch);
    append_text_end(batch, batch->n_ids);
}

void text_batch_add(struct text_batch *batch, const char *prediction, const char *const *references,
                    size_t n_references)
{
    add_text(batch, prediction);
    for (size_t i = 0; i < n_references; i++)
        add_text(batch, references[i]);
    append_item_end(batch, batch->n_texts);
}

static void clear_batch(struct text_batch *batch)
{
    vocabulary_clear(&batch->vocabulary);
    g_free(batch->ids);
    g_free(batch->ends);
    g_free(batch->item_ends);
}

struct text_batch *text_batch_new(enum tokenizer tokenizer)
{
    struct text_batch *batch = g_new0(struct text_batch, 1);
    batch->tokenizer = tokenizer;
    return batch;
}

void text_batch_free(struct text_batch *batch)
{
    if (!batch)
        return;
    clear_batch(batch);
    g_free(batch);
}

struct text_metric *text_metric_new(enum tokenizer tokenizer, enum cider_length cider)
{
    struct text_metric *metric = g_new0(struct text_metric, 1);
    metric->cider = cider;
    metric->all.tokenizer = tokenizer;
    return metric;
}

void text_metric_free(struct text_metric *metric)
{
    if (!metric)
        return;
    clear_batch(&metric->all);
    g_free(metric);
}

void text_metric_add(struct text_metric *metric, const char *prediction,
                     const char *const *references, size_t n_references)
{
    text_batch_add(&metric->all, prediction, references, n_references);
}

size_t text_metric_n_items(const struct text_metric *metric)
{
    return metric->all.n_items;
}

void text_metric_take(struct text_metric *metric, struct text_batch *from)
{
    struct text_batch *to = &metric->all;
    size_t n_words = from->vocabulary.n_words, first_id = to->n_ids, first_text = to->n_texts;
    g_autofree uint32_t *translation = g_new(uint32_t, n_words);
    for (size_t i = 0; i < n_words; i++)
        translation[i] = vocabulary_add_from(&to->vocabulary, &from->vocabulary, (uint32_t)i);
    to->is_full = to->is_full || from->is_full || !make_room(to, from->n_ids);
    for (size_t i = 0; !to->is_full && i < from->n_ids; i++)
        to->ids[to->n_ids++] = translation[from->ids[i]];
    for (size_t i = 0; i < from->n_texts; i++)
        append_text_end(to, first_id + from->ends[i]);
    for (size_t i = 0; i < from->n_items; i++)
        append_item_end(to, first_text + from->item_ends[i]);
    vocabulary_reset(&from->vocabulary);
    from->n_ids = from->n_texts = from->n_items = 0;
}

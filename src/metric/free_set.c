#include "metric/free_set.h"

#include "data/answer.h"
#include "data/parse.h"
#include "data/picture.h"

#include <math.h>
#include <string.h>

struct free_set {
    GArray *items;         /* of struct free_item; `scores`, `correct` are set by free_set_items */
    GArray *scores;        /* of double: all rounds, item after item */
    GArray *correct;       /* the same for answer matches */
    GStringChunk *strings; /* ids, sources, pictures */
};

struct free_set *free_set_new(void)
{
    struct free_set *set = g_new(struct free_set, 1);
    set->items = g_array_new(FALSE, TRUE, sizeof(struct free_item));
    set->scores = g_array_new(FALSE, FALSE, sizeof(double));
    set->correct = g_array_new(FALSE, FALSE, sizeof(double));
    set->strings = g_string_chunk_new(1 << 16);
    return set;
}

void free_set_free(struct free_set *set)
{
    if (!set)
        return;
    g_array_free(set->items, TRUE);
    g_array_free(set->scores, TRUE);
    g_array_free(set->correct, TRUE);
    g_string_chunk_free(set->strings);
    g_free(set);
}

/* A last round that the teacher has not judged was not played; a refused one was. */
static size_t n_played(const struct dialogue *dialogue)
{
    size_t n = dialogue->n_turns;
    const struct turn *last = n > 0 ? &dialogue->turns[n - 1] : NULL;
    bool is_open = last && !last->feedback && isnan(last->score);
    return is_open && dialogue->stop != STOP_REFUSED ? n - 1 : n;
}

void free_set_add(struct free_set *set, const struct dialogue *dialogue)
{
    const struct sample *sample = &dialogue->sample;
    g_autofree char *picture = picture_name(sample->image);
    struct free_item item = {
        .id = sample->id ? g_string_chunk_insert(set->strings, sample->id) : NULL,
        .source = g_string_chunk_insert_const(set->strings, sample->source),
        .image = picture ? g_string_chunk_insert_const(set->strings, picture) : NULL,
        .n_scores = (int)MIN(n_played(dialogue), FREE_MAX_ROUNDS),
        .refused = dialogue->stop == STOP_REFUSED,
        .failed = dialogue->stop == STOP_FAILED,
    };
    for (int i = 0; i < item.n_scores; i++) {
        const struct turn *turn = &dialogue->turns[i];
        double correct = NAN;
        if (turn->response) {
            g_autofree char *answer = parse_answer(turn->response);
            correct = answer_match(sample, answer);
        }
        g_array_append_val(set->scores, turn->score);
        g_array_append_val(set->correct, correct);
    }
    g_array_append_val(set->items, item);
}

size_t free_set_count(const struct free_set *set)
{
    return set->items->len;
}

const struct free_item *free_set_items(struct free_set *set)
{
    size_t at = 0;
    for (size_t i = 0; i < set->items->len; i++) {
        struct free_item *item = &g_array_index(set->items, struct free_item, i);
        if (item->n_scores == 0)
            continue;
        item->scores = &g_array_index(set->scores, double, at);
        item->correct = &g_array_index(set->correct, double, at);
        at += (size_t)item->n_scores;
    }
    return (const struct free_item *)(void *)set->items->data;
}

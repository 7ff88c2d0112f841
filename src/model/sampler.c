/* sampler.c -- see sampler.h.
 *
 * Every filter keeps a first part of the ranking, so nothing but the ranking's head is ever needed.
 * It is taken from a heap, one id at a time, and kept in the same array, from its end on:
 *
 *   heap[0 .. n_heap)     candidates not ranked yet, the best at 0
 *   heap[n_heap .. end)   the ranking, the best last (end = n_heap + n_ranked) */
#include "model/sampler.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

bool sampler_options_check(const struct sampler_options *options, GError **error)
{
    const char *cause = NULL;
    if (!(options->temperature >= 0) || isinf(options->temperature))
        cause = "temperature must be 0 or more";
    else if (options->top_k < 0)
        cause = "top-k must be 0 or more";
    else if (!(options->top_p >= 0 && options->top_p <= 1))
        cause = "top-p must be from 0 to 1";
    else if (!(options->min_p >= 0 && options->min_p <= 1))
        cause = "min-p must be from 0 to 1";
    else if (!(options->repetition_penalty > 0) || isinf(options->repetition_penalty))
        cause = "repetition penalty must be above 0";
    if (cause)
        g_set_error_literal(error, FIRE_ERROR, FIRE_ERROR_USAGE, cause);
    return !cause;
}

void sampler_init(struct sampler *sampler, const struct sampler_options *options, int n,
                  uint64_t stream)
{
    *sampler = (struct sampler){.options = *options, .n = n};
    rng_init(&sampler->rng, options->seed, stream);
    sampler->scores = g_new(float, n);
    sampler->heap = g_new(int, n);
}

void sampler_clear(struct sampler *sampler)
{
    g_free(sampler->scores);
    g_free(sampler->heap);
    *sampler = (struct sampler){0};
}

int sampler_greedy(const float *logits, int n)
{
    float largest = -INFINITY;
    int best = -1;
    for (int id = 0; id < n; id++)
        if (logits[id] > largest) {
            largest = logits[id];
            best = id;
        }
    return best;
}

/* Each seen token once, however often it was seen: always from its logit. */
static void penalise(struct sampler *sampler, const float *logits, const int *seen, size_t n_seen)
{
    float penalty = (float)sampler->options.repetition_penalty;
    for (size_t i = 0; i < n_seen; i++) {
        int id = seen[i];
        if (id >= 0 && id < sampler->n)
            sampler->scores[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
    }
}

static bool is_better(const struct sampler *sampler, int a, int b)
{
    float x = sampler->scores[a], y = sampler->scores[b];
    return x > y || (x == y && a < b);
}

static void sift_down(struct sampler *sampler, int at)
{
    int *heap = sampler->heap, id = heap[at];
    for (int child; (child = 2 * at + 1) < sampler->n_heap; at = child) {
        if (child + 1 < sampler->n_heap && is_better(sampler, heap[child + 1], heap[child]))
            child++;
        if (is_better(sampler, id, heap[child]))
            break;
        heap[at] = heap[child];
    }
    heap[at] = id;
}

static void heap_build(struct sampler *sampler)
{
    sampler->n_heap = sampler->n_ranked = 0;
    for (int id = 0; id < sampler->n; id++)
        if (sampler->scores[id] > -INFINITY)
            sampler->heap[sampler->n_heap++] = id;
    for (int at = sampler->n_heap / 2 - 1; at >= 0; at--)
        sift_down(sampler, at);
}

/* The id at place i of the ranking (0: the best), or -1 beyond its end. Ranks one more where i is
 * n_ranked. */
static int ranked(struct sampler *sampler, int i)
{
    if (i < sampler->n_ranked)
        return sampler->heap[sampler->n_heap + sampler->n_ranked - 1 - i];
    if (sampler->n_heap == 0)
        return -1;
    int best = sampler->heap[0], last = --sampler->n_heap;
    sampler->heap[0] = sampler->heap[last];
    if (last > 0)
        sift_down(sampler, 0);
    sampler->heap[last] = best;
    sampler->n_ranked++;
    return best;
}

/* In units of the largest probability, which is 1 here. */
static double weight(const struct sampler *sampler, int id, float largest)
{
    return exp(((double)sampler->scores[id] - largest) / sampler->options.temperature);
}

/* How many first places of the ranking top-k leaves. */
static int keep_top_k(struct sampler *sampler)
{
    int k = sampler->options.top_k, n = 0;
    float last = 0;
    for (int id; (id = ranked(sampler, n)) >= 0; n++) {
        float score = sampler->scores[id];
        if (n >= k && score < last)
            break;
        last = score;
    }
    return n;
}

/* Sum over the first n places of the ranking; over all ids where n is -1. */
static double sum_weights(struct sampler *sampler, int n, float largest)
{
    double sum = 0;
    if (n < 0)
        for (int id = 0; id < sampler->n; id++)
            sum += sampler->scores[id] > -INFINITY ? weight(sampler, id, largest) : 0;
    else
        for (int i = 0; i < n; i++)
            sum += weight(sampler, ranked(sampler, i), largest);
    return sum;
}

/* Of the first `n` places (-1: all) with this sum of weights, those that top-p and min-p leave.
 * Returns their number and sets `*sum` to their weight. */
static int keep_mass(struct sampler *sampler, int n, double *sum, float largest)
{
    double enough = sampler->options.top_p * *sum, mass = 0;
    int kept = 0;
    for (int id; kept != n && (id = ranked(sampler, kept)) >= 0; kept++) {
        double w = weight(sampler, id, largest);
        if (kept > 0 && (mass >= enough || w < sampler->options.min_p))
            break;
        mass += w;
    }
    *sum = mass;
    return kept;
}

static int draw(struct sampler *sampler)
{
    const struct sampler_options *options = &sampler->options;
    heap_build(sampler);
    int best = ranked(sampler, 0), n = -1;
    if (best < 0 || isinf(sampler->scores[best]))
        return best;
    float largest = sampler->scores[best];
    if (options->top_k > 0)
        n = keep_top_k(sampler);
    double sum = sum_weights(sampler, n, largest);
    if (options->top_p < 1 || options->min_p > 0)
        n = keep_mass(sampler, n, &sum, largest);
    double target = rng_double(&sampler->rng) * sum, mass = 0;
    int chosen = best;
    /* Rounding may leave the mass a little short of the sum: then it is the last that has any. */
    for (int i = 0, id; i != n && (id = ranked(sampler, i)) >= 0; i++) {
        double w = weight(sampler, id, largest);
        if (w == 0)
            break;
        chosen = id;
        mass += w;
        if (mass > target)
            break;
    }
    return chosen;
}

int sampler_choose(struct sampler *sampler, const float *logits, const int *seen, size_t n_seen)
{
    const struct sampler_options *options = &sampler->options;
    bool penalised = options->repetition_penalty != 1;
    if (options->temperature == 0 && !penalised)
        return sampler_greedy(logits, sampler->n);
    memcpy(sampler->scores, logits, (size_t)sampler->n * sizeof *logits);
    if (penalised)
        penalise(sampler, logits, seen, n_seen);
    return options->temperature == 0 ? sampler_greedy(sampler->scores, sampler->n) : draw(sampler);
}

/* Puts id into `top`, a ranking of n_top places. */
static void rank_top(struct token_probability *top, int n_top, int id, double logit)
{
    int at = n_top;
    while (at > 0 && logit > top[at - 1].log_probability)
        at--;
    if (at == n_top)
        return;
    memmove(top + at + 1, top + at, (size_t)(n_top - at - 1) * sizeof *top);
    top[at] = (struct token_probability){id, logit};
}

double sampler_log_probabilities(const float *logits, int n, int chosen,
                                 struct token_probability *top, int n_top)
{
    int best = sampler_greedy(logits, n);
    double largest = best < 0 ? 0 : logits[best], sum = 0;
    for (int i = 0; i < n_top; i++)
        top[i] = (struct token_probability){-1, -INFINITY};
    for (int id = 0; id < n; id++)
        if (logits[id] > -INFINITY) {
            sum += exp(logits[id] - largest);
            rank_top(top, n_top, id, logits[id]);
        }
    double shift = sum > 0 ? largest + log(sum) : 0; /* no token is possible: nothing to shift */
    for (int i = 0; i < n_top; i++)
        if (top[i].id >= 0)
            top[i].log_probability -= shift;
    return logits[chosen] > -INFINITY ? logits[chosen] - shift : -INFINITY;
}

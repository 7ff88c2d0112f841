/* sampler.h -- from a row of logits to the next token.
 *
 * The steps and their order are those of transformers' generate: repetition penalty, temperature,
 * top-k, top-p (of what top-k left), min-p, draw. (llama.cpp has the temperature last and vLLM min-p
 * before top-k: with a temperature other than 1 the same numbers keep other tokens there.)
 *
 * Same options, seed, stream and rows: same tokens, on one machine. Everywhere NaN counts as
 * -infinity, a token at -infinity is never chosen, and among equal logits the lowest id comes first. */
#ifndef FIRE_MODEL_SAMPLER_H
#define FIRE_MODEL_SAMPLER_H

#include "base/rng.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sampler_options {
    double temperature;        /* 0: the largest logit, and of the rest only the penalty counts */
    int top_k;                 /* the k largest, and those equal to the k-th; 0: all */
    double top_p;              /* the fewest whose probabilities reach p; 1: all */
    double min_p;              /* those of at least min_p times the largest probability; 0: all */
    double repetition_penalty; /* seen tokens: logit / penalty, times it where negative; 1: none */
    uint64_t seed;
};

#define SAMPLER_GREEDY ((struct sampler_options){.top_p = 1, .repetition_penalty = 1})

/* FIRE_ERROR_USAGE names the option that is out of range: temperature >= 0, top_k >= 0, top_p and
 * min_p within 0 to 1, repetition_penalty > 0. The largest logit always remains. */
bool sampler_options_check(const struct sampler_options *options, GError **error);

struct sampler {
    struct sampler_options options;
    struct rng rng;
    int n;         /* tokens of a row */
    float *scores; /* (n) penalised logits */
    int *heap;     /* (n) ids; see sampler.c */
    int n_heap, n_ranked;
};

/* `options` passed the check; `stream` as in rng_init: give each timeline its own. */
void sampler_init(struct sampler *sampler, const struct sampler_options *options, int n,
                  uint64_t stream);
void sampler_clear(struct sampler *sampler); /* accepts a zeroed one */

/* The next token after `logits` (n), or -1 where every logit is -infinity. `seen` (n_seen): the ids
 * that the penalty is for, prompt and answer, in any order and number; others than 0 .. n - 1 are
 * passed over. */
int sampler_choose(struct sampler *sampler, const float *logits, const int *seen, size_t n_seen);

/* The largest logit's id, or -1. */
int sampler_greedy(const float *logits, int n);

struct token_probability {
    int id;
    double log_probability;
};

/* Natural log-probabilities of the row as it is, before penalty, temperature and filters: that of
 * `chosen` is returned, those of the `n_top` most probable tokens fill `top`, the first first (with
 * id -1 at -infinity where there are not as many). */
double sampler_log_probabilities(const float *logits, int n, int chosen,
                                 struct token_probability *top, int n_top);

#endif

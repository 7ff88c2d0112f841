/* rng.h -- the seeded generator behind everything random: xoshiro256** seeded by SplitMix64
 * (Blackman and Vigna, 2018).
 *
 * Same seed, same numbers, on every machine. The seed is stored beside every result. Not for
 * secrets. */
#ifndef FIRE_BASE_RNG_H
#define FIRE_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t state[4];
};

/* Streams of one seed are independent for all practical purposes: give each item its own (its
 * index, say), and results do not depend on the order in which items are visited. */
void rng_init(struct rng *rng, uint64_t seed, uint64_t stream);

uint64_t rng_next(struct rng *rng);

/* Uniform over 0 .. n - 1, without bias; n >= 1. */
uint64_t rng_below(struct rng *rng, uint64_t n);

/* Uniform over [0, 1), 53 random bits. */
double rng_double(struct rng *rng);

#endif

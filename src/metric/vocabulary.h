/* vocabulary.h -- gives each distinct byte string a number: 0, 1, 2, ... in order of arrival. */
#ifndef FIRE_METRIC_VOCABULARY_H
#define FIRE_METRIC_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>

struct vocabulary_word {
    size_t start; /* in `bytes` */
    uint32_t n_bytes, hash;
};

/* A zeroed struct is an empty vocabulary. At most 2^31 words. */
struct vocabulary {
    uint32_t *slots; /* (n_slots, a power of two) open addressing: 0, or the word's number + 1 */
    size_t n_slots;
    struct vocabulary_word *words; /* (n_words) */
    size_t n_words, max_words;
    char *bytes;
    size_t n_bytes, max_bytes;
};

/* The number of a word of fewer than 2^32 bytes, new or known. */
uint32_t vocabulary_add(struct vocabulary *vocabulary, const char *word, size_t n_bytes);
/* Adds word `i` of `from`, whose hash is known. */
uint32_t vocabulary_add_from(struct vocabulary *vocabulary, const struct vocabulary *from,
                             uint32_t i);
/* Empty again, capacity kept. */
void vocabulary_reset(struct vocabulary *vocabulary);
void vocabulary_clear(struct vocabulary *vocabulary);

#endif

#include "metric/vocabulary.h"

#include <glib.h>
#include <string.h>

enum { FIRST_SLOTS = 1024, FIRST_BYTES = 4096 };

static uint32_t hash_bytes(const char *bytes, size_t n)
{
    uint64_t hash = n * 0x9e3779b97f4a7c15u, part;
    for (; n >= 8; n -= 8, bytes += 8) {
        memcpy(&part, bytes, 8);
        hash = (hash ^ part) * 0xbf58476d1ce4e5b9u;
        hash ^= hash >> 29;
    }
    part = 0;
    for (size_t i = 0; i < n; i++)
        part = part << 8 | (unsigned char)bytes[i];
    hash = (hash ^ part) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ hash >> 32) * 0x94d049bb133111ebu;
    return (uint32_t)(hash >> 32);
}

static void grow_slots(struct vocabulary *vocabulary)
{
    size_t n = vocabulary->n_slots ? vocabulary->n_slots * 2 : FIRST_SLOTS;
    g_free(vocabulary->slots);
    vocabulary->slots = g_new0(uint32_t, n);
    vocabulary->n_slots = n;
    for (size_t i = 0; i < vocabulary->n_words; i++) {
        size_t slot = vocabulary->words[i].hash & (n - 1);
        while (vocabulary->slots[slot])
            slot = (slot + 1) & (n - 1);
        vocabulary->slots[slot] = (uint32_t)i + 1;
    }
}

static void append(struct vocabulary *vocabulary, const char *word, size_t n_bytes, uint32_t hash)
{
    if (vocabulary->n_words == vocabulary->max_words) {
        vocabulary->max_words = MAX(vocabulary->max_words * 2, (size_t)FIRST_SLOTS);
        vocabulary->words =
            g_renew(struct vocabulary_word, vocabulary->words, vocabulary->max_words);
    }
    if (vocabulary->max_bytes - vocabulary->n_bytes < n_bytes) {
        vocabulary->max_bytes =
            MAX(vocabulary->max_bytes * 2, vocabulary->n_bytes + n_bytes + FIRST_BYTES);
        vocabulary->bytes = g_realloc(vocabulary->bytes, vocabulary->max_bytes);
    }
    memcpy(vocabulary->bytes + vocabulary->n_bytes, word, n_bytes);
    vocabulary->words[vocabulary->n_words++] =
        (struct vocabulary_word){vocabulary->n_bytes, (uint32_t)n_bytes, hash};
    vocabulary->n_bytes += n_bytes;
}

static uint32_t add(struct vocabulary *vocabulary, const char *word, size_t n_bytes, uint32_t hash)
{
    if (vocabulary->n_words * 2 >= vocabulary->n_slots)
        grow_slots(vocabulary);
    size_t mask = vocabulary->n_slots - 1, slot = hash & mask;
    for (; vocabulary->slots[slot]; slot = (slot + 1) & mask) {
        const struct vocabulary_word *known = &vocabulary->words[vocabulary->slots[slot] - 1];
        if (known->hash == hash && known->n_bytes == n_bytes &&
            memcmp(vocabulary->bytes + known->start, word, n_bytes) == 0)
            return vocabulary->slots[slot] - 1;
    }
    append(vocabulary, word, n_bytes, hash);
    vocabulary->slots[slot] = (uint32_t)vocabulary->n_words;
    return (uint32_t)vocabulary->n_words - 1;
}

uint32_t vocabulary_add(struct vocabulary *vocabulary, const char *word, size_t n_bytes)
{
    return add(vocabulary, word, n_bytes, hash_bytes(word, n_bytes));
}

uint32_t vocabulary_add_from(struct vocabulary *vocabulary, const struct vocabulary *from,
                             uint32_t i)
{
    const struct vocabulary_word *word = &from->words[i];
    return add(vocabulary, from->bytes + word->start, word->n_bytes, word->hash);
}

void vocabulary_reset(struct vocabulary *vocabulary)
{
    if (vocabulary->n_slots)
        memset(vocabulary->slots, 0, vocabulary->n_slots * sizeof *vocabulary->slots);
    vocabulary->n_words = 0;
    vocabulary->n_bytes = 0;
}

void vocabulary_clear(struct vocabulary *vocabulary)
{
    g_free(vocabulary->slots);
    g_free(vocabulary->words);
    g_free(vocabulary->bytes);
    *vocabulary = (struct vocabulary){0};
}

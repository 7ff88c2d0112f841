/* ids.c -- a hash set of 64-bit hashes, cut into shards that grow one at a time.
 *
 * Each shard is an open-addressing table of 8-byte slots, filled to at most 4/5 and then grown by a
 * quarter: 10 to 12.5 bytes an id, and while one shard is copied only that one is there twice. */
#include "data/ids.h"

#include <stdint.h>
#include <string.h>

#define N_SHARDS 256
#define FIRST_SLOTS 16

struct shard {
    uint64_t *slots;        /* 0: free */
    size_t n_slots, n_used; /* n_slots < 2^32 */
};

struct ids {
    struct shard shards[N_SHARDS];
};

struct ids *ids_new(void)
{
    return g_new0(struct ids, 1);
}

void ids_free(struct ids *ids)
{
    if (!ids)
        return;
    for (size_t i = 0; i < N_SHARDS; i++)
        g_free(ids->shards[i].slots);
    g_free(ids);
}

/* FNV-1a over the bytes, then a mix that spreads its low bits over all. Never 0. */
static uint64_t hash_id(const char *id)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 0x100000001b3;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93;
    hash ^= hash >> 32;
    return hash ? hash : 1;
}

static struct shard *shard_of(const struct ids *ids, uint64_t hash)
{
    return (struct shard *)&ids->shards[hash % N_SHARDS];
}

/* The slot that holds `hash`, or the free one where it belongs. The shard has a free slot. */
static uint64_t *find_slot(const struct shard *shard, uint64_t hash)
{
    size_t i = (size_t)((hash >> 32) * shard->n_slots >> 32);
    while (shard->slots[i] && shard->slots[i] != hash)
        i = i + 1 < shard->n_slots ? i + 1 : 0;
    return &shard->slots[i];
}

static void grow(struct shard *shard)
{
    struct shard grown = {.n_used = shard->n_used};
    grown.n_slots = shard->n_slots ? shard->n_slots + shard->n_slots / 4 : FIRST_SLOTS;
    grown.slots = g_new0(uint64_t, grown.n_slots);
    for (size_t i = 0; i < shard->n_slots; i++)
        if (shard->slots[i])
            *find_slot(&grown, shard->slots[i]) = shard->slots[i];
    g_free(shard->slots);
    *shard = grown;
}

bool ids_add(struct ids *ids, const char *id)
{
    uint64_t hash = hash_id(id);
    struct shard *shard = shard_of(ids, hash);
    if ((shard->n_used + 1) * 5 > shard->n_slots * 4)
        grow(shard);
    uint64_t *slot = find_slot(shard, hash);
    if (*slot)
        return false;
    *slot = hash;
    shard->n_used++;
    return true;
}

bool ids_has(const struct ids *ids, const char *id)
{
    uint64_t hash = hash_id(id);
    const struct shard *shard = shard_of(ids, hash);
    return shard->n_slots > 0 && *find_slot(shard, hash) != 0;
}

static bool has_numbered(const struct ids *ids, const char *base, uint64_t number)
{
    g_autofree char *id = g_strdup_printf("%s-%" G_GUINT64_FORMAT, base, number);
    return ids_has(ids, id);
}

/* BASE-n with n >= 2 such that BASE-n is free and BASE-(n-1) is taken (BASE itself counts as
 * BASE-1): doubling, then halving. */
static char *number_id(const struct ids *ids, const char *base)
{
    uint64_t taken = 1, free_number = 2;
    while (has_numbered(ids, base, free_number)) {
        taken = free_number;
        free_number *= 2;
    }
    while (free_number - taken > 1) {
        uint64_t middle = taken + (free_number - taken) / 2;
        if (has_numbered(ids, base, middle))
            taken = middle;
        else
            free_number = middle;
    }
    return g_strdup_printf("%s-%" G_GUINT64_FORMAT, base, free_number);
}

void ids_assign(struct ids *ids, struct sample *sample)
{
    if (sample->id && *sample->id && ids_add(ids, sample->id))
        return;
    g_free(sample->id);
    sample->id = sample_make_id(sample);
    if (ids_add(ids, sample->id))
        return;
    char *numbered = number_id(ids, sample->id);
    g_free(sample->id);
    sample->id = numbered;
    ids_add(ids, sample->id);
}

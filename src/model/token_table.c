/* token_table.c -- an open-addressing table of ids over one block of bytes. */
#include "model/token_table.h"

#include <string.h>

struct token {
    uint32_t offset, n_bytes; /* into `bytes` */
    bool used;
};

struct slot {
    uint32_t tag; /* upper half of the hash: most misses end here */
    int32_t id;   /* -1: empty */
};

struct token_table {
    struct token *tokens; /* (n_ids) */
    size_t n_ids;
    GByteArray *bytes;
    struct slot *slots; /* (mask + 1), at most half full */
    size_t mask;
};

struct token_table *token_table_new(size_t n_ids)
{
    if (n_ids > INT32_MAX / 4)
        return NULL;
    size_t n_slots = 16;
    while (n_slots < 2 * n_ids)
        n_slots *= 2;
    struct token *tokens = g_try_new0(struct token, n_ids + 1);
    struct slot *slots = g_try_new(struct slot, n_slots);
    if (!tokens || !slots) {
        g_free(tokens);
        g_free(slots);
        return NULL;
    }
    for (size_t i = 0; i < n_slots; i++)
        slots[i] = (struct slot){0, -1};
    struct token_table *table = g_new(struct token_table, 1);
    *table = (struct token_table){tokens, n_ids, g_byte_array_new(), slots, n_slots - 1};
    return table;
}

void token_table_free(struct token_table *table)
{
    if (!table)
        return;
    g_byte_array_unref(table->bytes);
    g_free(table->tokens);
    g_free(table->slots);
    g_free(table);
}

/* Multiply and fold, eight bytes at a time. */
uint64_t token_table_hash(const char *bytes, size_t n_bytes)
{
    const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t hash = n_bytes * odd;
    for (; n_bytes >= 8; bytes += 8, n_bytes -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * odd;
        hash ^= hash >> 32;
    }
    uint64_t word = 0;
    memcpy(&word, bytes, n_bytes);
    hash = (hash ^ word) * odd;
    hash ^= hash >> 29;
    hash *= odd;
    return hash ^ hash >> 32;
}

/* The slot that holds the bytes, or the empty one where they would go. */
static size_t find_slot(const struct token_table *table, const char *bytes, size_t n_bytes,
                        uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    size_t i = hash & table->mask;
    for (; table->slots[i].id >= 0; i = (i + 1) & table->mask) {
        if (table->slots[i].tag != tag)
            continue;
        const struct token *token = &table->tokens[table->slots[i].id];
        if (token->n_bytes == n_bytes &&
            memcmp(table->bytes->data + token->offset, bytes, n_bytes) == 0)
            break;
    }
    return i;
}

bool token_table_add(struct token_table *table, int32_t id, const char *bytes, size_t n_bytes)
{
    g_assert(id >= 0 && (size_t)id < table->n_ids);
    uint64_t hash = token_table_hash(bytes, n_bytes);
    size_t slot = find_slot(table, bytes, n_bytes, hash);
    if (table->slots[slot].id >= 0 || table->tokens[id].used ||
        n_bytes >= INT32_MAX - table->bytes->len)
        return false;
    table->slots[slot] = (struct slot){(uint32_t)(hash >> 32), id};
    table->tokens[id] = (struct token){table->bytes->len, (uint32_t)n_bytes, true};
    g_byte_array_append(table->bytes, (const guint8 *)bytes, (guint)n_bytes);
    g_byte_array_append(table->bytes, (const guint8 *)"", 1);
    return true;
}

int32_t token_table_find(const struct token_table *table, const char *bytes, size_t n_bytes)
{
    return table->slots[find_slot(table, bytes, n_bytes, token_table_hash(bytes, n_bytes))].id;
}

const char *token_table_get(const struct token_table *table, int32_t id, size_t *n_bytes)
{
    if (id < 0 || (size_t)id >= table->n_ids || !table->tokens[id].used)
        return NULL;
    *n_bytes = table->tokens[id].n_bytes;
    return (const char *)table->bytes->data + table->tokens[id].offset;
}

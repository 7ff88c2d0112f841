/* token_table.h -- tokens by id and by their bytes. */
#ifndef FIRE_MODEL_TOKEN_TABLE_H
#define FIRE_MODEL_TOKEN_TABLE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct token_table;

/* For ids 0 to n_ids - 1. NULL where there is no memory for them. */
struct token_table *token_table_new(size_t n_ids);
void token_table_free(struct token_table *table); /* accepts NULL */

/* Gives `id` its bytes, which are copied. False where the id has a token or the bytes have an id already. */
bool token_table_add(struct token_table *table, int32_t id, const char *bytes, size_t n_bytes);

/* The id of a token, or -1. */
int32_t token_table_find(const struct token_table *table, const char *bytes, size_t n_bytes);

/* The bytes of a token, NUL-terminated, and how many; NULL where the id has none. Belongs to `table`, until the next
 * token is added. */
const char *token_table_get(const struct token_table *table, int32_t id, size_t *n_bytes);

/* A hash for tables in memory; differs from machine to machine. */
uint64_t token_table_hash(const char *bytes, size_t n_bytes);

#endif

/* json.h -- what jansson lacks for us: checked getters and one way to print. */
#ifndef FIRE_BASE_JSON_H
#define FIRE_BASE_JSON_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* `g_autoptr(json_t)` drops one reference at the end of the block. */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/* Parses `n_bytes` of `text` as one JSON value of any type; NULL and FIRE_ERROR_FORMAT otherwise. A
 * key that occurs twice, broken UTF-8 and an escaped NUL are errors. */
json_t *json_parse(const char *text, size_t n_bytes, GError **error);

/* The same, but an escaped NUL is a character of its string (json_string_length). */
json_t *json_parse_with_nul(const char *text, size_t n_bytes, GError **error);

/* The string under `key`, borrowed from `object`; NULL where there is none or it is no string. */
const char *json_get_string(const json_t *object, const char *key);

/* The number under `key`, or `fallback` where there is none or it is no number. */
double json_get_number(const json_t *object, const char *key, double fallback);

/* `value` on one line, keys in the order in which they were set, reals in the fewest digits that
 * read back equal. NaN and infinities cannot occur in a json_t. Free with g_free. */
char *json_print(const json_t *value);

/* The same with sorted keys: for hashes and comparisons. */
char *json_print_canonical(const json_t *value);

/* A real, or null where `value` is NaN or infinite. New reference. */
json_t *json_real_or_null(double value);

#endif

/* json_keys.h -- reads the JSON files of a model folder with every value checked.
 *
 * A reader keeps the first thing that was wrong, so that a list of keys reads as one block:
 *
 *     struct json_keys keys = {object, "config.json", "text_config."};
 *     config->n_layers = json_keys_int(&keys, "num_hidden_layers", 32, 1, 1024);
 *     ...
 *     return json_keys_done(&keys, error);
 *
 * Null is the same as absent, as in Python's configuration classes. */
#ifndef FIRE_MODEL_JSON_KEYS_H
#define FIRE_MODEL_JSON_KEYS_H

#include "base/json.h"

/* Reads a file of at most `max_bytes` that must hold a JSON object. FIRE_ERROR_IO, FIRE_ERROR_FORMAT. */
json_t *json_object_load(const char *path, size_t max_bytes, GError **error);

struct json_keys {
    const json_t *object; /* borrowed; NULL reads as an empty object */
    const char *path;     /* of the file, for messages; borrowed */
    const char *prefix;   /* of the key, for messages: "text_config."; borrowed */
    GError *error;        /* the first error, or NULL */
};

/* Hands over the first error; true where there was none. Ends the use of `keys`. */
bool json_keys_done(struct json_keys *keys, GError **error);

/* Notes "'PATH': key 'PREFIXKEY' CAUSE" where nothing was wrong before. */
void json_keys_fail(struct json_keys *keys, const char *key, const char *cause_format, ...)
    G_GNUC_PRINTF(3, 4);

/* The value, or NULL where it is absent or null. Borrowed. */
const json_t *json_keys_get(const struct json_keys *keys, const char *key);

/* The value under `key`; `fallback` where it is absent or wrong. Limits are inclusive. */
int json_keys_int(struct json_keys *keys, const char *key, int fallback, int min, int max);
double json_keys_number(struct json_keys *keys, const char *key, double fallback, double min,
                        double max);
bool json_keys_bool(struct json_keys *keys, const char *key, bool fallback);
const char *json_keys_string(struct json_keys *keys, const char *key,
                             const char *fallback); /* borrowed */

/* NULL where absent; an error where it is of another type. Borrowed. */
const json_t *json_keys_object(struct json_keys *keys, const char *key);
const json_t *json_keys_array(struct json_keys *keys, const char *key);

/* Fails where the string under `key` is there and not `only`, the one value that the program knows. */
void json_keys_only(struct json_keys *keys, const char *key, const char *only);

#endif

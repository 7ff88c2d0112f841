#include "data/leftover.h"

#include <string.h>

/* The index of `key` in `core`, or -1. */
static int core_index(const char *const *core, const char *key)
{
    for (int i = 0; core[i]; i++)
        if (strcmp(core[i], key) == 0)
            return i;
    return -1;
}

static bool begins_with_core(const json_t *object, const char *const *core)
{
    int i = 0;
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)object, key, value) {
        if (!core[i])
            return true;
        if (strcmp(core[i++], key) != 0)
            return false;
    }
    return !core[i];
}

json_t *leftover_take(const json_t *object, const char *const *core, unsigned keep, json_t **order)
{
    *order = begins_with_core(object, core) ? NULL : json_array();
    json_t *leftover = json_object();
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)object, key, value) {
        int i = core_index(core, key);
        if (i < 0 || keep & 1u << i)
            json_object_set(leftover, key, value);
        if (*order)
            json_array_append_new(*order, json_string(key));
    }
    if (json_object_size(leftover) > 0)
        return leftover;
    json_decref(leftover);
    return NULL;
}

/* The leftover's value, else the writer's. */
static void join_key(json_t *object, const char *key, const json_t *leftover,
                     const char *const *core, json_t **values)
{
    int i = core_index(core, key);
    json_t *own = json_object_get(leftover, key);
    if (own || (i >= 0 && values[i]))
        json_object_set(object, key, own ? own : values[i]);
}

json_t *leftover_join(const json_t *leftover, const json_t *order, const char *const *core,
                      json_t **values)
{
    json_t *object = json_object();
    const char *key;
    size_t n;
    json_t *value;
    json_array_foreach ((json_t *)order, n, value)
        if (json_is_string(value))
            join_key(object, json_string_value(value), leftover, core, values);
    for (int i = 0; core[i] && !json_is_array(order); i++)
        join_key(object, core[i], leftover, core, values);
    json_object_foreach ((json_t *)leftover, key, value)
        if (!json_object_get(object, key))
            json_object_set(object, key, value);
    for (int i = 0; core[i]; i++)
        json_decref(values[i]);
    return object;
}

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

json_t *leftover_take(const json_t *object, const char *const *core, unsigned keep)
{
    bool is_usual = keep == 0 && begins_with_core(object, core);
    json_t *leftover = json_object();
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)object, key, value) {
        int i = core_index(core, key);
        if (i < 0 || keep & 1u << i)
            json_object_set(leftover, key, value);
        else if (!is_usual)
            json_object_set_new(leftover, key, json_null());
    }
    if (json_object_size(leftover) > 0)
        return leftover;
    json_decref(leftover);
    return NULL;
}

static bool has_core(const json_t *leftover, const char *const *core)
{
    for (; *core; core++)
        if (json_object_get(leftover, *core))
            return true;
    return false;
}

json_t *leftover_join(const json_t *leftover, const char *const *core, json_t **values)
{
    json_t *object = json_object();
    bool is_whole = has_core(leftover, core);
    for (int i = 0; core[i] && !is_whole; i++)
        if (values[i])
            json_object_set(object, core[i], values[i]);
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)leftover, key, value) {
        int i = core_index(core, key);
        bool is_ours = i >= 0 && json_is_null(value) && values[i];
        json_object_set(object, key, is_ours ? values[i] : value);
    }
    for (int i = 0; core[i]; i++)
        json_decref(values[i]);
    return object;
}

#include "model/json_keys.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* All of `fd`, which may be no regular file; NULL with errno set. EFBIG: more than max_bytes. */
static GByteArray *read_all(int fd, size_t max_bytes)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    guint8 block[65536];
    ssize_t n;
    while ((n = read(fd, block, sizeof block)) != 0) {
        if (n < 0 && errno != EINTR)
            return NULL;
        if (n > 0)
            g_byte_array_append(bytes, block, (guint)n);
        if (bytes->len > max_bytes) {
            errno = EFBIG;
            return NULL;
        }
    }
    return g_steal_pointer(&bytes);
}

json_t *json_object_load(const char *path, size_t max_bytes, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    g_autoptr(GByteArray) bytes = fd >= 0 ? read_all(fd, MIN(max_bytes, G_MAXINT)) : NULL;
    int cause = errno;
    if (fd >= 0)
        close(fd);
    if (!bytes) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot read '%s': %s", path,
                    g_strerror(cause));
        return NULL;
    }
    g_autoptr(json_t) object = json_parse((const char *)bytes->data, bytes->len, error);
    if (!object) {
        g_prefix_error(error, "'%s': ", path);
        return NULL;
    }
    if (!json_is_object(object)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s': not a JSON object", path);
        return NULL;
    }
    return g_steal_pointer(&object);
}

bool json_keys_done(struct json_keys *keys, GError **error)
{
    if (!keys->error)
        return true;
    g_propagate_error(error, g_steal_pointer(&keys->error));
    return false;
}

void json_keys_fail(struct json_keys *keys, const char *key, const char *cause_format, ...)
{
    if (keys->error)
        return;
    va_list arguments;
    va_start(arguments, cause_format);
    g_autofree char *cause = g_strdup_vprintf(cause_format, arguments);
    va_end(arguments);
    g_set_error(&keys->error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s': key '%s%s' %s", keys->path,
                keys->prefix, key, cause);
}

const json_t *json_keys_get(const struct json_keys *keys, const char *key)
{
    const json_t *value = json_object_get(keys->object, key);
    return json_is_null(value) ? NULL : value;
}

int json_keys_int(struct json_keys *keys, const char *key, int fallback, int min, int max)
{
    const json_t *value = json_keys_get(keys, key);
    if (!value)
        return fallback;
    if (!json_is_integer(value)) {
        json_keys_fail(keys, key, "is not an integer");
        return fallback;
    }
    json_int_t n = json_integer_value(value);
    if (n < min || n > max) {
        json_keys_fail(keys, key, "is %" JSON_INTEGER_FORMAT ", not %d to %d", n, min, max);
        return fallback;
    }
    return (int)n;
}

double json_keys_number(struct json_keys *keys, const char *key, double fallback, double min,
                        double max)
{
    const json_t *value = json_keys_get(keys, key);
    if (!value)
        return fallback;
    if (!json_is_number(value)) {
        json_keys_fail(keys, key, "is not a number");
        return fallback;
    }
    double number = json_number_value(value);
    if (!(number >= min && number <= max)) {
        json_keys_fail(keys, key, "is %g, not %g to %g", number, min, max);
        return fallback;
    }
    return number;
}

bool json_keys_bool(struct json_keys *keys, const char *key, bool fallback)
{
    const json_t *value = json_keys_get(keys, key);
    if (!value)
        return fallback;
    if (!json_is_boolean(value))
        json_keys_fail(keys, key, "is not true or false");
    return json_is_true(value);
}

const char *json_keys_string(struct json_keys *keys, const char *key, const char *fallback)
{
    const json_t *value = json_keys_get(keys, key);
    if (!value)
        return fallback;
    if (!json_is_string(value)) {
        json_keys_fail(keys, key, "is not a string");
        return fallback;
    }
    return json_string_value(value);
}

const json_t *json_keys_object(struct json_keys *keys, const char *key)
{
    const json_t *value = json_keys_get(keys, key);
    if (!value || json_is_object(value))
        return value;
    json_keys_fail(keys, key, "is not an object");
    return NULL;
}

const json_t *json_keys_array(struct json_keys *keys, const char *key)
{
    const json_t *value = json_keys_get(keys, key);
    if (!value || json_is_array(value))
        return value;
    json_keys_fail(keys, key, "is not a list");
    return NULL;
}

void json_keys_only(struct json_keys *keys, const char *key, const char *only)
{
    const char *value = json_keys_string(keys, key, only);
    if (strcmp(value, only) != 0)
        json_keys_fail(keys, key, "is '%s'; only '%s' is supported", value, only);
}

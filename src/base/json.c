#include "base/json.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

static json_t *parse(const char *text, size_t n_bytes, size_t flags, GError **error)
{
    json_error_t cause;
    json_t *value =
        json_loadb(text, n_bytes, flags | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &cause);
    if (!value)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "%s (byte %d)", cause.text,
                    cause.position);
    return value;
}

json_t *json_parse(const char *text, size_t n_bytes, GError **error)
{
    return parse(text, n_bytes, 0, error);
}

json_t *json_parse_with_nul(const char *text, size_t n_bytes, GError **error)
{
    return parse(text, n_bytes, JSON_ALLOW_NUL, error);
}

const char *json_get_string(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

double json_get_number(const json_t *object, const char *key, double fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : fallback;
}

json_t *json_real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static void print_string(GString *out, const char *text, size_t n_bytes)
{
    g_string_append_c(out, '"');
    const char *start = text, *end = text + n_bytes;
    for (const char *p = text; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        g_string_append_len(out, start, p - start);
        start = p + 1;
        const char *at = c ? strchr("\"\\\b\f\n\r\t", c) : NULL;
        if (at)
            g_string_append_printf(out, "\\%c", "\"\\bfnrt"[at - "\"\\\b\f\n\r\t"]);
        else
            g_string_append_printf(out, "\\u%04x", c);
    }
    g_string_append_len(out, start, end - start);
    g_string_append_c(out, '"');
}

static void print_real(GString *out, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    for (int digits = 15; digits <= 17; digits++) {
        char format[8];
        g_snprintf(format, sizeof format, "%%.%dg", digits);
        g_ascii_formatd(text, sizeof text, format, value);
        if (g_ascii_strtod(text, NULL) == value)
            break;
    }
    g_string_append(out, text);
    if (!strpbrk(text, ".e")) /* so that it is read back as a real */
        g_string_append(out, ".0");
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void print_value(GString *out, const json_t *value, bool sort);

static void print_member(GString *out, const char *key, const json_t *value, bool sort, bool first)
{
    if (!first)
        g_string_append_c(out, ',');
    print_string(out, key, strlen(key));
    g_string_append_c(out, ':');
    print_value(out, value, sort);
}

static void print_object(GString *out, const json_t *object, bool sort)
{
    size_t n = 0;
    const char *key;
    json_t *member;
    g_string_append_c(out, '{');
    if (sort) {
        g_autofree const char **keys = g_new(const char *, json_object_size(object) + 1);
        json_object_foreach ((json_t *)object, key, member)
            keys[n++] = key;
        qsort(keys, n, sizeof *keys, compare_keys);
        for (size_t i = 0; i < n; i++)
            print_member(out, keys[i], json_object_get(object, keys[i]), sort, i == 0);
    } else {
        json_object_foreach ((json_t *)object, key, member)
            print_member(out, key, member, sort, n++ == 0);
    }
    g_string_append_c(out, '}');
}

/* Recursion is bounded: jansson reads at most 2,048 levels, and what we build is flat. */
static void print_value(GString *out, const json_t *value, bool sort)
{
    size_t i;
    json_t *member;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        print_object(out, value, sort);
        break;
    case JSON_ARRAY:
        g_string_append_c(out, '[');
        json_array_foreach ((json_t *)value, i, member) {
            if (i > 0)
                g_string_append_c(out, ',');
            print_value(out, member, sort);
        }
        g_string_append_c(out, ']');
        break;
    case JSON_STRING:
        print_string(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        g_string_append_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        print_real(out, json_real_value(value));
        break;
    case JSON_TRUE:
        g_string_append(out, "true");
        break;
    case JSON_FALSE:
        g_string_append(out, "false");
        break;
    case JSON_NULL:
        g_string_append(out, "null");
        break;
    }
}

char *json_print(const json_t *value)
{
    GString *out = g_string_new(NULL);
    print_value(out, value, false);
    return g_string_free(out, FALSE);
}

char *json_print_canonical(const json_t *value)
{
    GString *out = g_string_new(NULL);
    print_value(out, value, true);
    return g_string_free(out, FALSE);
}

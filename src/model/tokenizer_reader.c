#include "model/tokenizer_reader.h"

#include "base/error.h"

bool tokenizer_reader_fail(struct tokenizer_reader *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *cause = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(r->error, FIRE_ERROR, FIRE_ERROR_FORMAT, "%s: %s", r->what, cause);
    return false;
}

bool tokenizer_reader_get_bool(struct tokenizer_reader *r, const json_t *part, const char *key,
                               bool *value)
{
    const json_t *json = json_object_get(part, key);
    if (!json || json_is_null(json))
        return true;
    if (!json_is_boolean(json))
        return tokenizer_reader_fail(r, "'%s' is not true or false", key);
    *value = json_is_true(json);
    return true;
}

const char *tokenizer_reader_get_string(struct tokenizer_reader *r, const json_t *part,
                                        const char *key)
{
    const char *string = json_get_string(part, key);
    if (!string)
        tokenizer_reader_fail(r, "'%s' is missing or no string", key);
    return string;
}

bool tokenizer_reader_get_id(struct tokenizer_reader *r, const json_t *json, const char *token,
                             int32_t *id)
{
    if (!json_is_integer(json))
        return tokenizer_reader_fail(r, "the id of '%.100s' is missing or no whole number", token);
    json_int_t value = json_integer_value(json);
    if (value < 0 || value >= r->parts->n_ids)
        return tokenizer_reader_fail(
            r, "id %" JSON_INTEGER_FORMAT " of '%.100s' leaves a hole: there are %d tokens", value,
            token, r->parts->n_ids);
    *id = (int32_t)value;
    return true;
}

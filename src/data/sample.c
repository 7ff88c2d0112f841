#include "data/sample.h"

#include "base/error.h"

#include <string.h>

void sample_clear(struct sample *sample)
{
    g_free(sample->id);
    g_free(sample->source);
    g_free(sample->image);
    g_free(sample->question);
    g_free(sample->answer);
    g_strfreev(sample->answers);
    g_strfreev(sample->choices);
    json_decref(sample->meta);
    *sample = (struct sample){0};
}

void sample_copy(struct sample *to, const struct sample *from)
{
    *to = (struct sample){
        .id = g_strdup(from->id),
        .source = g_strdup(from->source),
        .image = g_strdup(from->image),
        .question = g_strdup(from->question),
        .answer = g_strdup(from->answer),
        .answers = g_strdupv(from->answers),
        .choices = g_strdupv(from->choices),
        .meta = json_deep_copy(from->meta),
    };
}

char *sample_make_id(const struct sample *sample)
{
    const char *parts[] = {sample->image ? sample->image : "", sample->question, sample->answer};
    g_autoptr(GChecksum) sha = g_checksum_new(G_CHECKSUM_SHA256);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (i > 0)
            g_checksum_update(sha, (const guchar *)"\x1f", 1);
        g_checksum_update(sha, (const guchar *)parts[i], (gssize)strlen(parts[i]));
    }
    /* A source that is a path (a defect of some official records) is cut at its first slash. */
    int n_source = (int)strcspn(sample->source, "/");
    return g_strdup_printf("%.*s-%.12s", n_source, sample->source, g_checksum_get_string(sha));
}

static json_t *strings_to_json(char *const *strings)
{
    json_t *array = json_array();
    for (; *strings; strings++)
        json_array_append_new(array, json_string(*strings));
    return array;
}

void sample_to_json(const struct sample *sample, json_t *object)
{
    json_object_set_new(object, "id", json_string(sample->id));
    json_object_set_new(object, "source", json_string(sample->source));
    json_object_set_new(object, "image", sample->image ? json_string(sample->image) : json_null());
    json_object_set_new(object, "question", json_string(sample->question));
    json_object_set_new(object, "answer", json_string(sample->answer));
    if (sample->answers)
        json_object_set_new(object, "answers", strings_to_json(sample->answers));
    if (sample->choices)
        json_object_set_new(object, "choices", strings_to_json(sample->choices));
    if (sample->meta)
        json_object_set(object, "meta", sample->meta);
}

/* A string under `key`; NULL with an error where it is missing or of another type. */
static const char *need_string(const json_t *object, const char *key, GError **error)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "missing key '%s'", key);
    else if (!json_is_string(value))
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "key '%s' is not a string", key);
    return json_string_value(value);
}

/* An optional list of strings; `*strings` stays NULL where `key` is absent, null or an empty list.
 */
static bool get_strings(char ***strings, const json_t *object, const char *key, GError **error)
{
    const json_t *array = json_object_get(object, key), *member;
    size_t i;
    if (!array || json_is_null(array))
        return true;
    bool ok = json_is_array(array);
    json_array_foreach ((json_t *)array, i, member)
        ok = ok && json_is_string(member);
    if (!ok) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "key '%s' is not a list of strings", key);
        return false;
    }
    if (json_array_size(array) == 0)
        return true;
    *strings = g_new0(char *, json_array_size(array) + 1);
    json_array_foreach ((json_t *)array, i, member)
        (*strings)[i] = g_strdup(json_string_value(member));
    return true;
}

/* An optional string; `*text` stays NULL where `key` is absent or null. */
static bool get_string(const char **text, const json_t *object, const char *key, GError **error)
{
    const json_t *value = json_object_get(object, key);
    if (value && !json_is_null(value) && !json_is_string(value)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "key '%s' is not a string", key);
        return false;
    }
    *text = json_string_value(value);
    return true;
}

char *sample_read_id(const json_t *object)
{
    const json_t *id = json_object_get(object, "id");
    if (json_is_integer(id))
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(id));
    return g_strdup(json_string_value(id));
}

bool sample_from_json(struct sample *sample, const json_t *object, GError **error)
{
    struct sample read = {0};
    const char *source, *image, *question, *answer;
    const json_t *meta = json_object_get(object, "meta");
    if (!(source = need_string(object, "source", error)) ||
        !(question = need_string(object, "question", error)) ||
        !(answer = need_string(object, "answer", error)) ||
        !get_string(&image, object, "image", error))
        return false;
    const json_t *id = json_object_get(object, "id");
    if (id && !json_is_null(id) && !json_is_string(id) && !json_is_integer(id)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "key 'id' is neither a string nor a whole number");
        return false;
    }
    if (meta && !json_is_null(meta) && !json_is_object(meta)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "key 'meta' is not an object");
        return false;
    }
    if (!get_strings(&read.answers, object, "answers", error) ||
        !get_strings(&read.choices, object, "choices", error)) {
        sample_clear(&read);
        return false;
    }
    read.id = sample_read_id(object);
    read.source = g_strdup(source);
    read.image = image && *image ? g_strdup(image) : NULL;
    read.question = g_strdup(question);
    read.answer = g_strdup(answer);
    read.meta = json_is_object(meta) ? json_deep_copy(meta) : NULL;
    *sample = read;
    return true;
}

#include "model/template_source.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

/* `*text` stays NULL where there is no such file. */
static bool read_file(const char *path, char **text, size_t *n_bytes, GError **error)
{
    g_autoptr(GError) cause = NULL;
    if (g_file_get_contents(path, text, n_bytes, &cause) ||
        g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "%s", cause->message);
    return false;
}

static bool read_json(const char *folder, const char *name, json_t **object, GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *text = NULL;
    size_t n_bytes;
    if (!read_file(path, &text, &n_bytes, error))
        return false;
    json_error_t cause;
    /* Only strings are asked for, and transformers writes a length of 10^30, past every integer. */
    if (text && !(*object = json_loadb(text, n_bytes, JSON_DECODE_INT_AS_REAL, &cause))) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "cannot use '%s': %s (byte %d)", path,
                    cause.text, cause.position);
        return false;
    }
    return true;
}

/* A template, or the one called "default" of a list. */
static const char *get_template(const json_t *object)
{
    const json_t *value = json_object_get(object, "chat_template");
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *name = json_get_string(json_array_get(value, i), "name");
        if (name && strcmp(name, "default") == 0)
            return json_get_string(json_array_get(value, i), "template");
    }
    return json_string_value(value);
}

/* A special token: a string, or an object with its content. */
static char *get_token(const json_t *object, const char *key)
{
    const char *token = json_get_string(object, key);
    return g_strdup(token ? token : json_get_string(json_object_get(object, key), "content"));
}

static void set_jinja(struct template_source *source, const char *jinja)
{
    if (!jinja || source->jinja)
        return;
    GString *text = g_string_new(jinja);
    g_string_replace(text, "\\n", "\n", 0);
    source->jinja = g_string_free(text, FALSE);
}

static bool load(struct template_source *source, const char *folder, GError **error)
{
    static const char *const holders[] = {"chat_template.json", "processor_config.json",
                                          "tokenizer_config.json"};
    g_autofree char *path = g_build_filename(folder, "chat_template.jinja", NULL), *jinja = NULL;
    size_t n_bytes;
    if (!read_file(path, &jinja, &n_bytes, error))
        return false;
    set_jinja(source, jinja);
    for (size_t i = 0; i < G_N_ELEMENTS(holders); i++) {
        g_autoptr(json_t) object = NULL;
        if (!read_json(folder, holders[i], &object, error))
            return false;
        set_jinja(source, get_template(object));
        if (i + 1 == G_N_ELEMENTS(holders)) {
            source->bos = get_token(object, "bos_token");
            source->eos = get_token(object, "eos_token");
        }
    }
    g_autoptr(json_t) config = NULL;
    if (!read_json(folder, "config.json", &config, error))
        return false;
    source->architecture =
        g_strdup(json_string_value(json_array_get(json_object_get(config, "architectures"), 0)));
    return true;
}

bool template_source_load(struct template_source *source, const char *folder, GError **error)
{
    if (load(source, folder, error))
        return true;
    template_source_clear(source);
    return false;
}

void template_source_clear(struct template_source *source)
{
    g_free(source->jinja);
    g_free(source->bos);
    g_free(source->eos);
    g_free(source->architecture);
    *source = (struct template_source){0};
}

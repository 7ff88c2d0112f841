#include "cmd/model_spec.h"

#include "base/error.h"
#include "base/json.h"
#include "chat/openai.h"
#include "chat/script.h"
#include "world/world_chat.h"

#include <string.h>

/* A JSON object, or NULL without one. */
static bool parse_extra_body(json_t **object, const char *text, GError **error)
{
    if (!text)
        return true;
    json_t *value = json_parse(text, strlen(text), error);
    if (json_is_object(value)) {
        *object = value;
        return true;
    }
    if (value)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "it is not a JSON object");
    else
        (*error)->code = FIRE_ERROR_USAGE;
    g_prefix_error(error, "--extra-body: ");
    json_decref(value);
    return false;
}

/* http://HOST/v1#NAME */
static struct chat *open_http(const char *spec, const struct model_spec_options *options,
                              GError **error)
{
    const char *hash = strchr(spec, '#');
    if (!hash || !hash[1]) {
        /* The address is not quoted: it may hold a password. */
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "an http address names no model: write URL#NAME");
        return NULL;
    }
    if (options->api && strcmp(options->api, "openai") != 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "unknown --api '%s' (openai)",
                    options->api);
        return NULL;
    }
    g_autofree char *url = g_strndup(spec, (gsize)(hash - spec));
    g_autoptr(json_t) extra_body = NULL;
    if (!parse_extra_body(&extra_body, options->extra_body, error))
        return NULL;
    struct openai_options openai = OPENAI_OPTIONS_INIT;
    openai.url = url;
    openai.model = hash + 1;
    openai.key = options->key;
    openai.ca_file = g_getenv("SSL_CERT_FILE"); /* as every other program on OpenSSL has it */
    openai.extra_body = extra_body;
    openai.timeout_s = options->timeout_ms / 1000.0;
    openai.retries = options->retries;
    return openai_new(&openai, error);
}

/* DIR#oracle, DIR#novice */
static struct chat *open_world(const char *rest, GError **error)
{
    const char *hash = strrchr(rest, '#');
    enum world_role role;
    if (!hash || !world_role_from_name(hash + 1, &role)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "model 'world:%s' is neither world:DIR#oracle nor world:DIR#novice", rest);
        return NULL;
    }
    g_autofree char *folder = g_strndup(rest, (gsize)(hash - rest));
    return world_chat_open(folder, role, error);
}

GPtrArray *model_spec_hosts_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)local_host_unref);
}

/* Splits DIR+ADAPTER: both are folders. A folder whose name holds a plus is one too. */
static bool find_folder(const char *spec, char **folder, char **adapter)
{
    if (g_file_test(spec, G_FILE_TEST_IS_DIR)) {
        *folder = g_strdup(spec);
        *adapter = NULL;
        return true;
    }
    for (const char *plus = strchr(spec, '+'); plus; plus = strchr(plus + 1, '+')) {
        g_autofree char *left = g_strndup(spec, (gsize)(plus - spec));
        if (g_file_test(left, G_FILE_TEST_IS_DIR) && plus[1]) {
            *folder = g_steal_pointer(&left);
            *adapter = g_strdup(plus + 1);
            return true;
        }
    }
    return false;
}

/* The same folder is the same host, however its path is written. */
static struct local_host *find_host(const GPtrArray *hosts, const char *folder)
{
    g_autofree char *wanted = g_canonicalize_filename(folder, NULL);
    for (guint i = 0; i < hosts->len; i++) {
        g_autofree char *known = g_canonicalize_filename(local_host_folder(hosts->pdata[i]), NULL);
        if (strcmp(known, wanted) == 0)
            return hosts->pdata[i];
    }
    return NULL;
}

static struct chat *open_folder(const char *folder, const char *adapter,
                                const struct model_spec_options *options, GError **error)
{
    struct local_host *host = find_host(options->hosts, folder);
    if (!host) {
        host = local_host_open(folder, options->local, error);
        if (!host)
            return NULL;
        g_ptr_array_add(options->hosts, host);
    }
    g_autoptr(json_t) extra_body = NULL;
    if (!parse_extra_body(&extra_body, options->extra_body, error))
        return NULL;
    const struct local_chat_options chat = {options->score_form, extra_body};
    return local_chat_new(host, adapter, &chat, error);
}

struct chat *model_spec_open(const char *spec, const struct model_spec_options *options,
                             GError **error)
{
    g_autofree char *folder = NULL, *adapter = NULL;
    if (find_folder(spec, &folder, &adapter))
        return open_folder(folder, adapter, options, error);
    if (options->score_form) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "--constrain needs a model folder");
        return NULL;
    }
    if (g_str_has_prefix(spec, "http://") || g_str_has_prefix(spec, "https://"))
        return open_http(spec, options, error);
    if (g_str_has_prefix(spec, "script:"))
        return script_open(spec + strlen("script:"), error);
    if (g_str_has_prefix(spec, "world:"))
        return open_world(spec + strlen("world:"), error);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                "unknown model '%s': write http(s)://HOST[:PORT]/v1#NAME, a model folder DIR or "
                "DIR+ADAPTER, script:FILE, world:DIR#oracle or world:DIR#novice",
                spec);
    return NULL;
}

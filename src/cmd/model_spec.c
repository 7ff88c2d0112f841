#include "cmd/model_spec.h"

#include "base/error.h"
#include "base/json.h"
#include "chat/openai.h"
#include "chat/script.h"
#include "world/world_chat.h"

#include <string.h>

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
    if (options->extra_body) {
        extra_body = json_parse(options->extra_body, strlen(options->extra_body), error);
        if (!json_is_object(extra_body)) {
            if (extra_body)
                g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "it is not a JSON object");
            else
                (*error)->code = FIRE_ERROR_USAGE;
            g_prefix_error(error, "--extra-body: ");
            return NULL;
        }
    }
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

struct chat *model_spec_open(const char *spec, const struct model_spec_options *options,
                             GError **error)
{
    if (g_str_has_prefix(spec, "http://") || g_str_has_prefix(spec, "https://"))
        return open_http(spec, options, error);
    if (g_str_has_prefix(spec, "script:"))
        return script_open(spec + strlen("script:"), error);
    if (g_str_has_prefix(spec, "world:"))
        return open_world(spec + strlen("world:"), error);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                "unknown model '%s': write http(s)://HOST[:PORT]/v1#NAME, script:FILE, "
                "world:DIR#oracle or world:DIR#novice",
                spec);
    return NULL;
}

#include "chat/url.h"

#include "base/error.h"

#include <curl/curl.h>
#include <string.h>

#define COMPLETIONS "/chat/completions"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURLU, curl_url_cleanup)

/* NULL where the part is absent. Free with g_free. */
static char *get_part(CURLU *parts, CURLUPart which, unsigned flags)
{
    char *part = NULL;
    if (curl_url_get(parts, which, &part, flags) != CURLUE_OK)
        return NULL;
    char *copy = g_strdup(part);
    curl_free(part);
    return copy;
}

static bool is_http(const char *scheme)
{
    return scheme && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
}

static char *origin_of(CURLU *parts)
{
    g_autofree char *scheme = get_part(parts, CURLUPART_SCHEME, 0);
    g_autofree char *host = get_part(parts, CURLUPART_HOST, 0);
    g_autofree char *port = get_part(parts, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    if (!is_http(scheme) || !host || !port)
        return NULL;
    g_autofree char *lower = g_ascii_strdown(host, -1);
    return g_strdup_printf("%s://%s:%s", scheme, lower, port);
}

char *url_origin(const char *text)
{
    g_autoptr(CURLU) parts = curl_url();
    return curl_url_set(parts, CURLUPART_URL, text, 0) == CURLUE_OK ? origin_of(parts) : NULL;
}

/* "v1", "v1beta", "v4" */
static bool has_version(const char *path)
{
    g_auto(GStrv) segments = g_strsplit(path, "/", -1);
    for (char **segment = segments; *segment; segment++)
        if ((*segment)[0] == 'v' && g_ascii_isdigit((*segment)[1]))
            return true;
    return false;
}

/* The path of the base address: no slash at its end, a version somewhere, no COMPLETIONS. */
static char *base_path(const char *path)
{
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/')
        length--;
    g_autofree char *trimmed = g_strndup(path, length);
    if (g_str_has_suffix(trimmed, COMPLETIONS))
        return g_strndup(trimmed, length - strlen(COMPLETIONS));
    return has_version(trimmed) ? g_steal_pointer(&trimmed) : g_strconcat(trimmed, "/v1", NULL);
}

/* The text without what stands between "//" and "@". */
static char *without_credentials(const char *text)
{
    const char *start = strstr(text, "://");
    start = start ? start + 3 : text;
    const char *at = strrchr(start, '@');
    return at ? g_strdup_printf("%.*s***%s", (int)(start - text), text, at) : g_strdup(text);
}

bool url_init(struct url *url, const char *text, GError **error)
{
    g_autoptr(CURLU) parts = curl_url();
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, text, 0);
    g_autofree char *origin = code == CURLUE_OK ? origin_of(parts) : NULL;
    g_autofree char *user = get_part(parts, CURLUPART_USER, 0);
    g_autofree char *password = get_part(parts, CURLUPART_PASSWORD, 0);
    g_autofree char *query = get_part(parts, CURLUPART_QUERY, 0);
    g_autofree char *fragment = get_part(parts, CURLUPART_FRAGMENT, 0);
    const char *cause = NULL;
    if (code != CURLUE_OK)
        cause = curl_url_strerror(code);
    else if (!origin)
        cause = "it is no http or https address";
    else if (user || password)
        cause = "it holds credentials; give a key by its own option";
    else if (query || fragment)
        cause = "a query or fragment has no place in it";
    if (cause) {
        g_autofree char *shown = without_credentials(text);
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "cannot use the address '%s': %s", shown,
                    cause);
        return false;
    }
    g_autofree char *path = get_part(parts, CURLUPART_PATH, 0);
    g_autofree char *base = base_path(path);
    g_autofree char *completions = g_strconcat(base, COMPLETIONS, NULL);
    curl_url_set(parts, CURLUPART_PATH, completions, 0);
    url->completions = get_part(parts, CURLUPART_URL, 0);
    url->base = g_strndup(url->completions, strlen(url->completions) - strlen(COMPLETIONS));
    url->origin = g_steal_pointer(&origin);
    return true;
}

void url_clear(struct url *url)
{
    g_free(url->completions);
    g_free(url->base);
    g_free(url->origin);
    *url = (struct url){0};
}

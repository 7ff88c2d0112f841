/* url.h -- where an endpoint is. */
#ifndef FIRE_CHAT_URL_H
#define FIRE_CHAT_URL_H

#include <glib.h>
#include <stdbool.h>

/* "https://HOST/v1", "https://HOST/v1/chat/completions" and "https://HOST" name one endpoint. */
struct url {
    char *completions; /* where requests go: ".../v1/chat/completions" */
    char *base;        /* the same without "/chat/completions": for people */
    char *origin;      /* scheme, name in lower case, port: "https://host:443" */
};

/* Fills `url`. The path gets "/v1" where no segment of it is a version ("v1", "v1beta", "v4").
 * FIRE_ERROR_USAGE, without quoting any credentials, where `text` is no http or https address, or
 * holds credentials, a query or a fragment. */
bool url_init(struct url *url, const char *text, GError **error);
void url_clear(struct url *url); /* accepts a zeroed one */

/* The origin of any http or https address, NULL for others. Free with g_free. */
char *url_origin(const char *text);

#endif

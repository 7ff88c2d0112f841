/* transfer.h -- one HTTP POST: what goes out, what came back. Policy is openai.c's affair. */
#ifndef FIRE_CHAT_TRANSFER_H
#define FIRE_CHAT_TRANSFER_H

#include "chat/openai_request.h"
#include "chat/retry.h"

/* A longer reply is broken off. */
#define TRANSFER_MAX_REPLY_BYTES (16u << 20)

struct transfer {
    CURL *easy;
    struct openai_body body;
    GByteArray *received;
    bool too_large;               /* broken off at TRANSFER_MAX_REPLY_BYTES */
    char detail[CURL_ERROR_SIZE]; /* libcurl's words on a failure, or "" */
};

struct transfer_options {
    const char *url;
    struct curl_slist *headers; /* borrowed until transfer_free */
    const char *ca_file;        /* NULL: the system's */
    bool has_key; /* among the headers: plain http then takes no proxy, which would read it */
    double timeout_s;
    void *user; /* CURLOPT_PRIVATE */
};

/* Takes what `body` holds. The easy handle is ready to be added to a curl_loop, and must be out of
 * it before transfer_free. Redirects are not followed. */
struct transfer *transfer_new(const struct transfer_options *options, struct openai_body *body);
void transfer_free(struct transfer *transfer); /* accepts NULL */

/* HTTP status, 0 where none came. */
int transfer_status(const struct transfer *transfer);
/* The headers a retry depends on; valid until transfer_free. */
struct retry_headers transfer_headers(const struct transfer *transfer);
/* Where a redirect leads, as an absolute URL; NULL for none. Valid until transfer_free. */
const char *transfer_location(const struct transfer *transfer);

#endif

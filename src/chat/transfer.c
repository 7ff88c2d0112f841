#include "chat/transfer.h"

#include "base/version.h"

#define MAX_CONNECT_S 30.0

static size_t on_read(char *buffer, size_t size, size_t n, void *user)
{
    struct transfer *transfer = user;
    return openai_body_read(&transfer->body, buffer, size * n);
}

/* libcurl goes back where a kept connection turned out to be closed. */
static int on_seek(void *user, curl_off_t offset, int origin)
{
    struct transfer *transfer = user;
    if (origin != SEEK_SET || offset < 0 ||
        (curl_off_t)openai_body_length(&transfer->body) < offset)
        return CURL_SEEKFUNC_FAIL;
    transfer->body.position = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static size_t on_write(char *data, size_t size, size_t n, void *user)
{
    struct transfer *transfer = user;
    size_t n_bytes = size * n;
    if (n_bytes > TRANSFER_MAX_REPLY_BYTES - transfer->received->len) {
        transfer->too_large = true;
        return 0;
    }
    g_byte_array_append(transfer->received, (const guint8 *)data, (guint)n_bytes);
    return n_bytes;
}

struct transfer *transfer_new(const struct transfer_options *options, struct openai_body *body)
{
    struct transfer *transfer = g_new0(struct transfer, 1);
    transfer->body = *body;
    *body = (struct openai_body){0};
    transfer->received = g_byte_array_new();
    CURL *easy = curl_easy_init();
    g_assert(easy); /* only memory can fail here */
    transfer->easy = easy;
    g_autofree char *agent = g_strconcat("fire/", version_string(), NULL);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, options->user);
    curl_easy_setopt(easy, CURLOPT_URL, options->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, options->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, agent);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, g_str_has_prefix(options->url, "https") ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (options->has_key && g_str_has_prefix(options->url, "http:"))
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (options->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(options->timeout_s * 1000));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(MIN(options->timeout_s, MAX_CONNECT_S) * 1000));
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t)openai_body_length(&transfer->body));
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
    return transfer;
}

void transfer_free(struct transfer *transfer)
{
    if (!transfer)
        return;
    curl_easy_cleanup(transfer->easy);
    openai_body_clear(&transfer->body);
    g_byte_array_unref(transfer->received);
    g_free(transfer);
}

int transfer_status(const struct transfer *transfer)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static const char *get_header(CURL *easy, const char *name)
{
    struct curl_header *header;
    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value
                                                                                   : NULL;
}

struct retry_headers transfer_headers(const struct transfer *transfer)
{
    /* libcurl's header structures are per handle and reused by the next look-up; the values stay.
     */
    return (struct retry_headers){
        .retry_after_ms = get_header(transfer->easy, "retry-after-ms"),
        .retry_after = get_header(transfer->easy, "retry-after"),
        .x_should_retry = get_header(transfer->easy, "x-should-retry"),
    };
}

const char *transfer_location(const struct transfer *transfer)
{
    char *url = NULL;
    curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &url);
    return url;
}

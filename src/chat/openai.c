/* openai.c -- what to send, what to make of the outcome, when to try again.
 *
 *   READY --timer--> SENDING --reply--> ended (callback)
 *     ^                 | |
 *     |                 | +-- adapted, widened or redirected: SENDING again, no new try
 *     +-- wait, retry --+
 *
 * READY and SENDING are told apart by `timer` and `transfer`: exactly one of them is set. Whatever
 * ends a call does so from the main loop, so a callback never comes from inside send or cancel. */
#include "chat/openai.h"

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "chat/curl_loop.h"
#include "chat/line.h"
#include "chat/openai_reply.h"
#include "chat/openai_request.h"
#include "chat/retry.h"
#include "chat/transfer.h"
#include "chat/url.h"

#include <math.h>
#include <string.h>

enum {
    MAX_ERROR_BYTES = 300,
    MAX_NAME_BYTES = 200, /* of what a server calls itself */
    MIN_KEY_IN_TEXT = 16, /* a shorter key is not looked for in answers: it may be a word */
    MAX_REDIRECTS = 5,
    WIDER_BUDGET = 4,
    MAX_TOKENS = 1 << 24,
};

struct openai {
    struct chat chat;
    struct url url;
    char *name, *model, *key, *ca_file;
    json_t *extra_body;
    bool own_budget; /* extra_body does not set it */
    double timeout_s, backoff_s;
    int retries;
    struct curl_slist *headers;
    struct curl_loop *loop;
    GMainContext *context;
    GQueue calls; /* of struct chat_call */
    /* What was learned about the server. */
    unsigned adaptations;
    bool finishing; /* nothing more is to be sent */
    char *stopped;  /* why nothing is sent any more, or NULL */
};

struct chat_call {
    struct openai *openai;
    GList link; /* in openai->calls */
    struct chat_request *request;
    chat_done *done;
    void *user;
    bool cancelled;
    GSource *timer;
    struct transfer *transfer;
    int n_tries, n_redirects;
    int max_tokens;           /* as it is sent now */
    unsigned adaptations;     /* as they are sent now */
    struct openai_reply *cut; /* the empty reply that led to a wider budget, or NULL */
    gint64 started_us;
};

/* -- the end of a call ------------------------------------------------------------------------ */

static void call_clear_timer(struct chat_call *call)
{
    if (!call->timer)
        return;
    g_source_destroy(call->timer);
    g_source_unref(call->timer);
    call->timer = NULL;
}

static void call_free(struct chat_call *call)
{
    call_clear_timer(call);
    if (call->transfer)
        curl_loop_remove(call->openai->loop, call->transfer->easy);
    transfer_free(call->transfer);
    if (call->cut)
        openai_reply_clear(call->cut);
    g_free(call->cut);
    chat_request_free(call->request);
    g_free(call);
}

static void call_end(struct chat_call *call, struct chat_reply *reply)
{
    g_queue_unlink(&call->openai->calls, &call->link);
    reply->tries = call->n_tries;
    if (call->started_us)
        reply->latency_ms = (double)(g_get_monotonic_time() - call->started_us) / 1000;
    call->done(reply, call->user);
    call_free(call);
}

static char *call_notes(const struct chat_call *call)
{
    const struct chat_sampling *sampling = &call->request->sampling;
    char *adapted = openai_adaptation_notes(sampling, call->adaptations);
    if (call->max_tokens == sampling->max_tokens)
        return adapted;
    char *notes = g_strdup_printf("%s%smax_tokens raised from %d to %d for an empty answer",
                                  adapted ? adapted : "", adapted ? ", " : "", sampling->max_tokens,
                                  call->max_tokens);
    g_free(adapted);
    return notes;
}

/* The server's names for things, fit for a table. */
static char *clean_name(const struct openai *openai, const char *text)
{
    return text ? line_clean(text, openai->key, MAX_NAME_BYTES) : NULL;
}

static void call_answer(struct chat_call *call, struct openai_reply *answer)
{
    const struct openai *openai = call->openai;
    g_autofree char *notes = call_notes(call);
    g_autofree char *finish_reason = clean_name(openai, answer->finish_reason);
    g_autofree char *model = clean_name(openai, answer->model);
    g_autofree char *fingerprint = clean_name(openai, answer->fingerprint);
    if (openai->key && strlen(openai->key) >= MIN_KEY_IN_TEXT) {
        answer->text = line_scrub(answer->text, openai->key);
        answer->reasoning = line_scrub(answer->reasoning, openai->key);
    }
    struct chat_reply reply = {
        .outcome = answer->outcome,
        .text = answer->text,
        .reasoning = answer->reasoning,
        .finish_reason = finish_reason,
        .model = model,
        .fingerprint = fingerprint,
        .notes = notes,
        .http_status = answer->status,
        .usage = answer->usage,
    };
    call_end(call, &reply);
}

/* A final failure. An answer that was merely empty is better than none. */
static void call_fail(struct chat_call *call, int status, enum chat_fault fault, const char *cause)
{
    if (call->cut) {
        call_answer(call, call->cut);
        return;
    }
    g_autofree char *notes = call_notes(call);
    g_autofree char *error = line_clean(cause, call->openai->key, MAX_ERROR_BYTES);
    struct chat_reply reply = {
        .outcome = CHAT_FAILED,
        .fault = fault,
        .text = "",
        .error = error,
        .notes = notes,
        .http_status = status,
        .usage = {-1, -1, -1, -1},
    };
    call_end(call, &reply);
}

static void call_end_cancelled(struct chat_call *call)
{
    struct chat_reply reply = {.outcome = CHAT_CANCELLED, .text = "", .usage = {-1, -1, -1, -1}};
    call_end(call, &reply);
}

/* -- sending ---------------------------------------------------------------------------------- */

static void call_post(struct chat_call *call, const char *url)
{
    struct openai *openai = call->openai;
    call->adaptations = openai->adaptations;
    const struct openai_params params = {.model = openai->model,
                                         .max_tokens = call->max_tokens,
                                         .adaptations = call->adaptations,
                                         .extra_body = openai->extra_body};
    const struct transfer_options options = {.url = url,
                                             .headers = openai->headers,
                                             .ca_file = openai->ca_file,
                                             .has_key = openai->key != NULL,
                                             .timeout_s = openai->timeout_s,
                                             .user = call};
    struct openai_body body;
    g_autoptr(GError) error = NULL;
    if (!openai_body_init(&body, call->request, &params, &error)) {
        call->n_tries = 0; /* nothing was ever sent */
        call_fail(call, 0, CHAT_FAULT_REQUEST, error->message);
        return;
    }
    call->transfer = transfer_new(&options, &body);
    curl_loop_add(openai->loop, call->transfer->easy);
}

static gboolean on_timer(gpointer user)
{
    struct chat_call *call = user;
    struct openai *openai = call->openai;
    call_clear_timer(call);
    if (call->cancelled || openai->finishing) {
        call_end_cancelled(call);
    } else if (openai->stopped) {
        call_fail(call, 0, CHAT_FAULT_FINAL, openai->stopped);
    } else {
        if (!call->started_us)
            call->started_us = g_get_monotonic_time();
        call->n_tries++;
        call->n_redirects = 0;
        call_post(call, openai->url.completions);
    }
    return G_SOURCE_REMOVE;
}

static void call_schedule(struct chat_call *call, double wait_s)
{
    call_clear_timer(call);
    call->timer = g_timeout_source_new((guint)ceil(wait_s * 1000));
    g_source_set_callback(call->timer, on_timer, call, NULL);
    g_source_attach(call->timer, call->openai->context);
}

/* -- what to make of an outcome --------------------------------------------------------------- */

/* Tries again after `asked_s` (NAN: after the usual wait), or fails for good. */
static void call_retry(struct chat_call *call, int status, double asked_s, const char *cause)
{
    struct openai *openai = call->openai;
    if (openai->stopped) {
        call_fail(call, status, CHAT_FAULT_FINAL, openai->stopped);
        return;
    }
    if (openai->finishing) {
        call_end_cancelled(call);
        return;
    }
    if (asked_s > RETRY_MAX_ASKED_S) {
        g_autofree char *text = g_strdup_printf(
            "the server asks to wait %.0f s, longer than the %.0f s waited at most: %s", asked_s,
            RETRY_MAX_ASKED_S, cause);
        call_fail(call, status, CHAT_FAULT_FINAL, text);
        return;
    }
    if (call->n_tries > openai->retries) {
        g_autofree char *text =
            call->n_tries > 1 ? g_strdup_printf("gave up after %d tries: %s", call->n_tries, cause)
                              : g_strdup(cause);
        call_fail(call, status, CHAT_FAULT_ENDPOINT, text);
        return;
    }
    double wait_s = isnan(asked_s)
                        ? retry_backoff_s(call->n_tries, openai->backoff_s, g_random_double())
                        : asked_s;
    g_autofree char *shown = line_clean(cause, openai->key, MAX_ERROR_BYTES);
    log_debug("%s: try %d failed, the next in %.1f s: %s", openai->name, call->n_tries, wait_s,
              shown);
    call_schedule(call, wait_s);
}

/* Those who wait for their next try need not. */
static void hurry_waiting(struct openai *openai)
{
    for (GList *link = openai->calls.head; link; link = link->next) {
        struct chat_call *call = link->data;
        if (call->timer)
            call_schedule(call, 0);
    }
}

static void openai_finish(struct chat *chat)
{
    struct openai *openai = (struct openai *)chat;
    openai->finishing = true;
    hurry_waiting(openai);
}

/* Nothing more is sent. */
static void openai_stop(struct openai *openai, const char *cause)
{
    if (openai->stopped)
        return;
    g_autofree char *text = g_strconcat("the quota is exhausted, nothing more is sent to ",
                                        openai->name, ": ", cause, NULL);
    openai->stopped = line_clean(text, openai->key, MAX_ERROR_BYTES);
    hurry_waiting(openai);
}

/* Of a status that is not tried again: a key that is refused, a model or a path that is not there meets every request. */
static enum chat_fault fault_of(int status)
{
    bool always = status == 401 || status == 403 || status == 404 || status == 405 || status >= 500;
    return always ? CHAT_FAULT_ENDPOINT : CHAT_FAULT_REQUEST;
}

static void call_handle_error(struct chat_call *call, const struct transfer *transfer,
                              const struct openai_reply *reply)
{
    struct openai *openai = call->openai;
    int status = transfer_status(transfer);
    unsigned adaptation = openai_adaptation_for(status, reply->code, reply->param, reply->message,
                                                &call->request->sampling, call->adaptations);
    if (adaptation) {
        if (!(openai->adaptations & adaptation)) {
            g_autofree char *note = openai_adaptation_notes(&call->request->sampling, adaptation);
            log_warn("%s: %s", openai->name, note);
        }
        openai->adaptations |= adaptation;
        call_post(call, openai->url.completions);
        return;
    }
    struct retry_headers headers = transfer_headers(transfer);
    double asked_s = retry_asked_s(&headers, reply->message, time(NULL));
    g_autofree char *cause = status == reply->status
                                 ? g_strdup_printf("HTTP %d: %s", status, reply->message)
                                 : g_strdup_printf("HTTP %d that counts as %d: %s", status,
                                                   reply->status, reply->message);
    if (retry_is_quota(reply->status, reply->type, reply->code, reply->message, asked_s)) {
        openai_stop(openai, cause);
        call_fail(call, reply->status, CHAT_FAULT_FINAL, openai->stopped);
    } else if (retry_status(reply->status, &headers)) {
        call_retry(call, reply->status, asked_s, cause);
    } else {
        call_fail(call, reply->status, fault_of(reply->status), cause);
    }
}

/* Thinking took the whole budget: once more with a wider one. */
static bool call_widen(struct chat_call *call, struct openai_reply *reply)
{
    if (reply->outcome != CHAT_TRUNCATED || *reply->text || call->cut || call->max_tokens < 1 ||
        call->max_tokens > MAX_TOKENS || !call->openai->own_budget)
        return false;
    call->cut = g_memdup2(reply, sizeof *reply);
    *reply = (struct openai_reply){0};
    call->max_tokens *= WIDER_BUDGET;
    call_post(call, call->openai->url.completions);
    return true;
}

static void call_redirect(struct chat_call *call, int status, const char *location)
{
    struct openai *openai = call->openai;
    g_autofree char *origin = location ? url_origin(location) : NULL;
    g_autofree char *cause = NULL;
    if (!origin)
        cause = g_strdup_printf("HTTP %d: a redirect to nowhere", status);
    else if (strcmp(origin, openai->url.origin) != 0)
        cause = g_strdup_printf("HTTP %d: redirected to another origin, %s (not followed)", status,
                                origin);
    else if (++call->n_redirects > MAX_REDIRECTS)
        cause = g_strdup_printf("HTTP %d: more than %d redirects", status, MAX_REDIRECTS);
    if (cause)
        call_fail(call, status, CHAT_FAULT_ENDPOINT, cause);
    else
        call_post(call, location);
}

static void call_handle_transfer(struct chat_call *call, const struct transfer *transfer,
                                 CURLcode code)
{
    int status = transfer_status(transfer);
    if (transfer->too_large) {
        g_autofree char *cause = g_strdup_printf("HTTP %d: the reply is longer than %u bytes",
                                                 status, TRANSFER_MAX_REPLY_BYTES);
        call_fail(call, status, CHAT_FAULT_REQUEST, cause);
    } else if (code == CURLE_OPERATION_TIMEDOUT || (code != CURLE_OK && status < 200)) {
        g_autofree char *cause =
            g_strdup(*transfer->detail ? transfer->detail : curl_easy_strerror(code));
        if (retry_transfer(code))
            call_retry(call, 0, NAN, cause);
        else
            call_fail(call, 0, CHAT_FAULT_ENDPOINT, cause);
    } else if (status >= 300 && status < 400) {
        call_redirect(call, status, transfer_location(transfer));
    } else {
        struct openai_reply reply;
        openai_reply_init(&reply, status, (const char *)transfer->received->data,
                          transfer->received->len, code == CURLE_OK);
        if (reply.outcome == CHAT_FAILED)
            call_handle_error(call, transfer, &reply);
        else if (!call_widen(call, &reply))
            call_answer(call, &reply);
        openai_reply_clear(&reply);
    }
}

static void on_transfer_done(CURL *easy G_GNUC_UNUSED, CURLcode code, void *user)
{
    struct chat_call *call = user;
    struct transfer *transfer = g_steal_pointer(&call->transfer);
    call_handle_transfer(call, transfer, code);
    transfer_free(transfer);
}

/* -- the chat --------------------------------------------------------------------------------- */

static struct chat_call *openai_send(struct chat *chat, const struct chat_request *request,
                                     chat_done *done, void *user)
{
    struct openai *openai = (struct openai *)chat;
    struct chat_call *call = g_new0(struct chat_call, 1);
    call->openai = openai;
    call->request = chat_request_copy(request);
    call->done = done;
    call->user = user;
    call->max_tokens = request->sampling.max_tokens;
    call->link.data = call;
    g_queue_push_tail_link(&openai->calls, &call->link);
    call_schedule(call, 0);
    return call;
}

static void openai_cancel(struct chat *chat, struct chat_call *call)
{
    struct openai *openai = (struct openai *)chat;
    call->cancelled = true;
    if (call->transfer) {
        curl_loop_remove(openai->loop, call->transfer->easy);
        transfer_free(g_steal_pointer(&call->transfer));
    }
    call_schedule(call, 0);
}

static const char *openai_name(const struct chat *chat)
{
    return ((const struct openai *)chat)->name;
}

static const char *openai_model(const struct chat *chat)
{
    return ((const struct openai *)chat)->model;
}

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
}

static void openai_free(struct chat *chat)
{
    struct openai *openai = (struct openai *)chat;
    g_assert(g_queue_is_empty(&openai->calls));
    curl_loop_free(openai->loop);
    for (struct curl_slist *header = openai->headers; header; header = header->next)
        wipe(header->data);
    curl_slist_free_all(openai->headers);
    wipe(openai->key);
    g_free(openai->key);
    url_clear(&openai->url);
    g_free(openai->name);
    g_free(openai->model);
    g_free(openai->ca_file);
    json_decref(openai->extra_body);
    g_free(openai->stopped);
    if (openai->context)
        g_main_context_unref(openai->context);
    g_free(openai);
}

/* A line break in a key would end its header. */
static bool check_options(const struct openai_options *options, GError **error)
{
    const char *cause = NULL;
    for (const char *p = options->key; !cause && p && *p; p++)
        if (*p < 0x21 || *p > 0x7e)
            cause = "a key holds a blank, a line break or a character that is not ASCII";
    if (options->key && !*options->key)
        cause = "a key is empty";
    else if (!options->model || !*options->model || !g_utf8_validate(options->model, -1, NULL))
        cause = "the model's name is empty or not UTF-8";
    else if (!(options->timeout_s > 0) || options->timeout_s > 1e6)
        cause = "the time limit is not above 0 and at most 1000000 s";
    else if (options->retries < 0)
        cause = "the number of retries is negative";
    if (!cause)
        return !options->extra_body || openai_extra_body_check(options->extra_body, error);
    g_set_error_literal(error, FIRE_ERROR, FIRE_ERROR_USAGE, cause);
    return false;
}

static struct curl_slist *make_headers(const char *key)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Accept: application/json");
    headers = curl_slist_append(headers, "Expect:"); /* no pause before a large body */
    if (key) {
        char *line = g_strconcat("Authorization: Bearer ", key, NULL);
        headers = curl_slist_append(headers, line);
        wipe(line);
        g_free(line);
    }
    return headers;
}

struct chat *openai_new(const struct openai_options *options, GError **error)
{
    static const struct chat_ops ops = {
        .send = openai_send,
        .cancel = openai_cancel,
        .finish = openai_finish,
        .name = openai_name,
        .model = openai_model,
        .free = openai_free,
    };
    if (!check_options(options, error))
        return NULL;
    struct openai *openai = g_new0(struct openai, 1);
    openai->chat.ops = &ops;
    openai->loop = curl_loop_new(on_transfer_done, error);
    if (!openai->loop || !url_init(&openai->url, options->url, error)) {
        openai_free(&openai->chat);
        return NULL;
    }
    openai->context = g_main_context_ref_thread_default();
    openai->name = g_strconcat(openai->url.base, "#", options->model, NULL);
    openai->model = g_strdup(options->model);
    openai->key = g_strdup(options->key);
    openai->ca_file = g_strdup(options->ca_file);
    openai->extra_body = options->extra_body ? json_deep_copy(options->extra_body) : NULL;
    openai->own_budget = !json_object_get(openai->extra_body, "max_tokens") &&
                         !json_object_get(openai->extra_body, "max_completion_tokens");
    openai->timeout_s = options->timeout_s;
    openai->retries = options->retries;
    openai->backoff_s = options->backoff_s;
    openai->headers = make_headers(options->key);
    return &openai->chat;
}

/* local.c -- requests go to the host's thread by a queue and come back as a source of the caller's main context.
 *
 *   caller's thread             host's thread
 *   send: copy, queue  ------>  begin: prompt, session
 *   cancel: mark       ------>  engine_step over all sessions, again and again
 *   done       <-- context ---  finish: text, usage
 *
 * The lock guards the queue, the marks and the order to stop, and is held for moments only. The engine and all sessions are
 * the thread's alone once it runs; it starts with the first request. It is a lock of pthreads, and replies pass through it
 * too, because ThreadSanitizer does not see those of GLib. */
#include "chat/local.h"

#include "base/error.h"
#include "chat/local_prompt.h"
#include "chat/local_sampling.h"
#include "model/generation.h"
#include "model/identity.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

/* Requests that are computed together; more of them wait their turn. */
#define MAX_ACTIVE 64
/* Timelines that are remembered, while memory lasts. */
#define MAX_SESSIONS 256

struct local_host {
    int n_references;
    char *folder;
    struct local_options options;
    struct engine *engine;
    struct local_prompt prompt;
    char *identity;
    struct constrain *score_form; /* NULL until a chat wants it */

    GThread *thread; /* NULL before the first request */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    GQueue queued; /* struct chat_call, not begun; under the lock */
    bool stopping; /* under the lock */

    /* The thread's, as are the engine's sessions. */
    GPtrArray *active; /* struct chat_call, begun, in the order of their beginning */
};

struct local_chat {
    struct chat chat;
    struct local_host *host;
    int adapter;
    const struct constrain *constrain; /* the host's; NULL: answers are free */
    struct local_sampling sampling;
    char *name, *model;
};

struct chat_call {
    struct local_chat *chat;
    struct chat_request *request;
    chat_done *done;
    void *user;
    GMainContext *context;
    gint64 start_us;
    bool cancelled; /* under the lock */
    bool
        posted; /* under the lock: the reply below is ready, and nobody but the caller's thread has the call */

    /* The thread's. */
    struct session *session;
    struct generation generation;

    /* The reply; owns its texts. */
    struct chat_reply reply;
    char *text, *error;
};

static void call_free(struct chat_call *call)
{
    generation_clear(&call->generation);
    chat_request_free(call->request);
    g_main_context_unref(call->context);
    g_free(call->text);
    g_free(call->error);
    g_free(call);
}

/* In the caller's thread. */
static gboolean deliver(gpointer user)
{
    struct chat_call *call = user;
    struct local_host *host = call->chat->host;
    pthread_mutex_lock(&host->lock);
    g_assert(call->posted);
    pthread_mutex_unlock(&host->lock);
    call->done(&call->reply, call->user);
    call_free(call);
    return G_SOURCE_REMOVE;
}

/* Sends the reply on its way; the call is not the thread's any more. */
static void post(struct chat_call *call, enum chat_outcome outcome, const char *error)
{
    call->error = g_strdup(error);
    call->reply.outcome = outcome;
    call->reply.text = call->text ? call->text : "";
    call->reply.error = call->error;
    call->reply.model = call->chat->model;
    call->reply.latency_ms = (double)(g_get_monotonic_time() - call->start_us) / 1000;
    GMainContext *context = g_main_context_ref(call->context);
    struct local_host *host = call->chat->host;
    GSource *source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, deliver, call, NULL);
    pthread_mutex_lock(&host->lock);
    call->posted = true;
    pthread_mutex_unlock(&host->lock);
    g_source_attach(source, context);
    g_source_unref(source);
    g_main_context_unref(context);
}

/* What tells one request's random numbers from another's. */
static uint64_t stream_of(const struct chat_request *request)
{
    g_autofree char *key = g_strdup_printf("%d %d %s", request->round, request->attempt,
                                           request->sample_id ? request->sample_id : "");
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
    digest[16] = '\0';
    return g_ascii_strtoull(digest, NULL, 16);
}

/* A session to compute in: one whose timeline the prompt goes on with, else an unused one, else a new one, else the one
 * that has been idle for longest. */
static struct session *find_session(struct local_host *host, int adapter,
                                    const struct sequence *prompt)
{
    struct session *unused = NULL, *oldest = NULL;
    guint n = 0;
    for (GList *link = host->engine->sessions.head; link; link = link->next, n++) {
        struct session *session = link->data;
        if (session->state != SESSION_IDLE || session->adapter != adapter)
            continue;
        if (session_continues(session, prompt))
            return session;
        if (session->n_computed == 0)
            unused = session;
        if (!oldest)
            oldest = session;
    }
    if (unused)
        return unused;
    return oldest && n >= MAX_SESSIONS ? oldest : session_new(host->engine, adapter);
}

static bool begin(struct local_host *host, struct chat_call *call, GError **error)
{
    const struct chat_request *request = call->request;
    struct generation_options options = {.stream = stream_of(request)};
    struct sequence prompt;
    if (!local_sampling_of(&options.sampling, &call->chat->sampling, &request->sampling, error) ||
        !local_prompt_build(&host->prompt, host->engine, request, &prompt, error))
        return false;
    options.stop_ids = local_prompt_stop_ids(&host->prompt, &options.n_stop_ids);
    options.constrain = call->chat->constrain;
    options.stop_strings = (const char *const *)call->chat->sampling.stop->pdata;
    generation_init(&call->generation, host->prompt.tokenizer, &options,
                    host->engine->config.text.vocab_size, &prompt);
    const struct session_request wanted = {
        .choose = generation_choose,
        .max_new = request->sampling.max_tokens > 0 ? request->sampling.max_tokens : G_MAXINT,
        .user = &call->generation};
    call->session = find_session(host, call->chat->adapter, &prompt);
    bool ok = session_start(call->session, &prompt, &wanted, error);
    sequence_clear(&prompt);
    return ok;
}

static void finish(struct chat_call *call)
{
    struct session *session = call->session;
    bool truncated = session->end == SESSION_END_LENGTH;
    if (truncated)
        generation_finish(&call->generation);
    call->text = g_string_free(g_steal_pointer(&call->generation.text), FALSE);
    call->generation.text = g_string_new(NULL);
    call->reply.finish_reason = truncated ? "length" : "stop";
    call->reply.usage = (struct chat_usage){.prompt_tokens = session->n_prompt,
                                            .completion_tokens = session_n_new(session),
                                            .reasoning_tokens = -1,
                                            .cached_tokens = session->n_cached};
    post(call, truncated ? CHAT_TRUNCATED : CHAT_OK, NULL);
}

/* Waits for work; takes over what is queued and what is cancelled. False: the host is to stop. */
static bool receive(struct local_host *host, GPtrArray *begun, GPtrArray *cancelled)
{
    pthread_mutex_lock(&host->lock);
    while (!host->stopping && host->active->len == 0 && g_queue_is_empty(&host->queued))
        pthread_cond_wait(&host->wake, &host->lock);
    for (GList *link = host->queued.head, *next; link; link = next) {
        struct chat_call *call = link->data;
        next = link->next;
        if (!call->cancelled && host->active->len + begun->len >= MAX_ACTIVE)
            continue;
        g_ptr_array_add(call->cancelled ? cancelled : begun, call);
        g_queue_delete_link(&host->queued, link);
    }
    for (guint i = 0; i < host->active->len; i++) {
        struct chat_call *call = host->active->pdata[i];
        if (call->cancelled)
            g_ptr_array_add(cancelled, call);
    }
    bool goes_on = !host->stopping;
    pthread_mutex_unlock(&host->lock);
    return goes_on;
}

static void begin_all(struct local_host *host, const GPtrArray *begun)
{
    for (guint i = 0; i < begun->len; i++) {
        struct chat_call *call = begun->pdata[i];
        g_autoptr(GError) error = NULL;
        if (begin(host, call, &error))
            g_ptr_array_add(host->active, call);
        else
            post(call, CHAT_FAILED, error->message);
    }
}

static void cancel_all(struct local_host *host, const GPtrArray *cancelled)
{
    for (guint i = 0; i < cancelled->len; i++) {
        struct chat_call *call = cancelled->pdata[i];
        if (call->session)
            session_cancel(call->session);
        g_ptr_array_remove(host->active, call);
        post(call, CHAT_CANCELLED, NULL);
    }
}

static void step_all(struct local_host *host)
{
    guint n = host->active->len;
    struct session *sessions[MAX_ACTIVE];
    for (guint i = 0; i < n; i++)
        sessions[i] = ((struct chat_call *)host->active->pdata[i])->session;
    /* Where nothing can go on, the machine has less memory than was planned for: the first in line gives up. */
    if (n > 0 && engine_step(host->engine, sessions, n) == 0) {
        struct chat_call *first = g_ptr_array_remove_index(host->active, 0);
        session_cancel(first->session);
        post(first, CHAT_FAILED, "no memory for the keys and values of the request");
    }
    for (guint i = host->active->len; i-- > 0;) {
        struct chat_call *call = host->active->pdata[i];
        if (call->session->state == SESSION_IDLE) {
            g_ptr_array_remove_index(host->active, i);
            finish(call);
        }
    }
}

static void *host_run(void *user)
{
    struct local_host *host = user;
    g_autoptr(GPtrArray) begun = g_ptr_array_new();
    g_autoptr(GPtrArray) cancelled = g_ptr_array_new();
    while (receive(host, begun, cancelled)) {
        cancel_all(host, cancelled);
        begin_all(host, begun);
        step_all(host);
        g_ptr_array_set_size(begun, 0);
        g_ptr_array_set_size(cancelled, 0);
    }
    return NULL;
}

struct local_host *local_host_open(const char *folder, const struct local_options *options,
                                   GError **error)
{
    struct local_host *host = g_new0(struct local_host, 1);
    host->n_references = 1;
    host->folder = g_strdup(folder);
    host->options = *options;
    host->active = g_ptr_array_new();
    pthread_mutex_init(&host->lock, NULL);
    pthread_cond_init(&host->wake, NULL);
    g_queue_init(&host->queued);
    if ((host->engine = engine_open(folder, &options->engine, error)) &&
        local_prompt_init(&host->prompt, folder, &host->engine->config, options, error) &&
        (host->identity = model_identity(folder, error)))
        return host;
    local_host_unref(host);
    return NULL;
}

void local_host_unref(struct local_host *host)
{
    if (!host || --host->n_references > 0)
        return;
    if (host->thread) {
        pthread_mutex_lock(&host->lock);
        host->stopping = true;
        pthread_cond_signal(&host->wake);
        pthread_mutex_unlock(&host->lock);
        g_thread_join(host->thread);
    }
    if (host->engine)
        while (!g_queue_is_empty(&host->engine->sessions))
            session_free(host->engine->sessions.head->data);
    constrain_free(host->score_form);
    local_prompt_clear(&host->prompt);
    engine_close(host->engine);
    g_ptr_array_unref(host->active);
    pthread_mutex_destroy(&host->lock);
    pthread_cond_destroy(&host->wake);
    g_free(host->identity);
    g_free(host->folder);
    g_free(host);
}

const char *local_host_folder(const struct local_host *host)
{
    return host->folder;
}

struct engine *local_host_engine(struct local_host *host)
{
    return host->engine;
}

static struct chat_call *local_send(struct chat *base, const struct chat_request *request,
                                    chat_done *done, void *user)
{
    struct local_chat *chat = (struct local_chat *)base;
    struct local_host *host = chat->host;
    struct chat_call *call = g_new0(struct chat_call, 1);
    call->chat = chat;
    call->request = chat_request_copy(request);
    call->done = done;
    call->user = user;
    call->context = g_main_context_ref_thread_default();
    call->start_us = g_get_monotonic_time();
    call->reply.usage = (struct chat_usage){-1, -1, -1, -1};
    pthread_mutex_lock(&host->lock);
    g_queue_push_tail(&host->queued, call);
    pthread_cond_signal(&host->wake);
    pthread_mutex_unlock(&host->lock);
    if (!host->thread)
        host->thread = g_thread_new("engine", host_run, host);
    return call;
}

static void local_cancel(struct chat *base, struct chat_call *call)
{
    struct local_host *host = ((struct local_chat *)base)->host;
    pthread_mutex_lock(&host->lock);
    call->cancelled = true;
    pthread_cond_signal(&host->wake);
    pthread_mutex_unlock(&host->lock);
}

static const char *local_name(const struct chat *base)
{
    return ((const struct local_chat *)base)->name;
}

static const char *local_model(const struct chat *base)
{
    return ((const struct local_chat *)base)->model;
}

static void local_free(struct chat *base)
{
    struct local_chat *chat = (struct local_chat *)base;
    local_host_unref(chat->host);
    local_sampling_clear(&chat->sampling);
    g_free(chat->name);
    g_free(chat->model);
    g_free(chat);
}

/* What must be the same for two runs to be one: folders, files, and how it is computed. */
static char *describe(const struct local_host *host, const char *adapter_identity, bool score_form)
{
    static const char *const kept[] = {"", ",bf16 weights", ",q8 weights", ",q4 weights"};
    return g_strdup_printf("%s%s%s (%s%s%s)", host->identity, adapter_identity ? "+" : "",
                           adapter_identity ? adapter_identity : "",
                           host->engine->flags & LINEAR_BF16 ? "bf16" : "f32",
                           kept[host->options.engine.kept], score_form ? ",score form" : "");
}

/* The adapter, the form and what else the chat asks for, as far as the host has to know of it. */
static bool prepare(struct local_chat *chat, struct local_host *host, const char *adapter,
                    const struct local_chat_options *options, GError **error)
{
    g_autofree char *identity = NULL;
    chat->adapter = -1;
    if (!local_sampling_init(&chat->sampling, options->extra_body, error))
        return false;
    if (adapter && (!(identity = model_identity(adapter, error)) ||
                    (chat->adapter = engine_add_adapter(host->engine, adapter, error)) < 0))
        return false;
    if (options->score_form && !host->score_form &&
        !(host->score_form = generation_score_form(host->prompt.tokenizer, error)))
        return false;
    chat->constrain = options->score_form ? host->score_form : NULL;
    chat->name = g_strjoin("+", host->folder, adapter, NULL);
    chat->model = describe(host, identity, options->score_form);
    return true;
}

struct chat *local_chat_new(struct local_host *host, const char *adapter,
                            const struct local_chat_options *options, GError **error)
{
    static const struct chat_ops ops = {
        .send = local_send,
        .cancel = local_cancel,
        .name = local_name,
        .model = local_model,
        .free = local_free,
    };
    g_assert(!host->thread);
    struct local_chat *chat = g_new0(struct local_chat, 1);
    chat->chat.ops = &ops;
    chat->host = host;
    host->n_references++;
    if (prepare(chat, host, adapter, options, error))
        return &chat->chat;
    local_free(&chat->chat);
    return NULL;
}

/* record_chat.c -- a chat that answers from the run what the run holds, and records the rest.
 *
 * A reply is committed before its callback runs, so before anything can follow from it: whoever is
 * killed repeats only what was in flight. Where the run cannot be written the caller gets
 * CHAT_FAILED with the reason, and nothing more is sent. */
#include "base/error.h"
#include "store/call_record.h"
#include "store/store_private.h"

struct record_chat {
    struct chat chat;
    struct store *store;
    char *role;
    struct chat *inner;
};

struct chat_call {
    struct record_chat *chat;
    struct call_record record;
    chat_done *done;
    void *user;
    struct chat_call *inner; /* NULL where `reply` is given from here */
    struct chat_reply reply; /* owns its texts */
};

static void call_free(struct chat_call *call)
{
    call_record_clear(&call->record);
    call_record_clear_reply(&call->reply);
    g_free(call);
}

static void set_reply(struct chat_call *call, enum chat_outcome outcome, const char *error)
{
    call_record_clear_reply(&call->reply);
    call->reply.outcome = outcome;
    call->reply.text = g_strdup("");
    call->reply.error = g_strdup(error);
    call->reply.usage = (struct chat_usage){-1, -1, -1, -1};
}

static gboolean give_reply(gpointer user)
{
    struct chat_call *call = user;
    call->done(&call->reply, call->user);
    call_free(call);
    return G_SOURCE_REMOVE;
}

static bool record_reply(struct chat_call *call, const struct chat_reply *reply, GError **error)
{
    struct store *store = call->chat->store;
    GError *cause = NULL;
    store->tokens += MAX(reply->usage.prompt_tokens, 0) + MAX(reply->usage.completion_tokens, 0);
    return store_check(store, error) &&
           (call_record_put(&call->record, store->sql, chat_name(call->chat->inner), reply,
                            &cause) ||
            store_break(store, cause, error));
}

static void on_reply(const struct chat_reply *reply, void *user)
{
    struct chat_call *call = user;
    g_autoptr(GError) error = NULL;
    if (reply->outcome != CHAT_CANCELLED && !record_reply(call, reply, &error)) {
        set_reply(call, CHAT_FAILED, error->message);
        reply = &call->reply;
    }
    call->done(reply, call->user);
    call_free(call);
}

/* Fills call->record, and call->reply where the run holds the answer. */
static bool look_up(struct chat_call *call, const struct chat_request *request, bool *found,
                    GError **error)
{
    struct record_chat *chat = call->chat;
    struct store *store = chat->store;
    GError *cause = NULL;
    gint64 sample;
    if (!store_check(store, error) || !store_find_sample(store, request->sample_id, &sample, error))
        return false;
    if (!call_record_init(&call->record, sample, chat->role, request, chat_model(chat->inner))) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "the request is not UTF-8");
        return false;
    }
    return call_record_find(&call->record, store->sql, found, &call->reply, &cause) ||
           store_break(store, cause, error);
}

static struct chat_call *record_send(struct chat *base, const struct chat_request *request,
                                     chat_done *done, void *user)
{
    struct record_chat *chat = (struct record_chat *)base;
    struct chat_call *call = g_new0(struct chat_call, 1);
    g_autoptr(GError) error = NULL;
    bool found = true;
    call->chat = chat;
    call->done = done;
    call->user = user;
    if (!look_up(call, request, &found, &error))
        set_reply(call, CHAT_FAILED, error->message);
    if (error || found)
        chat_later(give_reply, call);
    else
        call->inner = chat_send(chat->inner, request, on_reply, call);
    return call;
}

static void record_cancel(struct chat *base, struct chat_call *call)
{
    if (call->inner)
        chat_cancel(((struct record_chat *)base)->inner, call->inner);
    else
        set_reply(call, CHAT_CANCELLED, NULL);
}

static void record_finish(struct chat *base)
{
    chat_finish(((struct record_chat *)base)->inner);
}

static const char *record_name(const struct chat *base)
{
    return chat_name(((const struct record_chat *)base)->inner);
}

static const char *record_model(const struct chat *base)
{
    return chat_model(((const struct record_chat *)base)->inner);
}

static void record_free(struct chat *base)
{
    struct record_chat *chat = (struct record_chat *)base;
    chat_free(chat->inner);
    g_free(chat->role);
    g_free(chat);
}

struct chat *store_record_chat(struct store *store, const char *role, struct chat *inner)
{
    static const struct chat_ops ops = {
        .send = record_send,
        .cancel = record_cancel,
        .finish = record_finish,
        .name = record_name,
        .model = record_model,
        .free = record_free,
    };
    struct record_chat *chat = g_new0(struct record_chat, 1);
    chat->chat.ops = &ops;
    chat->store = store;
    chat->role = g_strdup(role);
    chat->inner = inner;
    return &chat->chat;
}

#include "run/watch.h"

struct watch_chat {
    struct chat chat;
    struct watch *watch;
    struct chat *inner;
};

struct chat_call {
    struct watch *watch;
    struct chat_call *inner;
    chat_done *done;
    void *user;
};

static void hear(struct watch *watch, const struct chat_reply *reply)
{
    if (reply->outcome == CHAT_CANCELLED || (reply->outcome != CHAT_FAILED && reply->tries == 0))
        return;
    if (reply->outcome != CHAT_FAILED || reply->fault == CHAT_FAULT_REQUEST) {
        watch->failures_in_a_row = 0;
        return;
    }
    watch->failures_in_a_row++;
    watch->final = watch->final || reply->fault == CHAT_FAULT_FINAL;
    g_free(watch->error);
    watch->error = g_strdup(reply->error);
}

static void on_reply(const struct chat_reply *reply, void *user)
{
    struct chat_call *call = user;
    hear(call->watch, reply);
    call->done(reply, call->user);
    g_free(call);
}

static struct chat_call *watch_send(struct chat *base, const struct chat_request *request,
                                    chat_done *done, void *user)
{
    struct watch_chat *chat = (struct watch_chat *)base;
    struct chat_call *call = g_new0(struct chat_call, 1);
    *call = (struct chat_call){.watch = chat->watch, .done = done, .user = user};
    call->inner = chat_send(chat->inner, request, on_reply, call);
    return call;
}

static void watch_cancel(struct chat *base, struct chat_call *call)
{
    chat_cancel(((struct watch_chat *)base)->inner, call->inner);
}

static void watch_finish(struct chat *base)
{
    chat_finish(((struct watch_chat *)base)->inner);
}

static const char *watch_name(const struct chat *base)
{
    return chat_name(((const struct watch_chat *)base)->inner);
}

static const char *watch_model(const struct chat *base)
{
    return chat_model(((const struct watch_chat *)base)->inner);
}

static void watch_free(struct chat *base)
{
    g_free(base);
}

void watch_init(struct watch *watch, struct chat *inner)
{
    static const struct chat_ops ops = {
        .send = watch_send,
        .cancel = watch_cancel,
        .finish = watch_finish,
        .name = watch_name,
        .model = watch_model,
        .free = watch_free,
    };
    *watch = (struct watch){0};
    if (!inner)
        return;
    struct watch_chat *chat = g_new0(struct watch_chat, 1);
    *chat = (struct watch_chat){.chat = {&ops}, .watch = watch, .inner = inner};
    watch->chat = &chat->chat;
}

void watch_clear(struct watch *watch)
{
    chat_free(watch->chat);
    g_free(watch->error);
    *watch = (struct watch){0};
}

#include "support/fake_chat.h"

#include "support/support.h"

struct chat_call {
    struct fake_chat *chat;
    struct chat_reply reply;
    char *text;
    chat_done *done;
    void *user;
};

static gboolean answer(gpointer user)
{
    struct chat_call *call = user;
    call->done(&call->reply, call->user);
    g_free(call->text);
    g_free(call);
    return G_SOURCE_REMOVE;
}

static struct chat_call *fake_send(struct chat *base, const struct chat_request *request,
                                   chat_done *done, void *user)
{
    struct fake_chat *chat = (struct fake_chat *)base;
    struct chat_call *call = g_new0(struct chat_call, 1);
    call->chat = chat;
    call->done = done;
    call->user = user;
    call->reply = chat->reply;
    if (!call->reply.text)
        call->reply.text = call->text =
            g_strdup_printf("%s/%d/%d", request->sample_id, request->round, request->attempt);
    chat->n_sent++;
    if (chat->on_send)
        chat->on_send(request, chat->user);
    chat_later(answer, call);
    return call;
}

static void fake_cancel(struct chat *base, struct chat_call *call)
{
    ((struct fake_chat *)base)->n_cancelled++;
    call->reply =
        (struct chat_reply){.outcome = CHAT_CANCELLED, .text = "", .usage = {-1, -1, -1, -1}};
}

static const char *fake_name(const struct chat *base)
{
    return ((const struct fake_chat *)base)->name;
}

static const char *fake_model(const struct chat *base)
{
    return ((const struct fake_chat *)base)->model;
}

static void fake_free(struct chat *base)
{
    g_free(base);
}

struct fake_chat *fake_chat_new(void)
{
    static const struct chat_ops ops = {
        .send = fake_send,
        .cancel = fake_cancel,
        .name = fake_name,
        .model = fake_model,
        .free = fake_free,
    };
    struct fake_chat *chat = g_new0(struct fake_chat, 1);
    chat->chat.ops = &ops;
    chat->name = "http://fake/v1#fake";
    chat->model = "fake";
    chat->reply = (struct chat_reply){.tries = 1, .usage = {-1, -1, -1, -1}};
    return chat;
}

void fake_result_take(const struct chat_reply *reply, void *user)
{
    struct fake_result *result = user;
    g_assert_false(result->is_done);
    g_assert_nonnull(reply->text);
    result->is_done = TRUE;
    result->outcome = reply->outcome;
    result->text = g_strdup(reply->text);
    result->reasoning = g_strdup(reply->reasoning);
    result->finish_reason = g_strdup(reply->finish_reason);
    result->model = g_strdup(reply->model);
    result->fingerprint = g_strdup(reply->fingerprint);
    result->error = g_strdup(reply->error);
    result->notes = g_strdup(reply->notes);
    result->reply = *reply;
}

void fake_chat_ask(struct chat *chat, const struct chat_request *request,
                   struct fake_result *result)
{
    *result = (struct fake_result){0};
    g_assert_nonnull(chat_send(chat, request, fake_result_take, result));
    g_assert_false(result->is_done);
    support_wait(&result->is_done);
}

void fake_result_clear(struct fake_result *result)
{
    g_free(result->text);
    g_free(result->reasoning);
    g_free(result->finish_reason);
    g_free(result->model);
    g_free(result->fingerprint);
    g_free(result->error);
    g_free(result->notes);
    *result = (struct fake_result){0};
}

#include "support/scripted_chat.h"

#include <string.h>

struct chat_call {
    chat_done *done;
    void *user;
    enum chat_outcome outcome;
    char *text;
    bool cancelled;
};

static json_t *describe(const struct chat_request *request)
{
    static const char *const roles[] = {"system", "user", "assistant"};
    json_t *messages = json_array();
    for (size_t i = 0; i < request->n_messages; i++) {
        const struct chat_message *from = &request->messages[i];
        json_t *message = json_pack("{s:s, s:s}", "role", roles[from->role], "text", from->text);
        g_assert_nonnull(message);
        if (from->has_image)
            json_object_set_new(message, "has_image", json_true());
        json_array_append_new(messages, message);
    }
    return json_pack("{s:s, s:i, s:i, s:b, s:o}", "id", request->sample_id, "round", request->round,
                     "attempt", request->attempt, "image", request->image != NULL, "messages",
                     messages);
}

/* Delivers what waited when it began: one turn of the main loop for all of it. */
static gboolean deliver(gpointer user)
{
    struct scripted_chat *self = user;
    g_source_unref(self->source);
    self->source = NULL;
    for (guint n = self->waiting->length; n > 0; n--) {
        struct chat_call *call = g_queue_pop_head(self->waiting);
        if (self->hold && !call->cancelled) {
            g_queue_push_tail(self->waiting, call);
            continue;
        }
        struct chat_reply reply = {
            .outcome = call->outcome,
            .text =
                call->outcome == CHAT_FAILED || call->outcome == CHAT_CANCELLED ? "" : call->text,
            .error = call->outcome == CHAT_FAILED ? call->text : NULL,
            .usage = {-1, -1, -1, -1},
        };
        call->done(&reply, call->user);
        g_free(call->text);
        g_free(call);
    }
    return G_SOURCE_REMOVE;
}

static void deliver_later(struct scripted_chat *self)
{
    if (self->source)
        return;
    self->source = g_idle_source_new();
    g_source_set_callback(self->source, deliver, self, NULL);
    g_source_attach(self->source, g_main_context_get_thread_default());
}

static struct chat_call *send_request(struct chat *chat, const struct chat_request *request,
                                      chat_done *done, void *user)
{
    struct scripted_chat *self = (struct scripted_chat *)chat;
    struct scripted_reply reply = self->answer(request, self->user);
    struct chat_call *call = g_new(struct chat_call, 1);
    *call = (struct chat_call){done, user, reply.outcome, g_strdup(reply.text), false};
    self->n_asked++;
    if (self->remember)
        json_array_append_new(self->seen, describe(request));
    g_queue_push_tail(self->waiting, call);
    if (!self->hold)
        deliver_later(self);
    return call;
}

static void cancel_request(struct chat *chat, struct chat_call *call)
{
    struct scripted_chat *self = (struct scripted_chat *)chat;
    g_assert_nonnull(g_queue_find(self->waiting, call));
    g_assert_false(call->cancelled);
    call->cancelled = true;
    self->n_cancelled++;
    if (!self->late)
        call->outcome = CHAT_CANCELLED;
    deliver_later(self);
}

static const char *name_of(const struct chat *chat G_GNUC_UNUSED)
{
    return "scripted";
}

static void free_nothing(struct chat *chat G_GNUC_UNUSED)
{
}

static const struct chat_ops ops = {
    .send = send_request,
    .cancel = cancel_request,
    .name = name_of,
    .model = name_of,
    .free = free_nothing,
};

void scripted_chat_init(struct scripted_chat *self,
                        struct scripted_reply (*answer)(const struct chat_request *, void *),
                        void *user)
{
    *self = (struct scripted_chat){
        .chat = {&ops},
        .answer = answer,
        .user = user,
        .seen = json_array(),
        .waiting = g_queue_new(),
    };
}

void scripted_chat_clear(struct scripted_chat *self)
{
    g_assert_cmpuint(self->waiting->length, ==, 0);
    g_assert_null(self->source);
    g_queue_free(self->waiting);
    json_decref(self->seen);
    *self = (struct scripted_chat){0};
}

void scripted_chat_release(struct scripted_chat *self)
{
    self->hold = false;
    deliver_later(self);
}

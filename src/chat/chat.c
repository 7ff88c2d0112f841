#include "chat/chat.h"

#include <string.h>

static const char *const outcome_names[] = {
    [CHAT_OK] = "ok",         [CHAT_TRUNCATED] = "truncated", [CHAT_REFUSED] = "refused",
    [CHAT_FAILED] = "failed", [CHAT_CANCELLED] = "cancelled",
};

const char *chat_outcome_name(enum chat_outcome outcome)
{
    return outcome_names[outcome];
}

bool chat_outcome_from_name(const char *name, enum chat_outcome *outcome)
{
    for (size_t i = 0; i < G_N_ELEMENTS(outcome_names); i++)
        if (strcmp(name, outcome_names[i]) == 0) {
            *outcome = (enum chat_outcome)i;
            return true;
        }
    return false;
}

struct chat_call *chat_send(struct chat *chat, const struct chat_request *request, chat_done *done,
                            void *user)
{
    return chat->ops->send(chat, request, done, user);
}

void chat_cancel(struct chat *chat, struct chat_call *call)
{
    chat->ops->cancel(chat, call);
}

void chat_finish(struct chat *chat)
{
    if (chat && chat->ops->finish)
        chat->ops->finish(chat);
}

const char *chat_name(const struct chat *chat)
{
    return chat->ops->name(chat);
}

const char *chat_model(const struct chat *chat)
{
    return chat->ops->model(chat);
}

void chat_free(struct chat *chat)
{
    if (chat)
        chat->ops->free(chat);
}

struct chat_request *chat_request_copy(const struct chat_request *request)
{
    struct chat_request *copy = g_new(struct chat_request, 1);
    *copy = *request;
    struct chat_message *messages = g_new(struct chat_message, request->n_messages);
    for (size_t i = 0; i < request->n_messages; i++) {
        messages[i] = request->messages[i];
        messages[i].text = g_strdup(request->messages[i].text);
    }
    copy->messages = messages;
    if (request->image) {
        struct chat_image *image = g_new(struct chat_image, 1);
        image->digest = g_strdup(request->image->digest);
        image->mime = request->image->mime;
        image->bytes = g_bytes_ref(request->image->bytes);
        copy->image = image;
    }
    copy->sample_id = g_strdup(request->sample_id);
    return copy;
}

void chat_request_free(struct chat_request *request)
{
    if (!request)
        return;
    for (size_t i = 0; i < request->n_messages; i++)
        g_free((char *)request->messages[i].text);
    g_free((struct chat_message *)request->messages);
    if (request->image) {
        g_free(request->image->digest);
        g_bytes_unref(request->image->bytes);
        g_free((struct chat_image *)request->image);
    }
    g_free((char *)request->sample_id);
    g_free(request);
}

void chat_later(GSourceFunc func, void *user)
{
    GSource *source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, func, user, NULL);
    g_source_attach(source, g_main_context_get_thread_default());
    g_source_unref(source);
}

#include "world/world_chat.h"

#include "world/world.h"

#include <string.h>

struct chat_call {
    struct chat_reply reply; /* complete since `send`, but for a cancel */
    char *text, *error;      /* behind reply's pointers */
    chat_done *done;
    void *user;
};

struct world_chat {
    struct chat chat; /* first */
    struct world *world;
    enum world_role role;
    char *dir, *name;
    GQueue calls;    /* of struct chat_call, to be answered in this order */
    GSource *source; /* attached while there are calls */
};

static int64_t count_words(const char *text)
{
    int64_t n = 0;
    for (bool inside = false; *text; text++) {
        bool space = g_ascii_isspace(*text);
        n += !space && !inside;
        inside = !space;
    }
    return n;
}

/* The text of the newest message of a role; NULL where there is none. */
static const char *newest_text(const struct chat_request *request, enum chat_role role)
{
    for (size_t i = request->n_messages; i > 0; i--)
        if (request->messages[i - 1].role == role)
            return request->messages[i - 1].text;
    return NULL;
}

/* After the last line that ends with a colon; the whole text where there is none. */
static const char *skip_headings(const char *text)
{
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        if (p > text && p[-1] == ':')
            text = p + 1;
    return text;
}

/* The newest answer in a text: what follows the last "Answer:", or, in a text without that label,
 * what follows the last heading ("The student replies:"). */
static const char *find_answer(const char *text)
{
    static const char label[] = "answer:";
    g_autofree char *lower = g_ascii_strdown(text, -1);
    const char *at = g_strrstr(lower, label);
    return at ? text + (at - lower) + strlen(label) : skip_headings(text);
}

/* The texts below are never NULL. */
static char *reply_as_oracle(const struct scene *scene, const struct chat_request *request)
{
    const char *text = newest_text(request, CHAT_USER);
    struct verdict verdict;
    scene->generator->judge(scene, text ? find_answer(text) : "", &verdict);
    char *reply = g_strdup_printf("Score: %d.\nFeedback: %s", verdict.score, verdict.comment);
    g_free(verdict.comment);
    return reply;
}

static char *reply_as_novice(const struct scene *scene, const struct chat_request *request)
{
    const char *previous = newest_text(request, CHAT_ASSISTANT);
    struct novice_view view = {0};
    struct attempt attempt;
    if (previous) {
        const char *feedback = newest_text(request, CHAT_USER);
        view.previous = find_answer(previous);
        view.feedback = feedback ? feedback : "";
    }
    scene->generator->attempt(scene, &view, &attempt);
    char *reply = g_strdup_printf("Thought: %s\nAnswer: %s", attempt.thought, attempt.answer);
    g_free(attempt.thought);
    g_free(attempt.answer);
    return reply;
}

static const struct {
    const char *name, *model;
    char *(*reply)(const struct scene *scene, const struct chat_request *request);
} roles[] = {
    [WORLD_ORACLE] = {"oracle", "world-oracle", reply_as_oracle},
    [WORLD_NOVICE] = {"novice", "world-novice-scripted", reply_as_novice},
};

bool world_role_from_name(const char *name, enum world_role *role)
{
    for (size_t i = 0; i < G_N_ELEMENTS(roles); i++) {
        if (strcmp(roles[i].name, name) == 0) {
            *role = (enum world_role)i;
            return true;
        }
    }
    return false;
}

static void call_free(struct chat_call *call)
{
    g_free(call->text);
    g_free(call->error);
    g_free(call);
}

/* Answers the oldest call. The callback may send, cancel, and, after the last call, free the chat:
 * so nothing of it is touched afterwards. */
static gboolean answer_oldest(void *user)
{
    struct world_chat *self = user;
    struct chat_call *call = g_queue_pop_head(&self->calls);
    gboolean keep = !g_queue_is_empty(&self->calls);
    if (!keep)
        g_clear_pointer(&self->source, g_source_unref);
    call->done(&call->reply, call->user);
    call_free(call);
    return keep;
}

static void enqueue(struct world_chat *self, struct chat_call *call)
{
    g_queue_push_tail(&self->calls, call);
    if (self->source)
        return;
    self->source = g_idle_source_new();
    g_source_set_priority(self->source, G_PRIORITY_DEFAULT);
    g_source_set_callback(self->source, answer_oldest, self, NULL);
    g_source_attach(self->source, g_main_context_get_thread_default());
}

static struct chat_call *world_chat_send(struct chat *chat, const struct chat_request *request,
                                         chat_done *done, void *user)
{
    struct world_chat *self = (struct world_chat *)chat;
    struct chat_call *call = g_new0(struct chat_call, 1);
    const char *id = request->sample_id ? request->sample_id : "";
    const struct scene *scene = world_find(self->world, id);
    call->done = done;
    call->user = user;
    call->text = scene ? roles[self->role].reply(scene, request) : g_strdup("");
    call->error = scene ? NULL : g_strdup_printf("world '%s' has no scene '%s'", self->dir, id);
    call->reply = (struct chat_reply){.outcome = scene ? CHAT_OK : CHAT_FAILED,
                                      .text = call->text,
                                      .error = call->error,
                                      .finish_reason = scene ? "stop" : NULL,
                                      .model = roles[self->role].model,
                                      .usage = {-1, -1, -1, -1}};
    if (scene) {
        call->reply.usage.prompt_tokens = 0;
        for (size_t i = 0; i < request->n_messages; i++)
            call->reply.usage.prompt_tokens += count_words(request->messages[i].text);
        call->reply.usage.completion_tokens = count_words(call->text);
    }
    enqueue(self, call);
    return call;
}

static void world_chat_cancel(struct chat *chat G_GNUC_UNUSED, struct chat_call *call)
{
    call->reply =
        (struct chat_reply){.outcome = CHAT_CANCELLED, .text = "", .usage = {-1, -1, -1, -1}};
}

static const char *world_chat_name(const struct chat *chat)
{
    return ((const struct world_chat *)chat)->name;
}

static const char *world_chat_model(const struct chat *chat)
{
    return roles[((const struct world_chat *)chat)->role].model;
}

static void world_chat_free(struct chat *chat)
{
    struct world_chat *self = (struct world_chat *)chat;
    g_assert(g_queue_is_empty(&self->calls));
    world_close(self->world);
    g_free(self->dir);
    g_free(self->name);
    g_free(self);
}

static const struct chat_ops world_chat_ops = {
    .send = world_chat_send,
    .cancel = world_chat_cancel,
    .name = world_chat_name,
    .model = world_chat_model,
    .free = world_chat_free,
};

struct chat *world_chat_open(const char *dir, enum world_role role, GError **error)
{
    struct world *world = world_open(dir, error);
    if (!world)
        return NULL;
    struct world_chat *self = g_new0(struct world_chat, 1);
    self->chat.ops = &world_chat_ops;
    self->world = world;
    self->role = role;
    self->dir = g_strdup(dir);
    self->name = g_strdup_printf("world:%s#%s", dir, roles[role].name);
    return &self->chat;
}

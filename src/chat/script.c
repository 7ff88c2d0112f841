#include "chat/script.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

struct answer {
    char *text;
    enum chat_outcome outcome;
};

struct script {
    struct chat chat;
    char *name, *model;
    GHashTable *answers; /* "ROUND ID" -> GPtrArray of struct answer, by attempt */
};

struct chat_call {
    const struct answer *answer; /* NULL: `error` */
    char *error;
    bool cancelled;
    chat_done *done;
    void *user;
};

static void answer_free(void *pointer)
{
    struct answer *answer = pointer;
    g_free(answer->text);
    g_free(answer);
}

static void answers_free(void *pointer)
{
    g_ptr_array_unref(pointer);
}

static char *answer_key(const char *id, json_int_t round)
{
    return g_strdup_printf("%" JSON_INTEGER_FORMAT " %s", round, id);
}

static const struct answer *script_find(struct script *script, const char *id, int round,
                                        int attempt)
{
    g_autofree char *key = answer_key(id, round);
    const GPtrArray *answers = g_hash_table_lookup(script->answers, key);
    if (!answers)
        return NULL;
    return answers->pdata[MIN((guint)MAX(attempt, 0), answers->len - 1)];
}

static gboolean tell(gpointer user)
{
    struct chat_call *call = user;
    struct chat_reply reply = {.outcome = CHAT_FAILED, .text = "", .usage = {-1, -1, -1, -1}};
    if (call->cancelled)
        reply.outcome = CHAT_CANCELLED;
    else if (!call->answer)
        reply.error = call->error;
    else if (call->answer->outcome == CHAT_FAILED)
        reply.error = call->answer->text;
    else {
        reply.outcome = call->answer->outcome;
        reply.text = call->answer->text;
    }
    call->done(&reply, call->user);
    g_free(call->error);
    g_free(call);
    return G_SOURCE_REMOVE;
}

static struct chat_call *script_send(struct chat *chat, const struct chat_request *request,
                                     chat_done *done, void *user)
{
    struct script *script = (struct script *)chat;
    const char *id = request->sample_id ? request->sample_id : "";
    struct chat_call *call = g_new0(struct chat_call, 1);
    call->done = done;
    call->user = user;
    call->answer = script_find(script, id, request->round, request->attempt);
    if (!call->answer)
        call->answer = script_find(script, "*", request->round, request->attempt);
    if (!call->answer)
        call->error = g_strdup_printf("no line for id '%s' and round %d in '%s'", id,
                                      request->round, script->name + strlen("script:"));
    chat_later(tell, call);
    return call;
}

static void script_cancel(struct chat *chat G_GNUC_UNUSED, struct chat_call *call)
{
    call->cancelled = true;
}

static const char *script_name(const struct chat *chat)
{
    return ((const struct script *)chat)->name;
}

static const char *script_model(const struct chat *chat)
{
    return ((const struct script *)chat)->model;
}

static void script_free(struct chat *chat)
{
    struct script *script = (struct script *)chat;
    g_hash_table_unref(script->answers);
    g_free(script->name);
    g_free(script->model);
    g_free(script);
}

static bool script_add_line(struct script *script, const char *line, size_t n_bytes, GError **error)
{
    g_autoptr(json_t) value = json_parse(line, n_bytes, error);
    if (!value)
        return false;
    const char *id = json_get_string(value, "id"), *text = json_get_string(value, "text");
    const json_t *round = json_object_get(value, "round");
    const json_t *outcome_name = json_object_get(value, "outcome");
    enum chat_outcome outcome = CHAT_OK;
    const char *cause = NULL;
    if (!id)
        cause = "'id' is no string";
    else if (!json_is_integer(round) || json_integer_value(round) < 1)
        cause = "'round' is no integer of 1 or more";
    else if (!text)
        cause = "'text' is no string";
    else if (outcome_name && (!json_is_string(outcome_name) ||
                              !chat_outcome_from_name(json_string_value(outcome_name), &outcome) ||
                              outcome == CHAT_CANCELLED))
        cause = "'outcome' is not ok, truncated, refused or failed";
    if (cause) {
        g_set_error_literal(error, FIRE_ERROR, FIRE_ERROR_FORMAT, cause);
        return false;
    }
    char *key = answer_key(id, json_integer_value(round));
    GPtrArray *answers = g_hash_table_lookup(script->answers, key);
    if (answers) {
        g_free(key);
    } else {
        answers = g_ptr_array_new_with_free_func(answer_free);
        g_hash_table_insert(script->answers, key, answers);
    }
    struct answer *answer = g_new(struct answer, 1);
    answer->text = g_strdup(text);
    answer->outcome = outcome;
    g_ptr_array_add(answers, answer);
    return true;
}

static bool script_read(struct script *script, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize n_bytes;
    g_autoptr(GError) cause = NULL;
    if (!g_file_get_contents(path, &text, &n_bytes, &cause)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot read script '%s': %s", path,
                    cause->message);
        return false;
    }
    const char *end = text + n_bytes, *next;
    int number = 1;
    for (const char *line = text; line < end; line = next, number++) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline ? newline : end;
        next = stop + 1;
        size_t blank = 0;
        while (line + blank < stop && g_ascii_isspace(line[blank]))
            blank++;
        if (line + blank < stop && !script_add_line(script, line, (size_t)(stop - line), error)) {
            g_prefix_error(error, "script '%s', line %d: ", path, number);
            return false;
        }
        if (!newline)
            break;
    }
    if (g_hash_table_size(script->answers) == 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "script '%s' holds no line", path);
        return false;
    }
    return true;
}

struct chat *script_open(const char *path, GError **error)
{
    static const struct chat_ops ops = {
        .send = script_send,
        .cancel = script_cancel,
        .name = script_name,
        .model = script_model,
        .free = script_free,
    };
    struct script *script = g_new0(struct script, 1);
    script->chat.ops = &ops;
    script->answers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, answers_free);
    g_autofree char *base = g_path_get_basename(path);
    script->name = g_strconcat("script:", path, NULL);
    script->model = g_strconcat("script:", base, NULL);
    if (!script_read(script, path, error)) {
        script_free(&script->chat);
        return NULL;
    }
    return &script->chat;
}

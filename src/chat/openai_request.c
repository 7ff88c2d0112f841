#include "chat/openai_request.h"

#include "base/error.h"
#include "base/json.h"

#include <math.h>
#include <string.h>

static const char *const role_names[] = {
    [CHAT_SYSTEM] = "system", [CHAT_USER] = "user", [CHAT_ASSISTANT] = "assistant"};

/* Appends a string as JSON; false where it is not UTF-8. */
static bool append_string(GString *out, const char *text)
{
    g_autoptr(json_t) value = json_string(text);
    if (!value)
        return false;
    g_autofree char *printed = json_print(value);
    g_string_append(out, printed);
    return true;
}

/* History goes as plain strings: some gateways blank an assistant's text given as parts. Only the
 * message with the picture has parts, the picture first. Where its base64 text belongs, *out moves
 * to *before_picture and a new *out begins. */
static bool append_message(GString **out, GString **before_picture,
                           const struct chat_message *message, const struct chat_image *image)
{
    g_string_append_printf(*out, "{\"role\":\"%s\",\"content\":", role_names[message->role]);
    if (message->has_image && image && !*before_picture) {
        g_string_append_printf(
            *out, "[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:%s;base64,", image->mime);
        *before_picture = *out;
        *out = g_string_new("\"}}");
        if (*message->text) {
            g_string_append(*out, ",{\"type\":\"text\",\"text\":");
            if (!append_string(*out, message->text))
                return false;
            g_string_append_c(*out, '}');
        }
        g_string_append(*out, "]}");
        return true;
    }
    if (!append_string(*out, message->text))
        return false;
    g_string_append_c(*out, '}');
    return true;
}

/* Whatever of the sampling is set and not refused, then what the user adds. */
static json_t *parameters(const struct chat_sampling *sampling, const struct openai_params *params)
{
    unsigned adaptations = params->adaptations;
    json_t *object = json_object();
    json_object_set_new(object, "model", json_string(params->model));
    if (!isnan(sampling->temperature) && !(adaptations & ADAPT_NO_TEMPERATURE))
        json_object_set_new(object, "temperature", json_real(sampling->temperature));
    if (!isnan(sampling->top_p) && !(adaptations & ADAPT_NO_TOP_P))
        json_object_set_new(object, "top_p", json_real(sampling->top_p));
    if (params->max_tokens > 0)
        json_object_set_new(object,
                            adaptations & ADAPT_MAX_COMPLETION_TOKENS ? "max_completion_tokens"
                                                                      : "max_tokens",
                            json_integer(params->max_tokens));
    if (sampling->has_seed && !(adaptations & ADAPT_NO_SEED))
        json_object_set_new(object, "seed", json_integer(sampling->seed));
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)params->extra_body, key, value) {
        if (strcmp(key, "max_completion_tokens") == 0) /* the same under its other name */
            json_object_del(object, "max_tokens");
        if (json_is_null(value))
            json_object_del(object, key);
        else
            json_object_set(object, key, value);
    }
    return object;
}

bool openai_body_init(struct openai_body *body, const struct chat_request *request,
                      const struct openai_params *params, GError **error)
{
    g_autoptr(json_t) object = parameters(&request->sampling, params);
    g_autofree char *printed = json_print(object);
    GString *out = g_string_new(NULL), *before_picture = NULL;
    g_string_append_len(out, printed, (gssize)strlen(printed) - 1); /* without its '}' */
    g_string_append(out, ",\"messages\":[");
    for (size_t i = 0; i < request->n_messages; i++) {
        if (i > 0)
            g_string_append_c(out, ',');
        if (!append_message(&out, &before_picture, &request->messages[i], request->image)) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                        "cannot send message %zu: its text is not UTF-8", i + 1);
            g_string_free(out, TRUE);
            if (before_picture)
                g_string_free(before_picture, TRUE);
            return false;
        }
    }
    g_string_append(out, "]}");
    *body = (struct openai_body){0};
    if (before_picture) {
        body->picture = g_bytes_ref(request->image->bytes);
        body->base64_bytes = (g_bytes_get_size(body->picture) + 2) / 3 * 4;
        body->tail_bytes = out->len;
        body->tail = g_string_free(out, FALSE);
        out = before_picture;
    }
    body->head_bytes = out->len;
    body->head = g_string_free(out, FALSE);
    return true;
}

void openai_body_clear(struct openai_body *body)
{
    g_free(body->head);
    g_free(body->tail);
    if (body->picture)
        g_bytes_unref(body->picture);
    *body = (struct openai_body){0};
}

size_t openai_body_length(const struct openai_body *body)
{
    return body->head_bytes + body->base64_bytes + body->tail_bytes;
}

/* Base64 characters `at` .. `at` + n_chars - 1 of `bytes`. Groups of three bytes are independent,
 * so the text can be entered anywhere: whole groups around the wanted part are encoded. */
static void read_base64(GBytes *bytes, size_t at, char *buffer, size_t n_chars)
{
    enum { GROUPS = 4096 };
    size_t n_bytes, done = 0;
    const guint8 *data = g_bytes_get_data(bytes, &n_bytes);
    char chunk[GROUPS * 4 + 8];
    while (done < n_chars) {
        size_t first = (at + done) / 4, skip = (at + done) % 4;
        size_t groups = MIN((skip + n_chars - done + 3) / 4, (size_t)GROUPS);
        size_t taken = MIN(n_bytes - first * 3, groups * 3);
        gint state = 0, save = 0;
        size_t length = g_base64_encode_step(data + first * 3, taken, FALSE, chunk, &state, &save);
        length += g_base64_encode_close(FALSE, chunk + length, &state, &save);
        size_t copied = MIN(length - skip, n_chars - done);
        memcpy(buffer + done, chunk + skip, copied);
        done += copied;
    }
}

size_t openai_body_read(struct openai_body *body, char *buffer, size_t n_bytes)
{
    size_t done = 0, base64_end = body->head_bytes + body->base64_bytes;
    n_bytes = MIN(n_bytes, openai_body_length(body) - body->position);
    while (done < n_bytes) {
        size_t at = body->position, left = n_bytes - done, taken;
        if (at < body->head_bytes) {
            taken = MIN(left, body->head_bytes - at);
            memcpy(buffer + done, body->head + at, taken);
        } else if (at < base64_end) {
            taken = MIN(left, base64_end - at);
            read_base64(body->picture, at - body->head_bytes, buffer + done, taken);
        } else {
            taken = left;
            memcpy(buffer + done, body->tail + (at - base64_end), taken);
        }
        done += taken;
        body->position += taken;
    }
    return done;
}

bool openai_extra_body_check(const json_t *extra_body, GError **error)
{
    static const char *const ours[] = {"messages", "model", "stream", "n"};
    const char *cause = NULL;
    if (!json_is_object(extra_body))
        cause = "it is no JSON object";
    for (size_t i = 0; !cause && i < G_N_ELEMENTS(ours); i++)
        if (json_object_get(extra_body, ours[i]))
            cause = ours[i];
    if (!cause)
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                json_is_object(extra_body) ? "cannot use the extra body: '%s' may not be set in it"
                                           : "cannot use the extra body: %s",
                cause);
    return false;
}

struct rule {
    const char *name; /* as it is sent */
    enum openai_adaptation answer;
    const char *note;
};

/* max_completion_tokens has no row: a budget refused under both names is an error, because without
 * one a model may talk for ever. */
static const struct rule rules[] = {
    {"max_tokens", ADAPT_MAX_COMPLETION_TOKENS, "max_tokens sent as max_completion_tokens"},
    {"temperature", ADAPT_NO_TEMPERATURE, "temperature not sent"},
    {"top_p", ADAPT_NO_TOP_P, "top_p not sent"},
    {"seed", ADAPT_NO_SEED, "seed not sent"},
};

static bool is_set(const struct chat_sampling *sampling, enum openai_adaptation adaptation)
{
    switch (adaptation) {
    case ADAPT_MAX_COMPLETION_TOKENS:
        return sampling->max_tokens > 0;
    case ADAPT_NO_TEMPERATURE:
        return !isnan(sampling->temperature);
    case ADAPT_NO_TOP_P:
        return !isnan(sampling->top_p);
    case ADAPT_NO_SEED:
        return sampling->has_seed;
    }
    return false;
}

/* Where `name` stands in `text` as a whole word; NULL where it does not. */
static const char *find_word(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = text; (at = strstr(at, name)); at += length) {
        bool begins = at == text || !(g_ascii_isalnum(at[-1]) || at[-1] == '_');
        if (begins && !(g_ascii_isalnum(at[length]) || at[length] == '_'))
            return at;
    }
    return NULL;
}

/* "max_tokens is too large", "maximum context length is": no other name would help. */
static bool complains_of_size(const char *message)
{
    static const char *const words[] = {"too large", "context length", "exceed",
                                        "at most",   "maximum",        "reduce"};
    g_autofree char *lower = g_ascii_strdown(message, -1);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (strstr(lower, words[i]))
            return true;
    return false;
}

unsigned openai_adaptation_for(int status, const char *code, const char *param, const char *message,
                               const struct chat_sampling *sampling, unsigned adaptations)
{
    const struct rule *found = NULL;
    const char *first = NULL;
    if (status != 400 && status != 422)
        return 0;
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (!is_set(sampling, rules[i].answer))
            continue;
        if (param && strcmp(param, rules[i].name) == 0) {
            found = &rules[i];
            break;
        }
        const char *at = message ? find_word(message, rules[i].name) : NULL;
        if (at && (!first || at < first)) {
            first = at;
            found = &rules[i];
        }
    }
    if (!found || adaptations & found->answer)
        return 0;
    if (found->answer == ADAPT_MAX_COMPLETION_TOKENS && message && complains_of_size(message) &&
        !(code && g_str_has_prefix(code, "unsupported_")))
        return 0;
    return found->answer;
}

char *openai_adaptation_notes(const struct chat_sampling *sampling, unsigned adaptations)
{
    GString *notes = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        if (adaptations & rules[i].answer && is_set(sampling, rules[i].answer))
            g_string_append_printf(notes, "%s%s", notes->len > 0 ? ", " : "", rules[i].note);
    return g_string_free(notes, notes->len == 0);
}

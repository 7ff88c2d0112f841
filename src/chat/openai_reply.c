#include "chat/openai_reply.h"

#include "base/json.h"
#include "chat/line.h"

#include <string.h>

/* A page is looked at no further than this. */
#define MAX_PAGE_BYTES ((size_t)64 << 10)

/* The string's text, an escaped NUL replaced by U+FFFD; NULL where it is no string. */
static char *string_dup(const json_t *value)
{
    if (!json_is_string(value))
        return NULL;
    const char *text = json_string_value(value);
    size_t n_bytes = json_string_length(value);
    GString *out = g_string_sized_new(n_bytes);
    for (size_t i = 0; i < n_bytes; i++) {
        if (text[i])
            g_string_append_c(out, text[i]);
        else
            g_string_append(out, "\xef\xbf\xbd");
    }
    return g_string_free(out, FALSE);
}

/* A string or number as text, for an error's code. */
static char *scalar_dup(const json_t *value)
{
    return json_is_integer(value) ? json_print(value) : string_dup(value);
}

static char *member_dup(const json_t *object, const char *key)
{
    return string_dup(json_object_get(object, key));
}

/* "429" or 429 as an HTTP error status; 0 where it is none. */
static int http_status_of(const char *code)
{
    guint64 number;
    return code && g_ascii_string_to_unsigned(code, 10, 400, 599, &number, NULL) ? (int)number : 0;
}

static bool is_filter_code(const char *code)
{
    return code &&
           (strcmp(code, "content_filter") == 0 || strcmp(code, "content_policy_violation") == 0 ||
            strcmp(code, "ResponsibleAIPolicyViolation") == 0);
}

/* {"detail": text} or {"detail":[{"loc":[...],"msg":...}]}, as FastAPI has it. The last element of
 * "loc" is the parameter. */
static void read_detail(struct openai_reply *reply, const json_t *detail)
{
    reply->message = string_dup(detail);
    if (reply->message)
        return;
    const json_t *first = json_array_get(detail, 0), *loc = json_object_get(first, "loc");
    reply->message = member_dup(first, "msg");
    reply->type = member_dup(first, "type");
    reply->param = string_dup(json_array_get(loc, json_array_size(loc) - 1));
    if (reply->message && reply->param) {
        char *message = g_strdup_printf("%s: %s", reply->param, reply->message);
        g_free(reply->message);
        reply->message = message;
    }
}

/* Fills message, type, code and param from whatever shape of error `root` has; false where it has
 * none. */
static bool read_error(struct openai_reply *reply, const json_t *root)
{
    if (json_is_array(root)) /* one service wraps its error in a list */
        root = json_array_get(root, 0);
    const json_t *error = json_object_get(root, "error");
    const json_t *detail = json_object_get(root, "detail");
    const char *object = json_get_string(root, "object");
    if (!json_is_object(error) && object && strcmp(object, "error") == 0)
        error = root;
    if (json_is_object(error)) {
        reply->message = member_dup(error, "message");
        reply->type = member_dup(error, "type");
        reply->code = scalar_dup(json_object_get(error, "code"));
        reply->param = member_dup(error, "param");
        const char *inner = json_get_string(json_object_get(error, "innererror"), "code");
        if (is_filter_code(inner)) {
            g_free(reply->code);
            reply->code = g_strdup("content_filter");
        }
    } else if (json_is_string(error)) {
        reply->message = string_dup(error);
    } else if (detail) {
        read_detail(reply, detail);
    } else {
        reply->message = member_dup(root, "message");
        if (!reply->message)
            return false;
    }
    if (!reply->message)
        reply->message = g_strdup(reply->type ? reply->type : "an error without a message");
    return true;
}

/* A body that is not JSON: what a page says, or the first words of a text. */
static char *describe_text(const char *body, size_t n_bytes)
{
    if (n_bytes == 0)
        return g_strdup("empty body");
    /* Up to the first NUL; invalid UTF-8 is mended. */
    g_autofree char *head = g_strndup(body, MIN(n_bytes, MAX_PAGE_BYTES));
    g_autofree char *text = g_utf8_make_valid(head, -1);
    const char *start = text;
    while (g_ascii_isspace(*start))
        start++;
    if (*start != '<')
        return g_strdup(*start ? start : "empty body");
    g_autofree char *page = line_from_html(start);
    return g_strconcat("a page: ", page, NULL);
}

/* What is wrong with a body that should have been JSON. */
static char *describe_non_json(const char *body, size_t n_bytes, const char *cause)
{
    if (!g_utf8_validate_len(body, n_bytes, NULL))
        return g_strdup("the reply is not UTF-8");
    if (n_bytes > 0 && (body[0] == '{' || body[0] == '['))
        return g_strdup_printf("the reply is not JSON: %s", cause);
    g_autofree char *text = describe_text(body, n_bytes);
    return g_strdup_printf("the reply is not JSON: %s", text);
}

static void count_as(struct openai_reply *reply, int status, const char *message)
{
    reply->outcome = CHAT_FAILED;
    reply->status = status;
    if (!reply->message)
        reply->message = g_strdup(message);
}

/* After read_error in a reply that calls itself a success. */
static void count_as_error(struct openai_reply *reply)
{
    int code = is_filter_code(reply->code) ? 400 : http_status_of(reply->code);
    count_as(reply, code ? code : 502, NULL);
}

static json_int_t count_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value)
                                                                    : -1;
}

static void read_usage(struct chat_usage *usage, const json_t *object)
{
    usage->prompt_tokens = count_of(object, "prompt_tokens");
    usage->completion_tokens = count_of(object, "completion_tokens");
    usage->reasoning_tokens =
        count_of(json_object_get(object, "completion_tokens_details"), "reasoning_tokens");
    usage->cached_tokens =
        count_of(json_object_get(object, "prompt_tokens_details"), "cached_tokens");
}

/* A string, null, or a list of text parts, joined. */
static char *read_content(const json_t *content)
{
    if (!json_is_array(content)) {
        char *text = string_dup(content);
        return text ? text : g_strdup("");
    }
    GString *out = g_string_new(NULL);
    size_t i;
    json_t *part;
    json_array_foreach ((json_t *)content, i, part) {
        g_autofree char *text = json_is_string(part) ? string_dup(part) : member_dup(part, "text");
        if (text)
            g_string_append(out, text);
    }
    return g_string_free(out, FALSE);
}

/* Moves what stands between <think> and </think> at the head of the text into the reasoning. Some
 * chat templates write the first tag themselves, so that a reply holds the second only; a reply cut
 * while thinking holds the first only. */
static void split_thinking(struct openai_reply *reply)
{
    static const char open[] = "<think>", close[] = "</think>";
    const char *start = reply->text;
    while (g_ascii_isspace(*start))
        start++;
    bool opened = g_str_has_prefix(start, open);
    const char *end = strstr(start, close);
    if (!opened && !end)
        return;
    if (opened)
        start += strlen(open);
    g_autofree char *thought = end ? g_strndup(start, (size_t)(end - start)) : g_strdup(start);
    const char *rest = end ? end + strlen(close) : "";
    while (g_ascii_isspace(*rest))
        rest++;
    char *text = g_strdup(rest);
    g_strstrip(thought);
    char *reasoning = reply->reasoning ? g_strconcat(reply->reasoning, "\n", thought, NULL)
                                       : g_steal_pointer(&thought);
    g_free(reply->text);
    g_free(reply->reasoning);
    reply->text = text;
    reply->reasoning = reasoning;
}

static void read_message(struct openai_reply *reply, const json_t *message)
{
    reply->text = read_content(json_object_get(message, "content"));
    reply->reasoning = member_dup(message, "reasoning");
    if (!reply->reasoning)
        reply->reasoning = member_dup(message, "reasoning_content");
    split_thinking(reply);
    if (reply->reasoning && !*reply->reasoning)
        g_clear_pointer(&reply->reasoning, g_free);
    const char *finish = reply->finish_reason ? reply->finish_reason : "";
    g_autofree char *refusal = member_dup(message, "refusal");
    if (refusal && *refusal) {
        reply->outcome = CHAT_REFUSED;
        g_free(reply->text);
        reply->text = g_steal_pointer(&refusal);
    } else if (strcmp(finish, "content_filter") == 0) {
        reply->outcome = CHAT_REFUSED;
    } else if (strcmp(finish, "length") == 0) {
        reply->outcome = CHAT_TRUNCATED;
    } else {
        reply->outcome = CHAT_OK;
    }
}

/* An answer that the server broke off itself is none. */
static void read_choice(struct openai_reply *reply, const json_t *choice)
{
    const json_t *message = json_object_get(choice, "message");
    reply->finish_reason = member_dup(choice, "finish_reason");
    if (json_is_object(json_object_get(choice, "error"))) {
        read_error(reply, choice);
        count_as_error(reply);
    } else if (!json_is_object(message)) {
        count_as(reply, 502, "the reply holds no message");
    } else if (reply->finish_reason && (strcmp(reply->finish_reason, "abort") == 0 ||
                                        strcmp(reply->finish_reason, "error") == 0)) {
        count_as(reply, 502, "the server broke the answer off");
    } else {
        read_message(reply, message);
    }
}

static void read_success(struct openai_reply *reply, const json_t *root)
{
    const json_t *choice = json_array_get(json_object_get(root, "choices"), 0);
    reply->model = member_dup(root, "model");
    reply->fingerprint = member_dup(root, "system_fingerprint");
    read_usage(&reply->usage, json_object_get(root, "usage"));
    if (choice) {
        read_choice(reply, choice);
    } else if (read_error(reply, root)) {
        count_as_error(reply);
    } else {
        count_as(reply, 502, "the reply holds no choices");
    }
}

void openai_reply_init(struct openai_reply *reply, int status, const char *body, size_t n_bytes,
                       bool complete)
{
    bool success = status >= 200 && status < 300;
    *reply = (struct openai_reply){.status = status, .usage = {-1, -1, -1, -1}};
    json_error_t cause;
    if (!body)
        body = "";
    g_autoptr(json_t) root = json_loadb(body, n_bytes, JSON_ALLOW_NUL, &cause);
    if (success && !complete) {
        count_as(reply, 502, "the reply ends early");
    } else if (success && root) {
        read_success(reply, root);
    } else if (success) {
        g_autofree char *text = describe_non_json(body, n_bytes, cause.text);
        count_as(reply, 502, text);
    } else {
        reply->outcome = CHAT_FAILED;
        if (!root || !read_error(reply, root))
            reply->message = describe_text(body, n_bytes);
    }
    if (reply->outcome == CHAT_FAILED && reply->status < 500 &&
        (is_filter_code(reply->code) || is_filter_code(reply->type)))
        reply->outcome = CHAT_REFUSED;
    if (!reply->text)
        reply->text = g_strdup("");
}

void openai_reply_clear(struct openai_reply *reply)
{
    g_free(reply->text);
    g_free(reply->reasoning);
    g_free(reply->finish_reason);
    g_free(reply->model);
    g_free(reply->fingerprint);
    g_free(reply->message);
    g_free(reply->type);
    g_free(reply->code);
    g_free(reply->param);
    *reply = (struct openai_reply){0};
}

#include "support/faults.h"

#include <string.h>

#define BODY(fault, code, lines, text)                                                             \
    {                                                                                              \
        .name = fault, .status = code, .headers = lines, .body = text                              \
    }
#define PATCH(fault, text)                                                                         \
    {                                                                                              \
        .name = fault, .status = 200, .headers = "", .patch = text                                 \
    }
#define IF_SENT(fault, code, key, text)                                                            \
    {                                                                                              \
        .name = fault, .status = code, .headers = "", .body = text, .only_with = key               \
    }
#define BREAK(fault, code, what)                                                                   \
    {                                                                                              \
        .name = fault, .status = code, .headers = "", .how = what                                  \
    }

#define ERROR(message, type, param, code)                                                          \
    "{\"error\":{\"message\":\"" message "\",\"type\":\"" type "\",\"param\":" param               \
    ",\"code\":" code "}}"
#define RATE_LIMIT ERROR("Rate limit reached", "requests", "null", "\"rate_limit_exceeded\"")
#define QUOTA                                                                                      \
    ERROR("You exceeded your current quota, please check your plan and billing details.",          \
          "insufficient_quota", "null", "\"insufficient_quota\"")
#define UNSUPPORTED(name, instead)                                                                 \
    ERROR("Unsupported parameter: '" name "' is not supported with this model." instead,           \
          "invalid_request_error", "\"" name "\"", "\"unsupported_parameter\"")
#define CHOICE(patch) "{\"choices\":[{" patch "}]}"
#define MESSAGE(patch) CHOICE("\"message\":{" patch "}")

static const struct fault faults[] = {
    /* Too many requests, and what is not. */
    BODY("429", 429, "", RATE_LIMIT),
    BODY("429-seconds", 429, "Retry-After: 1", RATE_LIMIT),
    BODY("429-float", 429, "Retry-After: 0.05", RATE_LIMIT),
    BODY("429-date", 429, "Retry-After: $DATE", RATE_LIMIT),
    BODY("429-ms", 429, "retry-after-ms: 30.5\nRetry-After: 60", RATE_LIMIT),
    BODY("429-nonsense", 429, "Retry-After: soon", RATE_LIMIT),
    BODY("429-long", 429, "Retry-After: 3600", RATE_LIMIT),
    BODY("429-hint", 429, "",
         ERROR("Rate limit reached. Please try again in 0.04s.", "tokens", "null", "null")),
    BODY("429-quota", 429, "", QUOTA),
    IF_SENT("429-quota-if-top-p", 429, "top_p", QUOTA),
    IF_SENT("500-if-top-p", 500, "top_p", ERROR("boom", "server_error", "null", "null")),
    BODY("429-daily", 429, "Retry-After: 1",
         ERROR("Rate limit reached on requests per day (RPD): Limit 200", "requests", "null",
               "\"rate_limit_exceeded\"")),
    BODY("402", 402, "", "{\"error\":{\"message\":\"Insufficient Balance\"}}"),

    /* Errors that may pass. */
    BODY("408", 408, "", ""),
    BODY("409", 409, "", "{\"detail\":\"conflict\"}"),
    BODY("500", 500, "",
         "{\"error\":{\"code\":500,\"message\":\"boom\",\"type\":\"server_error\"}}"),
    BODY("500-final", 500, "x-should-retry: false", "{\"error\":\"boom\"}"),
    BODY("502-html", 502, "Content-Type: text/html",
         "<html>\n<head><title>502 Bad Gateway</title></head>\n<body><h1>nginx</h1></body></html>"),
    BODY("503-loading", 503, "",
         "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}"),
    BODY("529-empty", 529, "", ""),

    /* Errors that will not. */
    BODY("400", 400, "", ERROR("bad request", "BadRequestError", "null", "400")),
    BODY("400-retry", 400, "x-should-retry: true", "{\"error\":\"again\"}"),
    BODY("400-old-vllm", 400, "",
         "{\"object\":\"error\",\"message\":\"old shape\",\"type\":\"BadRequestError\","
         "\"param\":null,\"code\":400}"),
    BODY("400-context", 400, "",
         "{\"error\":{\"code\":400,\"message\":\"the request exceeds the available context size\","
         "\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":9000,\"n_ctx\":4096}}"),
    BODY("400-budget", 400, "",
         ERROR("'max_tokens' or 'max_completion_tokens' is too large: 512.", "BadRequestError",
               "\"max_tokens\"", "400")),
    BODY("400-control", 400, "",
         "{\"error\":\"a\\u001b[31m\\r\\nfire: forged\\u0000 \\u202eline\"}"),
    BODY("400-echo-key", 400, "", "{\"error\":\"key $KEY of Bearer $KEY is \\u0007wrong\"}"),
    BODY("500-echo-key", 500, "", "{\"error\":\"$KEY broke us\"}"),
    BODY("402-echo-key", 402, "", "{\"error\":\"$KEY has no money\"}"),
    BODY("401", 401, "", "{\"error\":\"Unauthorized\"}"),
    BODY("403", 403, "", ERROR("no", "permission_error", "null", "403")),
    BODY("404", 404, "", ERROR("The model does not exist.", "NotFoundError", "null", "404")),
    BODY("413-html", 413, "Content-Type: text/html", "<h1>Request <b>Too</b> Large</h1>"),
    BODY("422-detail", 422, "",
         "{\"detail\":[{\"loc\":[\"body\",\"messages\"],\"msg\":\"field required\","
         "\"type\":\"missing\"}]}"),
    BODY("400-filter", 400, "",
         "{\"error\":{\"message\":\"The prompt was filtered\",\"type\":null,\"param\":\"prompt\","
         "\"code\":\"content_filter\",\"status\":400,"
         "\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}}}"),
    BODY("wider-refused", 400, "",
         ERROR("context length exceeded", "BadRequestError", "null", "400")),

    /* Parameters that some servers refuse. */
    IF_SENT("no-max-tokens", 400, "max_tokens",
            UNSUPPORTED("max_tokens", " Use 'max_completion_tokens' instead.")),
    IF_SENT("no-budget", 400, "messages", UNSUPPORTED("max_tokens", "")),
    IF_SENT("no-temperature", 400, "temperature",
            ERROR("Unsupported value: 'temperature' does not support 0 with this model. Only the "
                  "default (1) value is supported.",
                  "invalid_request_error", "\"temperature\"", "\"unsupported_value\"")),
    IF_SENT("no-seed", 422, "seed",
            "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"seed\"],"
            "\"msg\":\"Extra inputs are not permitted\"}]}"),
    IF_SENT("no-top-p", 400, "top_p", "{\"error\":{\"message\":\"unknown field top_p\"}}"),

    /* Successes that are none. */
    BODY("200-error", 200, "", "{\"error\":{\"message\":\"upstream died\"}}"),
    BODY("200-error-429", 200, "retry-after-ms: 5",
         "{\"error\":{\"message\":\"slow down\",\"code\":429}}"),
    BODY("200-error-400", 200, "", "{\"error\":{\"message\":\"bad picture\",\"code\":\"400\"}}"),
    BODY("200-error-string", 200, "", "{\"error\":\"oops\"}"),
    BODY("200-filter", 200, "", "{\"error\":{\"message\":\"no\",\"code\":\"content_filter\"}}"),
    BODY("200-html", 200, "Content-Type: text/html", "<p>Please log in</p>"),
    BODY("200-empty", 200, "", ""),
    BODY("200-list", 200, "", "[]"),
    PATCH("no-choices", "{\"choices\":\"<none>\"}"),
    PATCH("no-message", CHOICE("\"message\":\"<none>\"")),
    PATCH("choice-error", CHOICE("\"error\":{\"code\":502,\"message\":\"provider died\"}")),
    PATCH("abort", CHOICE("\"finish_reason\":\"abort\"")),

    /* Broken transport. */
    BREAK("hang", 0, FAULT_HANG),
    BREAK("reset", 0, FAULT_RESET),
    BREAK("stall", 200, FAULT_STALL),
    BREAK("truncated-json", 200, FAULT_CUT_JSON),
    BREAK("early-close", 200, FAULT_EARLY_CLOSE),
    BREAK("bad-utf8", 200, FAULT_BAD_UTF8),
    BREAK("huge", 200, FAULT_HUGE_TEXT),
    {.name = "close", .status = 200, .headers = "Connection: close"},

    /* Answers of every shape. */
    PATCH("null-content", MESSAGE("\"content\":null")),
    PATCH("empty-content", MESSAGE("\"content\":\"\"")),
    PATCH("no-content", MESSAGE("\"content\":\"<none>\"")),
    PATCH("array-content", MESSAGE("\"content\":[{\"type\":\"text\",\"text\":\"Answer: \"},"
                                   "{\"type\":\"text\",\"text\":\"in parts\"}]")),
    PATCH("nul-content", MESSAGE("\"content\":\"a\\u0000b\"")),
    PATCH("refusal", MESSAGE("\"content\":null,\"refusal\":\"I cannot help with that.\"")),
    PATCH("content-filter", CHOICE("\"finish_reason\":\"content_filter\","
                                   "\"message\":{\"content\":null}")),
    PATCH("length",
          CHOICE("\"finish_reason\":\"length\",\"message\":{\"content\":\"Answer: cut\"}")),
    PATCH("empty-length", CHOICE("\"finish_reason\":\"length\","
                                 "\"message\":{\"content\":null,\"reasoning\":\"hmm\"}")),
    {.name = "empty-length-small",
     .status = 200,
     .headers = "",
     .patch = CHOICE("\"finish_reason\":\"length\",\"message\":{\"content\":\"<think>hmm\"}"),
     .only_with = "max_tokens",
     .below = 1000},
    PATCH("think", MESSAGE("\"content\":\"<think>\\nlet me see\\n</think>\\n\\nAnswer: 7\"")),
    PATCH("think-close", MESSAGE("\"content\":\"let me see</think>Answer: 7\"")),
    PATCH("reasoning", MESSAGE("\"content\":\"Answer: 7\",\"reasoning\":\"let me see\"")),
    PATCH("reasoning-content",
          MESSAGE("\"content\":\"Answer: 7\",\"reasoning_content\":\"let me see\"")),
    PATCH("tool-calls", CHOICE("\"finish_reason\":\"tool_calls\","
                               "\"message\":{\"content\":null,\"tool_calls\":[]}")),
    PATCH("null-finish", CHOICE("\"finish_reason\":null")),
    PATCH("no-usage", "{\"usage\":\"<none>\"}"),
    PATCH("null-usage", "{\"usage\":null}"),
    PATCH("part-usage",
          "{\"usage\":{\"completion_tokens\":\"<none>\",\"prompt_tokens_details\":null}}"),
    PATCH("echo-key", "{\"model\":\"m $KEY\",\"system_fingerprint\":\"$KEY\","
                      "\"choices\":[{\"message\":{\"content\":\"your key is $KEY\"}}]}"),

    /* Elsewhere. */
    BODY("redirect-same", 307, "Location: /moved/v1/chat/completions", ""),
    BODY("redirect-loop", 308, "Location: /v1/chat/completions", ""),
    BODY("redirect-other", 307, "Location: $OTHER/v1/chat/completions", ""),
    BODY("redirect-302-other", 302, "Location: $OTHER/v1/chat/completions", ""),
    BODY("redirect-nowhere", 301, "", ""),
};

static const char *const survivable[] = {
    "429-ms",      "500",   "503-loading",    "502-html", "200-error-429",
    "early-close", "reset", "truncated-json", "bad-utf8"};

const struct fault *fault_table(size_t i)
{
    return i < G_N_ELEMENTS(faults) ? &faults[i] : NULL;
}

static const struct fault *find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++)
        if (strcmp(faults[i].name, name) == 0)
            return &faults[i];
    return NULL;
}

const struct fault *fault_any_survivable(guint64 hash)
{
    return find(survivable[hash % G_N_ELEMENTS(survivable)]);
}

static gboolean applies(const struct fault *fault, const json_t *request)
{
    if (!fault->only_with)
        return TRUE;
    const json_t *value = json_object_get(request, fault->only_with);
    return value && (fault->below == 0 || json_number_value(value) < fault->below);
}

const struct fault *fault_pick(const char *spec, int n, const json_t *request, gboolean *known)
{
    g_auto(GStrv) items = g_strsplit(spec, ",", -1);
    *known = TRUE;
    for (char **item = items; *item; item++) {
        char *star = strchr(*item, '*');
        guint64 count = G_MAXINT;
        if (star) {
            *star = '\0';
            *known = g_ascii_string_to_unsigned(star + 1, 10, 1, 1000, &count, NULL);
        }
        const struct fault *fault = find(*item);
        if (!fault || !*known) {
            *known = FALSE;
            return NULL;
        }
        if (!applies(fault, request))
            continue;
        if ((guint64)n <= count)
            return fault;
        n -= (int)count;
    }
    return NULL;
}

void fault_merge(json_t *value, const json_t *patch)
{
    const char *key;
    json_t *member;
    size_t i;
    json_object_foreach ((json_t *)patch, key, member) {
        json_t *old = json_object_get(value, key);
        if (g_strcmp0(json_string_value(member), "<none>") == 0)
            json_object_del(value, key);
        else if (old && json_typeof(old) == json_typeof(member) &&
                 (json_is_object(old) || json_is_array(old)))
            fault_merge(old, member);
        else
            json_object_set(value, key, member);
    }
    json_array_foreach ((json_t *)patch, i, member)
        fault_merge(json_array_get(value, i), member);
}

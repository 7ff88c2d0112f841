/* openai_reply: shapes that the fake server does not send, and bodies that are anything at all. */
#include "base/rng.h"
#include "chat/openai_reply.h"
#include "support/support.h"

#include <string.h>

static void test_errors(void)
{
    static const struct {
        int status;
        const char *body;
        int expected;
        enum chat_outcome outcome;
        const char *message, *type, *code, *param;
    } cases[] = {
        {400, "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":\"p\",\"code\":\"c\"}}", 400,
         CHAT_FAILED, "m", "t", "c", "p"},
        {400, "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":400}}", 400,
         CHAT_FAILED, "m", "t", "400", NULL},
        {400, "{\"object\":\"error\",\"message\":\"m\",\"code\":400}", 400, CHAT_FAILED, "m", NULL,
         "400", NULL},
        {429, "[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}}]",
         429, CHAT_FAILED, "m", NULL, "429", NULL},
        {401, "{\"error\":\"Unauthorized\"}", 401, CHAT_FAILED, "Unauthorized", NULL, NULL, NULL},
        {422, "{\"detail\":\"d\"}", 422, CHAT_FAILED, "d", NULL, NULL, NULL},
        {422, "{\"detail\":[{\"loc\":[\"body\",0,\"seed\"],\"msg\":\"m\",\"type\":\"t\"}]}", 422,
         CHAT_FAILED, "seed: m", "t", NULL, "seed"},
        {422, "{\"detail\":[]}", 422, CHAT_FAILED, "an error without a message", NULL, NULL, NULL},
        {500, "{\"message\":\"plain\"}", 500, CHAT_FAILED, "plain", NULL, NULL, NULL},
        {500, "{\"error\":{}}", 500, CHAT_FAILED, "an error without a message", NULL, NULL, NULL},
        {500, "{\"error\":{\"type\":\"t\"}}", 500, CHAT_FAILED, "t", "t", NULL, NULL},
        {500, "{}", 500, CHAT_FAILED, "{}", NULL, NULL, NULL},
        {500, "{\"error\":7}", 500, CHAT_FAILED, "{\"error\":7}", NULL, NULL, NULL},
        {500, "  ", 500, CHAT_FAILED, "empty body", NULL, NULL, NULL},
        {400, "{\"error\":{\"message\":\"m\",\"code\":\"content_filter\"}}", 400, CHAT_REFUSED, "m",
         NULL, "content_filter", NULL},
        {200, "{\"error\":{\"message\":\"m\",\"code\":\"503\"}}", 503, CHAT_FAILED, "m", NULL,
         "503", NULL},
        {200, "{\"error\":{\"message\":\"m\",\"code\":200}}", 502, CHAT_FAILED, "m", NULL, "200",
         NULL},
        {200, "{\"error\":{\"message\":\"m\"},\"choices\":[]}", 502, CHAT_FAILED, "m", NULL, NULL,
         NULL},
        {200, "{\"choices\":null}", 502, CHAT_FAILED, "the reply holds no choices", NULL, NULL,
         NULL},
        {200, "{\"choices\":{}}", 502, CHAT_FAILED, "the reply holds no choices", NULL, NULL, NULL},
        {200, "{\"choices\":[3]}", 502, CHAT_FAILED, "the reply holds no message", NULL, NULL,
         NULL},
        {200, "7", 502, CHAT_FAILED, "the reply is not JSON: 7", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct openai_reply reply;
        openai_reply_init(&reply, cases[i].status, cases[i].body, strlen(cases[i].body), true);
        g_assert_cmpint(reply.status, ==, cases[i].expected);
        g_assert_cmpint(reply.outcome, ==, cases[i].outcome);
        g_assert_cmpstr(reply.message, ==, cases[i].message);
        g_assert_cmpstr(reply.type, ==, cases[i].type);
        g_assert_cmpstr(reply.code, ==, cases[i].code);
        g_assert_cmpstr(reply.param, ==, cases[i].param);
        g_assert_cmpstr(reply.text, ==, "");
        openai_reply_clear(&reply);
    }
}

static void test_answers(void)
{
    static const struct {
        const char *message, *finish;
        enum chat_outcome outcome;
        const char *text, *reasoning;
    } cases[] = {
        {"{\"content\":\"x\"}", "\"stop\"", CHAT_OK, "x", NULL},
        {"{\"content\":\"x\"}", "7", CHAT_OK, "x", NULL},
        {"{\"content\":[\"a\",{\"text\":\"b\"},{\"type\":\"image\"},7]}", "null", CHAT_OK, "ab",
         NULL},
        {"{\"content\":7}", "null", CHAT_OK, "", NULL},
        {"{\"content\":\"x\",\"refusal\":\"\"}", "\"stop\"", CHAT_OK, "x", NULL},
        {"{\"content\":\"x\",\"refusal\":null}", "\"stop\"", CHAT_OK, "x", NULL},
        {"{\"content\":\"x\",\"refusal\":\"no\"}", "\"stop\"", CHAT_REFUSED, "no", NULL},
        {"{\"content\":\"half\"}", "\"content_filter\"", CHAT_REFUSED, "half", NULL},
        {"{\"content\":\"x\",\"reasoning\":\"\"}", "\"stop\"", CHAT_OK, "x", NULL},
        {"{\"content\":\"x\",\"reasoning\":null,\"reasoning_content\":\"r\"}", "\"stop\"", CHAT_OK,
         "x", "r"},
        {"{\"content\":\" <think>a</think> <b>\"}", "\"stop\"", CHAT_OK, "<b>", "a"},
        {"{\"content\":\"<think></think>x\"}", "\"stop\"", CHAT_OK, "x", NULL},
        {"{\"content\":\"<think>cut\"}", "\"length\"", CHAT_TRUNCATED, "", "cut"},
        {"{\"content\":\"<think>a</think>x\",\"reasoning\":\"r\"}", "\"stop\"", CHAT_OK, "x",
         "r\na"},
        {"{\"content\":\"x <think> y\"}", "\"stop\"", CHAT_OK, "x <think> y", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *body = g_strdup_printf(
            "{\"error\":null,\"choices\":[{\"message\":%s,\"finish_reason\":%s}],\"usage\":"
            "{\"prompt_tokens\":-3,\"completion_tokens\":1.5}}",
            cases[i].message, cases[i].finish);
        struct openai_reply reply;
        openai_reply_init(&reply, 200, body, strlen(body), true);
        g_assert_cmpint(reply.outcome, ==, cases[i].outcome);
        g_assert_cmpstr(reply.text, ==, cases[i].text);
        g_assert_cmpstr(reply.reasoning, ==, cases[i].reasoning);
        g_assert_cmpint(reply.usage.prompt_tokens, ==, -1);
        g_assert_cmpint(reply.usage.completion_tokens, ==, -1);
        openai_reply_clear(&reply);
    }
}

static void check_anything(const char *body, size_t n_bytes, int status, bool complete)
{
    struct openai_reply reply;
    openai_reply_init(&reply, status, body, n_bytes, complete);
    g_assert_nonnull(reply.text);
    g_assert_true((reply.outcome == CHAT_FAILED) <= (reply.message != NULL));
    g_assert_true(g_utf8_validate(reply.text, -1, NULL));
    openai_reply_clear(&reply);
}

/* Every prefix of a reply, and thousands of replies with bytes overwritten: whatever it is, it is
 * read or counted as a failure. */
static void test_anything(void)
{
    static const char whole[] =
        "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\","
        "\"message\":"
        "{\"role\":\"assistant\",\"content\":\"<think>a</think>b\",\"refusal\":null}}],\"usage\":{"
        "\"prompt_tokens\":1,\"completion_tokens_details\":{\"reasoning_tokens\":2}},\"error\":"
        "null}";
    static const char bytes[] = "{}[]\",:0\\u<\xff\0 enx";
    for (size_t n = 0; n < sizeof whole; n++) {
        check_anything(whole, n, 200, true);
        check_anything(whole, n, 200, false);
        check_anything(whole, n, 500, true);
    }
    check_anything(NULL, 0, 200, true);
    struct rng rng;
    rng_init(&rng, 1, 0);
    for (int i = 0; i < 20000; i++) {
        char copy[sizeof whole];
        memcpy(copy, whole, sizeof whole);
        for (uint64_t n = 1 + rng_below(&rng, 4); n > 0; n--)
            copy[rng_below(&rng, sizeof whole - 1)] = bytes[rng_below(&rng, sizeof bytes - 1)];
        check_anything(copy, sizeof whole - 1, rng_below(&rng, 4) ? 200 : 400, true);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openai_reply/errors", test_errors);
    g_test_add_func("/openai_reply/answers", test_answers);
    g_test_add_func("/openai_reply/anything", test_anything);
    return g_test_run();
}

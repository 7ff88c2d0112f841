/* script: answers by id, round and attempt; what a script may not hold. */
#include "base/error.h"
#include "chat/script.h"
#include "support/support.h"

#include <string.h>

struct got {
    gboolean done;
    enum chat_outcome outcome;
    char *text, *error;
};

static void on_done(const struct chat_reply *reply, void *user)
{
    struct got *got = user;
    got->done = TRUE;
    got->outcome = reply->outcome;
    got->text = g_strdup(reply->text);
    got->error = g_strdup(reply->error);
    g_assert_cmpint(reply->tries, ==, 0);
    g_assert_cmpint((int)reply->usage.prompt_tokens, ==, -1);
}

static void got_clear(struct got *got)
{
    g_free(got->text);
    g_free(got->error);
}

static const char lines[] =
    "{\"id\":\"a\",\"round\":1,\"text\":\"a1\"}\n"
    "\n"
    "{\"id\":\"a\",\"round\":1,\"text\":\"a1 again\"}\r\n"
    "{\"id\":\"*\",\"round\":1,\"text\":\"any1\"}\n"
    "{\"id\":\"*\",\"round\":2,\"text\":\"cut\",\"outcome\":\"truncated\"}\n"
    "{\"id\":\"*\",\"round\":3,\"text\":\"no\",\"outcome\":\"refused\"}\n"
    "{\"id\":\"*\",\"round\":4,\"text\":\"broken\",\"outcome\":\"failed\"}";

static void test_answers(void)
{
    static const struct {
        const char *id;
        int round, attempt;
        enum chat_outcome outcome;
        const char *text, *error;
    } cases[] = {
        {"a", 1, 0, CHAT_OK, "a1", NULL},
        {"a", 1, 1, CHAT_OK, "a1 again", NULL},
        {"a", 1, 7, CHAT_OK, "a1 again", NULL},
        {"b", 1, 0, CHAT_OK, "any1", NULL},
        {NULL, 1, 0, CHAT_OK, "any1", NULL},
        {"a", 2, 0, CHAT_TRUNCATED, "cut", NULL},
        {"a", 3, 0, CHAT_REFUSED, "no", NULL},
        {"a", 4, 0, CHAT_FAILED, "", "broken"},
        {"b", 5, 0, CHAT_FAILED, "", "no line for id 'b' and round 5 in "},
    };
    g_autofree char *folder = support_folder();
    g_autofree char *path = support_write(folder, "s.jsonl", lines);
    g_autoptr(GError) error = NULL;
    struct chat *chat = script_open(path, &error);
    g_assert_no_error(error);
    g_assert_true(g_str_has_suffix(chat_name(chat), "s.jsonl"));
    g_assert_cmpstr(chat_model(chat), ==, "script:s.jsonl");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct got got = {0};
        const struct chat_request request = {
            .sample_id = cases[i].id, .round = cases[i].round, .attempt = cases[i].attempt};
        chat_send(chat, &request, on_done, &got);
        g_assert_false(got.done);
        support_wait(&got.done);
        g_assert_cmpint(got.outcome, ==, cases[i].outcome);
        g_assert_cmpstr(got.text, ==, cases[i].text);
        if (cases[i].error)
            g_assert_true(g_str_has_prefix(got.error, cases[i].error));
        else
            g_assert_null(got.error);
        got_clear(&got);
    }
    chat_free(chat);
}

static void test_cancel(void)
{
    g_autofree char *folder = support_folder();
    g_autofree char *path = support_write(folder, "s.jsonl", lines);
    struct chat *chat = script_open(path, NULL);
    struct got got = {0};
    const struct chat_request request = {.sample_id = "a", .round = 1};
    struct chat_call *call = chat_send(chat, &request, on_done, &got);
    chat_cancel(chat, call);
    g_assert_false(got.done);
    support_wait(&got.done);
    g_assert_cmpint(got.outcome, ==, CHAT_CANCELLED);
    got_clear(&got);
    chat_free(chat);
}

static void test_refuses(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "holds no line"},
        {"\n \n", "holds no line"},
        {"[1]", "line 1: 'id' is no string"},
        {"{\"id\":1,\"round\":1,\"text\":\"x\"}", "line 1: 'id' is no string"},
        {"{\"id\":\"a\",\"round\":0,\"text\":\"x\"}", "line 1: 'round' is no integer"},
        {"{\"id\":\"a\",\"round\":1.5,\"text\":\"x\"}", "line 1: 'round' is no integer"},
        {"{\"id\":\"a\",\"round\":1}", "line 1: 'text' is no string"},
        {"{\"id\":\"a\",\"round\":1,\"text\":\"x\"}\n{", "line 2: "},
        {"{\"id\":\"a\",\"round\":1,\"text\":\"\xff\"}", "line 1: "},
        {"{\"id\":\"a\",\"round\":1,\"text\":\"x\",\"outcome\":\"cancelled\"}", "'outcome' is not"},
        {"{\"id\":\"a\",\"round\":1,\"text\":\"x\",\"outcome\":1}", "'outcome' is not"},
    };
    g_autofree char *folder = support_folder();
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = support_write(folder, "s.jsonl", cases[i].text);
        g_autoptr(GError) error = NULL;
        g_assert_null(script_open(path, &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
        g_assert_nonnull(strstr(error->message, cases[i].message));
    }
    g_autoptr(GError) error = NULL;
    g_assert_null(script_open("/nonexistent/script", &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_IO);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/script/answers", test_answers);
    g_test_add_func("/script/cancel", test_cancel);
    g_test_add_func("/script/refuses", test_refuses);
    return g_test_run();
}

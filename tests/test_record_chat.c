#define _GNU_SOURCE /* memmem */
/* record_chat, call_record, store_usage, store_foreach_reply: what is sent, what is replayed, what
 * stays. */
#include "support/fake_chat.h"
#include "support/run_fixture.h"
#include "support/support.h"

#include "base/error.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

/* A run of two samples, a fake model and the chat that records it. */
struct fixture {
    char *path;
    struct store *store;
    struct fake_chat *fake;
    struct chat *chat;
};

static void fixture_resume(struct fixture *fixture)
{
    fixture->store = run_fixture_open(fixture->path);
    run_fixture_add(fixture->store, 2);
    fixture->fake = fake_chat_new();
    fixture->chat = store_record_chat(fixture->store, "student", &fixture->fake->chat);
}

static void fixture_init(struct fixture *fixture)
{
    g_autofree char *folder = support_folder();
    fixture->path = g_build_filename(folder, "r.db", NULL);
    fixture_resume(fixture);
}

static void fixture_stop(struct fixture *fixture)
{
    chat_free(fixture->chat);
    store_close(fixture->store);
}

static void fixture_clear(struct fixture *fixture)
{
    fixture_stop(fixture);
    g_free(fixture->path);
}

static const struct chat_message question[] = {{CHAT_SYSTEM, "be brief", false},
                                               {CHAT_USER, "what \xc3\xa9 is it?", true}};

static struct chat_request make_request(const char *id, int round, int attempt)
{
    static struct chat_image image = {(char *)"d1", "image/png", NULL};
    return (struct chat_request){
        .messages = question,
        .n_messages = G_N_ELEMENTS(question),
        .image = &image,
        .sampling = {.temperature = 0, .top_p = NAN, .max_tokens = 512},
        .sample_id = id,
        .round = round,
        .attempt = attempt,
    };
}

/* Asks and returns whether the model was reached. */
static bool is_sent(struct fixture *fixture, const struct chat_request *request)
{
    struct fake_result result;
    int before = fixture->fake->n_sent;
    fake_chat_ask(fixture->chat, request, &result);
    fake_result_clear(&result);
    return fixture->fake->n_sent > before;
}

static void test_replay_is_equal(void)
{
    struct fixture fixture;
    struct fake_result first, again;
    const struct chat_request request = make_request("s1", 1, 0);
    fixture_init(&fixture);
    fixture.fake->reply = (struct chat_reply){
        .outcome = CHAT_TRUNCATED,
        .text = "Answer: caf\xc3\xa9\n\"x\"",
        .reasoning = "hm",
        .finish_reason = "length",
        .model = "fake-7b",
        .fingerprint = "fp",
        .notes = "adapted",
        .http_status = 200,
        .tries = 3,
        .latency_ms = 12.5,
        .usage = {100, 20, -1, 0},
    };
    fake_chat_ask(fixture.chat, &request, &first);
    g_assert_cmpint(fixture.fake->n_sent, ==, 1);
    g_assert_cmpint(first.reply.tries, ==, 3);
    for (int i = 0; i < 2; i++) { /* in the same process, then in the next */
        fake_chat_ask(fixture.chat, &request, &again);
        g_assert_cmpint(fixture.fake->n_sent, ==, i == 0 ? 1 : 0);
        g_assert_cmpint(again.outcome, ==, CHAT_TRUNCATED);
        g_assert_cmpstr(again.text, ==, first.text);
        g_assert_cmpstr(again.reasoning, ==, "hm");
        g_assert_cmpstr(again.finish_reason, ==, "length");
        g_assert_cmpstr(again.model, ==, "fake-7b");
        g_assert_cmpstr(again.fingerprint, ==, "fp");
        g_assert_null(again.error);
        g_assert_cmpstr(again.notes, ==, "adapted");
        g_assert_cmpint(again.reply.http_status, ==, 200);
        g_assert_cmpint(again.reply.tries, ==, 0);
        g_assert_cmpfloat(again.reply.latency_ms, ==, 12.5);
        g_assert_cmpint(again.reply.usage.prompt_tokens, ==, 100);
        g_assert_cmpint(again.reply.usage.completion_tokens, ==, 20);
        g_assert_cmpint(again.reply.usage.reasoning_tokens, ==, -1);
        g_assert_cmpint(again.reply.usage.cached_tokens, ==, 0);
        fake_result_clear(&again);
        fixture_stop(&fixture);
        fixture_resume(&fixture);
    }
    fake_result_clear(&first);
    fixture_clear(&fixture);
}

/* Each differs from the first request in one thing, so none may be answered from it. */
static void test_other_request(void)
{
    static const struct chat_message other_text[] = {{CHAT_SYSTEM, "be brief", false},
                                                     {CHAT_USER, "what \xc3\xa9 is it", true}};
    static const struct chat_message other_role[] = {{CHAT_USER, "be brief", false},
                                                     {CHAT_USER, "what \xc3\xa9 is it?", true}};
    static const struct chat_message other_place[] = {{CHAT_SYSTEM, "be brief", true},
                                                      {CHAT_USER, "what \xc3\xa9 is it?", false}};
    static struct chat_image other_image = {(char *)"d2", "image/png", NULL};
    struct chat_request cases[12];
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        cases[i] = make_request("s1", 1, 0);
    cases[0].sample_id = "s2";
    cases[1].round = 2;
    cases[2].attempt = 1;
    cases[3].messages = other_text;
    cases[4].messages = other_role;
    cases[5].messages = other_place;
    cases[6].n_messages = 1;
    cases[7].image = &other_image;
    cases[8].sampling.temperature = NAN;
    cases[9].sampling.top_p = 1;
    cases[10].sampling.max_tokens = 511;
    cases[11].sampling.has_seed = true;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct chat_request request = make_request("s1", 1, 0);
        struct fixture fixture;
        fixture_init(&fixture);
        g_assert_true(is_sent(&fixture, &request));
        g_assert_false(is_sent(&fixture, &request));
        g_assert_true(is_sent(&fixture, &cases[i]));
        g_assert_false(is_sent(&fixture, &cases[i]));
        /* The same key with another request replaced it; another key left it alone. */
        g_assert_cmpint(is_sent(&fixture, &request), ==, i > 2);
        fixture_clear(&fixture);
    }
}

static void test_other_model_and_role(void)
{
    const struct chat_request request = make_request("s1", 1, 0);
    struct fixture fixture;
    fixture_init(&fixture);
    g_assert_true(is_sent(&fixture, &request));
    fixture.fake->name = "http://elsewhere/v1#fake";
    g_assert_false(is_sent(&fixture, &request));
    fixture.fake->model = "other";
    g_assert_true(is_sent(&fixture, &request));
    g_assert_cmpstr(chat_name(fixture.chat), ==, "http://elsewhere/v1#fake");
    g_assert_cmpstr(chat_model(fixture.chat), ==, "other");

    struct fake_chat *teacher_fake = fake_chat_new();
    struct chat *teacher = store_record_chat(fixture.store, "teacher", &teacher_fake->chat);
    struct fake_result result;
    fake_chat_ask(teacher, &request, &result);
    fake_result_clear(&result);
    g_assert_cmpint(teacher_fake->n_sent, ==, 1);
    chat_free(teacher);
    fixture_clear(&fixture);
}

static void test_outcomes(void)
{
    static const struct {
        enum chat_outcome outcome;
        bool is_sent_again;
        int n_requests, n_failed;
    } cases[] = {
        {CHAT_OK, false, 1, 0},    {CHAT_TRUNCATED, false, 1, 0}, {CHAT_REFUSED, false, 1, 0},
        {CHAT_FAILED, true, 2, 2}, {CHAT_CANCELLED, true, 0, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct chat_request request = make_request("s1", 1, 0);
        struct fixture fixture;
        struct store_usage usage;
        fixture_init(&fixture);
        fixture.fake->reply.outcome = cases[i].outcome;
        g_assert_true(is_sent(&fixture, &request));
        g_assert_cmpint(is_sent(&fixture, &request), ==, cases[i].is_sent_again);
        g_assert_true(store_usage(fixture.store, &usage, NULL));
        g_assert_cmpint(usage.n_requests, ==, cases[i].n_requests);
        g_assert_cmpint(usage.n_failed, ==, cases[i].n_failed);
        fixture_clear(&fixture);
    }
}

static bool collect(size_t number, const char *sample_id, int round, int attempt,
                    enum chat_outcome outcome, const char *text, void *user)
{
    g_string_append_printf(user, "%zu:%s:%d:%d:%s:%s\n", number, sample_id, round, attempt,
                           chat_outcome_name(outcome), text);
    return round < 3;
}

static void test_usage_and_foreach(void)
{
    struct fixture fixture;
    struct store_usage usage;
    struct chat_request request = make_request("s2", 2, 0);
    fixture_init(&fixture);
    struct chat_reply *reply = &fixture.fake->reply;

    *reply =
        (struct chat_reply){.outcome = CHAT_FAILED, .text = "", .error = "HTTP 500", .tries = 8};
    is_sent(&fixture, &request);
    *reply = (struct chat_reply){.tries = 2, .usage = {10, 5, 0, 0}};
    is_sent(&fixture, &request);
    request = make_request("s1", 2, 1);
    *reply = (struct chat_reply){
        .outcome = CHAT_REFUSED, .text = "no", .tries = 1, .usage = {7, -1, -1, -1}};
    is_sent(&fixture, &request);
    request = make_request("s1", 2, 0);
    *reply = (struct chat_reply){.outcome = CHAT_TRUNCATED, .tries = 1, .usage = {3, 4, 0, 0}};
    is_sent(&fixture, &request);
    request = make_request("s1", 1, 0);
    *reply = (struct chat_reply){
        .outcome = CHAT_FAILED, .text = "", .tries = 1, .usage = {-1, -1, -1, -1}};
    is_sent(&fixture, &request);
    is_sent(&fixture, &request);

    g_assert_true(store_usage(fixture.store, &usage, NULL));
    g_assert_cmpint(usage.n_requests, ==, 6);
    g_assert_cmpint(usage.n_failed, ==, 3);
    g_assert_cmpint(usage.n_refused, ==, 1);
    g_assert_cmpint(usage.n_truncated, ==, 1);
    g_assert_cmpint(usage.n_retries, ==, 8);
    g_assert_cmpint(usage.prompt_tokens, ==, 20);
    g_assert_cmpint(usage.completion_tokens, ==, 9);
    g_assert_cmpint(usage.n_without_usage, ==, 1);

    g_autoptr(GString) seen = g_string_new(NULL);
    g_assert_true(store_foreach_reply(fixture.store, "student", collect, seen, NULL));
    g_assert_cmpstr(seen->str, ==,
                    "1:s1:1:0:failed:\n1:s1:2:0:truncated:s1/2/0\n1:s1:2:1:refused:no\n"
                    "2:s2:2:0:ok:s2/2/0\n");
    g_string_truncate(seen, 0);
    g_assert_true(store_foreach_reply(fixture.store, "teacher", collect, seen, NULL));
    g_assert_cmpstr(seen->str, ==, "");

    request = make_request("s1", 3, 0); /* `collect` stops there */
    *reply = (struct chat_reply){.text = "3", .tries = 1};
    is_sent(&fixture, &request);
    g_assert_true(store_foreach_reply(fixture.store, "student", collect, seen, NULL));
    g_assert_true(g_str_has_suffix(seen->str, "1:s1:3:0:ok:3\n"));
    fixture_clear(&fixture);
}

/* A cancelled call comes back as such, from the model and from the run. */
static void test_cancel(void)
{
    struct fixture fixture;
    const struct chat_request request = make_request("s1", 1, 0);
    fixture_init(&fixture);
    for (int i = 0; i < 2; i++) {
        struct fake_result result = {0};
        struct chat_call *call = chat_send(fixture.chat, &request, fake_result_take, &result);
        chat_cancel(fixture.chat, call);
        g_assert_false(result.is_done);
        support_wait(&result.is_done);
        g_assert_cmpint(result.outcome, ==, CHAT_CANCELLED);
        g_assert_cmpint(fixture.fake->n_cancelled, ==, 1);
        fake_result_clear(&result);
        if (i == 0) {
            g_assert_true(is_sent(&fixture, &request));
            g_assert_false(is_sent(&fixture, &request));
        }
    }
    fixture_clear(&fixture);
}

/* Replays need no order and no turn of the model's: many at once. */
static void test_many_in_flight(void)
{
    struct fixture fixture;
    enum { N = 200 };
    struct fake_result results[N] = {0};
    fixture_init(&fixture);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < N; i++) {
            const struct chat_request request = make_request(i % 2 ? "s1" : "s2", i + 1, 0);
            chat_send(fixture.chat, &request, fake_result_take, &results[i]);
        }
        for (int i = 0; i < N; i++) {
            support_wait(&results[i].is_done);
            g_autofree char *text = g_strdup_printf("%s/%d/0", i % 2 ? "s1" : "s2", i + 1);
            g_assert_cmpstr(results[i].text, ==, text);
            g_assert_cmpint(results[i].reply.tries, ==, pass == 0 ? 1 : 0);
            fake_result_clear(&results[i]);
        }
        g_assert_cmpint(fixture.fake->n_sent, ==, N);
    }
    fixture_clear(&fixture);
}

static void expect_failure(struct fixture *fixture, const struct chat_request *request,
                           const char *cause)
{
    struct fake_result result;
    int before = fixture->fake->n_sent;
    fake_chat_ask(fixture->chat, request, &result);
    g_assert_cmpint(result.outcome, ==, CHAT_FAILED);
    g_assert_nonnull(strstr(result.error, cause));
    g_assert_cmpint(fixture->fake->n_sent, ==, before);
    fake_result_clear(&result);
}

/* What cannot be recorded is not sent; the store stays in use. */
static void test_cannot_record(void)
{
    static const struct chat_message broken[] = {{CHAT_USER, "\xff", false}};
    struct fixture fixture;
    struct chat_request request = make_request("nobody", 1, 0);
    fixture_init(&fixture);
    expect_failure(&fixture, &request, "has no sample 'nobody'");
    request = make_request("s1", 1, 0);
    request.messages = broken;
    request.n_messages = 1;
    expect_failure(&fixture, &request, "not UTF-8");
    request = make_request("s1", 1, 0);
    g_assert_true(is_sent(&fixture, &request));
    fixture_clear(&fixture);
}

/* The store breaks while a call is in flight: its reply cannot be kept, so it does not count, also
 * where that very write would work; nothing more is sent. */
static void test_broken_in_flight(void)
{
    struct fixture fixture;
    struct fake_result result = {0};
    struct chat_request request = make_request("s1", 1, 0);
    g_autoptr(GError) error = NULL;
    sqlite3 *db;
    fixture_init(&fixture);
    chat_send(fixture.chat, &request, fake_result_take, &result);
    g_assert_cmpint(sqlite3_open(fixture.path, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, "DROP TABLE turns", NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(db);
    struct turn turn = run_fixture_turn("r", "f", 1);
    g_assert_false(store_put_turn(fixture.store, "s1", 0, &turn, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
    turn_clear(&turn);
    support_wait(&result.is_done);
    g_assert_cmpint(result.outcome, ==, CHAT_FAILED);
    g_assert_cmpstr(result.error, ==, error->message);
    fake_result_clear(&result);
    request = make_request("s1", 2, 0);
    expect_failure(&fixture, &request, "no such table: turns");
    fixture_clear(&fixture);
}

/* Laws 5 and 8: the picture's bytes, keys in URLs are nowhere in the file; its digest and the whole
 * request are. */
static void test_what_is_stored(void)
{
    struct fixture fixture;
    const struct chat_request request = make_request("s1", 1, 0);
    fixture_init(&fixture);
    fixture.fake->name = "http://me:sk-secret@host/v1#fake";
    g_assert_true(is_sent(&fixture, &request));
    fixture_stop(&fixture);
    g_autofree char *bytes = NULL;
    gsize n_bytes;
    g_assert_true(g_file_get_contents(fixture.path, &bytes, &n_bytes, NULL));
    static const char expected[] =
        "{\"image\":\"d1\",\"messages\":[{\"role\":\"system\",\"text\":\"be brief\"},"
        "{\"image\":true,\"role\":\"user\",\"text\":\"what \xc3\xa9 is it?\"}],\"model\":\"fake\","
        "\"sampling\":{\"max_tokens\":512,\"temperature\":0.0}}";
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, expected, -1);
    g_assert_nonnull(memmem(bytes, n_bytes, expected, strlen(expected)));
    g_assert_nonnull(memmem(bytes, n_bytes, hash, strlen(hash)));
    g_assert_nonnull(memmem(bytes, n_bytes, "http://host/v1#fake", 19));
    g_assert_null(memmem(bytes, n_bytes, "sk-secret", 9));
    g_free(fixture.path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record_chat/replay_is_equal", test_replay_is_equal);
    g_test_add_func("/record_chat/other_request", test_other_request);
    g_test_add_func("/record_chat/other_model_and_role", test_other_model_and_role);
    g_test_add_func("/record_chat/outcomes", test_outcomes);
    g_test_add_func("/record_chat/usage_and_foreach", test_usage_and_foreach);
    g_test_add_func("/record_chat/cancel", test_cancel);
    g_test_add_func("/record_chat/many_in_flight", test_many_in_flight);
    g_test_add_func("/record_chat/cannot_record", test_cannot_record);
    g_test_add_func("/record_chat/broken_in_flight", test_broken_in_flight);
    g_test_add_func("/record_chat/what_is_stored", test_what_is_stored);
    return g_test_run();
}

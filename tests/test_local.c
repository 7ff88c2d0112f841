/* chat/local: requests of several chats over one engine. */
#include "base/error.h"
#include "base/json.h"
#include "chat/local.h"
#include "chat/local_sampling.h"
#include "image/image.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

/* A reply that came, or not yet. */
struct answer {
    gboolean done;
    int n_calls;
    enum chat_outcome outcome;
    char *text, *error;
    struct chat_usage usage;
    GThread *thread;
};

static void on_answer(const struct chat_reply *reply, void *user)
{
    struct answer *answer = user;
    answer->done = TRUE;
    answer->n_calls++;
    answer->outcome = reply->outcome;
    answer->text = g_strdup(reply->text);
    answer->error = g_strdup(reply->error);
    answer->usage = reply->usage;
    answer->thread = g_thread_self();
}

static void answer_clear(struct answer *answer)
{
    g_free(answer->text);
    g_free(answer->error);
    *answer = (struct answer){0};
}

static struct chat_image *load_image(const char *name)
{
    g_autofree char *relative = g_strconcat("reference/engine/images/", name, NULL);
    g_autofree char *path = support_shared(relative);
    struct chat_image *image = g_new0(struct chat_image, 1);
    image->bytes = image_read_file(path, NULL);
    image->digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, image->bytes);
    image->mime = "image/png";
    return image;
}

static void image_free(struct chat_image *image)
{
    g_bytes_unref(image->bytes);
    g_free(image->digest);
    g_free(image);
}

struct fixture {
    struct local_host *host;
    struct chat *base, *adapted, *judge;
    struct chat_image *image;
    int n_encoded; /* tiles' first hidden states that were seen */
};

static void count(const char *name, const float *x G_GNUC_UNUSED, int n_rows G_GNUC_UNUSED,
                  int width G_GNUC_UNUSED, void *user)
{
    if (strcmp(name, "vision_hidden_0") == 0)
        ((struct fixture *)user)->n_encoded++;
}

static bool fixture_open(struct fixture *fixture)
{
    g_autofree char *folder = support_shared("reference/engine/models/a-f32");
    if (!folder)
        return false;
    g_autofree char *adapter = support_shared("reference/engine/train/init_b_random");
    g_autoptr(GError) error = NULL;
    const struct local_options options = {.engine = ENGINE_OPTIONS_INIT};
    const struct local_chat_options plain = {0}, form = {.score_form = true};
    *fixture = (struct fixture){0};
    fixture->host = local_host_open(folder, &options, &error);
    g_assert_no_error(error);
    fixture->base = local_chat_new(fixture->host, NULL, &plain, &error);
    g_assert_no_error(error);
    fixture->adapted = local_chat_new(fixture->host, adapter, &plain, &error);
    g_assert_no_error(error);
    fixture->judge = local_chat_new(fixture->host, adapter, &form, &error);
    g_assert_no_error(error);
    local_host_engine(fixture->host)->watch = count;
    local_host_engine(fixture->host)->watch_user = fixture;
    local_host_unref(fixture->host); /* the chats hold it */
    fixture->image = load_image("wide.png");
    return true;
}

static void fixture_close(struct fixture *fixture)
{
    chat_free(fixture->base);
    chat_free(fixture->adapted);
    chat_free(fixture->judge);
    image_free(fixture->image);
}

static struct chat_call *ask(struct chat *chat, const char *question,
                             const struct chat_image *image, int max_tokens, double temperature,
                             struct answer *answer)
{
    const struct chat_message messages[] = {{CHAT_USER, question, image != NULL}};
    const struct chat_request request = {
        .messages = messages,
        .n_messages = 1,
        .image = image,
        .sampling = {.temperature = temperature, .top_p = NAN, .max_tokens = max_tokens},
        .sample_id = question,
        .round = 1};
    return chat_send(chat, &request, on_answer, answer);
}

static void test_answers(void)
{
    struct fixture fixture;
    if (!fixture_open(&fixture))
        return;
    struct answer alone[2] = {{0}}, together[8] = {{0}};
    struct chat *const chats[] = {fixture.base, fixture.adapted};
    for (size_t i = 0; i < 2; i++) {
        ask(chats[i], "What is shown?", fixture.image, 12, 0, &alone[i]);
        g_assert_false(alone[i].done); /* never from inside chat_send */
        support_wait(&alone[i].done);
        g_assert_true(alone[i].outcome == CHAT_OK || alone[i].outcome == CHAT_TRUNCATED);
        g_assert_true(alone[i].thread == g_thread_self());
        g_assert_cmpint(alone[i].usage.prompt_tokens, >, 60);
        g_assert_cmpint(alone[i].usage.completion_tokens, <=, 12);
        g_assert_true(g_utf8_validate(alone[i].text, -1, NULL));
    }
    g_assert_cmpstr(alone[0].text, !=, alone[1].text);
    g_assert_cmpint(fixture.n_encoded, ==, 1); /* once for both */
    for (size_t i = 0; i < 8; i++)
        ask(chats[i % 2], "What is shown?", fixture.image, 12, 0, &together[i]);
    for (size_t i = 0; i < 8; i++) {
        support_wait(&together[i].done);
        g_assert_cmpstr(together[i].text, ==, alone[i % 2].text);
        g_assert_cmpint(together[i].usage.cached_tokens, ==, alone[i % 2].usage.prompt_tokens - 1);
        g_assert_cmpint(together[i].n_calls, ==, 1);
        answer_clear(&together[i]);
    }
    g_assert_cmpint(fixture.n_encoded, ==, 1);
    for (size_t i = 0; i < 2; i++)
        answer_clear(&alone[i]);
    g_assert_cmpstr(chat_model(fixture.base), !=, chat_model(fixture.adapted));
    fixture_close(&fixture);
}

/* The next turn of a dialogue computes what is new. */
static void test_next_turn(void)
{
    struct fixture fixture;
    if (!fixture_open(&fixture))
        return;
    struct answer first = {0}, second = {0};
    ask(fixture.base, "What is shown?", fixture.image, 12, 0, &first);
    support_wait(&first.done);
    const struct chat_message messages[] = {{CHAT_USER, "What is shown?", true},
                                            {CHAT_ASSISTANT, first.text, false},
                                            {CHAT_USER, "Look again.", false}};
    const struct chat_request request = {
        .messages = messages,
        .n_messages = 3,
        .image = fixture.image,
        .sampling = {.temperature = 0, .top_p = NAN, .max_tokens = 4},
        .round = 2};
    chat_send(fixture.base, &request, on_answer, &second);
    support_wait(&second.done);
    g_assert_cmpint(second.usage.cached_tokens, >=, first.usage.prompt_tokens);
    g_assert_cmpint(second.usage.prompt_tokens, >, first.usage.prompt_tokens + 12);
    g_assert_cmpint(fixture.n_encoded, ==, 1);
    answer_clear(&first);
    answer_clear(&second);
    fixture_close(&fixture);
}

/* Random answers depend on seed and sample, not on company or order. */
static void test_random(void)
{
    static const char *const questions[] = {"One?", "Two?", "Three?"};
    struct fixture fixture;
    if (!fixture_open(&fixture))
        return;
    struct answer first[3] = {{0}}, again[3] = {{0}};
    for (size_t i = 0; i < 3; i++) {
        ask(fixture.base, questions[i], NULL, 16, 1, &first[i]);
        support_wait(&first[i].done);
    }
    for (size_t i = 3; i-- > 0;)
        ask(fixture.base, questions[i], NULL, 16, 1, &again[i]);
    for (size_t i = 0; i < 3; i++) {
        support_wait(&again[i].done);
        g_assert_cmpstr(again[i].text, ==, first[i].text);
    }
    g_assert_cmpstr(first[0].text, !=, first[1].text);
    for (size_t i = 0; i < 3; i++) {
        answer_clear(&first[i]);
        answer_clear(&again[i]);
    }
    fixture_close(&fixture);
}

static void test_cancel(void)
{
    struct fixture fixture;
    if (!fixture_open(&fixture))
        return;
    struct answer cancelled[3] = {{0}}, kept = {0};
    struct chat_call *calls[3];
    for (size_t i = 0; i < 3; i++)
        calls[i] = ask(fixture.base, "Tell me everything.", NULL, 4000, 1, &cancelled[i]);
    ask(fixture.adapted, "Tell me everything.", NULL, 4, 0, &kept);
    chat_cancel(fixture.base, calls[0]); /* at once */
    support_wait(&cancelled[0].done);
    support_wait(&kept.done);
    for (size_t i = 1; i < 3; i++)
        if (!cancelled[i].done) {
            chat_cancel(fixture.base, calls[i]); /* while it answers */
            g_assert_cmpint(cancelled[i].n_calls, ==, 0);
        }
    for (size_t i = 0; i < 3; i++)
        support_wait(&cancelled[i].done);
    g_assert_cmpint(cancelled[0].outcome, ==, CHAT_CANCELLED);
    g_assert_cmpstr(cancelled[0].text, ==, "");
    for (size_t i = 0; i < 3; i++) {
        g_assert_cmpint(cancelled[i].n_calls, ==, 1);
        answer_clear(&cancelled[i]);
    }
    g_assert_true(kept.outcome == CHAT_OK || kept.outcome == CHAT_TRUNCATED);
    answer_clear(&kept);
    fixture_close(&fixture);
}

/* What cannot be asked fails alone. */
static void test_failures(void)
{
    struct fixture fixture;
    if (!fixture_open(&fixture))
        return;
    struct answer broken = {0}, long_one = {0}, good = {0};
    struct chat_image bad = {.digest = (char *)"bad",
                             .mime = "image/png",
                             .bytes = g_bytes_new_static("not a picture", 13)};
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 20000; i++)
        g_string_append(text, "word ");
    ask(fixture.base, "What?", &bad, 4, 0, &broken);
    ask(fixture.base, text->str, NULL, 4, 0, &long_one);
    ask(fixture.base, "<image> What <image>?", fixture.image, 4, 0, &good);
    support_wait(&broken.done);
    support_wait(&long_one.done);
    support_wait(&good.done);
    g_assert_cmpint(broken.outcome, ==, CHAT_FAILED);
    g_assert_nonnull(broken.error);
    g_assert_cmpint(long_one.outcome, ==, CHAT_FAILED);
    g_assert_nonnull(strstr(long_one.error, "positions"));
    g_assert_true(good.outcome == CHAT_OK || good.outcome == CHAT_TRUNCATED);
    g_bytes_unref(bad.bytes);
    answer_clear(&broken);
    answer_clear(&long_one);
    answer_clear(&good);
    fixture_close(&fixture);
}

/* Even a babbling teacher gives a score. */
static void test_score_form(void)
{
    struct fixture fixture;
    if (!fixture_open(&fixture))
        return;
    for (int i = 0; i < 6; i++) {
        g_autofree char *question = g_strdup_printf("Judge %d.", i);
        struct answer answer = {0};
        ask(fixture.judge, question, NULL, 60, i > 0 ? 1 : 0, &answer);
        support_wait(&answer.done);
        g_test_message("%s", answer.text);
        g_assert_true(
            g_regex_match_simple("^ ?Score: (10|[0-9])\\.?\nFeedback:", answer.text, 0, 0));
        answer_clear(&answer);
    }
    g_assert_cmpstr(chat_model(fixture.judge), !=, chat_model(fixture.adapted));
    fixture_close(&fixture);
}

static void test_extra_body(void)
{
    static const struct {
        const char *json;
        bool ok;
    } cases[] = {
        {"{\"top_k\":5,\"min_p\":0.1,\"repetition_penalty\":1.2,\"stop\":[\"a\",\"b\"]}", true},
        {"{\"top_k\":-1,\"stop\":\"a\"}", true},
        {"{}", true},
        {"{\"top_k\":1.5}", false},
        {"{\"top_k\":\"5\"}", false},
        {"{\"min_p\":2}", false},
        {"{\"repetition_penalty\":0}", false},
        {"{\"stop\":[1]}", false},
        {"{\"stop\":\"\"}", false},
        {"{\"best_of\":2}", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(json_t) object = json_parse(cases[i].json, strlen(cases[i].json), NULL);
        g_autoptr(GError) error = NULL;
        struct local_sampling sampling;
        g_assert_true(local_sampling_init(&sampling, object, &error) == cases[i].ok);
        if (!cases[i].ok)
            g_assert_error(error, FIRE_ERROR, FIRE_ERROR_USAGE);
        local_sampling_clear(&sampling);
    }
}

/* A stop string ends the answer before itself; a penalty changes it. */
static void test_stop(void)
{
    struct fixture fixture;
    if (!fixture_open(&fixture))
        return;
    struct answer free_answer = {0}, stopped = {0}, penalised = {0};
    ask(fixture.base, "What is shown?", NULL, 24, 0, &free_answer);
    support_wait(&free_answer.done);
    const char *middle = free_answer.text;
    for (int i = 0; i < 4; i++)
        middle = g_utf8_next_char(middle);
    g_autofree char *stop = g_utf8_substring(middle, 0, 2);
    g_autofree char *before =
        g_strndup(free_answer.text, (gsize)(strstr(free_answer.text, stop) - free_answer.text));
    g_autoptr(json_t) stop_body = json_pack("{s:[s]}", "stop", stop);
    g_autoptr(json_t) penalty_body = json_pack("{s:f}", "repetition_penalty", 0.01);
    fixture_close(&fixture);
    g_autofree char *folder = support_shared("reference/engine/models/a-f32");
    const struct local_options options = {.engine = ENGINE_OPTIONS_INIT};
    const struct local_chat_options with_stop = {.extra_body = stop_body},
                                    with_penalty = {.extra_body = penalty_body};
    struct local_host *host = local_host_open(folder, &options, NULL);
    struct chat *stopping = local_chat_new(host, NULL, &with_stop, NULL);
    struct chat *penalising = local_chat_new(host, NULL, &with_penalty, NULL);
    local_host_unref(host);
    ask(stopping, "What is shown?", NULL, 24, 0, &stopped);
    ask(penalising, "What is shown?", NULL, 24, 0, &penalised);
    support_wait(&stopped.done);
    support_wait(&penalised.done);
    g_assert_cmpint(stopped.outcome, ==, CHAT_OK);
    g_assert_cmpstr(stopped.text, ==, before);
    g_assert_cmpstr(penalised.text, !=, free_answer.text);
    answer_clear(&free_answer);
    answer_clear(&stopped);
    answer_clear(&penalised);
    chat_free(stopping);
    chat_free(penalising);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/local/answers", test_answers);
    g_test_add_func("/local/next_turn", test_next_turn);
    g_test_add_func("/local/random", test_random);
    g_test_add_func("/local/cancel", test_cancel);
    g_test_add_func("/local/failures", test_failures);
    g_test_add_func("/local/score_form", test_score_form);
    g_test_add_func("/local/extra_body", test_extra_body);
    g_test_add_func("/local/stop", test_stop);
    return g_test_run();
}

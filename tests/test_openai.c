/* openai: each way in which a server misbehaves has the outcome it must have. The server is
 * tests/tools/fake_server.c, a process of its own; its log says what was really sent. */
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "chat/openai.h"
#include "support/fake.h"
#include "support/support.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static const char key[] = "sk-test-0123456789abcdef-secret";

struct got {
    gboolean done;
    enum chat_outcome outcome;
    char *text, *reasoning, *finish_reason, *model, *fingerprint, *error, *notes;
    int status, tries;
    double latency_ms;
    struct chat_usage usage;
    gboolean *all_done; /* set when *n_left gets 0 */
    int *n_left;
};

static void on_done(const struct chat_reply *reply, void *user)
{
    struct got *got = user;
    g_assert_false(got->done);
    got->done = TRUE;
    got->outcome = reply->outcome;
    got->text = g_strdup(reply->text);
    got->reasoning = g_strdup(reply->reasoning);
    got->finish_reason = g_strdup(reply->finish_reason);
    got->model = g_strdup(reply->model);
    got->fingerprint = g_strdup(reply->fingerprint);
    got->error = g_strdup(reply->error);
    got->notes = g_strdup(reply->notes);
    got->status = reply->http_status;
    got->tries = reply->tries;
    got->latency_ms = reply->latency_ms;
    got->usage = reply->usage;
    if (got->n_left && --*got->n_left == 0)
        *got->all_done = TRUE;
}

static void got_clear(struct got *got)
{
    g_free(got->text);
    g_free(got->reasoning);
    g_free(got->finish_reason);
    g_free(got->model);
    g_free(got->fingerprint);
    g_free(got->error);
    g_free(got->notes);
    *got = (struct got){0};
}

static struct chat *chat_to(const struct fake *fake, const char *model)
{
    struct openai_options options = OPENAI_OPTIONS_INIT;
    options.url = fake_url(fake);
    options.model = model;
    options.key = key;
    options.backoff_s = 0.001;
    g_autoptr(GError) error = NULL;
    struct chat *chat = openai_new(&options, &error);
    g_assert_no_error(error);
    return chat;
}

static struct chat_call *send_text(struct chat *chat, const char *text, struct got *got)
{
    const struct chat_message messages[] = {{CHAT_SYSTEM, "be brief", false},
                                            {CHAT_USER, text, false}};
    const struct chat_request request = {
        .messages = messages,
        .n_messages = G_N_ELEMENTS(messages),
        .sampling =
            {.temperature = 0, .top_p = 0.5, .max_tokens = 512, .seed = 7, .has_seed = true},
        .sample_id = "s1",
        .round = 1,
    };
    return chat_send(chat, &request, on_done, got);
}

static int count_requests(const struct fake *fake, const char *model)
{
    g_autoptr(json_t) lines = fake_log(fake, model);
    return (int)json_array_size(lines);
}

/* Lets what is on its way arrive; no test depends on it. */
static void iterate_for_a_while(void)
{
    for (int i = 0; i < 50; i++) {
        g_usleep(1000);
        g_main_context_iteration(NULL, FALSE);
    }
}

/* -- the table of faults ----------------------------------------------------------------------- */

#define ANSWER "Answer: guess 1 of "
#define SLOW 1000 /* a wait of the client's own that no test sits through: the server's is used */

struct fault_case {
    const char *spec;
    enum chat_outcome outcome;
    const char *says; /* in the text, or for CHAT_FAILED in the error */
    int tries, requests;
    int status;
    const char *notes;     /* the whole of it; NULL: none */
    const char *reasoning; /* likewise */
    double backoff_s;      /* 0: 0.001 */
    double timeout_s;      /* 0: 60 */
    int retries;           /* 0: 7; -1: none */
    double min_latency_ms; /* what a Retry-After asks for */
};

static const struct fault_case fault_cases[] = {
    {.spec = "429*2", CHAT_OK, ANSWER, 3, 3, 200},
    {.spec = "429-seconds*1",
     CHAT_OK,
     ANSWER,
     2,
     2,
     200,
     .backoff_s = SLOW,
     .min_latency_ms = 1000},
    {.spec = "429-float*1", CHAT_OK, ANSWER, 2, 2, 200, .backoff_s = SLOW, .min_latency_ms = 50},
    {.spec = "429-date*1", CHAT_OK, ANSWER, 2, 2, 200, .backoff_s = SLOW, .min_latency_ms = 1000},
    {.spec = "429-ms*2", CHAT_OK, ANSWER, 3, 3, 200, .backoff_s = SLOW, .min_latency_ms = 61},
    {.spec = "429-hint*1", CHAT_OK, ANSWER, 2, 2, 200, .backoff_s = SLOW, .min_latency_ms = 40},
    {.spec = "429-nonsense*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "429-long", CHAT_FAILED, "the server asks to wait 3600 s", 1, 1, 429},
    {.spec = "429-quota", CHAT_FAILED, "the quota is exhausted", 1, 1, 429},
    {.spec = "429-quota-if-top-p", CHAT_FAILED, "the quota is exhausted", 1, 1, 429},
    {.spec = "500-if-top-p*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "429-daily", CHAT_FAILED, "the quota is exhausted", 1, 1, 429},
    {.spec = "402", CHAT_FAILED, "Insufficient Balance", 1, 1, 402},
    {.spec = "408*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "409*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "500*1,502-html*1,503-loading*3", CHAT_OK, ANSWER, 6, 6, 200},
    {.spec = "529-empty*7", CHAT_OK, ANSWER, 8, 8, 200},
    {.spec = "500", CHAT_FAILED, "gave up after 8 tries: HTTP 500: boom", 8, 8, 500},
    {.spec = "502-html", CHAT_FAILED, "HTTP 502: a page: 502 Bad Gateway", 2, 2, 502, .retries = 1},
    {.spec = "529-empty", CHAT_FAILED, "HTTP 529: empty body", 1, 1, 529, .retries = -1},
    {.spec = "500-final", CHAT_FAILED, "HTTP 500: boom", 1, 1, 500},
    {.spec = "400-retry*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "400", CHAT_FAILED, "HTTP 400: bad request", 1, 1, 400},
    {.spec = "400-old-vllm", CHAT_FAILED, "HTTP 400: old shape", 1, 1, 400},
    {.spec = "400-context", CHAT_FAILED, "exceeds the available context size", 1, 1, 400},
    {.spec = "400-budget", CHAT_FAILED, "is too large: 512", 1, 1, 400},
    {.spec = "400-control",
     CHAT_FAILED,
     "HTTP 400: a[31m fire: forged\xef\xbf\xbd line",
     1,
     1,
     400},
    {.spec = "400-echo-key",
     CHAT_FAILED,
     "HTTP 400: key [key] of Bearer [key] is wrong",
     1,
     1,
     400},
    {.spec = "500-echo-key*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "402-echo-key", CHAT_FAILED, "HTTP 402: [key] has no money", 1, 1, 402},
    {.spec = "401", CHAT_FAILED, "HTTP 401: Unauthorized", 1, 1, 401},
    {.spec = "403", CHAT_FAILED, "HTTP 403: no", 1, 1, 403},
    {.spec = "404", CHAT_FAILED, "HTTP 404: The model does not exist.", 1, 1, 404},
    {.spec = "413-html", CHAT_FAILED, "HTTP 413: a page: Request Too Large", 1, 1, 413},
    {.spec = "422-detail", CHAT_FAILED, "HTTP 422: messages: field required", 1, 1, 422},
    {.spec = "400-filter", CHAT_REFUSED, "", 1, 1, 400},
    {.spec = "no-max-tokens",
     CHAT_OK,
     ANSWER,
     1,
     2,
     200,
     "max_tokens sent as max_completion_tokens"},
    {.spec = "no-budget",
     CHAT_FAILED,
     "Unsupported parameter: 'max_tokens'",
     1,
     2,
     400,
     "max_tokens sent as max_completion_tokens"},
    {.spec = "no-temperature", CHAT_OK, ANSWER, 1, 2, 200, "temperature not sent"},
    {.spec = "no-seed", CHAT_OK, ANSWER, 1, 2, 200, "seed not sent"},
    {.spec = "no-top-p", CHAT_OK, ANSWER, 1, 2, 200, "top_p not sent"},
    {.spec = "no-max-tokens,no-temperature,500*1",
     CHAT_OK,
     ANSWER,
     2,
     4,
     200,
     "max_tokens sent as max_completion_tokens, temperature not sent"},
    {.spec = "200-error*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "200-error",
     CHAT_FAILED,
     "HTTP 200 that counts as 502: upstream died",
     2,
     2,
     502,
     .retries = 1},
    {.spec = "200-error-429*1", CHAT_OK, ANSWER, 2, 2, 200, .backoff_s = SLOW},
    {.spec = "200-error-400", CHAT_FAILED, "HTTP 200 that counts as 400: bad picture", 1, 1, 400},
    {.spec = "200-error-string*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "200-filter", CHAT_REFUSED, "", 1, 1, 400},
    {.spec = "200-html*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "200-html",
     CHAT_FAILED,
     "the reply is not JSON: a page: Please log in",
     1,
     1,
     502,
     .retries = -1},
    {.spec = "200-empty*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "200-list*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "no-choices*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "no-message*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "choice-error*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "abort*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "hang*1", CHAT_OK, ANSWER, 2, 2, 200, .timeout_s = 1},
    {.spec = "hang", CHAT_FAILED, "timed out", 2, 2, 0, .timeout_s = 0.3, .retries = 1},
    {.spec = "stall*1", CHAT_OK, ANSWER, 2, 2, 200, .timeout_s = 1},
    {.spec = "reset*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "reset", CHAT_FAILED, "gave up after 3 tries", 3, 3, 0, .retries = 2},
    {.spec = "truncated-json*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "truncated-json",
     CHAT_FAILED,
     "counts as 502: the reply is not JSON",
     1,
     1,
     502,
     .retries = -1},
    {.spec = "early-close*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "early-close",
     CHAT_FAILED,
     "counts as 502: the reply ends early",
     1,
     1,
     502,
     .retries = -1},
    {.spec = "bad-utf8*1", CHAT_OK, ANSWER, 2, 2, 200},
    {.spec = "bad-utf8", CHAT_FAILED, "the reply is not UTF-8", 8, 8, 502},
    {.spec = "huge", CHAT_FAILED, "the reply is longer than 16777216 bytes", 1, 1, 200},
    {.spec = "close", CHAT_OK, ANSWER, 1, 1, 200},
    {.spec = "null-content", CHAT_OK, "", 1, 1, 200},
    {.spec = "empty-content", CHAT_OK, "", 1, 1, 200},
    {.spec = "no-content", CHAT_OK, "", 1, 1, 200},
    {.spec = "array-content", CHAT_OK, "Answer: in parts", 1, 1, 200},
    {.spec = "nul-content",
     CHAT_OK,
     "a\xef\xbf\xbd"
     "b",
     1,
     1,
     200},
    {.spec = "refusal", CHAT_REFUSED, "I cannot help with that.", 1, 1, 200},
    {.spec = "content-filter", CHAT_REFUSED, "", 1, 1, 200},
    {.spec = "length", CHAT_TRUNCATED, "Answer: cut", 1, 1, 200},
    {.spec = "empty-length",
     CHAT_TRUNCATED,
     "",
     1,
     2,
     200,
     "max_tokens raised from 512 to 2048 for an empty answer",
     "hmm"},
    {.spec = "empty-length-small",
     CHAT_OK,
     ANSWER,
     1,
     2,
     200,
     "max_tokens raised from 512 to 2048 for an empty answer"},
    {.spec = "empty-length-small,wider-refused",
     CHAT_TRUNCATED,
     "",
     1,
     2,
     200,
     "max_tokens raised from 512 to 2048 for an empty answer",
     "hmm"},
    {.spec = "think", CHAT_OK, "Answer: 7", 1, 1, 200, NULL, "let me see"},
    {.spec = "think-close", CHAT_OK, "Answer: 7", 1, 1, 200, NULL, "let me see"},
    {.spec = "reasoning", CHAT_OK, "Answer: 7", 1, 1, 200, NULL, "let me see"},
    {.spec = "reasoning-content", CHAT_OK, "Answer: 7", 1, 1, 200, NULL, "let me see"},
    {.spec = "tool-calls", CHAT_OK, "", 1, 1, 200},
    {.spec = "null-finish", CHAT_OK, ANSWER, 1, 1, 200},
    {.spec = "no-usage", CHAT_OK, ANSWER, 1, 1, 200},
    {.spec = "null-usage", CHAT_OK, ANSWER, 1, 1, 200},
    {.spec = "part-usage", CHAT_OK, ANSWER, 1, 1, 200},
    {.spec = "echo-key", CHAT_OK, "your key is [key]", 1, 1, 200},
    {.spec = "redirect-same", CHAT_OK, ANSWER, 1, 2, 200},
    {.spec = "redirect-loop", CHAT_FAILED, "HTTP 308: more than 5 redirects", 1, 6, 308},
    {.spec = "redirect-other", CHAT_FAILED, "HTTP 307: redirected to another origin", 1, 1, 307},
    {.spec = "redirect-302-other",
     CHAT_FAILED,
     "HTTP 302: redirected to another origin",
     1,
     1,
     302},
    {.spec = "redirect-nowhere", CHAT_FAILED, "HTTP 301: a redirect to nowhere", 1, 1, 301},
};

static struct chat *chat_for_case(const struct fake *fake, const struct fault_case *c,
                                  const char *model)
{
    struct openai_options options = OPENAI_OPTIONS_INIT;
    options.url = fake_url(fake);
    options.model = model;
    options.key = key;
    options.backoff_s = c->backoff_s > 0 ? c->backoff_s : 0.001;
    options.timeout_s = c->timeout_s > 0 ? c->timeout_s : 60;
    options.retries = c->retries < 0 ? 0 : c->retries > 0 ? c->retries : 7;
    g_autoptr(GError) error = NULL;
    struct chat *chat = openai_new(&options, &error);
    g_assert_no_error(error);
    return chat;
}

static void check_case(const struct fake *fake, const struct fault_case *c, const char *model,
                       const struct got *got)
{
    if (got->outcome != c->outcome)
        g_error("%s: %s instead of %s (%s)", c->spec, chat_outcome_name(got->outcome),
                chat_outcome_name(c->outcome), got->error ? got->error : got->text);
    const char *said = c->outcome == CHAT_FAILED ? got->error : got->text;
    gboolean exact = c->outcome != CHAT_FAILED && strcmp(c->says, ANSWER) != 0;
    if (exact ? strcmp(said, c->says) != 0 : !strstr(said, c->says))
        g_error("%s: '%s' instead of '%s'", c->spec, said, c->says);
    int n_requests = count_requests(fake, model);
    if (got->tries != c->tries || n_requests != c->requests || got->status != c->status)
        g_error("%s: %d tries, %d requests, status %d instead of %d, %d, %d", c->spec, got->tries,
                n_requests, got->status, c->tries, c->requests, c->status);
    if (g_strcmp0(got->notes, c->notes) != 0 || g_strcmp0(got->reasoning, c->reasoning) != 0)
        g_error("%s: notes '%s', reasoning '%s'", c->spec, got->notes, got->reasoning);
    if (got->latency_ms < c->min_latency_ms)
        g_error("%s: came back after %g ms, asked for %g", c->spec, got->latency_ms,
                c->min_latency_ms);
    g_assert_cmpint(got->outcome == CHAT_FAILED, ==, got->error != NULL);
    g_assert_false(got->error && (strlen(got->error) > 300 || strpbrk(got->error, "\r\n\t\033")));
}

/* All at once: each has a chat of its own, because some stop it or bend it. */
static void test_faults(void)
{
    enum { N = G_N_ELEMENTS(fault_cases) };
    struct fake *fake = fake_start(NULL);
    struct chat *chats[N];
    struct got got[N] = {{0}};
    char *models[N];
    gboolean all_done = FALSE;
    int n_left = N;
    log_set_level(LOG_LEVEL_ERROR - 1);
    for (size_t i = 0; i < N; i++) {
        got[i].all_done = &all_done;
        got[i].n_left = &n_left;
        models[i] = g_strdup_printf("student-%zu!%s", i, fault_cases[i].spec);
        chats[i] = chat_for_case(fake, &fault_cases[i], models[i]);
        send_text(chats[i], "how many?", &got[i]);
    }
    support_wait(&all_done);
    for (size_t i = 0; i < N; i++) {
        check_case(fake, &fault_cases[i], models[i], &got[i]);
        got_clear(&got[i]);
        chat_free(chats[i]);
        g_free(models[i]);
    }
    log_set_level(LOG_LEVEL_INFO);
    fake_stop(fake);
}

/* Every fault of the server is in the table above. */
static void test_faults_complete(void)
{
    GString *all = g_string_new(",");
    for (size_t i = 0; i < G_N_ELEMENTS(fault_cases); i++) {
        g_auto(GStrv) items = g_strsplit(fault_cases[i].spec, ",", -1);
        for (char **item = items; *item; item++)
            g_string_append_printf(all, "%.*s,", (int)strcspn(*item, "*"), *item);
    }
    const char *tools = g_getenv("FIRE_TOOLS");
    g_autofree char *program =
        g_build_filename(tools ? tools : "build/release/tests/tools", "fake_server", NULL);
    const char *args[] = {program, "--faults", NULL};
    g_autofree char *out = NULL;
    g_assert_true(g_spawn_sync(NULL, (char **)args, NULL, 0, NULL, NULL, &out, NULL, NULL, NULL));
    g_auto(GStrv) names = g_strsplit(g_strstrip(out), "\n", -1);
    g_assert_cmpint(g_strv_length(names), >, 60);
    for (char **name = names; *name; name++) {
        g_autofree char *item = g_strconcat(",", *name, ",", NULL);
        if (!strstr(all->str, item))
            g_error("the fault '%s' has no case", *name);
    }
    g_string_free(all, TRUE);
}

/* -- one reply in full ------------------------------------------------------------------------- */

static void test_reply(void)
{
    struct fake *fake = fake_start(NULL);
    static const struct {
        const char *model;
        struct chat_usage usage;
    } cases[] = {
        {"student", {20, 17, 2, 3}},
        {"student!no-usage", {-1, -1, -1, -1}},
        {"student!null-usage", {-1, -1, -1, -1}},
        {"student!part-usage", {20, -1, 2, -1}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct chat *chat = chat_to(fake, cases[i].model);
        struct got got = {0};
        send_text(chat, "how many?", &got);
        g_assert_false(got.done);
        support_wait(&got.done);
        g_assert_cmpint(got.outcome, ==, CHAT_OK);
        g_assert_cmpstr(got.text, ==,
                        "Thought: I look at the picture for the 1. time.\nAnswer: guess 1 of 78");
        g_assert_cmpstr(got.finish_reason, ==, "stop");
        g_assert_cmpstr(got.model, ==, cases[i].model);
        g_assert_cmpstr(got.fingerprint, ==, "fp_fake");
        g_assert_null(got.reasoning);
        g_assert_null(got.notes);
        g_assert_cmpfloat(got.latency_ms, >, 0);
        g_assert_cmpint(got.usage.prompt_tokens, ==, cases[i].usage.prompt_tokens);
        g_assert_cmpint(got.usage.completion_tokens, ==, cases[i].usage.completion_tokens);
        g_assert_cmpint(got.usage.reasoning_tokens, ==, cases[i].usage.reasoning_tokens);
        g_assert_cmpint(got.usage.cached_tokens, ==, cases[i].usage.cached_tokens);
        got_clear(&got);
        chat_free(chat);
    }
    fake_stop(fake);
}

/* The server refuses whatever is not as PEERS 3.1 has it; its log has the picture's digest. */
static void test_picture(void)
{
    struct fake *fake = fake_start(NULL);
    struct chat *chat = chat_to(fake, "teacher");
    g_autofree guint8 *bytes = g_malloc(1000003);
    for (size_t i = 0; i < 1000003; i++)
        bytes[i] = (guint8)(i * 2654435761u >> 13);
    g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, 1000003);
    const struct chat_image image = {digest, "image/jpeg", g_bytes_new(bytes, 1000003)};
    const struct chat_message messages[] = {{CHAT_SYSTEM, "judge", false},
                                            {CHAT_USER, "how many?", true},
                                            {CHAT_ASSISTANT, "Score: 1.", false},
                                            {CHAT_USER, "Answer: guess 2 of 4", false}};
    const struct chat_request request = {.messages = messages,
                                         .n_messages = 4,
                                         .image = &image,
                                         .sampling = {.temperature = NAN, .top_p = NAN}};
    struct got got = {0};
    chat_send(chat, &request, on_done, &got);
    g_bytes_unref(image.bytes); /* the call holds its own reference */
    support_wait(&got.done);
    g_assert_cmpint(got.outcome, ==, CHAT_OK);
    g_assert_true(g_str_has_prefix(got.text, "Score: 5.\n"));
    g_autoptr(json_t) lines = fake_log(fake, NULL);
    const json_t *line = json_array_get(lines, 0), *picture = json_object_get(line, "picture");
    g_assert_cmpstr(json_get_string(picture, "digest"), ==, digest);
    g_assert_cmpstr(json_get_string(picture, "mime"), ==, "image/jpeg");
    g_assert_true(json_is_null(json_object_get(line, "max_tokens")));
    got_clear(&got);
    chat_free(chat);
    fake_stop(fake);
}

/* -- many calls -------------------------------------------------------------------------------- */

/* 300 at once, some failing now and then: each gets its own answer. The server answers by the
 * question, so a mix-up would show. */
static void test_many(void)
{
    static const char *const options[] = {"--latency-ms",
                                          "5",
                                          "--latency-spread-ms",
                                          "40",
                                          "--fault-rate",
                                          "0.3",
                                          "--fault-seed",
                                          "3",
                                          NULL};
    enum { N = 300 };
    struct fake *fake = fake_start(options);
    struct chat *chat = chat_to(fake, "student");
    struct chat *calm = chat_to(fake, "student!close*1");
    struct got got[N] = {{0}}, alone = {0};
    gboolean all_done = FALSE;
    int n_left = N, n_retried = 0;
    for (int i = 0; i < N; i++) {
        g_autofree char *text = g_strdup_printf("question %d", i);
        got[i].all_done = &all_done;
        got[i].n_left = &n_left;
        send_text(chat, text, &got[i]);
    }
    support_wait(&all_done);
    for (int i = 0; i < N; i++) {
        g_assert_cmpint(got[i].outcome, ==, CHAT_OK);
        n_retried += got[i].tries > 1;
        if (i % 50 == 0) {
            g_autofree char *text = g_strdup_printf("question %d", i);
            send_text(calm, text, &alone);
            support_wait(&alone.done);
            g_assert_cmpstr(got[i].text, ==, alone.text);
            got_clear(&alone);
        }
        got_clear(&got[i]);
    }
    g_assert_cmpint(n_retried, >, N / 5);
    g_assert_cmpint(n_retried, <, N / 2);
    chat_free(chat);
    chat_free(calm);
    fake_stop(fake);
}

static void test_keep_alive(void)
{
    struct fake *fake = fake_start(NULL);
    struct chat *chat = chat_to(fake, "student");
    for (int i = 0; i < 20; i++) {
        struct got got = {0};
        send_text(chat, "how many?", &got);
        support_wait(&got.done);
        g_assert_cmpint(got.outcome, ==, CHAT_OK);
        got_clear(&got);
    }
    g_autoptr(json_t) lines = fake_log(fake, NULL);
    g_assert_cmpint(json_array_size(lines), ==, 20);
    for (size_t i = 1; i < 20; i++)
        g_assert_cmpfloat(json_get_number(json_array_get(lines, i), "peer", 0), ==,
                          json_get_number(json_array_get(lines, 0), "peer", 1));
    chat_free(chat);
    fake_stop(fake);
}

/* What the server refused once is not sent again. */
static void test_adaptation_is_remembered(void)
{
    struct fake *fake = fake_start(NULL);
    const char *model = "student!no-max-tokens";
    struct chat *chat = chat_to(fake, model);
    log_set_level(LOG_LEVEL_ERROR);
    for (int i = 0; i < 3; i++) {
        g_autofree char *text = g_strdup_printf("question %d", i);
        struct got got = {0};
        send_text(chat, text, &got);
        support_wait(&got.done);
        g_assert_cmpint(got.outcome, ==, CHAT_OK);
        g_assert_cmpstr(got.notes, ==, "max_tokens sent as max_completion_tokens");
        g_assert_cmpint(count_requests(fake, model), ==, 2 + i);
        got_clear(&got);
    }
    log_set_level(LOG_LEVEL_INFO);
    chat_free(chat);
    fake_stop(fake);
}

/* One exhausted quota ends everything: later calls, and those that wait for their next try. */
static void test_quota_stops(void)
{
    struct fake *fake = fake_start(NULL);
    struct openai_options options = OPENAI_OPTIONS_INIT;
    const char *model = "student!429-quota-if-top-p,500";
    options.url = fake_url(fake);
    options.model = model;
    options.backoff_s = SLOW;
    struct chat *chat = openai_new(&options, NULL);
    struct got waiting = {0}, ending = {0}, later = {0};
    const struct chat_message message = {CHAT_USER, "how many?", false};
    const struct chat_request request = {
        .messages = &message, .n_messages = 1, .sampling = {.temperature = 0, .top_p = NAN}};
    log_set_level(LOG_LEVEL_ERROR - 1);
    chat_send(chat, &request, on_done, &waiting);
    while (count_requests(fake, model) < 1)
        g_main_context_iteration(NULL, FALSE);
    iterate_for_a_while();
    send_text(chat, "with top_p", &ending);
    support_wait(&ending.done);
    support_wait(&waiting.done);
    send_text(chat, "later", &later);
    g_assert_false(later.done);
    support_wait(&later.done);
    g_assert_nonnull(strstr(ending.error, "the quota is exhausted, nothing more is sent to http"));
    g_assert_cmpstr(ending.error, ==, waiting.error);
    g_assert_cmpstr(ending.error, ==, later.error);
    g_assert_cmpint(waiting.tries, ==, 1);
    g_assert_cmpint(ending.tries, ==, 1);
    g_assert_cmpint(later.tries, ==, 0);
    g_assert_cmpint(count_requests(fake, model), ==, 2);
    log_set_level(LOG_LEVEL_INFO);
    got_clear(&waiting);
    got_clear(&ending);
    got_clear(&later);
    chat_free(chat);
    fake_stop(fake);
}

/* Asked to finish: a call between two tries ends at once, one on the wire gets its reply, a new one is not sent. */
static void test_finish(void)
{
    struct fake *fake = fake_start(NULL);
    struct openai_options options = OPENAI_OPTIONS_INIT;
    const char *model = "student!500-if-top-p";
    options.url = fake_url(fake);
    options.model = model;
    options.backoff_s = SLOW;
    struct chat *chat = openai_new(&options, NULL);
    struct got waiting = {0}, answered = {0}, later = {0};
    send_text(chat, "with top_p", &waiting);
    while (count_requests(fake, model) < 1)
        g_main_context_iteration(NULL, FALSE);
    iterate_for_a_while();
    const struct chat_message message = {CHAT_USER, "how many?", false};
    const struct chat_request request = {
        .messages = &message, .n_messages = 1, .sampling = {.temperature = 0, .top_p = NAN}};
    chat_send(chat, &request, on_done, &answered);
    while (count_requests(fake, model) < 2)
        g_main_context_iteration(NULL, FALSE);
    chat_finish(chat);
    chat_send(chat, &request, on_done, &later);
    support_wait(&waiting.done);
    support_wait(&answered.done);
    support_wait(&later.done);
    g_assert_cmpint(waiting.outcome, ==, CHAT_CANCELLED);
    g_assert_cmpint(answered.outcome, ==, CHAT_OK);
    g_assert_cmpint(later.outcome, ==, CHAT_CANCELLED);
    g_assert_cmpint(count_requests(fake, model), ==, 2);
    got_clear(&waiting);
    got_clear(&answered);
    got_clear(&later);
    chat_free(chat);
    fake_stop(fake);
}

/* -- cancelling -------------------------------------------------------------------------------- */

static void test_cancel(void)
{
    static const struct {
        const char *model;
        int n_requests; /* when the call is cancelled */
    } cases[] = {
        {"student-a", 0},
        {"student-b!hang", 1},
        {"student-c!stall", 1},
        {"student-d!503-loading", 1}, /* between two tries */
    };
    struct fake *fake = fake_start(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct openai_options options = OPENAI_OPTIONS_INIT;
        options.url = fake_url(fake);
        options.model = cases[i].model;
        options.backoff_s = SLOW;
        struct chat *chat = openai_new(&options, NULL);
        struct got got = {0};
        struct chat_call *call = send_text(chat, "how many?", &got);
        while (count_requests(fake, cases[i].model) < cases[i].n_requests)
            g_main_context_iteration(NULL, FALSE);
        if (cases[i].n_requests > 0)
            iterate_for_a_while();
        g_assert_false(got.done);
        chat_cancel(chat, call);
        chat_cancel(chat, call);
        g_assert_false(got.done);
        support_wait(&got.done);
        g_assert_cmpint(got.outcome, ==, CHAT_CANCELLED);
        g_assert_cmpint(count_requests(fake, cases[i].model), ==, cases[i].n_requests);
        got_clear(&got);
        chat_free(chat);
    }
    fake_stop(fake);
}

/* -- keys -------------------------------------------------------------------------------------- */

/* Everything the program says at its most talkative, while servers refuse the key, repeat it and
 * send us elsewhere. */
static void test_key_never_shows(void)
{
    static const char *const models[] = {"student!400-echo-key",
                                         "student!500-echo-key*1",
                                         "student!402-echo-key",
                                         "student!echo-key",
                                         "student!401",
                                         "student!redirect-other",
                                         "student!redirect-302-other",
                                         "student!503-loading*2",
                                         "student!429-quota",
                                         "student!no-max-tokens"};
    struct fake *fake = fake_start(NULL);
    g_autofree char *folder = support_folder();
    g_autofree char *path = g_build_filename(folder, "stderr", NULL);
    int saved = dup(STDERR_FILENO), fd = open(path, O_CREAT | O_RDWR, 0600);
    dup2(fd, STDERR_FILENO);
    log_set_level(LOG_LEVEL_DEBUG);
    GString *said = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        struct chat *chat = chat_to(fake, models[i]);
        struct got got = {0};
        send_text(chat, "how many?", &got);
        support_wait(&got.done);
        g_string_append_printf(said, "%s\n%s\n%s\n%s\n%s\n%s\n%s\n", got.text,
                               got.error ? got.error : "", got.model ? got.model : "",
                               got.fingerprint ? got.fingerprint : "", got.notes ? got.notes : "",
                               chat_name(chat), chat_model(chat));
        got_clear(&got);
        chat_free(chat);
    }
    log_set_level(LOG_LEVEL_INFO);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fd);
    g_autofree char *logged = NULL;
    g_assert_true(g_file_get_contents(path, &logged, NULL, NULL));
    g_assert_nonnull(strstr(logged, "try 1 failed")); /* the log was really caught */
    g_assert_nonnull(strstr(said->str, "[key]"));
    g_assert_null(strstr(logged, key));
    g_assert_null(strstr(said->str, key));
    g_assert_null(strstr(logged, "secret"));
    g_string_free(said, TRUE);
    /* No request went to the other origin, and every one to ours had the key. */
    g_autoptr(json_t) lines = fake_log(fake, NULL);
    guint64 port = g_ascii_strtoull(strrchr(fake_url(fake), ':') + 1, NULL, 10);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i);
        g_assert_cmpfloat(json_get_number(line, "port", 0), ==, (double)port);
        g_assert_true(json_is_true(json_object_get(line, "authorization")));
    }
    fake_stop(fake);
}

static void test_key_is_sent(void)
{
    static const char *const options[] = {"--key", key, NULL};
    static const struct {
        const char *key;
        enum chat_outcome outcome;
        const char *error;
    } cases[] = {
        {key, CHAT_OK, NULL},
        {"another-key", CHAT_FAILED, "HTTP 401: Incorrect API key provided"},
        {NULL, CHAT_FAILED, "HTTP 401: Incorrect API key provided"},
    };
    struct fake *fake = fake_start(options);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct openai_options chat_options = OPENAI_OPTIONS_INIT;
        chat_options.url = fake_url(fake);
        chat_options.model = "student";
        chat_options.key = cases[i].key;
        struct chat *chat = openai_new(&chat_options, NULL);
        struct got got = {0};
        send_text(chat, "how many?", &got);
        support_wait(&got.done);
        g_assert_cmpint(got.outcome, ==, cases[i].outcome);
        g_assert_cmpstr(got.error, ==, cases[i].error);
        got_clear(&got);
        chat_free(chat);
    }
    fake_stop(fake);
}

/* -- the rest ---------------------------------------------------------------------------------- */

static void test_unreachable(void)
{
    struct fake *fake = fake_start(NULL);
    g_autofree char *url = g_strdup(fake_url(fake));
    fake_stop(fake);
    struct openai_options options = OPENAI_OPTIONS_INIT;
    options.url = url;
    options.model = "student";
    options.backoff_s = 0.001;
    options.retries = 2;
    struct chat *chat = openai_new(&options, NULL);
    struct got got = {0};
    send_text(chat, "how many?", &got);
    support_wait(&got.done);
    g_assert_cmpint(got.outcome, ==, CHAT_FAILED);
    g_assert_cmpint(got.tries, ==, 3);
    g_assert_cmpint(got.status, ==, 0);
    g_assert_nonnull(strstr(got.error, "gave up after 3 tries: Failed to connect"));
    got_clear(&got);
    send_text(chat, "\xff", &got);
    support_wait(&got.done);
    g_assert_cmpstr(got.error, ==, "cannot send message 2: its text is not UTF-8");
    g_assert_cmpint(got.tries, ==, 0);
    got_clear(&got);
    chat_free(chat);
}

static void test_options(void)
{
    g_autoptr(json_t) list = json_array(), stream = json_pack("{s:b}", "stream", 1);
    const struct {
        struct openai_options options;
        const char *message;
    } cases[] = {
        {{.url = "http://h", .model = "", .timeout_s = 1}, "the model's name is empty"},
        {{.url = "http://h", .model = "m", .timeout_s = 0}, "the time limit"},
        {{.url = "http://h", .model = "m", .timeout_s = NAN}, "the time limit"},
        {{.url = "http://h", .model = "m", .timeout_s = 1, .retries = -1}, "retries is negative"},
        {{.url = "http://h", .model = "m", .timeout_s = 1, .key = ""}, "a key is empty"},
        {{.url = "http://h", .model = "m", .timeout_s = 1, .key = "secret\r\nX: y"}, "line break"},
        {{.url = "ftp://h", .model = "m", .timeout_s = 1}, "no http or https address"},
        {{.url = "http://h", .model = "m", .timeout_s = 1, .extra_body = list}, "no JSON object"},
        {{.url = "http://h", .model = "m", .timeout_s = 1, .extra_body = stream},
         "'stream' may not"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(openai_new(&cases[i].options, &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_USAGE);
        g_assert_nonnull(strstr(error->message, cases[i].message));
        g_assert_null(strstr(error->message, "secret"));
    }
    struct openai_options options = OPENAI_OPTIONS_INIT;
    options.url = "https://Host/v1/chat/completions/";
    options.model = "org/name";
    struct chat *chat = openai_new(&options, NULL);
    g_assert_cmpstr(chat_name(chat), ==, "https://Host/v1#org/name");
    g_assert_cmpstr(chat_model(chat), ==, "org/name");
    chat_free(chat);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openai/options", test_options);
    g_test_add_func("/openai/reply", test_reply);
    g_test_add_func("/openai/picture", test_picture);
    g_test_add_func("/openai/faults", test_faults);
    g_test_add_func("/openai/faults/complete", test_faults_complete);
    g_test_add_func("/openai/many", test_many);
    g_test_add_func("/openai/keep-alive", test_keep_alive);
    g_test_add_func("/openai/adaptation-is-remembered", test_adaptation_is_remembered);
    g_test_add_func("/openai/quota-stops", test_quota_stops);
    g_test_add_func("/openai/finish", test_finish);
    g_test_add_func("/openai/cancel", test_cancel);
    g_test_add_func("/openai/key-never-shows", test_key_never_shows);
    g_test_add_func("/openai/key-is-sent", test_key_is_sent);
    g_test_add_func("/openai/unreachable", test_unreachable);
    return g_test_run();
}

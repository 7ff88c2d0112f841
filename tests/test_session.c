/* Sessions and engine_step: however the work is cut and shared, a greedy answer stays the same. */
#include "model/session.h"
#include "support/engine_case.h"
#include "support/support.h"

#include <string.h>

enum { N_NEW = 12, MAX_SESSIONS = 16 };

/* The engine of a reference, its prompts, and what each of them alone is answered. */
struct fixture {
    struct reference reference;
    struct engine *engine;
    size_t n;
    struct sequence prompts[MAX_SESSIONS];
    GArray *answers[MAX_SESSIONS]; /* of int */
};

static GArray *answer_of(const struct session *session)
{
    GArray *answer = g_array_new(FALSE, FALSE, sizeof(int));
    for (int i = 0; i < session_n_new(session); i++) {
        int token = session_new_token(session, i);
        g_array_append_val(answer, token);
    }
    return answer;
}

static void start(struct session *session, const struct sequence *prompt, int n_new)
{
    g_autoptr(GError) error = NULL;
    const struct session_request request = {.max_new = n_new};
    session_start(session, prompt, &request, &error);
    g_assert_no_error(error);
}

/* A session of its own, with nothing to share. */
static GArray *answer_alone(struct engine *engine, int adapter, const struct sequence *prompt)
{
    struct session *session = session_new(engine, adapter);
    start(session, prompt, N_NEW);
    run_sessions(engine, &session, 1);
    GArray *answer = answer_of(session);
    session_free(session);
    return answer;
}

static void assert_answer(const struct session *session, const GArray *answer)
{
    g_assert_cmpint(session->end, ==, SESSION_END_LENGTH);
    g_assert_cmpuint((guint)session_n_new(session), ==, answer->len);
    for (guint i = 0; i < answer->len; i++)
        g_assert_cmpint(session_new_token(session, (int)i), ==, g_array_index(answer, int, i));
}

static bool fixture_open(struct fixture *fixture, const char *name, const struct backend *backend,
                         int max_rows)
{
    if (!reference_open(&fixture->reference, name))
        return false;
    struct engine_options options = ENGINE_OPTIONS_INIT;
    options.backend = backend;
    options.max_rows = max_rows;
    fixture->engine = reference_engine(&fixture->reference, &options);
    fixture->n = reference_n_cases(&fixture->reference);
    for (size_t i = 0; i < fixture->n; i++) {
        reference_prompt(&fixture->prompts[i], fixture->engine,
                         reference_case(&fixture->reference, i));
        fixture->answers[i] = answer_alone(fixture->engine, -1, &fixture->prompts[i]);
    }
    return true;
}

static void fixture_close(struct fixture *fixture)
{
    g_assert_cmpint(fixture->engine->kv.n_blocks, ==, 0);
    for (size_t i = 0; i < fixture->n; i++) {
        sequence_clear(&fixture->prompts[i]);
        g_array_unref(fixture->answers[i]);
    }
    engine_close(fixture->engine);
    reference_close(&fixture->reference);
}

/* Runs `check` on a model with every backend. */
static void with_model(const char *name, int max_rows, void (*check)(struct fixture *fixture))
{
    for (size_t i = 0; i < TEST_BACKENDS; i++) {
        const struct backend *backend = test_backend(i);
        struct fixture fixture;
        if (!backend)
            continue;
        if (!fixture_open(&fixture, name, backend, max_rows))
            return;
        check(&fixture);
        fixture_close(&fixture);
    }
}

static void check_reference(struct fixture *fixture, struct session **sessions)
{
    for (size_t i = 0; i < fixture->n; i++) {
        assert_answer(sessions[i], fixture->answers[i]);
        reference_check_greedy(reference_case(&fixture->reference, i), "greedy", "greedy_margins",
                               1e-3, sessions[i]);
    }
}

/* All prompts; each joins when those before it have made `every` steps more. */
static void check_joining(struct fixture *fixture, size_t every)
{
    struct session *sessions[MAX_SESSIONS];
    size_t n_started = 0;
    for (size_t i = 0; i < fixture->n; i++)
        sessions[i] = session_new(fixture->engine, -1);
    for (size_t i = 0; n_started < fixture->n; i++) {
        while (n_started < fixture->n && i >= n_started * every) {
            start(sessions[n_started], &fixture->prompts[n_started], N_NEW);
            n_started++;
        }
        engine_step(fixture->engine, sessions, fixture->n);
    }
    run_sessions(fixture->engine, sessions, fixture->n);
    check_reference(fixture, sessions);
    for (size_t i = 0; i < fixture->n; i++)
        session_free(sessions[i]);
}

static void check_batched(struct fixture *fixture)
{
    check_joining(fixture, 0);
    check_joining(fixture, 5);
}

static void check_chunked(struct fixture *fixture)
{
    check_joining(fixture, 5);
}

static void test_batched(void)
{
    with_model("a-f32", 512, check_batched);
    with_model("b-f32", 512, check_batched);
}

/* The same in small pieces: prompts are cut, and those that read take turns with those that answer. */
static void test_chunked(void)
{
    with_model("a-f32", 1, check_chunked);
    with_model("b-f32", 7, check_chunked);
}

/* The first n slots of `prompt`, then the answer of `session`, then the last n_tail of the prompt again. */
static void next_turn(struct sequence *next, const struct sequence *prompt,
                      const struct session *session, int n_tail)
{
    int n = prompt->n_slots + session_n_new(session) + n_tail;
    *next = (struct sequence){g_new(struct slot, n), n, g_ptr_array_ref(prompt->pictures)};
    memcpy(next->slots, session->slots, (size_t)(n - n_tail) * sizeof *next->slots);
    memcpy(next->slots + n - n_tail, prompt->slots + prompt->n_slots - n_tail,
           (size_t)n_tail * sizeof *next->slots);
}

/* A dialogue's next turn computes only what is new. */
static void check_cached(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->n; i++) {
        struct session *session = session_new(fixture->engine, -1);
        start(session, &fixture->prompts[i], N_NEW);
        run_sessions(fixture->engine, &session, 1);
        struct sequence next;
        next_turn(&next, &fixture->prompts[i], session, 5);
        int n_known = session->n_computed;
        g_assert_cmpint(n_known, ==, fixture->prompts[i].n_slots + N_NEW - 1);
        start(session, &next, N_NEW);
        g_assert_cmpint(session->n_cached, ==, n_known);
        g_assert_cmpint(engine_step(fixture->engine, &session, 1), ==,
                        MIN(6, fixture->engine->max_rows));
        run_sessions(fixture->engine, &session, 1);
        GArray *again = answer_of(session);
        session_free(session);
        GArray *alone = answer_alone(fixture->engine, -1, &next);
        g_assert_cmpmem(again->data, again->len * sizeof(int), alone->data,
                        alone->len * sizeof(int));
        g_array_unref(again);
        g_array_unref(alone);
        sequence_clear(&next);
    }
}

static void test_cached(void)
{
    with_model("a-f32", 512, check_cached);
}

/* A session that goes back to an earlier point of its timeline, or to another prompt. */
static void check_rewound(struct fixture *fixture)
{
    struct session *session = session_new(fixture->engine, -1);
    for (size_t round = 0; round < 3; round++)
        for (size_t i = 0; i < fixture->n; i++) {
            start(session, &fixture->prompts[i], N_NEW);
            g_assert_cmpint(session->n_cached, >=, round + i > 0 ? 2 : 0);
            run_sessions(fixture->engine, &session, 1);
            assert_answer(session, fixture->answers[i]);
            start(session, &fixture->prompts[i], N_NEW);
            g_assert_cmpint(session->n_cached, ==, fixture->prompts[i].n_slots - 1);
            run_sessions(fixture->engine, &session, 1);
            assert_answer(session, fixture->answers[i]);
        }
    session_free(session);
}

static void test_rewound(void)
{
    with_model("a-f32", 512, check_rewound);
}

/* Two sessions with one prefix have it in one memory; neither sees what the other goes on with. */
static void check_shared(struct fixture *fixture)
{
    struct engine *engine = fixture->engine;
    for (size_t i = 0; i < fixture->n; i++) {
        const struct sequence *prompt = &fixture->prompts[i];
        struct session *sessions[3];
        for (size_t j = 0; j < 3; j++)
            sessions[j] = session_new(engine, -1);
        start(sessions[0], prompt, N_NEW);
        while (session_n_new(sessions[0]) < 3)
            engine_step(engine, sessions, 1);
        int n_before = engine->kv.n_blocks;
        start(sessions[1], prompt, N_NEW);
        start(sessions[2], prompt, 1);
        g_assert_cmpint(sessions[1]->n_cached, ==, prompt->n_slots - 1);
        run_sessions(engine, sessions, 3);
        assert_answer(sessions[0], fixture->answers[i]);
        assert_answer(sessions[1], fixture->answers[i]);
        g_assert_cmpint(session_new_token(sessions[2], 0), ==,
                        g_array_index(fixture->answers[i], int, 0));
        int n_own = kv_blocks_of(prompt->n_slots + N_NEW - 1) - (prompt->n_slots - 1) / KV_BLOCK;
        g_assert_cmpint(engine->kv.n_blocks, <=, n_before + n_own + 1);

        /* Another prompt in the first; the second goes on from what was the first's. */
        const struct sequence *other = &fixture->prompts[(i + 1) % fixture->n];
        start(sessions[0], other, N_NEW);
        run_sessions(engine, sessions, 1);
        start(sessions[1], prompt, N_NEW);
        g_assert_cmpint(sessions[1]->n_cached, ==, prompt->n_slots - 1);
        run_sessions(engine, sessions, 3);
        assert_answer(sessions[0], fixture->answers[(i + 1) % fixture->n]);
        assert_answer(sessions[1], fixture->answers[i]);
        for (size_t j = 0; j < 3; j++)
            session_free(sessions[j]);
        g_assert_cmpint(engine->kv.n_blocks, ==, 0);
    }
}

static void test_shared(void)
{
    with_model("a-f32", 512, check_shared);
}

/* Sessions that start together with one prompt compute it once; also where the first of them goes away. */
static void check_led(struct fixture *fixture)
{
    struct engine *engine = fixture->engine;
    for (int gone = 0; gone < 3; gone++) {
        size_t i = 3;
        const struct sequence *prompt = &fixture->prompts[i];
        struct session *sessions[4];
        int n_rows = 0;
        for (size_t j = 0; j < 4; j++) {
            sessions[j] = session_new(engine, -1);
            start(sessions[j], prompt, N_NEW);
            g_assert_cmpint(sessions[j]->n_cached, ==, 0);
        }
        for (int step = 0; step < 2; step++)
            n_rows += engine_step(engine, sessions, 4);
        if (gone == 1) {
            session_cancel(sessions[0]);
        } else if (gone == 2) {
            session_free(sessions[0]);
            sessions[0] = sessions[3];
        }
        size_t n = gone == 2 ? 3 : 4;
        for (int now; (now = engine_step(engine, sessions, n)) > 0;)
            n_rows += now;
        for (size_t j = gone == 1 ? 1 : 0; j < n; j++)
            assert_answer(sessions[j], fixture->answers[i]);
        if (gone == 0)
            g_assert_cmpint(n_rows, ==, prompt->n_slots + N_NEW - 1 + 3 * N_NEW);
        for (size_t j = 0; j < n; j++)
            session_free(sessions[j]);
    }
    /* A leader that is left out of the steps is not waited for. */
    struct session *sessions[2] = {session_new(engine, -1), session_new(engine, -1)};
    start(sessions[0], &fixture->prompts[0], N_NEW);
    start(sessions[1], &fixture->prompts[0], N_NEW);
    run_sessions(engine, &sessions[1], 1);
    assert_answer(sessions[1], fixture->answers[0]);
    run_sessions(engine, sessions, 1);
    assert_answer(sessions[0], fixture->answers[0]);
    session_free(sessions[0]);
    session_free(sessions[1]);
}

static void test_led(void)
{
    with_model("a-f32", 64, check_led);
}

/* Memory for one request at a time: the others wait, nobody fails, the bound holds. */
static void check_short(struct fixture *fixture)
{
    struct engine *engine = fixture->engine;
    int longest = 0;
    for (size_t i = 0; i < fixture->n; i++)
        longest = MAX(longest, fixture->prompts[i].n_slots);
    int had = engine->kv.max_blocks;
    engine->kv.max_blocks = kv_blocks_of(longest + N_NEW);
    struct session *sessions[MAX_SESSIONS];
    for (size_t i = 0; i < fixture->n; i++)
        sessions[i] = session_new(engine, -1);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < fixture->n; i++)
            start(sessions[i], &fixture->prompts[i], N_NEW);
        bool waited = false;
        while (engine_step(engine, sessions, fixture->n) > 0) {
            g_assert_cmpint(engine->kv.n_blocks, <=, engine->kv.max_blocks);
            for (size_t i = 0; i < fixture->n; i++)
                waited |= sessions[i]->state == SESSION_WAITING;
        }
        g_assert_true(waited);
        check_reference(fixture, sessions);
    }
    g_autoptr(GError) error = NULL;
    engine->kv.max_blocks = kv_blocks_of(longest) - 1;
    const struct session_request request = {.max_new = N_NEW};
    for (size_t i = 0; i < fixture->n; i++)
        if (fixture->prompts[i].n_slots == longest)
            g_assert_false(session_start(sessions[i], &fixture->prompts[i], &request, &error));
    g_assert_nonnull(error);
    engine->kv.max_blocks = had;
    for (size_t i = 0; i < fixture->n; i++)
        session_free(sessions[i]);
}

static void test_short(void)
{
    with_model("a-f32", 512, check_short);
}

/* A cancelled request ends at once and disturbs nobody. */
static void check_cancelled(struct fixture *fixture)
{
    struct session *sessions[MAX_SESSIONS];
    for (size_t i = 0; i < fixture->n; i++) {
        sessions[i] = session_new(fixture->engine, -1);
        start(sessions[i], &fixture->prompts[i], N_NEW);
    }
    session_cancel(sessions[1]); /* waiting */
    for (int i = 0; i < 4; i++)
        engine_step(fixture->engine, sessions, fixture->n);
    session_cancel(sessions[0]); /* answering */
    for (size_t i = 0; i < 2; i++) {
        g_assert_cmpint(sessions[i]->state, ==, SESSION_IDLE);
        g_assert_cmpint(sessions[i]->end, ==, SESSION_END_CANCELLED);
    }
    run_sessions(fixture->engine, sessions, fixture->n);
    for (size_t i = 2; i < fixture->n; i++)
        assert_answer(sessions[i], fixture->answers[i]);
    start(sessions[0], &fixture->prompts[0], N_NEW);
    run_sessions(fixture->engine, sessions, fixture->n);
    assert_answer(sessions[0], fixture->answers[0]);
    for (size_t i = 0; i < fixture->n; i++)
        session_free(sessions[i]);
}

static void test_cancelled(void)
{
    with_model("a-f32", 512, check_cancelled);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/session/batched", test_batched);
    g_test_add_func("/session/chunked", test_chunked);
    g_test_add_func("/session/cached", test_cached);
    g_test_add_func("/session/rewound", test_rewound);
    g_test_add_func("/session/shared", test_shared);
    g_test_add_func("/session/led", test_led);
    g_test_add_func("/session/short", test_short);
    g_test_add_func("/session/cancelled", test_cancelled);
    return g_test_run();
}

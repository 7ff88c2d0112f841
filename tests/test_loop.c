/* loop: whole dialogues between scripted models, byte for byte; rules, failures, cancellation.
 *
 * tests/data/loop/dialogues.jsonl holds each scenario's name and dialogue line. After a wanted
 * change it is written anew by FIRE_WRITE_GOLDEN=1 build/release/tests/test_loop -p /loop/golden,
 * and read. */
#include "dialogue/loop.h"
#include "support/scripted_chat.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

/* What a model says, call by call, parted by "|". "!refused:", "!failed:" and "!truncated:" before
 * a text give its outcome. A call too many fails the test. */
struct scenario {
    const char *name, *protocol, *set; /* assignments parted by blanks */
    int n_repairs;
    const char *student, *teacher;
    enum stop stop;
    int n_turns, n_student, n_teacher; /* turns in the end, calls of each */
};

#define S(n) "Score: " n ".\nFeedback: No."
#define R5 "a|b|c|d|e"

static const struct scenario scenarios[] = {
    {"solved-at-once", "paper", "", 0, "a", S("8"), STOP_SCORE, 1, 1, 1},
    {"solved-at-10", "paper", "", 0, "a|b|c", S("3") "|" S("5") "|" S("10"), STOP_SCORE, 3, 3, 3},
    {"solved-in-last-round", "paper", "", 0, R5, S("1") "|" S("2") "|" S("3") "|" S("4") "|" S("8"),
     STOP_SCORE, 5, 5, 5},
    {"max-turns", "paper", "", 0, R5, S("1") "|" S("2") "|" S("3") "|" S("4") "|" S("5"),
     STOP_MAX_TURNS, 5, 5, 5},
    {"max-turns-3", "paper", "turns=3", 0, "a|b|c", S("1") "|" S("2") "|" S("3"), STOP_MAX_TURNS, 3,
     3, 3},
    {"max-turns-1", "paper", "turns=1", 0, "a", S("1"), STOP_MAX_TURNS, 1, 1, 1},
    {"real-score", "paper", "", 0, "a|b", S("7.5") "|" S("9.5"), STOP_SCORE, 2, 2, 2},
    {"gt-needs-more", "paper", "stop-rule=gt", 0, "a|b", S("8") "|" S("9"), STOP_SCORE, 2, 2, 2},
    {"threshold-5", "paper", "threshold=5", 0, "a|b", S("4") "|" S("5"), STOP_SCORE, 2, 2, 2},
    {"threshold-10-gt", "paper", "threshold=10 stop-rule=gt turns=2", 0, "a|b", S("9") "|" S("10"),
     STOP_MAX_TURNS, 2, 2, 2},
    {"no-gain-equal", "paper", "", 0, "a|b", S("4") "|" S("4"), STOP_NO_GAIN, 2, 2, 2},
    {"no-gain-below", "paper", "", 0, "a|b|c", S("4") "|" S("6") "|" S("5"), STOP_NO_GAIN, 3, 3, 3},
    {"no-gain-before-max-turns", "paper", "turns=2", 0, "a|b", S("4") "|" S("4"), STOP_NO_GAIN, 2,
     2, 2},
    {"lt-equal-goes-on", "paper", "no-gain=lt", 0, "a|b|c", S("4") "|" S("4") "|" S("3"),
     STOP_NO_GAIN, 3, 3, 3},
    {"off-never", "paper", "no-gain=off", 0, R5, S("5") "|" S("4") "|" S("4") "|" S("3") "|" S("2"),
     STOP_MAX_TURNS, 5, 5, 5},
    {"unparsed-stop", "paper", "", 3, "a", "Well done.", STOP_UNPARSED, 1, 1, 1},
    {"unparsed-stop-later", "paper", "", 0, "a|b", S("4") "|", STOP_UNPARSED, 2, 2, 2},
    {"unparsed-drop", "paper", "parse-fail=drop", 3, "a|b", S("4") "|Hm.", STOP_UNPARSED, 2, 2, 2},
    {"unparsed-zero", "paper", "parse-fail=zero", 3, "a|b|c", "Hm.|" S("1") "|" S("8"), STOP_SCORE,
     3, 3, 3},
    {"unparsed-zero-later", "paper", "parse-fail=zero", 0, "a|b", S("4") "|Hm.", STOP_NO_GAIN, 2, 2,
     2},
    {"unparsed-zero-twice", "paper", "parse-fail=zero", 0, "a|b", "Hm.|Hm.", STOP_NO_GAIN, 2, 2, 2},
    {"unparsed-zero-lt", "paper", "parse-fail=zero no-gain=lt turns=3", 0, "a|b|c", "Hm.|Hm.|Hm.",
     STOP_MAX_TURNS, 3, 3, 3},
    {"unparsed-zero-off", "paper", "parse-fail=zero no-gain=off turns=3", 0, "a|b|c",
     S("5") "|Hm.|" S("9"), STOP_SCORE, 3, 3, 3},
    {"unparsed-repeat", "paper", "parse-fail=repeat-last", 0, "a|b|c|d",
     S("4") "|Hm.|" S("5") "|" S("9"), STOP_SCORE, 4, 4, 4},
    {"unparsed-repeat-then-equal", "paper", "parse-fail=repeat-last", 0, "a|b|c",
     S("4") "|Hm.|" S("4"), STOP_NO_GAIN, 3, 3, 3},
    {"unparsed-repeat-first", "paper", "parse-fail=repeat-last", 0, "a|b|c",
     "Hm.|" S("3") "|" S("9"), STOP_SCORE, 3, 3, 3},
    {"unparsed-repeat-always", "paper", "parse-fail=repeat-last turns=3", 0, "a|b|c", "Hm.|Hm.|Hm.",
     STOP_MAX_TURNS, 3, 3, 3},
    {"retry-works", "paper", "parse-fail=retry", 1, "a|b", "Hm.|" S("4") "|" S("9"), STOP_SCORE, 2,
     2, 3},
    {"retry-each-round", "paper", "parse-fail=retry", 1, "a|b", "Hm.|" S("4") "|Hm.|" S("9"),
     STOP_SCORE, 2, 2, 4},
    {"retry-twice", "paper", "parse-fail=retry", 2, "a", "x|y|" S("9"), STOP_SCORE, 1, 1, 3},
    {"retry-in-vain", "paper", "parse-fail=retry", 2, "a", "x|y|z", STOP_UNPARSED, 1, 1, 3},
    {"retry-never", "paper", "parse-fail=retry", 0, "a", "x", STOP_UNPARSED, 1, 1, 1},
    {"retry-refused", "paper", "parse-fail=retry", 2, "a", "x|!refused:no", STOP_REFUSED, 1, 1, 2},
    {"retry-failed", "paper", "parse-fail=retry", 2, "a", "x|!failed:reset", STOP_FAILED, 0, 1, 2},
    {"zero-is-a-score", "paper", "", 0, "a|b", S("0") "|" S("9"), STOP_SCORE, 2, 2, 2},
    {"range-1-10", "paper", "score-range=1-10", 0, "a", S("0"), STOP_UNPARSED, 1, 1, 1},
    {"official", "official", "", 0, "a|b|c", S("3") "|" S("5") "|" S("8"), STOP_SCORE, 3, 3, 3},
    {"official-zero", "official", "", 0, "a", S("0"), STOP_UNPARSED, 1, 1, 1},
    {"official-zero-later", "official", "", 0, "a|b", S("2") "|" S("0"), STOP_UNPARSED, 2, 2, 2},
    {"official-zero-goes-on", "official", "zero-score=go-on", 0, "a|b", S("0") "|" S("9"),
     STOP_SCORE, 2, 2, 2},
    {"official-none-is-no-zero", "official", "parse-fail=zero", 0, "a|b", "none|" S("9"),
     STOP_SCORE, 2, 2, 2},
    {"zero-stop", "paper", "zero-score=stop", 0, "a", S("0"), STOP_UNPARSED, 1, 1, 1},
    {"zero-solves", "paper", "zero-score=stop threshold=0", 0, "a", S("0"), STOP_SCORE, 1, 1, 1},
    {"official-blank-line", "official", "", 0, "a", "\nScore: 5.\nFeedback: x", STOP_UNPARSED, 1, 1,
     1},
    {"official-minus", "official", "", 0, "a|b", "Score: -3|Score: 9/10", STOP_SCORE, 2, 2, 2},
    {"official-beyond-ten", "official", "", 0, "a", "Score: 12", STOP_SCORE, 1, 1, 1},
    {"tolerant-minus", "paper", "", 0, "a", "Score: -3", STOP_UNPARSED, 1, 1, 1},
    {"full-feedback", "paper", "feedback=full", 0, "a|b", S("3") "|" S("9"), STOP_SCORE, 2, 2, 2},
    {"no-history", "paper", "teacher-history=none", 0, "a|b", S("3") "|" S("9"), STOP_SCORE, 2, 2,
     2},
    {"empty-response", "paper", "", 0, "|b", S("1") "|" S("9"), STOP_SCORE, 2, 2, 2},
    {"empty-feedback", "paper", "parse-fail=zero", 0, "a|b", "|" S("9"), STOP_SCORE, 2, 2, 2},
    {"not-utf8", "paper", "", 0, "a\xff", "Score: 9\xfe", STOP_SCORE, 1, 1, 1},
    {"truncated-response", "paper", "", 0, "!truncated:a|b", S("1") "|" S("9"), STOP_SCORE, 2, 2,
     2},
    {"truncated-feedback", "paper", "", 0, "a", "!truncated:Score: 9.\nFeed", STOP_SCORE, 1, 1, 1},
    {"student-refuses", "paper", "", 0, "!refused:I will not.", "", STOP_REFUSED, 1, 1, 0},
    {"student-refuses-later", "paper", "", 0, "a|!refused:", S("4"), STOP_REFUSED, 2, 2, 1},
    {"teacher-refuses", "paper", "", 0, "a", "!refused:Score: 9", STOP_REFUSED, 1, 1, 1},
    {"teacher-refuses-later", "paper", "", 0, "a|b", S("4") "|!refused:no", STOP_REFUSED, 2, 2, 2},
    {"student-fails", "paper", "", 0, "!failed:no route", "", STOP_FAILED, 0, 1, 0},
    {"student-fails-later", "paper", "", 0, "a|!failed:no route", S("4"), STOP_FAILED, 1, 2, 1},
    {"teacher-fails", "paper", "", 0, "a", "!failed:no route", STOP_FAILED, 0, 1, 1},
    {"teacher-fails-later", "paper", "", 0, "a|b", S("4") "|!failed:no route", STOP_FAILED, 1, 2,
     2},
};

/* The texts of one role, and how far they are read. */
struct script {
    char **texts;
    guint next;
};

static struct scripted_reply play(const struct chat_request *request G_GNUC_UNUSED, void *user)
{
    static const struct {
        const char *prefix;
        enum chat_outcome outcome;
    } outcomes[] = {
        {"!refused:", CHAT_REFUSED}, {"!failed:", CHAT_FAILED}, {"!truncated:", CHAT_TRUNCATED}};
    struct script *script = user;
    const char *text = script->texts[script->next];
    g_assert_nonnull(text);
    script->next++;
    for (size_t i = 0; i < G_N_ELEMENTS(outcomes); i++)
        if (g_str_has_prefix(text, outcomes[i].prefix))
            return (struct scripted_reply){outcomes[i].outcome, text + strlen(outcomes[i].prefix)};
    return (struct scripted_reply){CHAT_OK, text};
}

/* One dialogue with its two models, and what its sink heard. */
struct stage {
    struct protocol protocol;
    struct script student_script, teacher_script;
    struct scripted_chat student, teacher;
    struct loop_config config;
    struct loop *loop;
    size_t n_heard; /* turns */
    gboolean ended; /* and how often, below */
    int n_ended;
    char *line, *error; /* the dialogue line; NULL before the end */
    enum stop stop;
    /* What the sink does to the loop. */
    enum { DO_NOTHING, DO_CANCEL, DO_FREE } on_turn, on_ended;
};

static void act(struct stage *stage, int action)
{
    if (action == DO_CANCEL)
        loop_cancel(stage->loop);
    if (action == DO_FREE)
        loop_free(g_steal_pointer(&stage->loop));
}

static void on_turn(const struct dialogue *dialogue, size_t i_turn, void *user)
{
    struct stage *stage = user;
    g_assert_cmpuint(i_turn, ==, stage->n_heard);
    g_assert_cmpuint(i_turn + 1, ==, dialogue->n_turns);
    g_assert_cmpint(stage->n_ended, ==, 0);
    stage->n_heard++;
    act(stage, stage->on_turn);
}

static void on_ended(const struct dialogue *dialogue, const char *error, void *user)
{
    struct stage *stage = user;
    stage->n_ended++;
    stage->ended = TRUE;
    stage->stop = dialogue->stop;
    g_assert_cmpuint(dialogue->n_turns, ==, stage->n_heard); /* what was heard is what stands */
    g_autoptr(json_t) object = dialogue_to_json(dialogue);
    stage->line = json_print(object);
    stage->error = g_strdup(error);
    act(stage, stage->on_ended);
}

static struct prompts *prompts;
static const struct sample sample = {.id = (char *)"s1",
                                     .source = (char *)"vqav2",
                                     .image = (char *)"a.png",
                                     .question = (char *)"<image>\nHow many?",
                                     .answer = (char *)"GROUND-7f3a"};

static void set_all(struct protocol *protocol, const char *assignments)
{
    g_auto(GStrv) list = g_strsplit(assignments, " ", -1);
    for (char **assignment = list; *assignment; assignment++)
        g_assert_true(**assignment == '\0' || protocol_set(protocol, *assignment, NULL));
}

static struct stage *stage_new(const struct scenario *scenario)
{
    struct stage *stage = g_new0(struct stage, 1);
    g_assert_true(protocol_init(&stage->protocol, scenario->protocol, NULL));
    set_all(&stage->protocol, scenario->set);
    stage->student_script.texts = g_strsplit(scenario->student, "|", -1);
    stage->teacher_script.texts = g_strsplit(scenario->teacher, "|", -1);
    scripted_chat_init(&stage->student, play, &stage->student_script);
    scripted_chat_init(&stage->teacher, play, &stage->teacher_script);
    stage->student.remember = stage->teacher.remember = true;
    stage->config = (struct loop_config){
        .protocol = &stage->protocol,
        .prompts = prompts,
        .student = &stage->student.chat,
        .teacher = &stage->teacher.chat,
        .n_repairs = scenario->n_repairs,
    };
    struct loop_sink sink = {on_turn, on_ended, stage};
    stage->loop = loop_new(&stage->config, &sample, NULL, &sink);
    return stage;
}

static void settle(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void stage_free(struct stage *stage)
{
    loop_free(stage->loop);
    settle();
    scripted_chat_clear(&stage->student);
    scripted_chat_clear(&stage->teacher);
    g_strfreev(stage->student_script.texts);
    g_strfreev(stage->teacher_script.texts);
    g_free(stage->line);
    g_free(stage->error);
    g_free(stage);
}

static const struct scenario *find_scenario(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(scenarios); i++)
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    g_error("no scenario '%s'", name);
}

static void check_end(const struct stage *stage, const struct scenario *scenario)
{
    g_test_message("%s", scenario->name);
    g_assert_cmpint(stage->n_ended, ==, 1);
    g_assert_cmpstr(stop_name(stage->stop), ==, stop_name(scenario->stop));
    g_assert_cmpint((int)stage->n_heard, ==, scenario->n_turns);
    g_assert_cmpint(stage->student.n_asked, ==, scenario->n_student);
    g_assert_cmpint(stage->teacher.n_asked, ==, scenario->n_teacher);
    g_assert_true((stage->error != NULL) == (scenario->stop == STOP_FAILED));
}

/* All scenarios, one after the other or all at once: the lines must not differ. */
static char *play_all(bool at_once)
{
    struct stage *stages[G_N_ELEMENTS(scenarios)];
    GString *lines = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(scenarios); i++) {
        stages[i] = stage_new(&scenarios[i]);
        loop_start(stages[i]->loop);
        if (!at_once)
            support_wait(&stages[i]->ended);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(scenarios); i++) {
        support_wait(&stages[i]->ended);
        check_end(stages[i], &scenarios[i]);
        g_string_append_printf(lines, "{\"scenario\":\"%s\",\"dialogue\":%s}\n", scenarios[i].name,
                               stages[i]->line);
        stage_free(stages[i]);
    }
    return g_string_free(lines, FALSE);
}

static void test_golden(void)
{
    g_autofree char *path = support_data("loop/dialogues.jsonl");
    g_autofree char *lines = play_all(false);
    if (g_getenv("FIRE_WRITE_GOLDEN"))
        g_assert_true(g_file_set_contents(path, lines, -1, NULL));
    g_autofree char *golden = NULL;
    g_assert_true(g_file_get_contents(path, &golden, NULL, NULL));
    g_auto(GStrv) is = g_strsplit(lines, "\n", -1);
    g_auto(GStrv) should_be = g_strsplit(golden, "\n", -1);
    for (guint i = 0; is[i] && should_be[i]; i++)
        g_assert_cmpstr(is[i], ==, should_be[i]);
    g_assert_cmpstr(lines, ==, golden);
}

static void test_interleaved(void)
{
    g_autofree char *apart = play_all(false);
    g_autofree char *at_once = play_all(true);
    g_assert_cmpstr(apart, ==, at_once);
}

/* What request `i` of a model was, as prompt.c makes it from the recorded turns. */
static void check_request(const struct scripted_chat *chat, size_t i, int round, int attempt,
                          struct message_list *list)
{
    const json_t *request = json_array_get(chat->seen, i);
    const json_t *messages = json_object_get(request, "messages");
    g_assert_cmpstr(json_get_string(request, "id"), ==, "s1");
    g_assert_cmpint((int)json_get_number(request, "round", -1), ==, round);
    g_assert_cmpint((int)json_get_number(request, "attempt", -1), ==, attempt);
    g_assert_cmpuint(json_array_size(messages), ==, list->n_messages);
    for (size_t j = 0; j < list->n_messages; j++)
        g_assert_cmpstr(json_get_string(json_array_get(messages, j), "text"), ==,
                        list->messages[j].text);
    message_list_clear(list);
}

static void test_requests(void)
{
    static const struct {
        const char *scenario, *feedback;
        int n_attempts; /* of the teacher in each round */
    } cases[] = {
        {"full-feedback", S("3"), 1},
        {"no-history", S("3"), 1},
        {"retry-each-round", S("4"), 2},
        {"official-minus", "Score: -3", 1}, /* no "Feedback:": the student sees all of it */
    };
    for (size_t c = 0; c < G_N_ELEMENTS(cases); c++) {
        struct stage *stage = stage_new(find_scenario(cases[c].scenario));
        loop_start(stage->loop);
        support_wait(&stage->ended);
        struct turn turns[] = {
            {(char *)"a", (char *)(uintptr_t)cases[c].feedback, NAN, NULL},
            {(char *)"b", NULL, NAN, NULL},
        };
        struct message_list list;
        for (int i = 0; i < 2; i++) {
            prompt_student(&list, prompts, &stage->protocol, &sample, turns, (size_t)i);
            check_request(&stage->student, (size_t)i, i + 1, 0, &list);
            for (int attempt = 0; attempt < cases[c].n_attempts; attempt++) {
                prompt_teacher(&list, prompts, &stage->protocol, &sample, turns, (size_t)i + 1,
                               attempt);
                check_request(&stage->teacher, (size_t)(cases[c].n_attempts * i + attempt), i + 1,
                              attempt, &list);
            }
        }
        g_assert_cmpint(stage->teacher.n_asked, ==, 2 * cases[c].n_attempts);
        stage_free(stage);
    }
}

/* The picture and each role's sampling reach the request; without a picture no message has one. */
static struct scripted_reply check_sampling(const struct chat_request *request, void *user)
{
    const struct chat_request *expected = user;
    g_assert_true(request->image == expected->image);
    g_assert_true(request->messages[0].has_image == (expected->image != NULL));
    g_assert_cmpint(request->sampling.max_tokens, ==, expected->sampling.max_tokens);
    g_assert_cmpfloat(request->sampling.temperature, ==, expected->sampling.temperature);
    return (struct scripted_reply){CHAT_OK, "Score: 9"};
}

static void test_sampling(void)
{
    struct chat_image image = {.digest = (char *)"d", .mime = "image/png"};
    for (int with_image = 0; with_image < 2; with_image++) {
        struct stage *stage = stage_new(find_scenario("solved-at-once"));
        struct chat_request student = {.image = with_image ? &image : NULL,
                                       .sampling = {.temperature = 0.5, .max_tokens = 7}};
        struct chat_request teacher = {.image = with_image ? &image : NULL,
                                       .sampling = {.temperature = 0.25, .max_tokens = 9}};
        stage->student.answer = stage->teacher.answer = check_sampling;
        stage->student.user = &student;
        stage->teacher.user = &teacher;
        stage->config.student_sampling = student.sampling;
        stage->config.teacher_sampling = teacher.sampling;
        loop_free(stage->loop);
        struct loop_sink sink = {on_turn, on_ended, stage};
        stage->loop = loop_new(&stage->config, &sample, with_image ? &image : NULL, &sink);
        loop_start(stage->loop);
        support_wait(&stage->ended);
        g_assert_cmpint(stage->stop, ==, STOP_SCORE);
        stage_free(stage);
    }
}

static bool holds(const json_t *request, const char *text)
{
    g_autofree char *line = json_print(request);
    return strstr(line, text) != NULL;
}

/* Law 3: the ground truth is in every request to the teacher and in none to the student. */
static void test_ground_truth(void)
{
    size_t n_student = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(scenarios); i++) {
        for (int bits = 0; bits < 8; bits++) {
            struct stage *stage = stage_new(&scenarios[i]);
            set_all(&stage->protocol, bits & 1 ? "feedback=full" : "feedback=comment");
            set_all(&stage->protocol, bits & 2 ? "teacher-history=none" : "teacher-history=full");
            set_all(&stage->protocol, bits & 4 ? "response-text=answer" : "response-text=raw");
            loop_start(stage->loop);
            support_wait(&stage->ended);
            for (size_t j = 0; j < json_array_size(stage->student.seen); j++, n_student++)
                g_assert_false(holds(json_array_get(stage->student.seen, j), "GROUND"));
            for (size_t j = 0; j < json_array_size(stage->teacher.seen); j++)
                g_assert_true(holds(json_array_get(stage->teacher.seen, j), "GROUND-7f3a"));
            stage_free(stage);
        }
    }
    g_assert_cmpuint(n_student, >, 500);
}

/* Where a dialogue is interrupted: before it starts, or with a call of the n-th round in flight. */
struct moment {
    const char *name;
    bool started;
    int n_student, n_teacher; /* calls made so far; the last of them is in flight */
    int n_turns;
};

static const struct moment moments[] = {
    {"ready", false, 0, 0, 0},          {"first response", true, 1, 0, 0},
    {"first feedback", true, 1, 1, 0},  {"second response", true, 2, 1, 1},
    {"second feedback", true, 2, 2, 1},
};

static struct stage *stage_at(const struct moment *moment, bool late, int timeout_ms)
{
    struct stage *stage = stage_new(find_scenario("solved-at-10"));
    g_test_message("%s, late %d", moment->name, late);
    stage->student.late = stage->teacher.late = late;
    stage->config.dialogue_timeout_ms = timeout_ms;
    if (!moment->started)
        return stage;
    loop_start(stage->loop);
    /* Each side is held once it has been asked often enough. */
    while (true) {
        stage->student.hold =
            stage->student.n_asked == moment->n_student && moment->n_teacher < moment->n_student;
        stage->teacher.hold =
            stage->teacher.n_asked == moment->n_teacher && moment->n_teacher == moment->n_student;
        if (stage->student.hold || stage->teacher.hold)
            break;
        g_main_context_iteration(NULL, FALSE);
    }
    return stage;
}

static void test_cancel(void)
{
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(moments); i++) {
        const struct moment *moment = &moments[i / 2];
        struct stage *stage = stage_at(moment, i % 2, 0);
        loop_cancel(stage->loop);
        loop_cancel(stage->loop);
        if (!moment->started)
            loop_start(stage->loop); /* too late: nothing is sent */
        g_assert_cmpint(stage->n_ended, ==, 0);
        support_wait(&stage->ended);
        loop_cancel(stage->loop);
        settle();
        g_assert_cmpint(stage->n_ended, ==, 1);
        g_assert_cmpint(stage->stop, ==, STOP_NONE);
        g_assert_null(stage->error);
        g_assert_cmpint((int)stage->n_heard, ==, moment->n_turns);
        g_assert_cmpint(stage->student.n_asked, ==, moment->n_student);
        g_assert_cmpint(stage->teacher.n_asked, ==, moment->n_teacher);
        g_assert_cmpint(stage->student.n_cancelled + stage->teacher.n_cancelled, ==,
                        moment->started ? 1 : 0);
        stage_free(stage);
    }
}

/* The reply in flight is taken, the turn it completes is heard, and nothing more is sent. */
static void test_stopping(void)
{
    static const bool yes = true;
    for (size_t i = 0; i < G_N_ELEMENTS(moments); i++) {
        const struct moment *moment = &moments[i];
        if (!moment->started)
            continue;
        struct stage *stage = stage_at(moment, false, 0);
        bool teacher_is_asked = moment->n_teacher > moment->n_turns;
        stage->config.stopping = &yes;
        stage->student.hold = stage->teacher.hold = false;
        scripted_chat_release(teacher_is_asked ? &stage->teacher : &stage->student);
        support_wait(&stage->ended);
        settle();
        g_assert_cmpint(stage->n_ended, ==, 1);
        g_assert_cmpint(stage->stop, ==, STOP_NONE);
        g_assert_cmpint((int)stage->n_heard, ==, moment->n_turns + teacher_is_asked);
        g_assert_cmpint(stage->student.n_asked, ==, moment->n_student);
        g_assert_cmpint(stage->teacher.n_asked, ==, moment->n_teacher);
        stage_free(stage);
    }
}

static void test_free(void)
{
    for (size_t i = 0; i < 4 * G_N_ELEMENTS(moments); i++) {
        const struct moment *moment = &moments[i / 4];
        struct stage *stage = stage_at(moment, i % 2, 0);
        if (i / 2 % 2)
            loop_cancel(stage->loop);
        loop_free(g_steal_pointer(&stage->loop));
        settle();
        g_assert_cmpint(stage->n_ended, ==, 0);
        g_assert_cmpint((int)stage->n_heard, ==, moment->n_turns);
        g_assert_cmpint(stage->student.n_asked + stage->teacher.n_asked, ==,
                        moment->n_student + moment->n_teacher);
        stage_free(stage);
    }
    loop_free(NULL);
}

static void test_time_limit(void)
{
    struct stage *stages[2 * G_N_ELEMENTS(moments)] = {NULL};
    for (size_t i = 2; i < G_N_ELEMENTS(stages); i++)
        stages[i] = stage_at(&moments[i / 2], i % 2, 300);
    for (size_t i = 2; i < G_N_ELEMENTS(stages); i++) {
        struct stage *stage = stages[i];
        support_wait(&stage->ended);
        settle();
        g_assert_cmpint(stage->n_ended, ==, 1);
        g_assert_cmpint(stage->stop, ==, STOP_FAILED);
        g_assert_cmpstr(stage->error, ==, "dialogue time limit");
        g_assert_cmpint((int)stage->n_heard, ==, moments[i / 2].n_turns);
        g_assert_cmpint(stage->student.n_cancelled + stage->teacher.n_cancelled, ==, 1);
        stage_free(stage);
    }
}

/* A dialogue that ends before its limit leaves no timer behind. */
static void test_time_limit_unused(void)
{
    struct stage *stage = stage_new(find_scenario("solved-at-10"));
    stage->config.dialogue_timeout_ms = 3600 * 1000;
    loop_start(stage->loop);
    support_wait(&stage->ended);
    check_end(stage, find_scenario("solved-at-10"));
    stage_free(stage);
}

static void test_sink_acts(void)
{
    static const struct {
        const char *scenario;
        int on_turn, on_ended, n_heard, n_ended, n_student;
        enum stop stop;
    } cases[] = {
        {"solved-at-10", DO_CANCEL, DO_NOTHING, 1, 1, 1, STOP_NONE},
        {"solved-at-10", DO_CANCEL, DO_FREE, 1, 1, 1, STOP_NONE},
        {"solved-at-10", DO_FREE, DO_NOTHING, 1, 0, 1, STOP_NONE},
        {"solved-at-10", DO_NOTHING, DO_FREE, 3, 1, 3, STOP_SCORE},
        {"solved-at-10", DO_NOTHING, DO_CANCEL, 3, 1, 3, STOP_SCORE},
        {"solved-at-once", DO_CANCEL, DO_NOTHING, 1, 1, 1, STOP_SCORE}, /* it was the last anyway */
        {"student-refuses", DO_FREE, DO_NOTHING, 1, 0, 1, STOP_NONE},
        {"student-fails", DO_NOTHING, DO_FREE, 0, 1, 1, STOP_FAILED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct stage *stage = stage_new(find_scenario(cases[i].scenario));
        stage->on_turn = cases[i].on_turn;
        stage->on_ended = cases[i].on_ended;
        loop_start(stage->loop);
        for (int n = 0; n < 100; n++)
            settle();
        g_assert_cmpint(stage->n_ended, ==, cases[i].n_ended);
        g_assert_cmpint((int)stage->n_heard, ==, cases[i].n_heard);
        g_assert_cmpint(stage->stop, ==, cases[i].stop);
        g_assert_cmpint(stage->student.n_asked, ==, cases[i].n_student);
        stage_free(stage);
    }
    struct stage *stage =
        stage_new(find_scenario("solved-at-once")); /* freed by the cancellation */
    stage->on_ended = DO_FREE;
    loop_cancel(stage->loop);
    support_wait(&stage->ended);
    g_assert_null(stage->loop);
    stage_free(stage);
}

/* 5,000 dialogues at once over two models. Dialogue n gets 2, 3, ... until round 1 + n % 5, then
 * what n / 5 % 3 says: 8 or more (solved), the score before (no gain), or no score (unparsed). */
#define N_CROWD 5000

struct crowd {
    size_t n_ended;
    gboolean all_ended;
    struct loop *loops[N_CROWD];
};

static struct scripted_reply crowd_student(const struct chat_request *request, void *user)
{
    GString *text = user;
    g_string_printf(text, "Thought: %s\nAnswer: %d", request->sample_id, request->round);
    return (struct scripted_reply){CHAT_OK, text->str};
}

static struct scripted_reply crowd_teacher(const struct chat_request *request, void *user)
{
    GString *text = user;
    int n = (int)g_ascii_strtoll(request->sample_id, NULL, 10), last = 1 + n % 5, kind = n / 5 % 3;
    int score = request->round < last ? request->round + 1 : kind == 0 ? 9 : last;
    if (request->round == last && kind == 2)
        g_string_assign(text, "Feedback: none");
    else
        g_string_printf(text, "Score: %d.\nFeedback: %s", score, request->sample_id);
    return (struct scripted_reply){CHAT_OK, text->str};
}

static void crowd_turn(const struct dialogue *dialogue, size_t i_turn, void *user G_GNUC_UNUSED)
{
    g_autofree char *response =
        g_strdup_printf("Thought: %s\nAnswer: %zu", dialogue->sample.id, i_turn + 1);
    g_assert_cmpstr(dialogue->turns[i_turn].response, ==, response); /* nobody else's */
}

static void crowd_ended(const struct dialogue *dialogue, const char *error, void *user)
{
    struct crowd *crowd = user;
    size_t n = (size_t)g_ascii_strtoll(dialogue->sample.id, NULL, 10), kind = n / 5 % 3;
    /* In round 1 a score of 1 is no lack of gain: that dialogue goes on with 1, and stops in
     * round 2. */
    bool second = kind == 1 && n % 5 == 0;
    g_assert_null(error);
    g_assert_cmpuint(dialogue->n_turns, ==, second ? 2 : 1 + n % 5);
    g_assert_cmpint(dialogue->stop, ==,
                    kind == 0   ? STOP_SCORE
                    : kind == 1 ? STOP_NO_GAIN
                                : STOP_UNPARSED);
    loop_free(g_steal_pointer(&crowd->loops[n]));
    crowd->all_ended = ++crowd->n_ended == N_CROWD;
}

static void test_crowd(void)
{
    struct protocol protocol;
    g_assert_true(protocol_init(&protocol, "paper", NULL));
    GString *texts[] = {g_string_new(NULL), g_string_new(NULL)};
    struct scripted_chat student, teacher;
    scripted_chat_init(&student, crowd_student, texts[0]);
    scripted_chat_init(&teacher, crowd_teacher, texts[1]);
    struct loop_config config = {.protocol = &protocol,
                                 .prompts = prompts,
                                 .student = &student.chat,
                                 .teacher = &teacher.chat};
    struct crowd *crowd = g_new0(struct crowd, 1);
    struct loop_sink sink = {crowd_turn, crowd_ended, crowd};
    for (int n = 0; n < N_CROWD; n++) {
        g_autofree char *id = g_strdup_printf("%d", n);
        struct sample one = sample;
        one.id = id;
        crowd->loops[n] = loop_new(&config, &one, NULL, &sink);
        loop_start(crowd->loops[n]);
    }
    g_assert_cmpint(student.n_asked, ==, N_CROWD); /* all in flight */
    support_wait(&crowd->all_ended);
    g_assert_cmpint(student.n_asked, ==, teacher.n_asked);
    scripted_chat_clear(&student);
    scripted_chat_clear(&teacher);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_string_free(texts[i], TRUE);
    g_free(crowd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    prompts = prompts_load(NULL, NULL);
    g_test_add_func("/loop/golden", test_golden);
    g_test_add_func("/loop/interleaved", test_interleaved);
    g_test_add_func("/loop/requests", test_requests);
    g_test_add_func("/loop/sampling", test_sampling);
    g_test_add_func("/loop/ground-truth", test_ground_truth);
    g_test_add_func("/loop/cancel", test_cancel);
    g_test_add_func("/loop/stopping", test_stopping);
    g_test_add_func("/loop/free", test_free);
    g_test_add_func("/loop/time-limit", test_time_limit);
    g_test_add_func("/loop/time-limit-unused", test_time_limit_unused);
    g_test_add_func("/loop/sink-acts", test_sink_acts);
    g_test_add_func("/loop/crowd", test_crowd);
    int code = g_test_run();
    prompts_free(prompts);
    return code;
}

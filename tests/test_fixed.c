/* fixed: the prefixes of a recorded dialogue, their labels, predictions and text views. */
#include "dialogue/fixed.h"
#include "dialogue/loop.h"
#include "support/scripted_chat.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

static struct prompts *prompts;

static struct turn recorded_turns[] = {
    {(char *)"Thought: I see two.\nAnswer: 2\n\n", (char *)"Score: 3.\nFeedback: Count again.\n", 3,
     NULL},
    {(char *)"Thought: three\nAnswer: 3\n", (char *)"Score: 5/10.\nFeedback: Closer.", 5, NULL},
    {(char *)"Thought: four\nAnswer: 4\n", (char *)"Score: 10.\nFeedback: Yes.", 10, NULL},
    {(char *)"one more", NULL, NAN, NULL},
};
static struct dialogue recorded = {
    .sample = {.id = (char *)"s",
               .image = (char *)"a.png",
               .question = (char *)"<image>\nHow many?",
               .answer = (char *)"GROUND"},
    .turns = recorded_turns,
    .n_turns = 4,
};

static struct protocol protocol_with(const char *name, const char *assignment)
{
    struct protocol protocol;
    g_assert_true(protocol_init(&protocol, name, NULL));
    if (assignment)
        g_assert_true(protocol_set(&protocol, assignment, NULL));
    return protocol;
}

static void test_items(void)
{
    static const bool student[] = {true, true, true, true, false, false};
    static const bool teacher[] = {true, true, true, false, false, false};
    for (size_t i = 0; i < G_N_ELEMENTS(student); i++) {
        g_assert_true(fixed_has_item(&recorded, FIXED_STUDENT, i) == student[i]);
        g_assert_true(fixed_has_item(&recorded, FIXED_TEACHER, i) == teacher[i]);
    }
    struct dialogue empty = {0};
    g_assert_false(fixed_has_item(&empty, FIXED_STUDENT, 0));
    g_assert_false(fixed_has_item(&empty, FIXED_TEACHER, 0));
}

/* Plays the recorded dialogue: each role says what is recorded for the round. */
static struct scripted_reply play_recorded(const struct chat_request *request, void *user)
{
    const struct turn *turn = &recorded_turns[request->round - 1];
    return (struct scripted_reply){CHAT_OK, user ? turn->feedback : turn->response};
}

static void ignore_turn(const struct dialogue *dialogue G_GNUC_UNUSED, size_t i_turn G_GNUC_UNUSED,
                        void *user G_GNUC_UNUSED)
{
}

static void note_end(const struct dialogue *dialogue, const char *error G_GNUC_UNUSED, void *user)
{
    g_assert_cmpuint(dialogue->n_turns, ==, 3);
    *(gboolean *)user = TRUE;
}

static void compare(const struct scripted_chat *chat, size_t i, struct message_list *list)
{
    const json_t *messages = json_object_get(json_array_get(chat->seen, i), "messages");
    g_assert_cmpuint(json_array_size(messages), ==, list->n_messages);
    for (size_t j = 0; j < list->n_messages; j++)
        g_assert_cmpstr(json_get_string(json_array_get(messages, j), "text"), ==,
                        list->messages[j].text);
    message_list_clear(list);
}

/* The request of turn i is the one that a free dialogue makes when both sides say what is recorded:
 * so training, free and fixed setting show a model the same thing. */
static void check_as_free(const struct protocol *protocol)
{
    struct scripted_chat student, teacher;
    scripted_chat_init(&student, play_recorded, NULL);
    scripted_chat_init(&teacher, play_recorded, &recorded);
    student.remember = teacher.remember = true;
    struct loop_config config = {.protocol = protocol,
                                 .prompts = prompts,
                                 .student = &student.chat,
                                 .teacher = &teacher.chat};
    gboolean ended = FALSE;
    struct loop_sink sink = {ignore_turn, note_end, &ended};
    struct loop *loop = loop_new(&config, &recorded.sample, NULL, &sink);
    loop_start(loop);
    support_wait(&ended);
    loop_free(loop);
    for (size_t i = 0; i < 3; i++) {
        struct message_list list;
        fixed_request(&list, prompts, protocol, &recorded, FIXED_STUDENT, i);
        g_assert_cmpuint(list.n_messages, ==, 2 * i + 1);
        g_assert_true(list.messages[0].has_image);
        compare(&student, i, &list);
        fixed_request(&list, prompts, protocol, &recorded, FIXED_TEACHER, i);
        compare(&teacher, i, &list);
    }
    scripted_chat_clear(&student);
    scripted_chat_clear(&teacher);
}

static void test_requests(void)
{
    static const char *const settings[] = {NULL, "feedback=full", "teacher-history=none",
                                           "teacher-history=full"};
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
        struct protocol paper = protocol_with("paper", settings[i]);
        struct protocol official = protocol_with("official", settings[i]);
        check_as_free(&paper);
        check_as_free(&official);
    }
}

/* No request holds its own label or anything later; only the teacher's hold the ground truth. */
static void test_no_peeking(void)
{
    struct protocol protocol = protocol_with("paper", "feedback=full");
    for (size_t i = 0; i < recorded.n_turns; i++) {
        for (int role = FIXED_STUDENT; role <= FIXED_TEACHER; role++) {
            if (!fixed_has_item(&recorded, (enum fixed_role)role, i))
                continue;
            struct message_list list;
            GString *all = g_string_new(NULL);
            fixed_request(&list, prompts, &protocol, &recorded, (enum fixed_role)role, i);
            for (size_t j = 0; j < list.n_messages; j++)
                g_string_append(all, list.messages[j].text);
            message_list_clear(&list);
            for (size_t j = 0; j < recorded.n_turns; j++) {
                const struct turn *turn = &recorded_turns[j];
                bool response = j < i || (j == i && role == FIXED_TEACHER);
                g_assert_true((strstr(all->str, turn->response) != NULL) == response);
                if (turn->feedback)
                    g_assert_true((strstr(all->str, turn->feedback) != NULL) == (j < i));
            }
            g_assert_true((strstr(all->str, "GROUND") != NULL) == (role == FIXED_TEACHER));
            if (role == FIXED_TEACHER)
                g_assert_nonnull(strstr(all->str, "\nFeedback: <")); /* the two-line form */
            g_string_free(all, TRUE);
        }
    }
}

static const struct {
    const char *protocol, *set;
    enum fixed_role role;
    const char *text, *view;
} text_cases[] = {
    {"paper", NULL, FIXED_STUDENT, "Thought: a\nAnswer: b\n", "Thought: a\nAnswer: b\n"},
    {"official", NULL, FIXED_STUDENT, "Thought: a\nAnswer: b\n", "Thought: a\nAnswer: b\n"},
    {"paper", "response-text=answer", FIXED_STUDENT, "Thought: a\nAnswer: b\n", "b"},
    {"paper", "response-text=answer", FIXED_STUDENT, " just b ", "just b"},
    {"paper", "response-text=answer", FIXED_STUDENT, "", ""},
    {"paper", "feedback-text=whole", FIXED_STUDENT, "Thought: a", "Thought: a"},
    {"paper", NULL, FIXED_TEACHER, "Score: 3.\nFeedback: no \n", "no"},
    {"paper", NULL, FIXED_TEACHER, "Score: 3. Not yet.", "Not yet."},
    {"official", NULL, FIXED_TEACHER, "Score: 3.\nFeedback: no \n", "Score: 3.\nFeedback: no \n"},
    {"official", "feedback-text=comment", FIXED_TEACHER, "Score: 3.\nFeedback: no \n", "no"},
    {"official", "feedback-text=comment", FIXED_TEACHER, "Score: 3. Not yet.", ""},
    {"paper", "response-text=answer", FIXED_TEACHER, "Feedback: x\nAnswer: b", "x\nAnswer: b"},
};

static void test_text(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(text_cases); i++) {
        struct protocol protocol = protocol_with(text_cases[i].protocol, text_cases[i].set);
        g_autofree char *view = fixed_text(&protocol, text_cases[i].role, text_cases[i].text);
        g_assert_cmpstr(view, ==, text_cases[i].view);
    }
}

static void test_predict(void)
{
    struct protocol paper = protocol_with("paper", NULL);
    struct protocol official = protocol_with("official", NULL);
    struct fixed_prediction prediction;
    fixed_predict(&prediction, &paper, &recorded, FIXED_TEACHER, 1, "**Score:** 7\nFeedback: Hm.");
    g_assert_cmpint(prediction.role, ==, FIXED_TEACHER);
    g_assert_cmpuint(prediction.i_turn, ==, 1);
    g_assert_cmpstr(prediction.text, ==, "Hm.");
    g_assert_cmpstr(prediction.label, ==, "Closer.");
    support_assert_near(prediction.score, 7, 0);
    support_assert_near(prediction.label_score, 5, 0);
    fixed_prediction_clear(&prediction);
    g_assert_null(prediction.text);

    fixed_predict(&prediction, &official, &recorded, FIXED_TEACHER, 2, "seven");
    g_assert_cmpstr(prediction.text, ==, "seven");
    g_assert_cmpstr(prediction.label, ==, "Score: 10.\nFeedback: Yes.");
    support_assert_near(prediction.score, NAN, 0);
    support_assert_near(prediction.label_score, 10, 0);
    fixed_prediction_clear(&prediction);

    fixed_predict(&prediction, &paper, &recorded, FIXED_STUDENT, 3, "Score: 7");
    g_assert_cmpstr(prediction.text, ==, "Score: 7");
    g_assert_cmpstr(prediction.label, ==, "one more");
    support_assert_near(prediction.score, NAN, 0);
    support_assert_near(prediction.label_score, NAN, 0);
    fixed_prediction_clear(&prediction);
    fixed_prediction_clear(&prediction); /* twice does no harm */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    prompts = prompts_load(NULL, NULL);
    g_test_add_func("/fixed/items", test_items);
    g_test_add_func("/fixed/requests", test_requests);
    g_test_add_func("/fixed/no-peeking", test_no_peeking);
    g_test_add_func("/fixed/text", test_text);
    g_test_add_func("/fixed/predict", test_predict);
    int code = g_test_run();
    prompts_free(prompts);
    return code;
}

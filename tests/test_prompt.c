/* prompt, template: loading, checking, filling; what student and teacher are shown. */
#include "base/error.h"
#include "dialogue/prompt.h"
#include "dialogue/template.h"
#include "support/support.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

/* Short templates, so that a test can spell out every message. */
static const struct {
    const char *name, *text;
} tiny[] = {
    {"student_question.txt", "Q {question}\n"},
    {"student_feedback.txt", "F {feedback}\n"},
    {"teacher_question.txt", "Q {question} G {answer}\n"},
    {"teacher_response.txt", "R {response}\n"},
    {"teacher_repair.txt", "AGAIN\n"},
};

/* A folder of the tiny templates; `name`, where given, has `text` instead. */
static char *write_tiny(const char *name, const char *text)
{
    char *folder = support_folder();
    for (size_t i = 0; i < G_N_ELEMENTS(tiny); i++)
        g_free(support_write(folder, tiny[i].name, tiny[i].text));
    if (name)
        g_free(support_write(folder, name, text));
    return folder;
}

static struct prompts *load_tiny(const char *name, const char *text)
{
    g_autofree char *folder = write_tiny(name, text);
    g_autoptr(GError) error = NULL;
    struct prompts *prompts = prompts_load(folder, &error);
    g_assert_no_error(error);
    return prompts;
}

/* One line a message: "user+image: text"; line breaks as \n. */
static char *show(struct message_list *list)
{
    static const char *const roles[] = {"system", "user", "assistant"};
    GString *out = g_string_new(NULL);
    for (size_t i = 0; i < list->n_messages; i++) {
        g_autofree char *text = g_strescape(list->messages[i].text, NULL);
        g_string_append_printf(out, "%s%s: %s\n", roles[list->messages[i].role],
                               list->messages[i].has_image ? "+image" : "", text);
    }
    message_list_clear(list);
    return g_string_free(out, FALSE);
}

static struct protocol protocol_with(const char *name, const char *assignment)
{
    struct protocol protocol;
    g_assert_true(protocol_init(&protocol, name, NULL));
    if (assignment)
        g_assert_true(protocol_set(&protocol, assignment, NULL));
    return protocol;
}

static struct sample sample = {.id = (char *)"s",
                               .image = (char *)"a.png",
                               .question = (char *)"why?",
                               .answer = (char *)"42"};
static struct turn turns[] = {
    {(char *)"Thought: a\nAnswer: b", (char *)"Score: 3.\nFeedback: No. ", 3, NULL},
    {(char *)"Answer: c", (char *)"Close.", NAN, NULL},
    {(char *)"d", NULL, NAN, NULL},
};

static char *show_student(struct prompts *prompts, const char *protocol_name,
                          const char *assignment, size_t n_turns)
{
    struct protocol protocol = protocol_with(protocol_name, assignment);
    struct message_list list;
    prompt_student(&list, prompts, &protocol, &sample, turns, n_turns);
    return show(&list);
}

static char *show_teacher(struct prompts *prompts, const char *assignment, size_t n_turns,
                          int repair)
{
    struct protocol protocol = protocol_with("paper", assignment);
    struct message_list list;
    prompt_teacher(&list, prompts, &protocol, &sample, turns, n_turns, repair);
    return show(&list);
}

static void assert_shown(char *shown, const char *expected)
{
    g_assert_cmpstr(shown, ==, expected);
    g_free(shown);
}

#define STUDENT_1 "user+image: Q why?\n"
#define STUDENT_1B STUDENT_1 "assistant: Thought: a\\nAnswer: b\n"

static void test_student(void)
{
    struct prompts *prompts = load_tiny(NULL, NULL);
    assert_shown(show_student(prompts, "paper", NULL, 0), STUDENT_1);
    assert_shown(show_student(prompts, "paper", NULL, 1), STUDENT_1B "user: F No.\n");
    assert_shown(show_student(prompts, "paper", "feedback=full", 1),
                 STUDENT_1B "user: F Score: 3.\\nFeedback: No. \n");
    assert_shown(show_student(prompts, "paper", NULL, 2),
                 STUDENT_1B "user: F No.\nassistant: Answer: c\nuser: F Close.\n");
    /* The official parser finds no "Feedback:" in the second: all of it. */
    assert_shown(show_student(prompts, "official", NULL, 2),
                 STUDENT_1B "user: F No.\nassistant: Answer: c\nuser: F Close.\n");
    /* A recorded turn whose teacher has not spoken keeps the alternation. */
    assert_shown(show_student(prompts, "paper", NULL, 3),
                 STUDENT_1B "user: F No.\nassistant: Answer: c\nuser: F Close.\n"
                            "assistant: d\nuser: F \n");
    prompts_free(prompts);
}

#define TEACHER_1 "user+image: Q why? G 42\\n\\nR "

static void test_teacher(void)
{
    struct prompts *prompts = load_tiny(NULL, NULL);
    assert_shown(show_teacher(prompts, NULL, 1, 0), TEACHER_1 "Thought: a\\nAnswer: b\n");
    assert_shown(show_teacher(prompts, NULL, 3, 0),
                 TEACHER_1 "Thought: a\\nAnswer: b\n"
                           "assistant: Score: 3.\\nFeedback: No. \n"
                           "user: R Answer: c\nassistant: Close.\nuser: R d\n");
    assert_shown(show_teacher(prompts, "teacher-history=none", 3, 0), TEACHER_1 "d\n");
    assert_shown(show_teacher(prompts, "teacher-history=none", 3, 1), TEACHER_1 "d\\n\\nAGAIN\n");
    assert_shown(show_teacher(prompts, NULL, 2, 2),
                 TEACHER_1 "Thought: a\\nAnswer: b\n"
                           "assistant: Score: 3.\\nFeedback: No. \n"
                           "user: R Answer: c\\n\\nAGAIN\n");
    prompts_free(prompts);
}

static void test_system(void)
{
    struct prompts *prompts = load_tiny("student_system.txt", "Be brief.\n");
    assert_shown(show_student(prompts, "paper", NULL, 0), "system: Be brief.\n" STUDENT_1);
    assert_shown(show_teacher(prompts, NULL, 1, 0), TEACHER_1 "Thought: a\\nAnswer: b\n");
    prompts_free(prompts);
    prompts = load_tiny("teacher_system.txt", "Be kind.");
    assert_shown(show_student(prompts, "paper", NULL, 0), STUDENT_1);
    assert_shown(show_teacher(prompts, NULL, 1, 0),
                 "system: Be kind.\n" TEACHER_1 "Thought: a\\nAnswer: b\n");
    prompts_free(prompts);
    prompts = load_tiny("student_system.txt", "\n"); /* empty: none */
    assert_shown(show_student(prompts, "paper", NULL, 0), STUDENT_1);
    prompts_free(prompts);
}

/* What is filled in is never read as a template, whatever it looks like. */
static void test_verbatim(void)
{
    struct prompts *prompts = load_tiny("student_question.txt", "{{x} {question}|{question} }}");
    struct protocol protocol = protocol_with("paper", NULL);
    struct sample odd = sample;
    odd.image = NULL;
    odd.question = (char *)"{answer} {question} {{ %s \\n {response}";
    odd.answer = (char *)"secret {response}";
    struct turn turn = {(char *)"{answer}{feedback}", (char *)"Feedback: {answer} {response}", 1,
                        NULL};
    struct message_list list;
    prompt_student(&list, prompts, &protocol, &odd, &turn, 1);
    g_assert_cmpuint(list.n_messages, ==, 3);
    g_assert_cmpstr(list.messages[0].text, ==,
                    "{x} {answer} {question} {{ %s \\n {response}|"
                    "{answer} {question} {{ %s \\n {response} }}");
    g_assert_cmpstr(list.messages[1].text, ==, "{answer}{feedback}");
    g_assert_cmpstr(list.messages[2].text, ==, "F {answer} {response}");
    message_list_clear(&list);
    prompt_teacher(&list, prompts, &protocol, &odd, &turn, 1, 0);
    g_assert_cmpstr(list.messages[0].text, ==,
                    "Q {answer} {question} {{ %s \\n {response} G secret {response}\n\n"
                    "R {answer}{feedback}");
    message_list_clear(&list);
    prompts_free(prompts);
}

static void test_image_marks(void)
{
    static const struct {
        const char *question, *shown;
    } cases[] = {
        {"<image>\nwhy?", "why?"},
        {"why?\n<image>", "why?"},
        {"<image>why?<image>", "why?"},
        {"is <image> big?", "is  big?"},
        {"<ima<image>ge>why?", "why?"},
        {"<image", "<image"},
        {"a < b > c <Image>", "a < b > c <Image>"},
        {"<image>", ""},
        {"  spaces \n", "spaces"},
    };
    struct prompts *prompts = load_tiny(NULL, NULL);
    struct protocol protocol = protocol_with("paper", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct sample odd = sample;
        odd.question = (char *)(uintptr_t)cases[i].question;
        struct message_list list;
        g_autofree char *student = g_strconcat("Q ", cases[i].shown, NULL);
        prompt_student(&list, prompts, &protocol, &odd, NULL, 0);
        g_assert_cmpstr(list.messages[0].text, ==, student);
        g_assert_true(list.messages[0].has_image);
        message_list_clear(&list);
        g_autofree char *teacher = g_strconcat("Q ", cases[i].shown, " G 42\n\nR d", NULL);
        prompt_teacher(&list, prompts, &protocol, &odd, &turns[2], 1, 0);
        g_assert_cmpstr(list.messages[0].text, ==, teacher);
        message_list_clear(&list);
    }
    prompts_free(prompts);
}

/* Every request: at most a system message, then user, assistant, ..., user; the picture on the
 * first user message only; the ground truth only where the teacher looks. */
static void check_list(struct message_list *list, bool system, bool image, bool teacher)
{
    size_t first = system ? 1 : 0;
    bool told = false;
    g_assert_cmpuint((list->n_messages - first) % 2, ==, 1);
    for (size_t i = 0; i < list->n_messages; i++) {
        const struct chat_message *message = &list->messages[i];
        g_assert_cmpint(message->role, ==,
                        i < first              ? CHAT_SYSTEM
                        : (i - first) % 2 == 0 ? CHAT_USER
                                               : CHAT_ASSISTANT);
        g_assert_true(message->has_image == (image && i == first));
        told |= strstr(message->text, "GROUND") != NULL;
    }
    g_assert_true(told == teacher);
    message_list_clear(list);
}

static void check_combination(struct prompts *prompts, const struct protocol *protocol, bool system)
{
    for (int bits = 0; bits < 32; bits++) {
        struct sample secret = sample;
        char *answers[] = {(char *)"GROUND-1", (char *)"GROUND-2", NULL};
        g_autoptr(json_t) meta = json_pack("{s:s}", "truth", "GROUND");
        secret.image = bits & 1 ? (char *)"a.png" : NULL;
        secret.answer = (char *)"GROUND-7f3a";
        secret.answers = answers;
        secret.meta = meta;
        const char *response = bits & 2 ? "" : "Thought: x\nAnswer: y";
        const char *feedback = bits & 4 ? "" : bits & 8 ? "hm" : "Score: 4.\nFeedback: no";
        struct turn some[4];
        for (size_t i = 0; i < G_N_ELEMENTS(some); i++)
            some[i] = (struct turn){(char *)(uintptr_t)response,
                                    bits & 16 ? NULL : (char *)(uintptr_t)feedback, NAN, NULL};
        for (size_t n = 0; n <= G_N_ELEMENTS(some); n++) {
            struct message_list list;
            prompt_student(&list, prompts, protocol, &secret, some, n);
            check_list(&list, system, bits & 1, false);
            for (int repair = 0; n > 0 && repair < 2; repair++) {
                prompt_teacher(&list, prompts, protocol, &secret, some, n, repair);
                check_list(&list, system, bits & 1, true);
            }
        }
    }
}

/* Law 3, under each value of each option of each protocol. */
static void test_every_combination(void)
{
    struct prompts *plain = prompts_load(NULL, NULL);
    g_autofree char *folder = write_tiny("student_system.txt", "s");
    g_free(support_write(folder, "teacher_system.txt", "t"));
    struct prompts *with_system = prompts_load(folder, NULL);
    static const char *const names[] = {"paper", "official"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        for (const struct protocol_option *option = protocol_options; option->name; option++) {
            for (int j = 0; option->values && option->values[j]; j++) {
                g_autofree char *set = g_strdup_printf("%s=%s", option->name, option->values[j]);
                struct protocol protocol = protocol_with(names[i], set);
                check_combination(plain, &protocol, false);
                check_combination(with_system, &protocol, true);
            }
        }
    }
    prompts_free(plain);
    prompts_free(with_system);
}

static void test_compiled_in(void)
{
    g_autoptr(GError) error = NULL;
    struct prompts *compiled = prompts_load(NULL, &error);
    g_assert_no_error(error);
    struct prompts *files = prompts_load("share/prompts", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(strlen(prompts_hash(compiled)), ==, 64);
    g_assert_cmpstr(prompts_hash(compiled), ==, prompts_hash(files));
    /* The forms that the parsers read are named. */
    struct protocol protocol = protocol_with("paper", NULL);
    struct message_list list;
    prompt_student(&list, compiled, &protocol, &sample, NULL, 0);
    g_assert_nonnull(strstr(list.messages[0].text, "\nThought: "));
    g_assert_nonnull(strstr(list.messages[0].text, "\nAnswer: "));
    message_list_clear(&list);
    prompt_teacher(&list, compiled, &protocol, &sample, turns, 1, 0);
    g_assert_nonnull(strstr(list.messages[0].text, "\nScore: "));
    g_assert_nonnull(strstr(list.messages[0].text, "from 1 to 10"));
    g_assert_nonnull(strstr(list.messages[0].text, "\nFeedback: "));
    message_list_clear(&list);
    prompts_free(compiled);
    prompts_free(files);
}

/* The hash follows every template, and nothing that does not reach a model. */
static void test_hash(void)
{
    struct prompts *base = load_tiny(NULL, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tiny); i++) {
        g_autofree char *more = g_strconcat("x ", tiny[i].text, NULL);
        g_autofree char *same = g_strconcat(tiny[i].text, "\n\r\n", NULL);
        struct prompts *changed = load_tiny(tiny[i].name, more);
        struct prompts *equal = load_tiny(tiny[i].name, same);
        g_assert_cmpstr(prompts_hash(changed), !=, prompts_hash(base));
        g_assert_cmpstr(prompts_hash(equal), ==, prompts_hash(base));
        prompts_free(changed);
        prompts_free(equal);
    }
    struct prompts *system = load_tiny("teacher_system.txt", "x");
    struct prompts *other = load_tiny("student_system.txt", "x");
    struct prompts *notes = load_tiny("README.md", "not a template {foo}");
    g_assert_cmpstr(prompts_hash(system), !=, prompts_hash(base));
    g_assert_cmpstr(prompts_hash(system), !=, prompts_hash(other));
    g_assert_cmpstr(prompts_hash(notes), ==, prompts_hash(base));
    prompts_free(system);
    prompts_free(other);
    prompts_free(notes);
    prompts_free(base);
}

/* A folder with one template: the others stay as compiled in. */
static void test_partial_folder(void)
{
    g_autofree char *folder = support_folder();
    g_free(support_write(folder, "student_question.txt", "Only this: {question}"));
    struct prompts *mine = prompts_load(folder, NULL), *compiled = prompts_load(NULL, NULL);
    g_assert_nonnull(mine);
    assert_shown(show_student(mine, "paper", NULL, 0), "user+image: Only this: why?\n");
    g_autofree char *teacher = show_teacher(compiled, NULL, 3, 1);
    assert_shown(show_teacher(mine, NULL, 3, 1), teacher);
    prompts_free(mine);
    prompts_free(compiled);
}

static const struct {
    const char *file, *text, *message;
} bad_cases[] = {
    {"student_question.txt", "{question} {answer}", "place '{answer}' is the ground truth"},
    {"student_feedback.txt", "{feedback} {answer}", "place '{answer}' is the ground truth"},
    {"student_system.txt", "It is {answer}", "place '{answer}' is the ground truth"},
    {"student_system.txt", "About {question}", "place '{question}' has no value in this template"},
    {"teacher_system.txt", "It is {answer}", "place '{answer}' is the ground truth"},
    {"student_question.txt", "what?", "missing place '{question}'"},
    {"student_question.txt", "{{question}", "missing place '{question}'"},
    {"student_feedback.txt", "again", "missing place '{feedback}'"},
    {"student_feedback.txt", "{question}", "missing place '{feedback}'"},
    {"teacher_question.txt", "{question}", "missing place '{answer}'"},
    {"teacher_question.txt", "{answer}", "missing place '{question}'"},
    {"teacher_response.txt", "{question} {answer}", "missing place '{response}'"},
    {"teacher_response.txt", "{response} {feedback}", "place '{feedback}' has no value"},
    {"teacher_repair.txt", "{response}", "place '{response}' has no value"},
    {"student_question.txt", "{question} {foo}", "unknown place '{foo}'"},
    {"student_question.txt", "{question} {Question}", "unknown place '{Question}'"},
    {"student_question.txt", "{question} {}", "unknown place '{}'"},
    {"student_question.txt", "{question} { question }", "unknown place '{ question }'"},
    {"student_question.txt", "{question} {", "unknown place '{'"},
    {"student_question.txt", "{question", "unknown place '{question'"},
    {"student_question.txt", "{ques\ntion}", "unknown place '{ques'"},
    {"student_question.txt", "{que{question}", "unknown place '{que'"},
    {"student_question.txt", "{question} {\"score\": 5}", "unknown place '{\"score\": 5}'"},
    {"student_question.txt", "", "empty"},
    {"teacher_repair.txt", "\n\n", "empty"},
    {"student_question.txt", "{question} \xff", "not UTF-8"},
    {"student_qestion.txt", "{question}", "no template has this name"},
    {"student_question.txt.txt", "{question}", "no template has this name"},
    {".txt", "", "no template has this name"},
};

static void test_bad_templates(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bad_cases); i++) {
        g_test_message("%s: %s", bad_cases[i].file, bad_cases[i].text);
        g_autofree char *folder = write_tiny(bad_cases[i].file, bad_cases[i].text);
        g_autofree char *path = g_build_filename(folder, bad_cases[i].file, NULL);
        g_autoptr(GError) error = NULL;
        g_assert_null(prompts_load(folder, &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
        g_assert_nonnull(strstr(error->message, path));
        g_assert_nonnull(strstr(error->message, bad_cases[i].message));
        g_assert_null(strchr(error->message, '\n'));
    }
}

static void assert_refused(const char *folder, int code, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(prompts_load(folder, &error));
    g_assert_error(error, FIRE_ERROR, code);
    g_assert_nonnull(strstr(error->message, message));
    g_assert_null(strchr(error->message, '\n'));
}

static void test_bad_folders(void)
{
    g_autofree char *folder = support_folder();
    g_autofree char *absent = g_build_filename(folder, "absent", NULL);
    assert_refused(absent, FIRE_ERROR_IO, "absent");
    assert_refused(folder, FIRE_ERROR_FORMAT, "no template in this folder");
    g_autofree char *file = support_write(folder, "notes.md", "x");
    assert_refused(file, FIRE_ERROR_IO, "notes.md");
    assert_refused(folder, FIRE_ERROR_FORMAT, "no template in this folder");

    g_autofree char *inner = g_build_filename(folder, "student_question.txt", NULL);
    g_assert_cmpint(g_mkdir(inner, 0700), ==, 0);
    assert_refused(folder, FIRE_ERROR_IO, "student_question.txt': not a regular file");

    g_autofree char *nul = write_tiny(NULL, NULL);
    g_autofree char *with_nul = g_build_filename(nul, "student_question.txt", NULL);
    g_assert_true(g_file_set_contents(with_nul, "{question}\0x", 12, NULL));
    assert_refused(nul, FIRE_ERROR_FORMAT, "not UTF-8");

    g_autofree char *large = write_tiny(NULL, NULL);
    g_autofree char *with_much = g_build_filename(large, "student_question.txt", NULL);
    g_autofree char *much = g_strnfill((1 << 20) + 1, 'x');
    g_assert_true(g_file_set_contents(with_much, much, -1, NULL));
    assert_refused(large, FIRE_ERROR_FORMAT, "larger than");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/prompt/student", test_student);
    g_test_add_func("/prompt/teacher", test_teacher);
    g_test_add_func("/prompt/system", test_system);
    g_test_add_func("/prompt/verbatim", test_verbatim);
    g_test_add_func("/prompt/image-marks", test_image_marks);
    g_test_add_func("/prompt/every-combination", test_every_combination);
    g_test_add_func("/prompt/compiled-in", test_compiled_in);
    g_test_add_func("/prompt/hash", test_hash);
    g_test_add_func("/prompt/partial-folder", test_partial_folder);
    g_test_add_func("/prompt/bad-templates", test_bad_templates);
    g_test_add_func("/prompt/bad-folders", test_bad_folders);
    return g_test_run();
}

/* reader: every form, every flaw, ids, and files that are broken anywhere. */
#include "base/error.h"
#include "base/rng.h"
#include "data/reader.h"
#include "data/scanner.h"
#include "support/support.h"

#include <fcntl.h>
#include <malloc.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct protocol paper, official;
static char *folder;

/* "+ID" for each record, "-CAUSE" for each bad one, then "." at the end or "!" where the file
 * cannot be used, joined by blanks. */
static char *summarise_file(const char *path, enum reader_need need)
{
    GString *summary = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    struct reader *reader = reader_open(path, need, &paper, &error);
    enum reader_status status = reader ? READER_RECORD : READER_FAILED;
    size_t number = 0;
    while (reader) {
        struct record *record;
        status = reader_next(reader, &record, &error);
        if (status > READER_BAD)
            break;
        g_assert_cmpuint(record->number, ==, ++number);
        g_assert_no_error(error);
        if (status == READER_RECORD) {
            g_assert_null(record->cause);
            g_string_append_printf(summary, "+%s ", record->dialogue.sample.id);
        } else {
            g_assert_nonnull(record->detail);
            g_string_append_printf(summary, "-%s ", record->cause);
        }
    }
    g_assert_true((status == READER_FAILED) == (error != NULL));
    g_string_append_c(summary, status == READER_END ? '.' : '!');
    reader_close(reader);
    return g_string_free(summary, FALSE);
}

static char *summarise_bytes(const char *bytes, size_t n, enum reader_need need)
{
    g_autofree char *path = g_build_filename(folder, "input", NULL);
    FILE *file = fopen(path, "w");
    g_assert_nonnull(file);
    fwrite(bytes, 1, n, file);
    fclose(file);
    return summarise_file(path, need);
}

#define A "{\"id\":\"a\",\"source\":\"s\",\"image\":null,\"question\":\"q\",\"answer\":\"x\"}"
#define B "{\"id\":\"b\",\"source\":\"s\",\"image\":null,\"question\":\"q\",\"answer\":\"x\"}"
#define NO_ID "{\"source\":\"s\",\"image\":null,\"question\":\"q\",\"answer\":\"x\"}"
/* SHA-256 of U+001F q U+001F x. */
#define MADE_ID "s-1551a35d9864"
#define D(turns)                                                                                   \
    "{\"id\":\"d\",\"source\":\"s\",\"image\":null,\"question\":\"q\",\"answer\":\"x\"," turns "}"
#define TURN "{\"response\":\"r\",\"feedback\":\"Score: 4.\\nFeedback: f\"}"
#define OPEN_TURN "{\"response\":\"r\",\"feedback\":null}"

static const struct {
    const char *text, *sample, *dialogue, *all; /* summaries; NULL: as the one before */
} cases[] = {
    /* The file. */
    {"", "!", NULL, NULL},
    {" \n\r\n\t", "!", NULL, NULL},
    {"hello\nworld\n", "!", NULL, NULL},
    {"\"text\"", "!", NULL, NULL},
    {"12", "!", NULL, NULL},
    {"{\n \"id\": \"a\",\n \"source\": \"s\"\n}\n", "!", NULL, NULL},
    {"[]", ".", NULL, NULL},
    {" [ \n ] \n", ".", NULL, NULL},
    {A, "+a .", "-no-turns .", "+a ."},
    {A "\n", "+a .", "-no-turns .", "+a ."},
    {"\xef\xbb\xbf" A "\r\n\r\n  " B "  \r\n\n", "+a +b .", "-no-turns -no-turns .", "+a +b ."},
    {"\xef\xbb\xbf[" A "]", "+a .", "-no-turns .", "+a ."},
    {"[" A "," B "]\n", "+a +b .", "-no-turns -no-turns .", "+a +b ."},
    {"[\n " A "\n ,\n " B "\n]", "+a +b .", "-no-turns -no-turns .", "+a +b ."},
    {"[" A "," B, "+a +b !", "-no-turns -no-turns !", "+a +b !"},
    {"[" A ",{\"id\":\"b\"", "+a !", "-no-turns !", "+a !"},
    {"[" A " " B "]", "+a !", "-no-turns !", "+a !"},
    {"[" A ",," B "]", "+a !", "-no-turns !", "+a !"},
    {"[," A "]", "!", NULL, NULL},
    {"[" A ",]", "+a !", "-no-turns !", "+a !"},
    {"[" A "] x", "+a !", "-no-turns !", "+a !"},
    {"[" A "}", "+a !", "-no-turns !", "+a !"},
    /* Records that are broken between their brackets, or no objects. */
    {"[" A ",{\"id\" \"b\"}," B "]", "+a -bad-json +b .", "-no-turns -bad-json -no-turns .",
     "+a -bad-json +b ."},
    {"[1,\"x\",null,[" A "],-2e5 ," A "]",
     "-wrong-type -wrong-type -wrong-type -wrong-type -wrong-type +a .",
     "-wrong-type -wrong-type -wrong-type -wrong-type -wrong-type -no-turns .",
     "-wrong-type -wrong-type -wrong-type -wrong-type -wrong-type +a ."},
    {A "\n{\"id\":\"b\",\n" B "\n", "+a -bad-json +b .", "-no-turns -bad-json -no-turns .",
     "+a -bad-json +b ."},
    {A "\nnonsense\n[]\n", "+a -bad-json -wrong-type .", "-no-turns -bad-json -wrong-type .",
     "+a -bad-json -wrong-type ."},
    {A "\n{\"id\":\"b", "+a -bad-json .", "-no-turns -bad-json .", "+a -bad-json ."},
    {"{\"id\":\"b", "-bad-json .", NULL, NULL},
    {"[{\"id\":\"a\\\"}],[\",\"source\":\"s\",\"image\":null,\"question\":\"\\\\\",\"answer\":"
     "\"x\"}]",
     "+a\"}],[ .", "-no-turns .", "+a\"}],[ ."},
    /* A lost quote costs its line, not the file. */
    {"[{\"id\":\"z,\n\"source\":\"s\"},\n" A "]", "-bad-json +a .", "-bad-json -no-turns .",
     "-bad-json +a ."},
    {"{\"id\":\"\xff\"}\n" A, "-bad-utf8 +a .", "-bad-utf8 -no-turns .", "-bad-utf8 +a ."},
    {"{\"id\":\"\xed\xa0\x80\"}\n" A, "-bad-utf8 +a .", "-bad-utf8 -no-turns .", "-bad-utf8 +a ."},
    {"{\"id\":\"a\",\"id\":\"b\"}\n" A, "-bad-json +a .", "-bad-json -no-turns .",
     "-bad-json +a ."},
    /* Ids. */
    {NO_ID "\n" NO_ID "\n" NO_ID "\n", "+" MADE_ID " +" MADE_ID "-2 +" MADE_ID "-3 .",
     "-no-turns -no-turns -no-turns .", "+" MADE_ID " +" MADE_ID "-2 +" MADE_ID "-3 ."},
    {A "\n" A "\n" A "\n", "+a +" MADE_ID " +" MADE_ID "-2 .", "-no-turns -no-turns -no-turns .",
     "+a +" MADE_ID " +" MADE_ID "-2 ."},
    {"{\"id\":7,\"source\":\"s\",\"image\":null,\"question\":\"q\",\"answer\":\"x\"}\n"
     "{\"id\":-7,\"source\":\"s\",\"image\":null,\"question\":\"q\",\"answer\":\"x\"}\n"
     "{\"id\":\"7\",\"source\":\"s\",\"image\":null,\"question\":\"q\",\"answer\":\"x\"}",
     "+7 +-7 +" MADE_ID " .", "-no-turns -no-turns -no-turns .", "+7 +-7 +" MADE_ID " ."},
    {"{\"id\":7.5,\"source\":\"s\",\"image\":null,\"question\":\"q\",\"answer\":\"x\"}",
     "-wrong-type .", NULL, NULL},
    /* Our lines. */
    {"{}", "-missing-key .", NULL, NULL},
    {"{\"source\":\"s\",\"question\":\"q\"}", "-missing-key .", NULL, NULL},
    {"{\"source\":\"s\",\"question\":1,\"answer\":\"x\"}", "-wrong-type .", NULL, NULL},
    {"{\"id\":\"a\",\"source\":\"s\",\"question\":\"q\",\"answer\":\"x\"}", "+a .", "-no-turns .",
     "-missing-key ."},
    {"{\"source\":\"s\",\"image\":[],\"question\":\"q\",\"answer\":\"x\"}", "-wrong-type .", NULL,
     NULL},
    {D("\"turns\":[]"), "+d .", "-no-turns .", "-no-turns ."},
    {D("\"turns\":[],\"stop\":\"failed\""), "+d .", "+d .", "-no-turns ."},
    {D("\"turns\":{}"), "+d .", "-wrong-type .", NULL},
    {D("\"turns\":[1]"), "+d .", "-wrong-type .", NULL},
    {D("\"turns\":[" TURN "],\"stop\":\"tired\""), "+d .", "-wrong-value .", NULL},
    {D("\"turns\":[" TURN "," TURN "],\"stop\":\"score\""), "+d .", NULL, NULL},
    {D("\"turns\":[" TURN "," OPEN_TURN "]"), "+d .", "+d .", "-turn-order ."},
    {D("\"turns\":[" OPEN_TURN "," TURN "]"), "+d .", "-turn-order .", NULL},
    {D("\"turns\":[{\"feedback\":\"f\"}]"), "+d .", "-missing-key .", NULL},
    {D("\"turns\":[{\"response\":null}]"), "+d .", "-wrong-type .", NULL},
    {D("\"turns\":[{\"response\":\"r\",\"feedback\":\"f\"}]"), "+d .", "+d .", "-no-score ."},
    {D("\"turns\":[{\"response\":\"r\",\"feedback\":\"f\",\"score\":null}]"), "+d .", "+d .",
     "-no-score ."},
    {D("\"turns\":[{\"response\":\"r\",\"feedback\":\"Score: 7.\",\"score\":null}]"), "+d .",
     "+d .", "-no-score ."},
    {D("\"turns\":[{\"response\":\"r\",\"feedback\":\"f\",\"score\":7.5}]"), "+d .", NULL, NULL},
    {D("\"turns\":[{\"response\":\"r\",\"feedback\":\"f\",\"score\":\"7\"}]"), "+d .",
     "-wrong-type .", NULL},
    {D("\"turns\":[{\"response\":\"r\",\"feedback\":\"f\",\"score\":10.5}]"), "+d .",
     "-score-range .", NULL},
    {D("\"turns\":[{\"response\":\"r\",\"feedback\":\"f\",\"score\":-1}]"), "+d .",
     "-score-range .", NULL},
    {D("\"turns\":[{\"response\":\"r\",\"feedback\":\"Score: 12\"}]"), "+d .", "+d .",
     "-score-range ."},
};

static void test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *expected[3] = {cases[i].sample, cases[i].dialogue, cases[i].all};
        for (int need = NEED_SAMPLE; need <= NEED_ALL; need++) {
            if (!expected[need])
                expected[need] = expected[need - 1];
            g_autofree char *summary =
                summarise_bytes(cases[i].text, strlen(cases[i].text), (enum reader_need)need);
            if (strcmp(summary, expected[need]) != 0)
                g_error("need %d of case %zu (%s): %s, expected %s", need, i, cases[i].text,
                        summary, expected[need]);
        }
    }
}

#define TEXT(name, value) "\"" name "\":{\"role\":\"user\",\"value\":\"" value "\"}"
#define STUDENT "{\"role\":\"student\",\"type\":\"response\",\"value\":\"r\"}"
#define TEACHER(score)                                                                             \
    "{\"role\":\"teacher\",\"type\":\"feedback\",\"value\":\"Score: " score ".\\nFeedback: f\"}"
#define FIRE(image, turns, rest)                                                                   \
    "[{" image TEXT("question", "q") ",\"conversations\":[" turns                                  \
                                     "]," TEXT("groundtruth", "x") ",\"source\":\"s\"" rest "}]"
#define COUNTS ",\"round\":1,\"score\":[4]"

static const struct {
    const char *text, *dialogue, *all;
} fire_cases[] = {
    {FIRE("\"image\":\"i\",", STUDENT "," TEACHER("4"), COUNTS), "+", "+"},
    {FIRE("", STUDENT "," TEACHER("4"), COUNTS), "+", "-missing-key"},
    {FIRE("\"image\":\"\",", STUDENT "," TEACHER("4"), COUNTS), "+", "-missing-image"},
    {FIRE("\"image\":7,", STUDENT "," TEACHER("4"), COUNTS), "-wrong-type", "-wrong-type"},
    {FIRE("\"image\":\"i\",", STUDENT "," TEACHER("4"), ",\"score\":[4]"), "+", "-missing-key"},
    {FIRE("\"image\":\"i\",", STUDENT "," TEACHER("4"), ",\"round\":1"), "+", "-missing-key"},
    {FIRE("\"image\":\"i\",", STUDENT "," TEACHER("4"), ",\"round\":1,\"score\":4"), "+",
     "-wrong-type"},
    {FIRE("\"image\":\"i\",", STUDENT "," TEACHER("4"), ",\"round\":\"1\",\"score\":[4]"), "+",
     "-wrong-type"},
    {FIRE("\"image\":\"i\",", STUDENT "," TEACHER("4"), ",\"round\":1,\"score\":[\"4\"]"), "+",
     "-wrong-type"},
    {FIRE("\"image\":\"i\",", "", COUNTS), "-no-turns", "-no-turns"},
    {FIRE("\"image\":\"i\",", STUDENT, COUNTS), "+", "-turn-order"},
    {FIRE("\"image\":\"i\",", TEACHER("4") "," STUDENT, COUNTS), "-turn-order", "-turn-order"},
    {FIRE("\"image\":\"i\",", STUDENT "," STUDENT, COUNTS), "-turn-order", "-turn-order"},
    {FIRE("\"image\":\"i\",", STUDENT "," TEACHER("11"), COUNTS), "+", "-score-range"},
    {FIRE("\"image\":\"i\",", STUDENT "," TEACHER("none"), COUNTS), "+", "-no-score"},
    {FIRE("\"image\":\"i\",", "7," TEACHER("4"), COUNTS), "-wrong-type", "-wrong-type"},
    {"[{\"conversations\":[" STUDENT "]}]", "-missing-key", "-missing-key"},
    {"[{" TEXT("question", "q") "}]", "-missing-key", "-missing-key"},
    {"[{" TEXT("question", "q") ",\"groundtruth\":\"x\"}]", "-wrong-type", "-wrong-type"},
    {"[{" TEXT("question", "q") "," TEXT("groundtruth", "x") ",\"source\":\"s\"}]", "-missing-key",
     "-missing-key"},
    {"[{" TEXT("question", "q") "," TEXT("groundtruth", "x") "}]", "-missing-key", "-missing-key"},
    /* The LLaVA layout. */
    {"[{\"id\":1,\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"gpt\","
     "\"value\":"
     "\"x\"}]}]",
     "-no-turns", "+"},
    {"[{\"id\":1,\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"human\","
     "\"value\":\"x\"}]}]",
     "-turn-order", "-turn-order"},
    {"[{\"id\":1,\"conversations\":[{\"from\":\"gpt\",\"value\":\"z\"},{\"from\":\"human\","
     "\"value\":"
     "\"q\"},{\"from\":\"gpt\",\"value\":\"x\"}]}]",
     "-no-turns", "-turn-order"},
    {"[{\"id\":1,\"conversations\":[{\"from\":\"human\",\"value\":\"q\"}]}]", "-turn-order",
     "-turn-order"},
    {"[{\"id\":1,\"conversations\":[]}]", "-no-turns", "-no-turns"},
    {"[{\"id\":1,\"conversations\":7}]", "-wrong-type", "-wrong-type"},
    {"[{\"id\":1,\"conversations\":[{\"from\":\"robot\",\"value\":\"q\"}]}]", "-turn-order",
     "-turn-order"},
};

static void test_foreign(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fire_cases); i++) {
        for (int all = 0; all <= 1; all++) {
            g_autofree char *summary = summarise_bytes(
                fire_cases[i].text, strlen(fire_cases[i].text), all ? NEED_ALL : NEED_DIALOGUE);
            const char *expected = all ? fire_cases[i].all : fire_cases[i].dialogue;
            if (!g_str_has_prefix(summary, expected) || !g_str_has_suffix(summary, " ."))
                g_error("%s: %s, expected %s", fire_cases[i].text, summary, expected);
        }
    }
}

/* Reads the one record of `text` for NEED_DIALOGUE or less; the caller closes the reader. */
static struct record *read_one(const char *text, enum reader_need need,
                               const struct protocol *protocol, struct reader **reader)
{
    g_autofree char *path = support_write(folder, "one", text);
    g_autoptr(GError) error = NULL;
    struct record *record;
    *reader = reader_open(path, need, protocol, &error);
    g_assert_no_error(error);
    enum reader_status status = reader_next(*reader, &record, &error);
    g_assert_cmpstr(record->detail, ==, NULL);
    g_assert_cmpint(status, ==, READER_RECORD);
    return record;
}

static void test_llava_sample(void)
{
    static const struct {
        const char *image, *question, *source, *clean;
    } rows[] = {
        {"\"coco/train2017/1.jpg\"", "<image>\\nWhat?", "coco", "What?"},
        {"\"geoqa+/images/1.png\"", "What?\\n<image>", "geoqa+", "What?"},
        {"\"llava/llava_pretrain/images/00001/1.jpg\"", "What?", "llava", "What?"},
        {"\"00001/000010593.jpg\"", "a <image> b", "llava", "a <image> b"},
        {"\"1.jpg\"", "<image>", "llava", ""},
        {"null", "What?", "llava", "What?"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf(
            "[{\"id\":%zu,\"image\":%s,\"url\":\"u\",\"conversations\":[{\"from\":\"human\","
            "\"value\":"
            "\"%s\"},{\"from\":\"gpt\",\"value\":\"x\"},{\"from\":\"human\",\"value\":\"more\"},"
            "{\"from\":\"gpt\",\"value\":\"y\"}]}]",
            i, rows[i].image, rows[i].question);
        struct reader *reader;
        const struct sample *sample =
            &read_one(text, NEED_SAMPLE, &paper, &reader)->dialogue.sample;
        g_autofree char *id = g_strdup_printf("%zu", i);
        g_assert_cmpstr(sample->id, ==, id);
        g_assert_cmpstr(sample->source, ==, rows[i].source);
        g_assert_cmpstr(sample->question, ==, rows[i].clean);
        g_assert_cmpstr(sample->answer, ==, "x");
        g_assert_cmpstr(json_get_string(json_object_get(sample->meta, "llava"), "url"), ==, "u");
        reader_close(reader);
    }
}

/* A file of the released loops, stopped after the teacher's second judgement. */
static void test_loop(void)
{
    static const char text[] =
        "[{\"id\":\"l\",\"image\":\"coco/"
        "1.jpg\",\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},"
        "{\"from\":\"gpt\",\"value\":\"x\"}],\"token_len\":9,\"student_history\":["
        "{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"gpt\",\"value\":\"r1\"},"
        "{\"from\":\"human\",\"value\":\"f1\"},{\"from\":\"gpt\",\"value\":\"r2\"}],"
        "\"teacher_history\":[{\"from\":\"human\",\"value\":\"Question: q\"},"
        "{\"from\":\"human\",\"value\":\"judge\"},{\"from\":\"human\",\"value\":\"r2\"},"
        "{\"from\":\"gpt\",\"value\":\"Score: 8/10.\\nFeedback: f2\"}],\"scores\":[3.0,1.0]}]";
    struct reader *reader;
    struct record *record = read_one(text, NEED_ALL, &paper, &reader);
    const struct dialogue *dialogue = &record->dialogue;
    g_assert_cmpint(record->form, ==, FORM_LOOP);
    g_assert_cmpuint(dialogue->n_turns, ==, 2);
    g_assert_cmpstr(dialogue->sample.answer, ==, "x");
    g_assert_cmpstr(dialogue->turns[0].response, ==, "r1");
    g_assert_cmpstr(dialogue->turns[0].feedback, ==, "f1");
    g_assert_cmpstr(dialogue->turns[1].response, ==, "r2");
    g_assert_cmpstr(dialogue->turns[1].feedback, ==, "Score: 8/10.\nFeedback: f2");
    support_assert_near(dialogue->turns[0].score, 3, 0);
    support_assert_near(dialogue->turns[1].score, 8, 0);
    g_assert_cmpint(record->n_disagree, ==, 1);
    reader_close(reader);
    record = read_one(text, NEED_DIALOGUE, &official, &reader);
    support_assert_near(record->dialogue.turns[1].score, 1, 0);
    reader_close(reader);
}

/* The released records: each is read; where the text says N/10 the text counts, the list is kept,
 * and the two are seen to disagree, in protocol `official` the list counts. */
static void test_official(void)
{
    g_autofree char *path = support_shared("data/fire-official/records.json");
    if (!path)
        return;
    for (int k = 0; k < 2; k++) {
        g_autoptr(GError) error = NULL;
        struct reader *reader = reader_open(path, NEED_ALL, k ? &official : &paper, &error);
        g_assert_no_error(error);
        struct record *record;
        enum reader_status status;
        size_t n = 0, n_turns = 0, n_tenths = 0, n_disagree = 0;
        while ((status = reader_next(reader, &record, &error)) <= READER_BAD) {
            g_assert_cmpint(status, ==, READER_RECORD);
            g_assert_cmpint(record->form, ==, FORM_FIRE);
            const struct dialogue *dialogue = &record->dialogue;
            g_assert_null(strchr(dialogue->sample.source, '/'));
            g_assert_true(g_str_has_prefix(dialogue->sample.id, dialogue->sample.source));
            const json_t *list =
                json_object_get(json_object_get(dialogue->sample.meta, "fire"), "score");
            for (size_t i = 0; i < dialogue->n_turns; i++) {
                const struct turn *turn = &dialogue->turns[i];
                double listed = json_number_value(json_array_get(list, i));
                bool is_tenth = strstr(turn->feedback, "/10.") != NULL;
                n_tenths += is_tenth;
                support_assert_near(
                    turn->score, k || !is_tenth ? listed : g_ascii_strtod(turn->feedback + 7, NULL),
                    0);
                g_assert_true(is_tenth == (json_object_get(turn->meta, "fire_score") != NULL));
            }
            n++;
            n_turns += dialogue->n_turns;
            n_disagree += (size_t)record->n_disagree;
        }
        g_assert_cmpint(status, ==, READER_END);
        uint64_t done, total;
        reader_position(reader, &done, &total);
        g_assert_cmpuint(done, ==, total);
        reader_close(reader);
        g_assert_cmpuint(n, ==, 121);
        g_assert_cmpuint(n_turns, ==, 298);
        g_assert_cmpuint(n_tenths, >, 0);
        g_assert_cmpuint(n_disagree, ==, n_tenths);
    }
}

static void test_malformed(void)
{
    static const struct {
        const char *file, *all, *dialogue;
    } files[] = {
        {"malformed", "-no-score -score-range -turn-order -missing-key .", "4"},
        {"records", "8", "8"},
        {"student", "8", "0"},
        {"teacher", "8", "0"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *relative = g_strdup_printf("data/fire/%s.json", files[i].file);
        g_autofree char *path = support_shared(relative);
        if (!path)
            return;
        for (int all = 0; all <= 1; all++) {
            const char *expected = all ? files[i].all : files[i].dialogue;
            g_autofree char *summary = summarise_file(path, all ? NEED_ALL : NEED_DIALOGUE);
            g_assert_true(g_str_has_suffix(summary, "."));
            size_t n_good = 0;
            for (const char *p = summary; (p = strchr(p, '+')); p++)
                n_good++;
            if (expected[0] == '-')
                g_assert_cmpstr(summary, ==, expected);
            else
                g_assert_cmpuint(n_good, ==, g_ascii_strtoull(expected, NULL, 10));
        }
    }
}

/* A copy of the dialogue taken out of its record outlives the reader. */
static void test_take(void)
{
    struct reader *reader;
    struct record *record = read_one(D("\"turns\":[" TURN "]"), NEED_DIALOGUE, &paper, &reader);
    struct dialogue taken = record->dialogue;
    record->dialogue = (struct dialogue){0};
    reader_close(reader);
    g_assert_cmpstr(taken.sample.id, ==, "d");
    support_assert_near(taken.turns[0].score, 4, 0);
    dialogue_clear(&taken);
}

static void test_unusable_paths(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *absent = g_build_filename(folder, "absent", NULL);
    g_assert_null(reader_open(absent, NEED_SAMPLE, &paper, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "No such file"));
    g_clear_error(&error);
    g_assert_null(reader_open(folder, NEED_SAMPLE, &paper, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "directory"));
}

/* What a thread writes into a pipe. */
struct flood {
    int fd;
    size_t n_equal, n_named, n_long;
    bool is_array;
};

static void write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);
        g_assert_cmpint(written, >, 0);
        bytes += written;
        n -= (size_t)written;
    }
}

static gpointer flood(gpointer user)
{
    const struct flood *job = user;
    GString *block = g_string_new(job->is_array ? "[" : NULL);
    const char *separator = job->is_array ? "," : "\n";
    for (size_t i = 0; i < job->n_named + job->n_equal; i++) {
        if (i < job->n_named)
            g_string_append_printf(block,
                                   "{\"id\":\"n%zu\",\"source\":\"s\",\"image\":null,\"question\":"
                                   "\"q\",\"answer\":\"x\"}%s",
                                   i, separator);
        else
            g_string_append_printf(block, NO_ID "%s", separator);
        if (block->len > 100000) {
            write_all(job->fd, block->str, block->len);
            g_string_truncate(block, 0);
        }
    }
    write_all(job->fd, block->str, block->len);
    if (job->n_long > 0) {
        g_string_assign(block, "");
        for (size_t i = 0; i < 1 << 20; i++)
            g_string_append_c(block, i % 3 ? '\\' : 'z');
        write_all(job->fd, "{\"id\":\"", 7);
        for (size_t i = 0; i < job->n_long; i += 1 << 20)
            write_all(job->fd, block->str, block->len);
        write_all(job->fd, "\"}", 2);
        write_all(job->fd, separator, 1);
    }
    write_all(job->fd, A, strlen(A));
    write_all(job->fd, job->is_array ? "]" : "\n", 1);
    close(job->fd);
    g_string_free(block, TRUE);
    return NULL;
}

/* Reads what `job` floods; returns the number of good records. */
static size_t drink(struct flood *job, struct ids *ids, const char **last_cause)
{
    g_autofree char *path = g_build_filename(folder, "pipe", NULL);
    unlink(path);
    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    int keep = open(path, O_RDWR | O_CLOEXEC);
    job->fd = open(path, O_WRONLY | O_CLOEXEC);
    g_assert_cmpint(job->fd, >=, 0);
    GThread *thread = g_thread_new("flood", flood, job);
    g_autoptr(GError) error = NULL;
    struct reader *reader = reader_open(path, NEED_SAMPLE, &paper, &error);
    g_assert_no_error(error);
    close(keep);
    reader_use_ids(reader, ids);
    size_t n_good = 0;
    struct record *record;
    enum reader_status status;
    while ((status = reader_next(reader, &record, &error)) <= READER_BAD) {
        n_good += status == READER_RECORD;
        if (status == READER_BAD)
            *last_cause = record->cause;
    }
    g_assert_no_error(error);
    g_thread_join(thread);
    reader_close(reader);
    unlink(path);
    return n_good;
}

/* 300,000 records, a third of them equal and without an id: at most 16 bytes each (as malloc counts
 * them, where it is glibc's). */
static void test_many_ids(void)
{
    struct flood job = {.n_named = 200000, .n_equal = 100000};
    struct ids *ids = ids_new();
    const char *cause = NULL;
    struct mallinfo2 before = mallinfo2();
    g_assert_cmpuint(drink(&job, ids, &cause), ==, 300001);
    g_assert_null(cause);
    struct mallinfo2 after = mallinfo2();
    if (before.uordblks > 0) {
        g_assert_cmpuint(after.uordblks - before.uordblks, <=, 16 * 300001);
        g_assert_cmpuint(after.uordblks - before.uordblks, >=, 8 * 300001); /* they were counted */
    }
    g_assert_true(ids_has(ids, MADE_ID));
    g_assert_true(ids_has(ids, MADE_ID "-100000"));
    g_assert_false(ids_has(ids, MADE_ID "-100001"));
    g_assert_true(ids_has(ids, "n0"));
    g_assert_false(ids_has(ids, "n200000"));
    ids_free(ids);
}

/* Against a plain hash table, with many repeats. */
static void test_ids_reference(void)
{
    struct rng rng;
    rng_init(&rng, 7, 0);
    struct ids *ids = ids_new();
    GHashTable *reference = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (int i = 0; i < 50000; i++) {
        char *id = g_strdup_printf("x%u", (unsigned)rng_below(&rng, 30000));
        bool seen = g_hash_table_contains(reference, id);
        g_assert_true(ids_has(ids, id) == seen);
        g_assert_true(ids_add(ids, id) == !seen);
        g_hash_table_add(reference, id);
    }
    g_hash_table_unref(reference);
    ids_free(ids);
}

/* Ids that the reader would make are already taken by records that name them so. */
static void test_taken_ids(void)
{
    struct ids *ids = ids_new();
    g_assert_true(ids_add(ids, MADE_ID));
    g_assert_true(ids_add(ids, MADE_ID "-2"));
    g_assert_true(ids_add(ids, MADE_ID "-8"));
    GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (int i = 0; i < 100; i++) {
        struct sample sample = {
            .source = (char *)"s", .question = (char *)"q", .answer = (char *)"x"};
        ids_assign(ids, &sample);
        g_assert_true(g_str_has_prefix(sample.id, MADE_ID "-"));
        g_assert_cmpstr(sample.id, !=, MADE_ID "-8");
        g_assert_true(g_hash_table_add(seen, sample.id));
    }
    g_hash_table_unref(seen);
    ids_free(ids);
}

/* A record over the limit is skipped, the one behind it is read. */
static void test_too_long(void)
{
    for (int is_array = 0; is_array <= 1; is_array++) {
        struct flood job = {
            .n_named = 3, .n_long = SCANNER_MAX_RECORD + (3u << 20), .is_array = is_array};
        struct ids *ids = ids_new();
        const char *cause = NULL;
        g_assert_cmpuint(drink(&job, ids, &cause), ==, 4);
        g_assert_cmpstr(cause, ==, "too-long");
        g_assert_true(ids_has(ids, "a"));
        ids_free(ids);
    }
}

/* Depth: JSON that nests too deep is a bad record, not a crash. */
static void test_deep(void)
{
    GString *text = g_string_new("[");
    for (int i = 0; i < 200000; i++)
        g_string_append(text, "{\"a\":[");
    for (int i = 0; i < 200000; i++)
        g_string_append(text, "]}");
    g_string_append(text, "," A "]");
    g_autofree char *summary = summarise_bytes(text->str, text->len, NEED_SAMPLE);
    g_assert_cmpstr(summary, ==, "-bad-json +a .");
    g_string_free(text, TRUE);
}

static const char three_lines[] = A "\n" D("\"turns\":[" TURN "]") "\n" B "\n";
static const char three_in_array[] = "[\n " A ",\n " D("\"turns\":[\n" TURN "\n]") ",\n " B "\n]\n";

#define OFFICIAL(name)                                                                             \
    "{\"id\":\"" name                                                                              \
    "\",\"image\":\"i\"," TEXT("question", "q") ",\"conversations\":[" STUDENT "," TEACHER(        \
        "4") "]," TEXT("groundtruth", "x") ",\"source\":\"s\"" COUNTS "}"
static const char three_official[] = "[" OFFICIAL("a") ", " OFFICIAL("d") ", " OFFICIAL("b") "]";

/* Damages every byte of `text`, which holds the records a, d, b; wherever the damage is, a record
 * that ended before it is delivered, and in JSON Lines one that began behind its line too. */
static void damage(const char *text, bool is_lines, enum reader_need need)
{
    size_t n = strlen(text);
    const char *d = strstr(text, "{\"id\":\"d\""), *b = strstr(text, "{\"id\":\"b\"");
    static const char flips[] = {'\0', '\n', '"', '\\', '{', ']', ',', '\xff', 'x', '\x01'};
    /* A first byte of '[' makes lines another kind of file. */
    for (size_t i = is_lines; i < n; i++) {
        for (size_t k = 0; k <= G_N_ELEMENTS(flips); k++) {
            g_autofree char *damaged = g_memdup2(text, n + 1);
            size_t n_damaged = n;
            if (k == G_N_ELEMENTS(flips)) { /* deleted */
                memmove(damaged + i, damaged + i + 1, n - i);
                n_damaged--;
            } else {
                damaged[i] = flips[k] == 1 ? (char)(text[i] ^ 0x20) : flips[k];
            }
            g_autofree char *summary = summarise_bytes(damaged, n_damaged, need);
            const char *at = text + i;
            bool has_a = strstr(summary, "+a "), has_d = strstr(summary, "+d ");
            bool ok = (has_a || at < d) && (has_d || at < b);
            if (is_lines)
                ok = ok && (has_d || at >= d - 1) && (strstr(summary, "+b ") || at >= b - 1);
            if (!ok)
                g_error("byte %zu, damage %zu: %s", i, k, summary);
        }
    }
}

static void test_damage(void)
{
    damage(three_lines, true, NEED_SAMPLE);
    damage(three_in_array, false, NEED_SAMPLE);
    damage(three_official, false, NEED_ALL);
}

static void test_prefixes(void)
{
    for (size_t n = 0; n <= strlen(three_lines); n++) {
        g_autofree char *summary = summarise_bytes(three_lines, n, NEED_SAMPLE);
        size_t n_a = strlen(A), n_d = n_a + 1 + strlen(D("\"turns\":[" TURN "]"));
        g_assert_true((strstr(summary, "+a ") != NULL) == (n >= n_a));
        g_assert_true((strstr(summary, "+d ") != NULL) == (n >= n_d));
        g_assert_true(g_str_has_suffix(summary, n == 0 ? "!" : "."));
    }
    g_autofree char *path = support_shared("data/fire/records.json");
    if (!path)
        return;
    g_autofree char *text = NULL;
    gsize n_bytes;
    g_assert_true(g_file_get_contents(path, &text, &n_bytes, NULL));
    while (g_ascii_isspace(text[n_bytes - 1]))
        n_bytes--;
    size_t n_good = 0;
    for (size_t n = 0; n <= n_bytes; n++) {
        g_autofree char *summary = summarise_bytes(text, n, NEED_ALL);
        size_t n_now = 0;
        for (const char *p = summary; (p = strchr(p, '+')); p++)
            n_now++;
        g_assert_cmpuint(n_now, >=, n_good);
        g_assert_null(strstr(summary, " -"));
        g_assert_true(g_str_has_suffix(summary, n < n_bytes ? "!" : "."));
        n_good = n_now;
    }
    g_assert_cmpuint(n_good, ==, 8);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(protocol_init(&paper, "paper", NULL));
    g_assert_true(protocol_init(&official, "official", NULL));
    folder = support_folder();
    g_test_add_func("/reader/cases", test_cases);
    g_test_add_func("/reader/foreign", test_foreign);
    g_test_add_func("/reader/llava-sample", test_llava_sample);
    g_test_add_func("/reader/loop", test_loop);
    g_test_add_func("/reader/official", test_official);
    g_test_add_func("/reader/malformed", test_malformed);
    g_test_add_func("/reader/take", test_take);
    g_test_add_func("/reader/unusable-paths", test_unusable_paths);
    g_test_add_func("/reader/many-ids", test_many_ids);
    g_test_add_func("/reader/ids-reference", test_ids_reference);
    g_test_add_func("/reader/taken-ids", test_taken_ids);
    g_test_add_func("/reader/too-long", test_too_long);
    g_test_add_func("/reader/deep", test_deep);
    g_test_add_func("/reader/damage", test_damage);
    g_test_add_func("/reader/prefixes", test_prefixes);
    int code = g_test_run();
    g_free(folder);
    return code;
}

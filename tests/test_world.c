/* world: pictures against answers, the folder, the oracle and the novice. */
#include "base/error.h"
#include "data/parse.h"
#include "data/sample.h"
#include "dialogue/loop.h"
#include "image/image.h"
#include "support/support.h"
#include "world/world.h"
#include "world/world_chat.h"

#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void write_world(const char *dir, uint64_t seed, uint64_t n)
{
    g_autoptr(GError) error = NULL;
    world_write(dir, &generator_counting, seed, n, &error);
    g_assert_no_error(error);
}

static char *read_text(const char *dir, const char *name, gsize *n_bytes)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    char *text;
    if (!g_file_get_contents(path, &text, n_bytes, NULL))
        g_error("cannot read '%s'", path);
    return text;
}

/* What a viewer of the picture counts, from its pixels alone. */
struct region {
    uint32_t colour;
    int n_pixels, left, right, top, bottom;
};

static uint32_t colour_at(const struct image *image, int x, int y)
{
    const uint8_t *at = image->pixels + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
    return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
}

/* Takes in the pixels of one colour that hang together with (x, y). */
static struct region flood(const struct image *image, bool *seen, int x, int y)
{
    struct region region = {colour_at(image, x, y), 0, x, x, y, y};
    g_autoptr(GArray) todo = g_array_new(FALSE, FALSE, sizeof(int));
    int start = y * image->width + x;
    g_array_append_val(todo, start);
    seen[start] = true;
    while (todo->len > 0) {
        int at = g_array_index(todo, int, todo->len - 1), ax = at % image->width,
            ay = at / image->width;
        g_array_set_size(todo, todo->len - 1);
        region.n_pixels++;
        region.left = MIN(region.left, ax);
        region.right = MAX(region.right, ax);
        region.top = MIN(region.top, ay);
        region.bottom = MAX(region.bottom, ay);
        for (int k = 0; k < 4; k++) {
            int nx = ax + (k == 0) - (k == 1), ny = ay + (k == 2) - (k == 3);
            if (nx < 0 || ny < 0 || nx >= image->width || ny >= image->height)
                continue;
            int next = ny * image->width + nx;
            if (seen[next] || colour_at(image, nx, ny) != region.colour)
                continue;
            seen[next] = true;
            g_array_append_val(todo, next);
        }
    }
    return region;
}

/* A shape fills a share of its box: star 0.34, triangle 0.5, circle 0.79, square 1. */
static const char *shape_of(const struct region *region)
{
    int box = (region->right - region->left + 1) * (region->bottom - region->top + 1);
    double share = (double)region->n_pixels / box;
    return share < 0.42 ? "star" : share < 0.64 ? "triangle" : share < 0.9 ? "circle" : "square";
}

/* Hues as people name them, not as the program has them. */
static const char *colour_of(uint32_t value)
{
    int r = (int)(value >> 16), g = (int)(value >> 8 & 0xff), b = (int)(value & 0xff);
    if (MAX(r, MAX(g, b)) < 64)
        return "black";
    if (b > r && b > g)
        return r > 90 ? "purple" : "blue";
    if (g > r)
        return "green";
    return g > 170 ? "yellow" : g > 80 ? "orange" : "red";
}

/* Edge pixels are mixtures; regions of at least this size are shapes. */
#define LEAST_PIXELS 60

/* How many shapes does the picture hold that the question's words name? */
static int count_in_picture(const struct image *image, const char *question)
{
    g_autofree bool *seen = g_new0(bool, (gsize)image->width *(gsize)image->height);
    uint32_t background = colour_at(image, 0, 0);
    int n = 0;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++) {
            if (seen[y * image->width + x] || colour_at(image, x, y) == background)
                continue;
            struct region region = flood(image, seen, x, y);
            if (region.n_pixels < LEAST_PIXELS)
                continue;
            g_autofree char *shape = g_strconcat(shape_of(&region), "s ", NULL);
            bool shape_asked = strstr(question, "shapes ") || strstr(question, shape);
            bool colour_named = false;
            for (int i = 0; i < N_COLOURS; i++)
                colour_named |= strstr(question, colour_names[i]) != NULL;
            n += shape_asked && (!colour_named || strstr(question, colour_of(region.colour)));
        }
    return n;
}

/* 200 scenes: what is painted is what the sample says. */
static void test_pictures_agree(void)
{
    g_autofree char *dir = support_folder();
    g_autofree char *samples = g_build_filename(dir, "samples.jsonl", NULL);
    write_world(dir, 7, 200);
    g_autoptr(json_t) lines = support_json_lines(samples);
    g_assert_cmpuint(json_array_size(lines), ==, 200);
    g_autoptr(GHashTable) answers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    size_t i;
    json_t *line;
    json_array_foreach (lines, i, line) {
        struct sample sample = {0};
        g_assert_true(sample_from_json(&sample, line, NULL));
        g_assert_cmpstr(sample.source, ==, "counting");
        g_autofree char *path = g_build_filename(dir, sample.image, NULL);
        g_autoptr(GBytes) bytes = image_read_file(path, NULL);
        struct image image = {0};
        g_assert_true(
            image_decode(&image, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), NULL));
        g_autofree char *counted = g_strdup_printf("%d", count_in_picture(&image, sample.question));
        if (strcmp(counted, sample.answer) != 0)
            g_error("%s: %s: %s in the picture, %s in the sample", sample.id, sample.question,
                    counted, sample.answer);
        g_hash_table_add(answers, g_strdup(sample.answer));
        image_clear(&image);
        sample_clear(&sample);
    }
    g_assert_cmpuint(g_hash_table_size(answers), >=, 9); /* not one answer for all */
}

static void assert_same_file(const char *a, const char *b, const char *name)
{
    gsize n_a, n_b;
    g_autofree char *text_a = read_text(a, name, &n_a), *text_b = read_text(b, name, &n_b);
    g_assert_cmpmem(text_a, n_a, text_b, n_b);
}

static void test_same_bytes(void)
{
    g_autofree char *a = support_folder(), *b = support_folder(), *c = support_folder();
    write_world(a, 1, 6);
    write_world(b, 1, 6);
    write_world(c, 1, 3);
    static const char *const names[] = {"samples.jsonl", "scenes.jsonl", "images/00000.png",
                                        "images/00002.png", "images/00005.png"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        assert_same_file(a, b, names[i]);
    /* Scene i depends on seed and i only. */
    assert_same_file(a, c, "images/00002.png");
    gsize n_a, n_c;
    g_autofree char *lines_a = read_text(a, "scenes.jsonl", &n_a);
    g_autofree char *lines_c = read_text(c, "scenes.jsonl", &n_c);
    g_assert_cmpuint(n_c, <, n_a);
    g_assert_cmpmem(lines_a, n_c, lines_c, n_c);
    struct scene one, two;
    generator_make(&generator_counting, &one, 1, 0);
    generator_make(&generator_counting, &two, 2, 0);
    g_assert_true(one.n_marks != two.n_marks ||
                  memcmp(one.marks, two.marks, one.n_marks * sizeof *one.marks) != 0);
    scene_clear(&one);
    scene_clear(&two);
}

static ino_t inode_of(const char *dir, const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    struct stat status;
    g_assert_cmpint(stat(path, &status), ==, 0);
    return status.st_ino;
}

static void test_folder(void)
{
    g_autofree char *dir = support_folder();
    g_autofree char *extra = support_write(dir, "notes.txt", "mine");
    GError *error = NULL;
    g_assert_false(world_write(dir, &generator_counting, 1, 2, &error));
    g_assert_nonnull(strstr(error->message, "notes.txt"));
    g_clear_error(&error);
    g_autofree char *images = g_build_filename(dir, "images", NULL);
    g_assert_false(g_file_test(images, G_FILE_TEST_EXISTS));
    g_remove(extra);

    write_world(dir, 1, 8);
    ino_t inode = inode_of(dir, "images/00001.png");
    g_free(support_write(dir, "run.db", "of the user"));
    g_autofree char *last = g_build_filename(dir, "images", "00007.png", NULL);
    g_assert_cmpint(g_remove(last), ==, 0); /* as a killed call would leave it */
    write_world(dir, 1, 8);
    g_assert_true(g_file_test(last, G_FILE_TEST_EXISTS));
    g_assert_true(inode_of(dir, "images/00001.png") == inode); /* untouched */
    write_world(dir, 1, 7);
    g_assert_false(g_file_test(last, G_FILE_TEST_EXISTS));
    g_autofree char *kept = read_text(dir, "run.db", NULL);
    g_assert_cmpstr(kept, ==, "of the user");
    struct world *world = world_open(dir, &error);
    g_assert_no_error(error);
    g_assert_nonnull(world_find(world, "counting-1-00006"));
    g_assert_null(world_find(world, "counting-1-00007"));
    world_close(world);
    g_assert_false(world_write("/proc/nothing/here", &generator_counting, 1, 1, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_IO);
    g_clear_error(&error);
}

/* Broken scene files are refused with the line's number. */
static void test_broken_scenes(void)
{
    struct scene scene;
    generator_make(&generator_counting, &scene, 1, 0);
    g_autoptr(json_t) good = scene_to_json(&scene);
    static const char *const keys[] = {"id",         "kind",   "seed",    "index",
                                       "width",      "height", "marks",   "target",
                                       "background", "answer", "question"};
    static const char *const wrong[] = {"null", "-1", "\"x\"", "1e30", "[1]", "{}"};
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        for (size_t k = 0; k < G_N_ELEMENTS(wrong); k++) {
            bool is_text = strcmp(keys[i], "id") == 0 || strcmp(keys[i], "question") == 0 ||
                           strcmp(keys[i], "answer") == 0;
            if (is_text && wrong[k][0] == '"')
                continue;
            g_autoptr(json_t) bad = json_copy(good);
            json_object_set_new(bad, keys[i], json_loads(wrong[k], JSON_DECODE_ANY, NULL));
            struct scene read = {0};
            GError *error = NULL;
            if (scene_from_json(&read, bad, &error))
                g_error("accepted %s = %s", keys[i], wrong[k]);
            g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
            g_clear_error(&error);
        }
    struct scene read = {0};
    g_assert_true(scene_from_json(&read, good, NULL));
    g_autoptr(json_t) again = scene_to_json(&read);
    g_assert_true(json_equal(good, again));
    scene_clear(&read);
    scene_clear(&scene);

    g_autofree char *dir = support_folder(), *line = json_print(good);
    g_autofree char *twice = g_strdup_printf("%s\n%s\n", line, line);
    g_autofree char *cut = g_strdup_printf("%s\n%.40s", line, line);
    const char *const texts[] = {twice, cut, "\n", "[]\n", "5"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_free(support_write(dir, "scenes.jsonl", texts[i]));
        g_assert_null(world_open(dir, &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
        g_assert_nonnull(strstr(error->message, i < 2 ? "line 2" : "line 1"));
        g_assert_false(world_write(dir, &generator_counting, 1, 1, NULL)); /* not a world */
    }
}

/* One question put to a chat, and its reply. */
struct answer {
    gboolean done;
    enum chat_outcome outcome;
    char *text, *error;
    struct chat_usage usage;
};

static void receive(const struct chat_reply *reply, void *user)
{
    struct answer *answer = user;
    g_assert_false(answer->done);
    answer->done = TRUE;
    answer->outcome = reply->outcome;
    answer->text = g_strdup(reply->text);
    answer->error = g_strdup(reply->error);
    answer->usage = reply->usage;
}

static void answer_clear(struct answer *answer)
{
    g_free(answer->text);
    g_free(answer->error);
}

static struct chat_call *send_to(struct chat *chat, const char *id,
                                 const struct chat_message *messages, size_t n,
                                 struct answer *answer)
{
    struct chat_request request = {.messages = messages, .n_messages = n, .sample_id = id};
    *answer = (struct answer){0};
    struct chat_call *call = chat->ops->send(chat, &request, receive, answer);
    g_assert_false(answer->done); /* never from inside send */
    return call;
}

/* The reply of a chat that must have one. */
static char *ask(struct chat *chat, const char *id, const struct chat_message *messages, size_t n)
{
    struct answer answer;
    send_to(chat, id, messages, n, &answer);
    support_wait(&answer.done);
    g_assert_cmpint(answer.outcome, ==, CHAT_OK);
    g_free(answer.error);
    return answer.text;
}

static char *judge(struct chat *oracle, const char *id, const char *prompt)
{
    return ask(oracle, id, &(struct chat_message){CHAT_USER, prompt, false}, 1);
}

static double score_of(const char *feedback)
{
    struct protocol protocol;
    g_assert_true(protocol_init(&protocol, "paper", NULL));
    return parse_score(&protocol, feedback);
}

/* A world of a few scenes, and the two who live in it. */
struct fixture {
    char *dir;
    struct world *world;
    struct chat *oracle, *novice;
};

static void set_up(struct fixture *f, uint64_t n)
{
    f->dir = support_folder();
    write_world(f->dir, 1, n);
    f->world = world_open(f->dir, NULL);
    f->oracle = world_chat_open(f->dir, WORLD_ORACLE, NULL);
    f->novice = world_chat_open(f->dir, WORLD_NOVICE, NULL);
    g_assert_nonnull(f->oracle);
    g_assert_nonnull(f->novice);
}

static void tear_down(struct fixture *f)
{
    f->oracle->ops->free(f->oracle);
    f->novice->ops->free(f->novice);
    world_close(f->world);
    g_free(f->dir);
}

static const char *id_of(const struct fixture *f, int i, int *truth)
{
    g_autofree char *id = g_strdup_printf("counting-1-%05d", i);
    const struct scene *scene = world_find(f->world, id);
    g_assert_nonnull(scene);
    *truth = (int)g_ascii_strtoll(scene->answer, NULL, 10);
    return scene->id;
}

/* Scores fall with the distance; comments point the right way and hold no number. */
static void test_oracle_scores(void)
{
    struct fixture f;
    set_up(&f, 30);
    for (int i = 0; i < 30; i++) {
        int truth;
        const char *id = id_of(&f, i, &truth);
        double last = 11;
        for (int answer = truth; answer <= truth + 7; answer++) {
            g_autofree char *prompt =
                g_strdup_printf("Ground truth: %d\n\nThe student replies:\nThought: 1 and 2 and 3, "
                                "so more.\nAnswer: %d",
                                truth, answer);
            g_autofree char *reply = judge(f.oracle, id, prompt);
            double score = score_of(reply);
            g_assert_cmpfloat(score, <, last);
            g_assert_true((score == 10) == (answer == truth));
            g_assert_true((score >= 8) == (answer == truth));
            g_assert_true((strstr(reply, "too many") != NULL) == (answer > truth));
            const char *comment = strstr(reply, "Feedback: ");
            g_assert_nonnull(comment);
            g_assert_null(strpbrk(comment, "0123456789"));
            last = score;
        }
        g_autofree char *less = g_strdup_printf("Answer: %d", truth - 1);
        g_autofree char *reply = judge(f.oracle, id, less);
        g_assert_nonnull(strstr(reply, "too few"));
        g_assert_cmpfloat(score_of(reply), ==, 7);
    }
    tear_down(&f);
}

/* Where the newest answer stands in what a teacher is shown. */
static void test_oracle_reads(void)
{
    struct fixture f;
    set_up(&f, 1);
    int truth;
    const char *id = id_of(&f, 0, &truth);
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"Thought: 17\nAnswer: ", ""},
        {"answer:\n", "."},
        {"Ground truth: 99\nScore from 1 to 10\n\nThe student replies:\nI count ", " of them."},
        {"The student replies:\n**Answer**: ", ""},
        {"Answer: 55\n\nThe student replies:\nThought: x\nAnswer: ", "\n\nJudge from 1 to 10."},
        {"", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *prompt = g_strdup_printf("%s%d%s", cases[i].before, truth, cases[i].after);
        g_autofree char *reply = judge(f.oracle, id, prompt);
        if (score_of(reply) != 10)
            g_error("'%s' got '%s'", prompt, reply);
    }
    static const char *const words[] = {"zero", "one", "two",   "three", "four",
                                        "five", "six", "seven", "eight", "nine"};
    g_autofree char *spelled = g_strdup_printf("Answer: There are %s.", words[truth]);
    g_autofree char *right = judge(f.oracle, id, spelled);
    g_assert_cmpfloat(score_of(right), ==, 10);
    static const char *const useless[] = {"", "Answer: many", "Answer: 99999999999999999999",
                                          "Answer: -", "Answer: bone tones"};
    for (size_t i = 0; i < G_N_ELEMENTS(useless); i++) {
        g_autofree char *reply = judge(f.oracle, id, useless[i]);
        g_assert_cmpfloat(score_of(reply), ==, 1);
        g_assert_nonnull(strstr(reply, "names no number"));
    }
    /* Nothing to judge at all. */
    g_autofree char *reply = ask(f.oracle, id, NULL, 0);
    g_assert_cmpfloat(score_of(reply), ==, 1);
    tear_down(&f);
}

static int count_of(const char *reply)
{
    g_autofree char *answer = parse_answer(reply);
    g_autofree char *thought = parse_thought(reply);
    g_assert_cmpuint(strlen(thought), >, 10);
    g_assert_true(g_ascii_isdigit(answer[0]));
    return (int)g_ascii_strtoll(answer, NULL, 10);
}

/* Told "too many" again and again it goes down to nothing, past the truth: it does not know it. */
static void test_novice_is_blind(void)
{
    struct fixture f;
    set_up(&f, 40);
    int n_moved = 0;
    for (int i = 0; i < 40; i++) {
        int truth;
        const char *id = id_of(&f, i, &truth);
        static const struct {
            const char *feedback;
            int end;
        } cases[] = {{"You counted too many.", 0}, {"TOO FEW, I am afraid.", 30}};
        for (size_t k = 0; k < G_N_ELEMENTS(cases); k++) {
            g_autofree char *reply = g_strdup("Thought: x\nAnswer: 15");
            for (int round = 0; round < 15; round++) {
                struct chat_message messages[] = {{CHAT_USER, "How many?", true},
                                                  {CHAT_ASSISTANT, reply, false},
                                                  {CHAT_USER, cases[k].feedback, false}};
                char *next = ask(f.novice, id, messages, G_N_ELEMENTS(messages));
                g_free(reply);
                reply = next;
            }
            int end = count_of(reply);
            if (end == 15)
                continue; /* the stubborn */
            n_moved++;
            g_assert_true(cases[k].end == 0 ? end == 0 : end >= cases[k].end);
        }
    }
    g_assert_cmpint(n_moved, >, 50);
    tear_down(&f);
}

#define N_DIALOGUES 24 /* as the demo */

/* Dialogues in flight and what became of them. */
struct play {
    struct loop *loops[N_DIALOGUES];
    char *lines[N_DIALOGUES]; /* dialogue lines of DESIGN.md 4 */
    char *ends[N_DIALOGUES];
    size_t n_ended;
    gboolean done; /* all that were started have ended */
    size_t n_started;
};

static void note_turn(const struct dialogue *dialogue G_GNUC_UNUSED, size_t i G_GNUC_UNUSED,
                      void *user G_GNUC_UNUSED)
{
}

static void note_end(const struct dialogue *dialogue, const char *error, void *user)
{
    struct play *play = user;
    g_assert_null(error);
    size_t i = (size_t)g_ascii_strtoull(strrchr(dialogue->sample.id, '-') + 1, NULL, 10);
    g_autoptr(json_t) line = dialogue_to_json(dialogue);
    g_assert_null(play->lines[i]);
    play->lines[i] = json_print(line);
    play->ends[i] = dialogue->stop == STOP_SCORE
                        ? g_strdup_printf("solved at %zu", dialogue->n_turns)
                        : g_strdup(stop_name(dialogue->stop));
    play->done = ++play->n_ended == play->n_started;
}

static void start(struct play *play, const struct fixture *f, const struct loop_config *config,
                  size_t i)
{
    int truth;
    const struct scene *scene = world_find(f->world, id_of(f, (int)i, &truth));
    struct sample sample = {.id = scene->id,
                            .source = (char *)"counting",
                            .question = scene->question,
                            .answer = scene->answer};
    struct loop_sink sink = {note_turn, note_end, play};
    play->loops[i] = loop_new(config, &sample, NULL, &sink);
    play->n_started++;
    play->done = FALSE;
    loop_start(play->loops[i]);
}

static void play_clear(struct play *play)
{
    for (size_t i = 0; i < N_DIALOGUES; i++) {
        loop_free(play->loops[i]);
        g_free(play->lines[i]);
        g_free(play->ends[i]);
    }
}

/* A demo's worth of dialogues, with the real prompts and the real loop, ends in every way; all at
 * once and one after the other, from the last to the first, they are the same. */
static void test_ends(void)
{
    struct fixture f;
    set_up(&f, N_DIALOGUES);
    struct protocol protocol;
    g_assert_true(protocol_init(&protocol, "paper", NULL));
    struct prompts *prompts = prompts_load(NULL, NULL);
    struct chat_sampling sampling = {.temperature = NAN, .top_p = NAN};
    struct loop_config config = {.protocol = &protocol,
                                 .prompts = prompts,
                                 .student = f.novice,
                                 .teacher = f.oracle,
                                 .student_sampling = sampling,
                                 .teacher_sampling = sampling};
    struct play together = {0}, alone = {0};
    for (size_t i = 0; i < N_DIALOGUES; i++)
        start(&together, &f, &config, i);
    support_wait(&together.done);
    for (size_t i = N_DIALOGUES; i-- > 0;) {
        start(&alone, &f, &config, i);
        support_wait(&alone.done);
    }
    static const char *const wanted[] = {"solved at 1", "solved at 2", "solved at 3", "no-gain",
                                         "max-turns"};
    for (size_t k = 0; k < G_N_ELEMENTS(wanted); k++) {
        int n = 0;
        for (size_t i = 0; i < N_DIALOGUES; i++)
            n += strcmp(together.ends[i], wanted[k]) == 0;
        g_test_message("%s: %d", wanted[k], n);
        if (n < 1 || n > N_DIALOGUES / 2)
            g_error("%d of %d dialogues: %s", n, N_DIALOGUES, wanted[k]);
    }
    for (size_t i = 0; i < N_DIALOGUES; i++)
        g_assert_cmpstr(together.lines[i], ==, alone.lines[i]);
    play_clear(&together);
    play_clear(&alone);
    prompts_free(prompts);
    tear_down(&f);
}

/* Many at once, in any order, one cancelled: each gets its own answer, once. */
static void test_chat(void)
{
    struct fixture f;
    set_up(&f, 10);
    struct chat_message question = {CHAT_USER, "How many?", true};
    struct answer answers[10], strange, nameless;
    char *alone[10];
    int truth;
    for (int i = 0; i < 10; i++)
        alone[i] = ask(f.novice, id_of(&f, i, &truth), &question, 1);
    for (int i = 9; i >= 0; i--) {
        struct chat_call *call = send_to(f.novice, id_of(&f, i, &truth), &question, 1, &answers[i]);
        if (i == 5)
            f.novice->ops->cancel(f.novice, call);
    }
    send_to(f.novice, "no such scene", &question, 1, &strange);
    send_to(f.novice, NULL, &question, 1, &nameless);
    support_wait(&nameless.done);
    for (int i = 0; i < 10; i++) {
        g_assert_true(answers[i].done);
        g_assert_cmpint(answers[i].outcome, ==, i == 5 ? CHAT_CANCELLED : CHAT_OK);
        g_assert_cmpstr(answers[i].text, ==, i == 5 ? "" : alone[i]);
        g_assert_cmpint(answers[i].usage.prompt_tokens, ==, i == 5 ? -1 : 2);
        answer_clear(&answers[i]);
        g_free(alone[i]);
    }
    g_assert_cmpint(strange.outcome, ==, CHAT_FAILED);
    g_assert_nonnull(strstr(strange.error, "no scene 'no such scene'"));
    g_assert_cmpint(nameless.outcome, ==, CHAT_FAILED);
    answer_clear(&strange);
    answer_clear(&nameless);
    g_autofree char *name = g_strdup_printf("world:%s#novice", f.dir);
    g_assert_cmpstr(f.novice->ops->name(f.novice), ==, name);
    g_assert_cmpstr(f.novice->ops->model(f.novice), ==, "world-novice-scripted");
    g_assert_null(world_chat_open("/nonexistent", WORLD_NOVICE, NULL));
    enum world_role role;
    g_assert_true(world_role_from_name("oracle", &role) && role == WORLD_ORACLE);
    g_assert_false(world_role_from_name("Oracle", &role));
    tear_down(&f);
}

/* The callback of the last call frees the chat. */
static void free_chat(const struct chat_reply *reply, void *user)
{
    struct chat **chat = user;
    g_assert_cmpint(reply->outcome, ==, CHAT_OK);
    (*chat)->ops->free(*chat);
    *chat = NULL;
}

static void test_free_inside(void)
{
    struct fixture f;
    set_up(&f, 1);
    int truth;
    struct chat_message question = {CHAT_USER, "How many?", true};
    struct chat_request request = {
        .messages = &question, .n_messages = 1, .sample_id = id_of(&f, 0, &truth)};
    struct chat *chat = world_chat_open(f.dir, WORLD_NOVICE, NULL);
    chat->ops->send(chat, &request, free_chat, &chat);
    while (chat)
        g_main_context_iteration(NULL, TRUE);
    tear_down(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/world/pictures_agree", test_pictures_agree);
    g_test_add_func("/world/same_bytes", test_same_bytes);
    g_test_add_func("/world/folder", test_folder);
    g_test_add_func("/world/broken_scenes", test_broken_scenes);
    g_test_add_func("/world/oracle/scores", test_oracle_scores);
    g_test_add_func("/world/oracle/reads", test_oracle_reads);
    g_test_add_func("/world/novice/blind", test_novice_is_blind);
    g_test_add_func("/world/ends", test_ends);
    g_test_add_func("/world/chat", test_chat);
    g_test_add_func("/world/chat/free_inside", test_free_inside);
    return g_test_run();
}

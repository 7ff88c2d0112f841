/* lint_report, picture, complaint: defects are found, counted, and kept verbatim. */
#include "data/lint_report.h"
#include "data/picture.h"
#include "support/support.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

static struct protocol paper;
static char *folder;

struct outcome {
    struct lint_report report;
    json_t *by_cause;
    char *rejects;
};

static void outcome_clear(struct outcome *outcome)
{
    json_decref(outcome->by_cause);
    g_free(outcome->rejects);
}

/* Lints one file; it must be usable. */
static struct outcome lint(const char *path, const char *images)
{
    struct outcome outcome = {0};
    g_autoptr(GError) error = NULL;
    g_autofree char *rejects = g_build_filename(folder, "rejects", NULL);
    struct complaints *complaints = complaints_open(rejects, false, &error);
    g_assert_no_error(error);
    lint_file(&outcome.report, path, images, &paper, complaints, &error);
    g_assert_no_error(error);
    outcome.by_cause = complaints_by_cause(complaints);
    g_assert_cmpuint(complaints_count(complaints), ==, outcome.report.n_bad);
    g_assert_cmpuint(outcome.report.n_ok + outcome.report.n_bad, ==, outcome.report.n);
    complaints_close(complaints, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(rejects, &outcome.rejects, NULL, NULL));
    return outcome;
}

static void test_official(void)
{
    g_autofree char *path = support_shared("data/fire-official/records.json");
    g_autofree char *images = support_shared("data/fire-official/images");
    if (!path || !images)
        return;
    struct outcome outcome = lint(path, images);
    g_assert_cmpuint(outcome.report.n, ==, 121);
    g_assert_cmpuint(outcome.report.n_ok, ==, 121);
    g_assert_cmpuint(outcome.report.n_disagree, ==, 3);
    g_assert_cmpstr(outcome.rejects, ==, "");
    outcome_clear(&outcome);
    outcome = lint(path, folder); /* none of the pictures is there */
    g_assert_cmpuint(outcome.report.n_bad, ==, 121);
    g_assert_cmpint(json_integer_value(json_object_get(outcome.by_cause, "missing-image")), ==,
                    121);
    outcome_clear(&outcome);
}

static void test_malformed(void)
{
    g_autofree char *path = support_shared("data/fire/malformed.json");
    if (!path)
        return;
    struct outcome outcome = lint(path, NULL);
    g_autofree char *causes = json_print(outcome.by_cause);
    g_assert_cmpstr(causes, ==,
                    "{\"no-score\":1,\"score-range\":1,\"turn-order\":1,\"missing-key\":1}");
    g_assert_cmpuint(outcome.report.n, ==, 4);
    g_assert_cmpuint(outcome.report.n_ok, ==, 0);
    g_assert_cmpuint(outcome.report.n_disagree, ==, 1);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    /* Each record stands in the rejects as it stood in the file. */
    const char *start = strchr(text, '{');
    char *end = strstr(start, "\n },\n");
    g_autofree char *first = g_strndup(start, (gsize)(end + 3 - start));
    g_assert_true(g_str_has_prefix(outcome.rejects, first));
    outcome_clear(&outcome);
}

static char *sample_line(const char *image)
{
    return g_strdup_printf(
        "{\"id\":\"a\",\"source\":\"s\",\"image\":\"%s\",\"question\":\"q\",\"answer\":\"x\"}\n",
        image);
}

/* The cause that lint names for a sample with this picture below `folder`; "" for none. */
static void assert_picture(const char *image, const char *cause)
{
    g_autofree char *line = sample_line(image);
    g_autofree char *path = support_write(folder, "samples.jsonl", line);
    struct outcome outcome = lint(path, folder);
    const char *found = "";
    const char *key;
    json_t *value;
    json_object_foreach (outcome.by_cause, key, value)
        found = key;
    if (strcmp(found, cause) != 0)
        g_error("'%.80s': found '%s', expected '%s'", image, found, cause);
    if (*cause)
        g_assert_cmpstr(outcome.rejects, ==, line);
    outcome_clear(&outcome);
}

static char *picture_bytes(const char *name, gsize *n_bytes)
{
    g_autofree char *relative = g_build_filename("images", name, NULL);
    g_autofree char *path = support_data(relative);
    char *bytes;
    g_assert_true(g_file_get_contents(path, &bytes, n_bytes, NULL));
    return bytes;
}

static void place(const char *name, const char *bytes, gsize n_bytes)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *parent = g_path_get_dirname(path);
    g_mkdir_with_parents(parent, 0700);
    g_assert_true(g_file_set_contents(path, bytes, (gssize)n_bytes, NULL));
}

static void test_pictures(void)
{
    static const char *const names[] = {"rgb_progressive.jpg", "rgba16_interlaced.png"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        gsize n;
        g_autofree char *bytes = picture_bytes(names[i], &n);
        place("whole.jpg", bytes, n); /* named .jpg whatever it is */
        assert_picture("whole.jpg", "");
        for (int part = 0; part < 8; part++) {
            place("cut.jpg", bytes, n * (gsize)part / 8);
            assert_picture("cut.jpg", "broken-image");
        }
        place("cut.jpg", bytes, n - 8);
        assert_picture("cut.jpg", "broken-image");
        g_autofree char *base64 = g_base64_encode((const guchar *)bytes, n);
        g_autofree char *url = g_strconcat("data:image/png;base64,", base64, NULL);
        assert_picture(url, "");
        base64[strlen(base64) / 2] = '\0';
        g_autofree char *cut = g_strconcat("data:image/png;base64,", base64, NULL);
        assert_picture(cut, "broken-image");
    }
    place("text.png", "no picture", 10);
    assert_picture("text.png", "broken-image");
    assert_picture("absent.png", "missing-image");
    assert_picture("data:image/png;base64,", "broken-image");
    assert_picture("data:", "broken-image");
    assert_picture("/etc/passwd", "unsafe-image");
    assert_picture("../x.png", "unsafe-image");
    assert_picture("a/../../x.png", "unsafe-image");
    assert_picture("a..b.png", "missing-image");
    assert_picture(".", "missing-image"); /* a folder is no picture */
    assert_picture("", "");               /* no picture at all */
}

static void test_find(void)
{
    static const struct {
        const char *there, *named;
    } cases[] = {
        {"coco/train2014/COCO_train2014_000000525300.jpg", "coco/train2014/000000525300.jpg"},
        {"coco/val2014/COCO_val2014_000000000001.jpg",
         "coco/val2014/COCO_val2014_000000000001.jpg"},
        {"seed/Image/1454426_2591111986", "seed/Image/1454426_2591111986.jpg"},
        {"a/b.png", "a/b.jpg"},
        {"a/c.jpg", "a/c.png"},
        {"a/plain", "a/plain"},
        {"d.e/f", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        place(cases[i].there, "x", 1);
        if (!cases[i].named)
            continue;
        struct flaw flaw = {0};
        g_autofree char *found = picture_find(folder, cases[i].named, &flaw);
        g_autofree char *expected = g_build_filename(folder, cases[i].there, NULL);
        g_assert_cmpstr(flaw.detail, ==, NULL);
        g_assert_cmpstr(found, ==, expected);
    }
    static const char *const absent[] = {"a/b.jpeg", "a/d.jpg", "train2014/1.jpg", "a", "d.e"};
    for (size_t i = 0; i < G_N_ELEMENTS(absent); i++) {
        struct flaw flaw = {0};
        g_assert_null(picture_find(folder, absent[i], &flaw));
        g_assert_cmpstr(flaw.cause, ==, "missing-image");
        flaw_clear(&flaw);
    }
}

/* The path as given comes first, then the COCO prefix. */
static void test_find_order(void)
{
    place("val2017/000000000009.png", "x", 1);
    place("val2017/COCO_val2017_000000000009.jpg", "x", 1);
    struct flaw flaw = {0};
    g_autofree char *found = picture_find(folder, "val2017/000000000009.jpg", &flaw);
    g_assert_true(g_str_has_suffix(found, "COCO_val2017_000000000009.jpg"));
    g_autofree char *given = picture_find(folder, "val2017/000000000009.png", &flaw);
    g_assert_true(g_str_has_suffix(given, "/000000000009.png"));
}

/* Strict: the first bad record ends it; what stood before it was read. */
static void test_strict(void)
{
    g_autofree char *path = support_write(folder, "strict.jsonl",
                                          "{\"id\":\"a\",\"source\":\"s\",\"image\":null,"
                                          "\"question\":\"q\",\"answer\":\"x\"}\n{}\n{}\n");
    g_autoptr(GError) error = NULL;
    struct lint_report report = {0};
    struct complaints *complaints = complaints_open(NULL, true, &error);
    g_assert_false(lint_file(&report, path, NULL, &paper, complaints, &error));
    g_assert_nonnull(error);
    g_assert_cmpuint(report.n, ==, 2);
    g_assert_cmpuint(report.n_ok, ==, 1);
    g_assert_true(complaints_close(complaints, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(protocol_init(&paper, "paper", NULL));
    folder = support_folder();
    g_test_add_func("/lint/official", test_official);
    g_test_add_func("/lint/malformed", test_malformed);
    g_test_add_func("/lint/pictures", test_pictures);
    g_test_add_func("/lint/find", test_find);
    g_test_add_func("/lint/find-order", test_find_order);
    g_test_add_func("/lint/strict", test_strict);
    int code = g_test_run();
    g_free(folder);
    return code;
}

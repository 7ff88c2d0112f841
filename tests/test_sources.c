/* sources: ChartQA and the LLaVA layout, on their native files. */
#include "data/picture.h"
#include "data/reader.h"
#include "data/sources/source.h"
#include "support/support.h"

#include <glib/gstdio.h>
#include <string.h>

static char *folder;

/* All samples of a file, each with `check`; returns how many. Ids must be unique and no record bad.
 */
static size_t import(const char *path, const char *name, const char *images,
                     void (*check)(const struct sample *sample, size_t i))
{
    g_autoptr(GError) error = NULL;
    struct reader *reader = reader_open_source(path, source_find(name), images, &error);
    g_assert_no_error(error);
    GHashTable *ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    size_t n = 0;
    struct record *record;
    enum reader_status status;
    while ((status = reader_next(reader, &record, &error)) <= READER_BAD) {
        g_assert_cmpstr(record->detail, ==, NULL);
        const struct sample *sample = &record->dialogue.sample;
        g_assert_cmpuint(record->dialogue.n_turns, ==, 0);
        g_assert_true(g_hash_table_add(ids, g_strdup(sample->id)));
        check(sample, n++);
    }
    g_assert_no_error(error);
    g_hash_table_unref(ids);
    reader_close(reader);
    return n;
}

static const char *images_folder; /* for the checks below */

static void assert_picture(const struct sample *sample)
{
    struct flaw flaw = {0};
    if (!picture_check(images_folder, sample->image, &flaw))
        g_error("%s: %s", sample->image, flaw.detail);
}

static void check_chartqa(const struct sample *sample, size_t i)
{
    g_assert_cmpstr(sample->source, ==, "chartqa");
    g_assert_cmpstr(json_get_string(sample->meta, "split"), ==, "test");
    g_assert_cmpstr(json_get_string(sample->meta, "answer-match"), ==, "relaxed");
    assert_picture(sample);
    if (i == 0 && strcmp(json_get_string(sample->meta, "kind"), "human") == 0) {
        g_assert_true(g_str_has_suffix(sample->image, "multi_col_40633.png"));
        g_assert_cmpstr(sample->answer, ==, "Men");
        g_assert_true(g_str_has_prefix(sample->question, "Which gender had consumed"));
    }
}

/* The images folder may be the dataset's, the split's or the pictures' own. */
static void test_chartqa(void)
{
    static const struct {
        const char *images, *prefix;
    } folders[] = {
        {"data/chartqa/ChartQA Dataset", "test/png/"},
        {"data/chartqa/ChartQA Dataset/test", "png/"},
        {"data/chartqa/ChartQA Dataset/test/png", ""},
    };
    static const char *const files[] = {"human", "augmented"};
    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *images = support_shared(folders[i].images);
        if (!images)
            return;
        images_folder = images;
        for (size_t k = 0; k < G_N_ELEMENTS(files); k++) {
            g_autofree char *relative =
                g_strdup_printf("data/chartqa/ChartQA Dataset/test/test_%s.json", files[k]);
            g_autofree char *path = support_shared(relative);
            g_assert_cmpuint(import(path, "chartqa", images, check_chartqa), ==, 25);
        }
    }
}

static void check_lists(const struct sample *sample, size_t i)
{
    g_assert_null(json_get_string(sample->meta, "split"));
    g_assert_cmpstr(sample->image, ==, "png/a.png");
    if (i == 0) {
        g_assert_cmpstr(sample->answer, ==, "[Spain, Italy]");
        g_assert_cmpstr(sample->answers[0], ==, "[Spain, Italy]");
        g_assert_cmpstr(sample->answers[1], ==, "Spain, Italy");
        g_assert_null(sample->answers[2]);
    } else {
        g_assert_null(sample->answers);
    }
}

static void test_chartqa_lists(void)
{
    g_autofree char *path =
        support_write(folder, "questions.json",
                      "[{\"imgname\":\"a.png\",\"query\":\"q\",\"label\":\"[Spain, Italy]\"},"
                      "{\"imgname\":\"a.png\",\"query\":\"q\",\"label\":\"[]\"},"
                      "{\"imgname\":\"a.png\",\"query\":\"q\",\"label\":\"0.5\"}]");
    g_assert_cmpuint(import(path, "chartqa", folder, check_lists), ==, 3);
}

static void check_pictured(const struct sample *sample, size_t i G_GNUC_UNUSED)
{
    g_assert_null(strstr(sample->question, "<image>"));
    g_assert_cmpstr(sample->question, !=, "");
    g_assert_cmpstr(sample->answer, !=, "");
    if (sample->image)
        assert_picture(sample);
}

static void test_llava_files(void)
{
    static const struct {
        const char *file, *images;
        size_t n;
    } files[] = {
        {"llava-instruct/conversation_58k.json", "llava-instruct/images", 15},
        {"llava-instruct/detail_23k.json", "llava-instruct/images", 15},
        {"llava-instruct/complex_reasoning_77k.json", "llava-instruct/images", 15},
        {"llava-instruct/llava_instruct_150k.json", "llava-instruct/coco/train2017", 9},
        {"llava-pretrain/blip_laion_cc_sbu_2k.json", "llava-pretrain/images", 25},
        {"open-llava-next-mix/open-llava-next_instruct_mix1M.json", "open-llava-next-mix/data", 10},
        {"sharegpt4v/sharegpt4v_instruct_gpt4-vision_cap100k.json", "sharegpt4v/data", 11},
        {"allava/ALLaVA-Instruct-VFLAN-4V.json", "allava", 4},
        {"geoqa-plus/geoqa+.jsonl", "geoqa-plus", 10},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *file = g_strconcat("data/", files[i].file, NULL);
        g_autofree char *images_path = g_strconcat("data/", files[i].images, NULL);
        g_autofree char *path = support_shared(file);
        g_autofree char *images = support_shared(images_path);
        if (!path || !images)
            return;
        images_folder = images;
        size_t n = import(path, "llava", images, check_pictured);
        if (n != files[i].n)
            g_error("%s: %zu samples, expected %zu", file, n, files[i].n);
    }
}

static void check_mix(const struct sample *sample, size_t i)
{
    static const char *const found[] = {"coco",   "gqa",    "ai2d",    "chartqa",     "dvqa",
                                        "docvqa", "geoqa+", "ocr_vqa", "synthdog-en", "llava"};
    g_assert_cmpuint(i, <, G_N_ELEMENTS(found));
    g_assert_cmpstr(sample->source, ==, found[i]);
    g_assert_true((sample->image == NULL) == (i == 9));
    if (i == 0) { /* of two pairs the first */
        g_assert_true(g_str_has_prefix(sample->question, "Is there a giraffe"));
        g_assert_cmpstr(sample->answer, ==, "Yes");
    }
}

static void test_mix(void)
{
    g_autofree char *path =
        support_shared("data/open-llava-next-mix/open-llava-next_instruct_mix1M.json");
    if (path)
        import(path, "llava", ".", check_mix);
}

/* Records that are no samples; each names its cause, the good one between them is delivered. */
static void test_bad_records(void)
{
    static const struct {
        const char *source, *text, *causes;
    } cases[] = {
        {"chartqa",
         "[{\"imgname\":\"a\",\"query\":\"q\"},{\"imgname\":\"a\",\"query\":1,\"label\":\"l\"},7,"
         "{\"imgname\":\"a\",\"query\":\"q\",\"label\":\"l\"},{\"imgname\" \"a\"}]",
         "missing-key wrong-type wrong-type + bad-json "},
        {"llava",
         "[{\"id\":1},{\"id\":1,\"image\":[],\"conversations\":[]},"
         "{\"id\":1,\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},"
         "{\"from\":\"gpt\",\"value\":\"x\"}]}]",
         "missing-key wrong-type + "},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = support_write(folder, "bad.json", cases[i].text);
        g_autoptr(GError) error = NULL;
        struct reader *reader =
            reader_open_source(path, source_find(cases[i].source), folder, &error);
        g_assert_no_error(error);
        g_autoptr(GString) causes = g_string_new(NULL);
        struct record *record;
        while (reader_next(reader, &record, &error) <= READER_BAD)
            g_string_append_printf(causes, "%s ", record->cause ? record->cause : "+");
        g_assert_no_error(error);
        g_assert_cmpstr(causes->str, ==, cases[i].causes);
        reader_close(reader);
    }
}

static void test_table(void)
{
    g_assert_null(source_find("nothing"));
    for (const struct source *source = sources; source->name; source++) {
        g_assert_true(source_find(source->name) == source);
        g_assert_nonnull(source->files);
        g_assert_nonnull(source->convert);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = support_folder();
    g_test_add_func("/sources/table", test_table);
    g_test_add_func("/sources/chartqa", test_chartqa);
    g_test_add_func("/sources/chartqa-lists", test_chartqa_lists);
    g_test_add_func("/sources/llava-files", test_llava_files);
    g_test_add_func("/sources/mix", test_mix);
    g_test_add_func("/sources/bad-records", test_bad_records);
    int code = g_test_run();
    g_free(folder);
    return code;
}

/* free_report, fixed_report, published, rule: keys, nulls, and what the tables say. */
#include "report/fixed_report.h"
#include "report/free_report.h"
#include "report/published.h"
#include "report/rule.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

static struct protocol paper;

static double number_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        g_error("no key '%s'", key);
    return json_is_null(value) ? NAN : json_number_value(value);
}

/* --- free --- */

static const double solved[] = {3, 9}, unsolved[] = {4, 4}, at_once[] = {8};
static const struct free_item items[] = {
    {.id = "a", .source = "gqa", .scores = solved, .n_scores = 2},
    {.id = "b", .source = "gqa", .scores = unsolved, .n_scores = 2},
    {.id = "c", .source = "my, own", .scores = at_once, .n_scores = 1},
};

struct fixture {
    struct free_result result;
    struct agreement agreement;
    struct free_report report;
};

static void make_fixture(struct fixture *fixture, int n_resamples)
{
    struct free_options options = {
        .protocol = &paper, .baseline_rounds = 8, .n_resamples = n_resamples, .seed = 7};
    g_assert_true(free_compute(&fixture->result, items, G_N_ELEMENTS(items), &options, NULL));
    agreement_compute(&fixture->agreement, items, G_N_ELEMENTS(items), &paper);
    fixture->report = (struct free_report){
        .result = &fixture->result,
        .agreement = &fixture->agreement,
        .protocol = &paper,
        .baseline = "8",
        .n_resamples = n_resamples,
        .seed = 7,
        .paper = true,
        .note = "data 123abc",
    };
}

/* DESIGN.md 4: the keys of `fire score free`, in every row. */
static void check_keys(const json_t *row, bool with_intervals)
{
    static const char *const metrics[] = {"at_rounds", "at", "adr", "atr", "atr_all", "rr"};
    static const char *const others[] = {"n",       "removed", "k",     "unparsed",
                                         "refused", "dropped", "failed"};
    const json_t *ci = json_object_get(row, "ci");
    g_assert_cmpuint(json_object_size(ci), ==, with_intervals ? G_N_ELEMENTS(metrics) : 0);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        g_assert_true(json_is_integer(json_object_get(row, others[i])));
    for (size_t i = 0; i < G_N_ELEMENTS(metrics); i++) {
        double value = number_at(row, metrics[i]);
        if (!with_intervals)
            continue;
        const json_t *ends = json_object_get(ci, metrics[i]);
        if (isnan(value)) {
            g_assert_true(json_is_null(ends));
            continue;
        }
        g_assert_cmpuint(json_array_size(ends), ==, 2);
        g_assert_cmpfloat(json_number_value(json_array_get(ends, 0)), <=, value);
        g_assert_cmpfloat(json_number_value(json_array_get(ends, 1)), >=, value);
    }
}

static void test_free_json(void)
{
    struct fixture fixture;
    make_fixture(&fixture, 200);
    g_autoptr(json_t) object = free_report_json(&fixture.report);
    const json_t *by_source = json_object_get(object, "by_source");
    check_keys(object, true);
    check_keys(json_object_get(object, "macro"), true);
    g_assert_cmpuint(json_object_size(by_source), ==, 2);
    check_keys(json_object_get(by_source, "gqa"), true);
    const json_t *own = json_object_get(by_source, "my, own");
    check_keys(own, true);
    support_assert_near(number_at(object, "n"), 3, 0);
    support_assert_near(number_at(object, "k"), 2, 0);
    support_assert_near(number_at(object, "removed"), 1, 0);
    support_assert_near(number_at(object, "at"), 6.0 / 8, 1e-12);
    support_assert_near(number_at(object, "adr"), 3, 1e-12);
    support_assert_near(number_at(own, "adr"), NAN, 0);
    support_assert_near(number_at(own, "atr_all"), 0, 0);
    support_assert_near(number_at(object, "resamples"), 200, 0);
    support_assert_near(number_at(object, "resample_seed"), 7, 0);
    g_assert_cmpstr(
        json_string_value(json_object_get(json_object_get(object, "protocol"), "atr-divisor")), ==,
        "played");
    const json_t *published = json_object_get(json_object_get(object, "paper"), "FIRE-LLaVA-8B");
    support_assert_near(number_at(published, "at"), 0.84, 0);
    g_assert_true(json_is_null(json_object_get(own, "paper")));
    free_result_clear(&fixture.result);

    make_fixture(&fixture, 0);
    g_autoptr(json_t) plain = free_report_json(&fixture.report);
    check_keys(plain, false);
    free_result_clear(&fixture.result);
}

static void test_free_tables(void)
{
    struct fixture fixture;
    make_fixture(&fixture, 0);
    g_autofree char *text = free_report_print(&fixture.report, TABLE_TEXT);
    static const char *const expected[] = {
        "source ",
        "gqa ",
        "all (micro) ",
        "all (macro) ",
        " 0.750 ",
        "By round",
        "By score",
        "score against answer matching",
        "protocol paper; no intervals; AT: T from 8",
        "data 123abc\n",
        "0.97 / 0.41",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
        if (!strstr(text, expected[i]))
            g_error("'%s' is not in\n%s", expected[i], text);
    free_result_clear(&fixture.result);

    make_fixture(&fixture, 50);
    g_autofree char *csv = free_report_print(&fixture.report, TABLE_CSV);
    g_auto(GStrv) lines = g_strsplit(csv, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 6); /* heads, two sources, micro, macro, "" */
    g_assert_true(g_str_has_prefix(lines[0], "source,n,removed,k,"));
    g_assert_true(g_str_has_suffix(lines[0], ",note"));
    g_assert_true(g_str_has_prefix(lines[2], "\"my, own\",1,1,0,0,0,0,0,0,,,,"));
    g_assert_nonnull(strstr(lines[3], "0.750000,"));
    g_assert_nonnull(strstr(lines[4], "50 resamples of pictures, seed 7"));
    free_result_clear(&fixture.result);
}

/* --- fixed --- */

/* Not computed: what is printed is told apart by its value. */
static void make_fixed(struct fixed_result *result, struct fixed_row rows[2], bool is_teacher)
{
    static const struct text_scores none = {0, {NAN, NAN, NAN, NAN}, {NAN, NAN, NAN, NAN}, NAN};
    struct fixed_scores micro = {
        .headline = {{4, {0.5, 0.4, 0.3, 0.2}, {0.6, 0.5, 0.4, 0.3}, 2}, 1, 2},
        .first = {none, 0, 3},
        .mae = {.n = is_teacher ? 4 : 0, .unparsed = 1, .no_label = 2},
        .mae_mean = is_teacher ? 3.5 : NAN,
        .ci = {{0.55, 0.65}, {0.45, 0.55}, {0.35, 0.45}, {-0.0001, 0.35}, {1.5, 2.5}, {NAN, NAN}},
    };
    struct fixed_scores empty = {.headline = {none, 0, 5}, .first = {none, 0, 0}, .mae_mean = NAN};
    for (size_t v = 0; v < FIXED_N_VALUES; v++)
        empty.ci[v] = (struct interval){NAN, NAN};
    if (is_teacher)
        micro.ci[FIXED_MAE] = (struct interval){3, 4};
    rows[0] = (struct fixed_row){(char *)"x", micro};
    rows[1] = (struct fixed_row){(char *)"y, z", empty};
    *result = (struct fixed_result){micro, micro, rows, 2, 14};
    result->macro.headline.text.bleu_corpus[0] = 0.125;
}

static void check_contains(const char *text, const char *const *expected)
{
    for (; *expected; expected++)
        if (!strstr(text, *expected))
            g_error("'%s' is not in\n%s", *expected, text);
}

static struct fixed_result fixed_student, fixed_teacher;
static struct fixed_row fixed_rows[4];

static struct fixed_report make_fixed_report(int n_resamples)
{
    make_fixed(&fixed_student, fixed_rows, false);
    make_fixed(&fixed_teacher, fixed_rows + 2, true);
    return (struct fixed_report){.student = &fixed_student,
                                 .teacher = &fixed_teacher,
                                 .tokenizer = TOKENIZER_WHITESPACE,
                                 .protocol = &paper,
                                 .n_resamples = n_resamples,
                                 .seed = 7,
                                 .paper = true,
                                 .note = "data 123abc"};
}

static double pair_at(const json_t *ends, size_t i)
{
    g_assert_cmpuint(json_array_size(ends), ==, 2);
    return json_number_value(json_array_get(ends, i));
}

static void test_fixed_json(void)
{
    struct fixed_report report = make_fixed_report(50);
    g_autoptr(json_t) object = fixed_report_json(&report);
    const json_t *teacher = json_object_get(object, "teacher");
    const json_t *mae = json_object_get(object, "mae"), *ci = json_object_get(teacher, "ci");
    support_assert_near(number_at(teacher, "n"), 4, 0);
    support_assert_near(number_at(teacher, "refused"), 1, 0);
    support_assert_near(number_at(teacher, "failed"), 2, 0);
    support_assert_near(number_at(json_object_get(teacher, "cider"), "mean"), 2, 0);
    g_assert_cmpstr(json_get_string(json_object_get(teacher, "cider"), "variant"), ==, "official");
    g_assert_cmpstr(json_get_string(teacher, "tokenizer"), ==, "whitespace");
    support_assert_near(number_at(mae, "mae"), 3.5, 0);
    support_assert_near(number_at(mae, "unparsed"), 1, 0);
    g_assert_cmpuint(json_array_size(json_object_get(ci, "bleu")), ==, 4);
    support_assert_near(pair_at(json_array_get(json_object_get(ci, "bleu"), 1), 1), 0.55, 0);
    support_assert_near(pair_at(json_object_get(ci, "cider"), 0), 1.5, 0);
    support_assert_near(pair_at(json_object_get(ci, "mae"), 1), 4, 0);
    /* First turns of which none has a prediction have their own count. */
    support_assert_near(number_at(json_object_get(teacher, "first"), "failed"), 3, 0);
    support_assert_near(number_at(json_object_get(teacher, "first"), "n"), 0, 0);
    const json_t *empty = json_object_get(json_object_get(teacher, "by_source"), "y, z");
    support_assert_near(number_at(json_object_get(empty, "cider"), "mean"), NAN, 0);
    support_assert_near(number_at(empty, "failed"), 5, 0);
    g_assert_true(json_is_null(json_object_get(empty, "first")));
    g_assert_true(json_is_null(json_object_get(json_object_get(empty, "ci"), "cider")));
    g_assert_nonnull(json_object_get(empty, "mae"));
    const json_t *macro = json_object_get(teacher, "macro");
    support_assert_near(json_number_value(json_array_get(
                            json_object_get(json_object_get(macro, "bleu"), "corpus"), 0)),
                        0.125, 0);
    support_assert_near(number_at(json_object_get(macro, "mae"), "mae"), 3.5, 0);
    support_assert_near(number_at(object, "resamples"), 50, 0);
    support_assert_near(number_at(object, "resample_seed"), 7, 0);
    const json_t *student = json_object_get(object, "student");
    g_assert_null(json_object_get(json_object_get(student, "ci"), "mae"));
    g_assert_null(json_object_get(json_object_get(student, "macro"), "mae"));

    report = make_fixed_report(0);
    report.teacher = NULL;
    g_autoptr(json_t) alone = fixed_report_json(&report);
    g_assert_null(json_object_get(alone, "teacher"));
    g_assert_true(json_is_null(json_object_get(alone, "mae")));
    g_assert_cmpuint(json_object_size(json_object_get(json_object_get(alone, "student"), "ci")), ==,
                     0);
}

static void test_fixed_tables(void)
{
    struct fixed_report report = make_fixed_report(50);
    g_autofree char *text = fixed_report_print(&report, TABLE_TEXT);
    static const char *const expected[] = {"MAE",
                                           "3.500 [3.000, 4.000]",
                                           "0.300 [0.000, 0.350]", /* no minus sign */
                                           "first turns apart",
                                           "Corpus BLEU",
                                           " 0.125 ",
                                           "paper: FD-LLaVA",
                                           "protocol paper; 95% intervals: 50 resamples of "
                                           "pictures, seed 7; tokens: whitespace; CIDEr: official",
                                           "data 123abc",
                                           NULL};
    check_contains(text, expected);
    report.teacher = NULL;
    g_autofree char *student = fixed_report_print(&report, TABLE_TEXT);
    g_assert_null(strstr(student, "MAE"));
    g_assert_null(strstr(student, "FD-LLaVA"));

    /* One CSV of both roles: every line has as many fields as the first. */
    report = make_fixed_report(50);
    g_autofree char *csv = fixed_report_print(&report, TABLE_CSV);
    g_auto(GStrv) lines = g_strsplit(csv, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 2 + 2 * (2 + 2 + 1 + 2)); /* with "" */
    static const char *const fields[] = {
        "role,source,n,refused,failed,bleu_1,bleu_1_low,bleu_1_high,",
        ",cider,cider_low,cider_high,mae,mae_low,mae_high,corpus_bleu_1,",
        "student,x,4,1,2,0.600000,0.550000,0.650000,",
        "student,\"y, z\",0,0,5,,,,",
        "student,all (macro),4,1,2,",
        ",2.000000,1.500000,2.500000,,,,0.125000,",
        "teacher,all (micro),4,1,2,",
        ",2.000000,1.500000,2.500000,3.500000,3.000000,4.000000,0.500000,",
        "teacher,first turns apart,0,0,3,,,",
        "teacher,paper: FD-LLaVA,,,,0.55,,,",
        NULL};
    check_contains(csv, fields);
    for (char **line = lines; **line; line++) {
        size_t n = 1;
        bool quoted = false;
        for (const char *p = *line; *p; p++) {
            quoted ^= *p == '"';
            n += *p == ',' && !quoted;
        }
        g_assert_cmpuint(n, ==, 5 + 3 * 6 + 6 + 1);
    }
}

/* --- the paper's numbers --- */

/* Weights: the counts of FIRE-Bench, PAPER.md 1.7. */
static const struct {
    const char *source;
    int n;
} bench[] = {{"vqav2", 935},
             {"gqa", 742},
             {"TextVQA", 883},
             {"chartqa", 633},
             {"docvqa", 731},
             {"dvqa", 969},
             {"geoqa+", 693},
             {"synthdog-en", 432},
             {"seedbench", 800},
             {"mmmu", 700},
             {"mme", 639},
             {"mm-vet", 188},
             {"llava-in-the-wild", 36},
             {"mathverse", 863},
             {"mathvista", 820},
             {"scienceqa", 942}};

/* PAPER.md 3.3: the table's own check sums, so that a typing error in a row is seen. */
static void test_published(void)
{
    static const struct {
        size_t student, metric;
        double value;
    } checks[] = {{0, 2, 0.409}, {1, 2, 0.550}, {0, 1, 1.196},
                  {1, 1, 1.539}, {0, 3, 0.289}, {1, 3, 0.395}};
    for (size_t c = 0; c < G_N_ELEMENTS(checks); c++) {
        double sum = 0;
        int n = 0;
        for (size_t i = 0; i < G_N_ELEMENTS(bench); i++) {
            const struct published_free *row = published_free_find(bench[i].source);
            g_assert_nonnull(row);
            sum += bench[i].n * row->values[checks[c].student][checks[c].metric];
            n += bench[i].n;
        }
        g_assert_cmpint(n, ==, 11006);
        g_assert_cmpfloat(fabs(sum / n - checks[c].value), <=, 0.0006);
    }
    g_assert_null(published_free_find("counting"));
    g_assert_cmpint(published_free_find(NULL)->table, ==, 4);
    support_assert_near(published_free_find("gqa")->values[2][0], NAN, 0);
}

static void test_rules(void)
{
    struct protocol protocol = paper;
    g_autofree char *plain = rule_of_protocol(&protocol);
    g_assert_cmpstr(plain, ==, "protocol paper");
    g_assert_true(protocol_set(&protocol, "turns=3", NULL));
    g_assert_true(protocol_set(&protocol, "final=best", NULL));
    g_autofree char *rule = rule_of_protocol(&protocol);
    g_assert_cmpstr(rule, ==, "protocol paper with turns=3, final=best");
    g_assert_true(protocol_init(&protocol, "official", NULL));
    g_autofree char *official = rule_of_protocol(&protocol);
    g_assert_cmpstr(official, ==, "protocol official");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(protocol_init(&paper, "paper", NULL));
    g_test_add_func("/report/free/json", test_free_json);
    g_test_add_func("/report/free/tables", test_free_tables);
    g_test_add_func("/report/fixed/json", test_fixed_json);
    g_test_add_func("/report/fixed/tables", test_fixed_tables);
    g_test_add_func("/report/published", test_published);
    g_test_add_func("/report/rules", test_rules);
    return g_test_run();
}

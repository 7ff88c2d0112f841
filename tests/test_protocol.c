/* protocol: the option table against section 5 of docs/design.md, assignments, JSON. */
#include "base/error.h"
#include "data/protocol.h"
#include "support/support.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* One option as the design page's table has it. */
struct page_row {
    char *name;
    GPtrArray *values;      /* in order, without backticks */
    char *paper, *official; /* owned by values */
    char *rows;
    bool open; /* ends in "...": further values are possible */
};

static void page_row_free(gpointer data)
{
    struct page_row *row = data;
    g_free(row->name);
    g_ptr_array_unref(row->values);
    g_free(row->rows);
    g_free(row);
}

/* The cell of one option: "`le`* `lt` `off`", "8", "5 in bench, 3 in simulate". */
static void read_values(struct page_row *row, const char *cell)
{
    row->values = g_ptr_array_new_with_free_func(g_free);
    cell += strspn(cell, " ");
    if (g_ascii_isdigit(*cell) && !strchr(cell, '`')) {
        g_ptr_array_add(row->values, g_strndup(cell, strspn(cell, "0123456789")));
        row->paper = row->official = row->values->pdata[0];
        return;
    }
    for (const char *open = strchr(cell, '`'); open;) {
        const char *close = strchr(open + 1, '`');
        g_assert_nonnull(close);
        char *value = g_strndup(open + 1, (gsize)(close - open - 1));
        g_ptr_array_add(row->values, value);
        if (close[1] == '*')
            row->official = value;
        open = strchr(close + 1, '`');
    }
    g_assert_cmpuint(row->values->len, >, 0);
    row->paper = row->values->pdata[0];
    if (!row->official)
        row->official = row->paper;
    row->open = strstr(cell, "...") != NULL;
}

/* The rows of section 5's table. A row may name two options: "`threshold`, `stop-rule`" with their
 * values apart by a semicolon. */
static GPtrArray *read_page(void)
{
    g_autofree char *page = NULL;
    g_assert_true(g_file_get_contents("docs/design.md", &page, NULL, NULL));
    const char *section = strstr(page, "\n## 5. "), *next = strstr(page, "\n## 6. ");
    g_assert_true(section && next && section < next);
    g_autofree char *text = g_strndup(section, (gsize)(next - section));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GPtrArray *rows = g_ptr_array_new_with_free_func(page_row_free);
    for (char **line = lines; *line; line++) {
        if (!g_str_has_prefix(*line, "| `"))
            continue;
        g_auto(GStrv) cells = g_strsplit(*line, "|", -1); /* "", name, values, meaning, row, "" */
        g_assert_cmpuint(g_strv_length(cells), ==, 6);
        g_auto(GStrv) names = g_strsplit(cells[1], ",", -1);
        g_auto(GStrv) values = g_strsplit(cells[2], ";", -1);
        g_assert_cmpuint(g_strv_length(names), ==, g_strv_length(values));
        for (guint i = 0; names[i]; i++) {
            struct page_row *row = g_new0(struct page_row, 1);
            g_auto(GStrv) quoted = g_strsplit(names[i], "`", -1);
            row->name = g_strdup(quoted[1]);
            row->rows = g_strdup(g_strstrip(cells[4]));
            read_values(row, values[i]);
            g_ptr_array_add(rows, row);
        }
    }
    return rows;
}

static char *default_of(const char *protocol_name, const struct protocol_option *option)
{
    struct protocol protocol;
    g_assert_true(protocol_init(&protocol, protocol_name, NULL));
    return protocol_get(&protocol, option);
}

static void test_design_page(void)
{
    g_autoptr(GPtrArray) rows = read_page();
    g_assert_cmpuint(rows->len, >=, 29);
    const struct protocol_option *option = protocol_options;
    for (guint i = 0; i < rows->len; i++, option++) {
        const struct page_row *row = rows->pdata[i];
        g_test_message("%s", row->name);
        g_assert_cmpstr(option->name, ==,
                        row->name); /* the same order; NULL where one is missing */
        g_assert_cmpstr(option->row, ==, row->rows);
        g_autofree char *paper = default_of("paper", option);
        g_autofree char *official = default_of("official", option);
        g_assert_cmpstr(paper, ==, row->paper);
        g_assert_cmpstr(official, ==, row->official);
        if (!option->values) {
            g_assert_true(row->open || row->values->len == 1);
            continue;
        }
        g_assert_cmpuint(g_strv_length((char **)(uintptr_t)option->values), ==, row->values->len);
        for (guint j = 0; j < row->values->len; j++)
            g_assert_cmpstr(option->values[j], ==, row->values->pdata[j]);
    }
    g_assert_null(option->name);
}

/* Every value that an option can have is set and read back, and touches no other option. */
static void test_every_value(void)
{
    for (const struct protocol_option *option = protocol_options; option->name; option++) {
        for (int i = option->values ? 0 : option->min;
             option->values ? option->values[i] != NULL : i <= option->max; i++) {
            struct protocol protocol, before;
            g_assert_true(protocol_init(&protocol, "paper", NULL));
            before = protocol;
            g_autofree char *other = default_of("official", option);
            g_autofree char *number = g_strdup_printf("%d", i);
            bool is_list = strcmp(option->name, "lora-targets") == 0;
            const char *value = option->values ? option->values[i] : is_list ? other : number;
            g_autofree char *assignment = g_strdup_printf("%s=%s", option->name, value);
            g_autoptr(GError) error = NULL;
            g_assert_true(protocol_set(&protocol, assignment, &error));
            g_assert_no_error(error);
            g_autofree char *read = protocol_get(&protocol, option);
            g_assert_cmpstr(read, ==, value);
            *(int *)((char *)&protocol + option->offset) =
                *(const int *)((const char *)&before + option->offset);
            g_assert_cmpmem(&protocol, sizeof protocol, &before, sizeof before);
        }
    }
}

static void test_targets(void)
{
    struct protocol protocol;
    g_assert_true(protocol_init(&protocol, "paper", NULL));
    g_assert_cmpint(protocol.lora_targets, ==, 1 | 2);
    g_assert_true(protocol_set(&protocol, "lora-targets=down,q", NULL));
    g_assert_cmpint(protocol.lora_targets, ==, 64 | 1);
    g_assert_true(protocol_set(&protocol, "lora-targets=q,k,v,o,gate,up,down", NULL));
    g_assert_cmpint(protocol.lora_targets, ==, 127);
}

static void test_bad_assignments(void)
{
    static const struct {
        const char *assignment, *message;
    } cases[] = {
        {"", "'' is not NAME=VALUE"},
        {"turns", "'turns' is not NAME=VALUE"},
        {"=5", "unknown protocol option ''"},
        {"turn=5", "unknown protocol option 'turn'; 'fire protocols' lists them"},
        {"Turns=5", "unknown protocol option 'Turns'"},
        {" turns=5", "unknown protocol option ' turns'"},
        {"turns=", "'' is not a whole number from 1 to 100"},
        {"turns=0", "'0' is not a whole number from 1 to 100"},
        {"turns=101", "'101' is not a whole number from 1 to 100"},
        {"turns=5.0", "'5.0' is not a whole number"},
        {"turns=5 ", "'5 ' is not a whole number"},
        {"turns=-1", "'-1' is not a whole number"},
        {"turns=0x5", "'0x5' is not a whole number"},
        {"turns=99999999999999999999", "is not a whole number"},
        {"threshold=11", "'11' is not a whole number from 0 to 10"},
        {"threshold=nan", "'nan' is not a whole number from 0 to 10"},
        {"penalty=0", "'0' is not a whole number from 1 to 1000"},
        {"no-gain=eq", "option 'no-gain' has no value 'eq' (le, lt, off)"},
        {"no-gain=", "option 'no-gain' has no value ''"},
        {"no-gain=LE", "option 'no-gain' has no value 'LE'"},
        {"no-gain=le=lt", "option 'no-gain' has no value 'le=lt'"},
        {"no-gain=1", "option 'no-gain' has no value '1'"},
        {"parse-fail=ask", "(stop, zero, retry, drop, repeat-last)"},
        {"lora-targets=", "'' is not a list of q,k,v,o,gate,up,down"},
        {"lora-targets=q,,k", "is not a list"},
        {"lora-targets=q,x", "'q,x' is not a list"},
        {"lora-targets=q k", "is not a list"},
        {"lora-targets=3", "is not a list"},
        {"protocol=official", "unknown protocol option 'protocol'"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct protocol protocol, before;
        g_assert_true(protocol_init(&protocol, "paper", NULL));
        before = protocol;
        g_autoptr(GError) error = NULL;
        g_test_message("%s", cases[i].assignment);
        g_assert_false(protocol_set(&protocol, cases[i].assignment, &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_USAGE);
        g_assert_nonnull(strstr(error->message, cases[i].message));
        g_assert_null(strchr(error->message, '\n'));
        g_assert_cmpmem(&protocol, sizeof protocol, &before, sizeof before);
    }
}

static void test_bad_name(void)
{
    static const char *const names[] = {"", "Paper", "papers", "offical", "paper "};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct protocol protocol;
        g_autoptr(GError) error = NULL;
        g_assert_false(protocol_init(&protocol, names[i], &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_USAGE);
        g_assert_nonnull(strstr(error->message, "(paper, official)"));
    }
}

static void test_json_round_trip(void)
{
    static const char *const names[] = {"paper", "official"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        for (const struct protocol_option *option = protocol_options; option->name; option++) {
            /* The option at the other protocol's value, or at its last one. */
            struct protocol protocol, read;
            g_assert_true(protocol_init(&protocol, names[i], NULL));
            int n = 0;
            while (option->values && option->values[n])
                n++;
            *(int *)((char *)&protocol + option->offset) = option->values ? n - 1 : option->max;
            g_autoptr(json_t) object = protocol_to_json(&protocol);
            g_autofree char *text = json_print(object);
            g_autoptr(json_t) parsed = json_parse(text, strlen(text), NULL);
            memset(&read, 0x5a, sizeof read);
            g_assert_true(protocol_from_json(&read, parsed, NULL));
            g_assert_cmpmem(&read, sizeof read, &protocol, sizeof protocol);
            g_autofree char *value = protocol_get(&protocol, option);
            g_assert_cmpstr(json_get_string(parsed, option->name), ==, value);
        }
    }
}

static void test_json_refuses(void)
{
    static const struct {
        const char *json;
        int code;
        const char *message;
    } cases[] = {
        {"{}", FIRE_ERROR_FORMAT, "missing key 'protocol'"},
        {"{\"protocol\":5}", FIRE_ERROR_FORMAT, "missing key 'protocol'"},
        {"{\"protocol\":\"mine\"}", FIRE_ERROR_USAGE, "unknown protocol 'mine'"},
        {"{\"protocol\":\"paper\",\"turns\":\"many\"}", FIRE_ERROR_USAGE, "'turns'"},
        {"{\"protocol\":\"paper\",\"bos\":\"triple\"}", FIRE_ERROR_USAGE, "'bos'"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct protocol protocol;
        memset(&protocol, 0x5a, sizeof protocol);
        struct protocol before = protocol;
        g_autoptr(json_t) object = json_parse(cases[i].json, strlen(cases[i].json), NULL);
        g_autoptr(GError) error = NULL;
        g_assert_false(protocol_from_json(&protocol, object, &error));
        g_assert_error(error, FIRE_ERROR, cases[i].code);
        g_assert_nonnull(strstr(error->message, cases[i].message));
        g_assert_cmpmem(&protocol, sizeof protocol, &before, sizeof before);
    }
    /* An option that the run did not know yet has its default. */
    struct protocol read, official;
    g_autoptr(json_t) old = json_pack("{s:s}", "protocol", "official");
    g_assert_true(protocol_from_json(&read, old, NULL));
    g_assert_true(protocol_init(&official, "official", NULL));
    g_assert_cmpmem(&read, sizeof read, &official, sizeof official);
}

/* Which options decide what is asked. */
static void test_play_difference(void)
{
    static const struct {
        const char *set, *free_setting, *fixed_setting; /* NULL: none */
    } cases[] = {
        {"threshold=10", "threshold", NULL},
        {"stop-rule=gt", "stop-rule", NULL},
        {"turns=3", "turns", NULL},
        {"no-gain=off", "no-gain", NULL},
        {"parse-fail=zero", "parse-fail", NULL},
        {"parse-fail=drop", NULL, NULL}, /* plays as `stop` */
        {"zero-score=stop", "zero-score", NULL},
        {"score-range=any", "score-range", NULL},
        {"score-parse=official", "score-parse", "score-parse"},
        {"teacher-history=none", "teacher-history", "teacher-history"},
        {"feedback=full", "feedback", "feedback"},
        {"final=best", NULL, NULL},
        {"penalty=5", NULL, NULL},
        {"label-score=field", NULL, NULL},
        {"feedback-text=whole", NULL, NULL},
        {"cider=words", NULL, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct protocol paper, other;
        g_assert_true(protocol_init(&paper, "paper", NULL));
        other = paper;
        g_assert_true(protocol_set(&other, cases[i].set, NULL));
        g_autofree char *in_free = protocol_play_difference(&paper, &other, PLAYS_FREE);
        g_autofree char *in_fixed = protocol_play_difference(&paper, &other, PLAYS_FIXED);
        g_assert_cmpstr(in_free, ==, cases[i].free_setting);
        g_assert_cmpstr(in_fixed, ==, cases[i].fixed_setting);
    }
    struct protocol paper, official;
    g_assert_true(protocol_init(&paper, "paper", NULL));
    g_assert_true(protocol_init(&official, "official", NULL));
    g_autofree char *all = protocol_play_difference(&paper, &official, PLAYS_FREE);
    g_assert_cmpstr(all, ==, "zero-score, score-range, score-parse, teacher-history");
}

static void test_is_solved(void)
{
    struct protocol protocol;
    g_assert_true(protocol_init(&protocol, "paper", NULL));
    g_assert_true(protocol_is_solved(&protocol, 8));
    g_assert_false(protocol_is_solved(&protocol, 7.5));
    g_assert_false(protocol_is_solved(&protocol, NAN));
    g_assert_true(protocol_set(&protocol, "stop-rule=gt", NULL));
    g_assert_false(protocol_is_solved(&protocol, 8));
    g_assert_true(protocol_is_solved(&protocol, 8.5));
    g_assert_false(protocol_is_solved(&protocol, NAN));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/protocol/design-page", test_design_page);
    g_test_add_func("/protocol/every-value", test_every_value);
    g_test_add_func("/protocol/targets", test_targets);
    g_test_add_func("/protocol/bad-assignments", test_bad_assignments);
    g_test_add_func("/protocol/bad-name", test_bad_name);
    g_test_add_func("/protocol/json-round-trip", test_json_round_trip);
    g_test_add_func("/protocol/json-refuses", test_json_refuses);
    g_test_add_func("/protocol/play-difference", test_play_difference);
    g_test_add_func("/protocol/is-solved", test_is_solved);
    return g_test_run();
}

/* table: alignment by display width, quoting of CSV, escaping of Markdown, numbers. */
#include "report/table.h"
#include "support/support.h"

#include <locale.h>
#include <math.h>
#include <string.h>

static struct table *example(void)
{
    struct table *table = table_new("A title");
    table_add_column(table, "name", ALIGN_LEFT);
    table_add_column(table, "x", ALIGN_RIGHT);
    table_add_row(table);
    table_add_cell(table, "caf\xc3\xa9");
    table_add_number(table, 1.25, 1);
    table_add_row(table);
    table_add_cell(table, "\xe8\xa1\xa8"); /* wide: two columns of a terminal */
    table_add_number(table, -10, 1);
    table_add_row(table);
    table_add_cell(table, "e\xcc\x81 a|b"); /* a combining accent has no width */
    table_add_number(table, NAN, 1);
    table_add_row(table);
    table_add_cell(table, "short");
    table_add_note(table, "by rule 1");
    table_add_note(table, "twice");
    return table;
}

static void check(struct table *table, enum table_format format, const char *expected)
{
    g_autofree char *text = table_print(table, format);
    g_assert_cmpstr(text, ==, expected);
    table_free(table);
}

static void test_text(void)
{
    check(example(), TABLE_TEXT,
          "A title\n"
          "name       x\n"
          "caf\xc3\xa9     1.2\n"
          "\xe8\xa1\xa8     -10.0\n"
          "e\xcc\x81 a|b      -\n"
          "short\n"
          "by rule 1\n"
          "twice\n");
}

static void test_csv(void)
{
    check(example(), TABLE_CSV,
          "name,x,note\n"
          "caf\xc3\xa9,1.2,by rule 1; twice\n"
          "\xe8\xa1\xa8,-10.0,by rule 1; twice\n"
          "e\xcc\x81 a|b,,by rule 1; twice\n"
          "short,,by rule 1; twice\n");
}

static void test_markdown(void)
{
    check(example(), TABLE_MARKDOWN,
          "A title\n\n"
          "| name | x |\n"
          "|---|---:|\n"
          "| caf\xc3\xa9 | 1.2 |\n"
          "| \xe8\xa1\xa8 | -10.0 |\n"
          "| e\xcc\x81 a\\|b | - |\n"
          "| short |  |\n"
          "\nby rule 1\n"
          "\ntwice\n");
}

static const struct {
    const char *cell, *csv, *markdown, *text;
} cells[] = {
    {"a,b", "\"a,b\"", "a,b", "a,b"},
    {"say \"hi\"", "\"say \"\"hi\"\"\"", "say \"hi\"", "say \"hi\""},
    {"two\nlines", "\"two\nlines\"", "two lines", "two lines"},
    {"cr\rlf", "\"cr\rlf\"", "cr lf", "cr lf"},
    {" padded", "\" padded\"", " padded", " padded"},
    {"", "", "", ""},
    {NULL, "", "-", "-"},
    {"<b>*x*</b> a_b", "<b>*x*</b> a_b", "\\<b\\>\\*x\\*\\</b\\> a\\_b", "<b>*x*</b> a_b"},
    {"[0.1, 0.2]", "\"[0.1, 0.2]\"", "[0.1, 0.2]", "[0.1, 0.2]"},
    {"[x](y)", "[x](y)", "\\[x\\](y)", "[x](y)"},
    {"back\\slash &amp;", "back\\slash &amp;", "back\\\\slash \\&amp;", "back\\slash &amp;"},
    {"bell\x07", "bell\x07", "bell ", "bell"},
};

static void test_cells(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cells); i++) {
        struct table *table = table_new(NULL);
        table_add_column(table, "c", ALIGN_LEFT);
        table_add_row(table);
        table_add_cell(table, cells[i].cell);
        g_autofree char *csv = table_print(table, TABLE_CSV);
        g_autofree char *markdown = table_print(table, TABLE_MARKDOWN);
        g_autofree char *text = table_print(table, TABLE_TEXT);
        g_autofree char *in_csv = g_strdup_printf("c\n%s\n", cells[i].csv);
        g_autofree char *in_markdown = g_strdup_printf("| c |\n|---|\n| %s |\n", cells[i].markdown);
        g_autofree char *in_text = g_strdup_printf("c\n%s\n", cells[i].text);
        g_assert_cmpstr(csv, ==, in_csv);
        g_assert_cmpstr(markdown, ==, in_markdown);
        g_assert_cmpstr(text, ==, in_text);
        table_free(table);
    }
}

static const struct {
    double value;
    int digits;
    const char *text;
} numbers[] = {
    {0.125, 2, "0.12"}, {-0.0001, 2, "0.00"}, {-0.01, 2, "-0.01"}, {1e15, 0, "1000000000000000"},
    {2.5, 3, "2.500"},  {NAN, 2, ""},         {1e308, 0, NULL},
};

/* Digits and points are the same in a locale that writes commas. */
static void test_numbers(void)
{
    setlocale(LC_ALL, "de_DE.UTF-8");
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        struct table *table = table_new(NULL);
        table_add_column(table, "c", ALIGN_RIGHT);
        table_add_row(table);
        table_add_number(table, numbers[i].value, numbers[i].digits);
        g_autofree char *csv = table_print(table, TABLE_CSV);
        if (numbers[i].text) {
            g_autofree char *expected = g_strdup_printf("c\n%s\n", numbers[i].text);
            g_assert_cmpstr(csv, ==, expected);
        } else {
            g_assert_cmpuint(strlen(csv), ==, strlen("c\n\n") + 309);
        }
        table_free(table);
    }
    setlocale(LC_ALL, "C");
}

static void test_names(void)
{
    enum table_format format;
    g_assert_true(table_format_from_name("csv", &format));
    g_assert_cmpint(format, ==, TABLE_CSV);
    g_assert_false(table_format_from_name("html", &format));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/table/text", test_text);
    g_test_add_func("/table/csv", test_csv);
    g_test_add_func("/table/markdown", test_markdown);
    g_test_add_func("/table/cells", test_cells);
    g_test_add_func("/table/numbers", test_numbers);
    g_test_add_func("/table/names", test_names);
    return g_test_run();
}

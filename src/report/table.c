#include "report/table.h"

#include <math.h>
#include <string.h>

struct column {
    char *title;
    enum table_align align;
};

struct table {
    char *title;
    GArray *columns;  /* of struct column */
    GPtrArray *cells; /* row after row, as many as columns each; NULL: no value */
    GPtrArray *notes;
    size_t n_rows, i_cell; /* the next cell of the last row */
};

static const char *const format_names[] = {
    [TABLE_TEXT] = "text", [TABLE_CSV] = "csv", [TABLE_MARKDOWN] = "markdown"};

bool table_format_from_name(const char *name, enum table_format *format)
{
    for (size_t i = 0; i < G_N_ELEMENTS(format_names); i++) {
        if (strcmp(format_names[i], name) == 0) {
            *format = (enum table_format)i;
            return true;
        }
    }
    return false;
}

struct table *table_new(const char *title)
{
    struct table *table = g_new0(struct table, 1);
    table->title = g_strdup(title);
    table->columns = g_array_new(FALSE, TRUE, sizeof(struct column));
    table->cells = g_ptr_array_new_with_free_func(g_free);
    table->notes = g_ptr_array_new_with_free_func(g_free);
    return table;
}

static const struct column *column_at(const struct table *table, size_t i)
{
    return &g_array_index(table->columns, struct column, i);
}

void table_free(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->columns->len; i++)
        g_free(column_at(table, i)->title);
    g_array_free(table->columns, TRUE);
    g_ptr_array_free(table->cells, TRUE);
    g_ptr_array_free(table->notes, TRUE);
    g_free(table->title);
    g_free(table);
}

void table_add_column(struct table *table, const char *title, enum table_align align)
{
    g_assert(table->n_rows == 0);
    struct column column = {g_strdup(title), align};
    g_array_append_val(table->columns, column);
}

void table_add_row(struct table *table)
{
    table->n_rows++;
    table->i_cell = 0;
    for (size_t i = 0; i < table->columns->len; i++)
        g_ptr_array_add(table->cells, g_strdup(""));
}

static char **cell_at(const struct table *table, size_t row, size_t column)
{
    return (char **)&table->cells->pdata[row * table->columns->len + column];
}

void table_add_cell(struct table *table, const char *text)
{
    g_assert(table->n_rows > 0 && table->i_cell < table->columns->len);
    char **cell = cell_at(table, table->n_rows - 1, table->i_cell++);
    g_free(*cell);
    *cell = g_strdup(text);
}

void table_add_int(struct table *table, gint64 value)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);
    table_add_cell(table, text);
}

/* Free with g_free. */
static char *print_number(double value, int digits)
{
    char text[400], format[16]; /* a double has at most 309 digits before the point */
    g_snprintf(format, sizeof format, "%%.%df", CLAMP(digits, 0, 20));
    g_ascii_formatd(text, sizeof text, format, value);
    /* A value that rounds to zero has no sign. */
    bool zero = text[0] == '-' && strspn(text + 1, "0.") == strlen(text + 1);
    return g_strdup(zero ? text + 1 : text);
}

void table_add_number(struct table *table, double value, int digits)
{
    g_autofree char *text = isnan(value) ? NULL : print_number(value, digits);
    table_add_cell(table, text);
}

void table_add_interval(struct table *table, double value, double low, double high, int digits)
{
    if (isnan(value) || isnan(low)) {
        table_add_number(table, value, digits);
        return;
    }
    g_autofree char *middle = print_number(value, digits);
    g_autofree char *left = print_number(low, digits);
    g_autofree char *right = print_number(high, digits);
    g_autofree char *text = g_strdup_printf("%s [%s, %s]", middle, left, right);
    table_add_cell(table, text);
}

void table_add_note(struct table *table, const char *note)
{
    g_ptr_array_add(table->notes, g_strdup(note));
}

/* --- text --- */

/* Columns that a terminal gives a text: two for wide characters, none for combining marks. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text = g_utf8_next_char(text)) {
        gunichar c = g_utf8_get_char(text);
        width += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
    }
    return width;
}

/* Cells are one line: control characters become spaces. */
static char *one_line(const char *text)
{
    char *line = g_strdup(text ? text : "-");
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    return line;
}

static void append_spaces(GString *out, size_t n)
{
    while (n-- > 0)
        g_string_append_c(out, ' ');
}

static void append_padded(GString *out, const char *text, size_t width, enum table_align align)
{
    size_t n = width - MIN(width, width_of(text));
    if (align == ALIGN_RIGHT)
        append_spaces(out, n);
    g_string_append(out, text);
    if (align == ALIGN_LEFT)
        append_spaces(out, n);
}

/* The cell, or the column's title for row -1, as one line. Free with g_free. */
static char *line_at(const struct table *table, gssize row, size_t column)
{
    return one_line(row < 0 ? column_at(table, column)->title
                            : *cell_at(table, (size_t)row, column));
}

static size_t width_of_column(const struct table *table, size_t column)
{
    size_t width = 0;
    for (gssize row = -1; row < (gssize)table->n_rows; row++) {
        g_autofree char *line = line_at(table, row, column);
        width = MAX(width, width_of(line));
    }
    return width;
}

static void trim_end(GString *out)
{
    while (out->len > 0 && out->str[out->len - 1] == ' ')
        g_string_truncate(out, out->len - 1);
}

static void print_text(GString *out, const struct table *table)
{
    size_t n_columns = table->columns->len;
    g_autofree size_t *widths = g_new(size_t, n_columns);
    for (size_t c = 0; c < n_columns; c++)
        widths[c] = width_of_column(table, c);
    if (table->title)
        g_string_append_printf(out, "%s\n", table->title);
    for (gssize row = -1; row < (gssize)table->n_rows; row++) {
        for (size_t c = 0; c < n_columns; c++) {
            g_autofree char *line = line_at(table, row, c);
            append_spaces(out, c ? 2 : 0);
            append_padded(out, line, widths[c], column_at(table, c)->align);
        }
        trim_end(out);
        g_string_append_c(out, '\n');
    }
    for (size_t i = 0; i < table->notes->len; i++)
        g_string_append_printf(out, "%s\n", (char *)table->notes->pdata[i]);
}

/* --- CSV (RFC 4180, but lines end in LF) --- */

static void append_field(GString *out, const char *text)
{
    if (!text || !*text)
        return;
    /* Quoted where it must be, and where a reader would trim it. */
    if (!strpbrk(text, ",\"\r\n") && *text != ' ' && text[strlen(text) - 1] != ' ') {
        g_string_append(out, text);
        return;
    }
    g_string_append_c(out, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '"')
            g_string_append_c(out, '"');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
}

static void print_csv(GString *out, const struct table *table)
{
    g_ptr_array_add(table->notes, NULL);
    g_autofree char *note = g_strjoinv("; ", (char **)table->notes->pdata);
    g_ptr_array_remove_index(table->notes, table->notes->len - 1);
    for (gssize row = -1; row < (gssize)table->n_rows; row++) {
        for (size_t c = 0; c < table->columns->len; c++) {
            if (c > 0)
                g_string_append_c(out, ',');
            append_field(out,
                         row < 0 ? column_at(table, c)->title : *cell_at(table, (size_t)row, c));
        }
        if (*note) {
            g_string_append_c(out, ',');
            append_field(out, row < 0 ? "note" : note);
        }
        g_string_append_c(out, '\n');
    }
}

/* --- Markdown --- */

/* Brackets are marks only where they could make a link. */
static void append_escaped(GString *out, const char *text)
{
    const char *marks = strstr(text, "](") ? "\\|*_`<>&#~[]" : "\\|*_`<>&#~";
    for (const char *p = text; *p; p++) {
        if (strchr(marks, *p))
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
}

static void print_markdown(GString *out, const struct table *table)
{
    size_t n_columns = table->columns->len;
    if (table->title) {
        append_escaped(out, table->title);
        g_string_append(out, "\n\n");
    }
    for (gssize row = -1; row < (gssize)table->n_rows; row++) {
        g_string_append_c(out, '|');
        for (size_t c = 0; c < n_columns; c++) {
            g_autofree char *line = line_at(table, row, c);
            g_string_append_c(out, ' ');
            append_escaped(out, line);
            g_string_append(out, " |");
        }
        g_string_append_c(out, '\n');
        if (row >= 0)
            continue;
        g_string_append_c(out, '|');
        for (size_t c = 0; c < n_columns; c++)
            g_string_append(out, column_at(table, c)->align == ALIGN_RIGHT ? "---:|" : "---|");
        g_string_append_c(out, '\n');
    }
    for (size_t i = 0; i < table->notes->len; i++) {
        g_string_append_c(out, '\n');
        append_escaped(out, table->notes->pdata[i]);
        g_string_append_c(out, '\n');
    }
}

char *table_print(const struct table *table, enum table_format format)
{
    GString *out = g_string_new(NULL);
    switch (format) {
    case TABLE_TEXT:
        print_text(out, table);
        break;
    case TABLE_CSV:
        print_csv(out, table);
        break;
    case TABLE_MARKDOWN:
        print_markdown(out, table);
        break;
    }
    return g_string_free(out, FALSE);
}

/* table.h -- a table of text cells, printed as text, CSV or Markdown.
 *
 * A number never travels without its rule: what a table's notes say follows it as lines in text and
 * Markdown, and stands in a last column `note` of every CSV row. */
#ifndef FIRE_REPORT_TABLE_H
#define FIRE_REPORT_TABLE_H

#include <glib.h>
#include <stdbool.h>

enum table_format { TABLE_TEXT, TABLE_CSV, TABLE_MARKDOWN };
/* "text", "csv", "markdown". */
bool table_format_from_name(const char *name, enum table_format *format);

enum table_align { ALIGN_LEFT, ALIGN_RIGHT };

struct table;

/* `title` (may be NULL) heads the table in text and Markdown. */
struct table *table_new(const char *title);
void table_free(struct table *table); /* accepts NULL */

/* Columns come first, rows after them. */
void table_add_column(struct table *table, const char *title, enum table_align align);
void table_add_row(struct table *table);
/* The next cell of the last row; cells that are never set are empty. Texts are UTF-8 and copied.
 * NULL says that there is no value: "-" in text and Markdown, empty in CSV. */
void table_add_cell(struct table *table, const char *text);
void table_add_int(struct table *table, gint64 value);
/* In fixed notation with `digits` decimals; NAN is no value. */
void table_add_number(struct table *table, double value, int digits);
/* "0.910 [0.890, 0.940]"; the number alone where `low` is NAN. */
void table_add_interval(struct table *table, double value, double low, double high, int digits);
void table_add_note(struct table *table, const char *note);

/* The whole table, its last line ended. Free with g_free. */
char *table_print(const struct table *table, enum table_format format);

#endif

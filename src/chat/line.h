/* line.h -- what a server says, made fit for a log, a table or a database: one line, bounded,
 * without a secret. */
#ifndef FIRE_CHAT_LINE_H
#define FIRE_CHAT_LINE_H

#include <stddef.h>

/* Valid UTF-8 without control characters, runs of white space made one blank, every `secret` (NULL
 * or short: none) replaced by "[key]", then cut to `max_bytes` with "..." at the end. Free with
 * g_free. */
char *line_clean(const char *text, const char *secret, size_t max_bytes);

/* Replaces every `secret` in `text`; keeps all else. Takes `text`, returns what replaces it. NULL
 * stays NULL. */
char *line_scrub(char *text, const char *secret);

/* What a page says: its title, else its text without tags. Free with g_free. */
char *line_from_html(const char *html);

#endif

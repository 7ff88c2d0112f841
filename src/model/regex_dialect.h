/* regex_dialect.h -- split patterns of tokenizer.json are written for Oniguruma; this rewrites them for PCRE2.
 *
 * The two agree on what split patterns use: alternation, groups, lookaround, lazy and possessive quantifiers, classes,
 * \p{...}. They differ on \s (PCRE2 counts U+180E), \w (marks and Pc), \v and \uHHHH, which are written out, and on rare
 * constructs (\h, \b, nested classes, &&, POSIX brackets, back references, named groups, {n}+), which are refused by
 * name rather than understood otherwise. */
#ifndef FIRE_MODEL_REGEX_DIALECT_H
#define FIRE_MODEL_REGEX_DIALECT_H

#include <glib.h>

/* The pattern for PCRE2 (UTF, without UCP); free with g_free. NULL and FIRE_ERROR_FORMAT where a construct is not
 * supported. */
char *regex_dialect_to_pcre2(const char *pattern, GError **error);

#endif

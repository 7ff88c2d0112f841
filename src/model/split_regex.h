/* split_regex.h -- finds the matches of a split pattern in a text, by PCRE2 with its JIT.
 *
 * The pattern is immutable and shared; what a search needs to write lies in a scratch that one thread uses at a time. */
#ifndef FIRE_MODEL_SPLIT_REGEX_H
#define FIRE_MODEL_SPLIT_REGEX_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct split_regex;
struct split_scratch;

/* `pattern` is a regex in Oniguruma's syntax, or the text itself where `literal`. FIRE_ERROR_FORMAT says what is wrong
 * with it. */
struct split_regex *split_regex_new(const char *pattern, bool literal, GError **error);
void split_regex_free(struct split_regex *regex); /* accepts NULL */

struct split_scratch *split_scratch_new(void);
void split_scratch_free(struct split_scratch *scratch); /* accepts NULL */

enum split_result { SPLIT_FOUND, SPLIT_NONE, SPLIT_FAILED };

/* The first match in `text` (valid UTF-8) that starts at byte `from` or later; what lies before `from` is seen by
 * lookbehind. SPLIT_FAILED sets FIRE_ERROR_FORMAT: the pattern backtracks without end on this text. */
enum split_result split_regex_find(const struct split_regex *regex, struct split_scratch *scratch,
                                   const char *text, size_t n_bytes, size_t from, size_t *start,
                                   size_t *end, GError **error);

#endif

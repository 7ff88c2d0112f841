/* template.h -- a prompt text with {name} places that are filled in.
 *
 * A place is one of the names below in braces; `{{` is a literal `{`, and `}` stands for itself.
 * What is filled in is data: it is inserted as it is and never read as a template. */
#ifndef FIRE_DIALOGUE_TEMPLATE_H
#define FIRE_DIALOGUE_TEMPLATE_H

#include <glib.h>
#include <stdbool.h>

enum place { PLACE_QUESTION, PLACE_ANSWER, PLACE_RESPONSE, PLACE_FEEDBACK, N_PLACES };

/* Sets of places are bits: 1 << PLACE_QUESTION. The ground truth is PLACE_ANSWER. */

/* May `text` be filled where the places `known` have a value, and does it hold all of `needed`?
 * FIRE_ERROR_FORMAT names the place that is unknown, has no value here, or is missing. */
bool template_check(const char *text, unsigned known, unsigned needed, GError **error);

/* `text` with `values[place]` at each place. The text must have passed template_check; a value that
 * it does not use may be NULL. Free with g_free. */
char *template_fill(const char *text, const char *const values[N_PLACES]);

#endif

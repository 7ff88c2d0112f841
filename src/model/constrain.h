/* constrain.h -- holds a teacher to the form of its answers (`--constrain score`):
 *
 *   Score: <0 to 10>[.]
 *   Feedback:<anything>
 *
 * with one blank allowed before it all, which some tokenizers cannot do without. Any cut of this text
 * into tokens is allowed, those that reach over its end included; after "Feedback:" so is any token.
 * (The line break is not left out: it is what makes the label one for every way of reading.)
 *
 * Immutable, shared by sessions; a session keeps its state, a number, CONSTRAIN_START at first. */
#ifndef FIRE_MODEL_CONSTRAIN_H
#define FIRE_MODEL_CONSTRAIN_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum { CONSTRAIN_START = 0 };

struct constrain;

/* The bytes that token `id` adds to a text; NULL where it adds none (special, not used). */
typedef const char *constrain_text(int id, size_t *n_bytes, void *user);

/* Asks for each id of 0 .. n_ids - 1 once. FIRE_ERROR_FORMAT where no sequence of tokens spells the
 * form, FIRE_ERROR_IO where there is no memory. */
struct constrain *constrain_new_score(int n_ids, constrain_text *text, void *user, GError **error);
void constrain_free(struct constrain *constrain); /* accepts NULL */

/* The state after token `id`, or -1 where it is not allowed. Every state that is reached allows some
 * token and can be brought to the end of the form. */
int constrain_next(const struct constrain *constrain, int state, int id);

/* Everything is allowed from now on. */
bool constrain_is_free(const struct constrain *constrain, int state);

/* Sets the logits (n_logits) of the tokens that are not allowed to -infinity, those beyond n_ids
 * among them; changes none where the state is free. */
void constrain_mask(const struct constrain *constrain, int state, float *logits, int n_logits);

#endif

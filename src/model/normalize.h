/* normalize.h -- what tokenizer.json does to a text before it is cut: NFC, a prefix, replacements. */
#ifndef FIRE_MODEL_NORMALIZE_H
#define FIRE_MODEL_NORMALIZE_H

#include "model/split_regex.h"

struct normalizer;

struct normalizer *normalizer_new(void);             /* no step: the text as it is */
void normalizer_free(struct normalizer *normalizer); /* accepts NULL */

void normalizer_add_nfc(struct normalizer *normalizer);
/* `prefix` in front of every text that is not empty. */
void normalizer_add_prepend(struct normalizer *normalizer, const char *prefix);
/* Takes `regex`; each match becomes `content`. */
void normalizer_add_replace(struct normalizer *normalizer, struct split_regex *regex,
                            const char *content);

bool normalizer_is_empty(const struct normalizer *normalizer); /* no step */

/* Appends the normal form of `text` (valid UTF-8) to `out`. False where a pattern fails on it or the result passes
 * `max_bytes`. Thread-safe with a scratch for each thread. */
bool normalizer_run(const struct normalizer *normalizer, struct split_scratch *scratch,
                    const char *text, size_t n_bytes, size_t max_bytes, GString *out,
                    GError **error);

#endif

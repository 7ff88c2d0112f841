/* generation.h -- one answer: chooses its tokens, turns them into text, knows where it ends.
 *
 * In order: rows of the head that have no token are out; a form may be demanded (constrain.h); the sampler chooses; a stop
 * token ends the answer; what is decoded passes the stop strings. The text so far can be shown at any time: it holds whole
 * characters, and nothing that might still become a stop string. */
#ifndef FIRE_MODEL_GENERATION_H
#define FIRE_MODEL_GENERATION_H

#include "model/constrain.h"
#include "model/sampler.h"
#include "model/session.h"
#include "model/stop.h"
#include "model/tokenizer.h"

struct generation_options {
    struct sampler_options sampling; /* passed sampler_options_check */
    uint64_t stream;                 /* of the seed */
    const int *stop_ids;             /* borrowed, as all that follows */
    size_t n_stop_ids;
    const char *const *stop_strings;   /* NULL: none */
    const struct constrain *constrain; /* NULL: free */
};

struct generation {
    const struct tokenizer *tokenizer;
    const struct constrain *constrain;
    struct sampler sampler;
    struct stop stop;
    struct token_stream *stream;
    int constrain_state;
    GArray *
        seen; /* of int: the prompt's tokens and the answer's, where there is a penalty on them; else NULL */
    GString *piece; /* work */
    GString *text;  /* the answer so far */
};

/* The form "Score: N" / "Feedback: ..." over the tokens of `tokenizer`. */
struct constrain *generation_score_form(const struct tokenizer *tokenizer, GError **error);

/* `vocab_size` rows of logits. `prompt` is only read for the repetition penalty. */
void generation_init(struct generation *generation, const struct tokenizer *tokenizer,
                     const struct generation_options *options, int vocab_size,
                     const struct sequence *prompt);
void generation_clear(struct generation *generation); /* accepts a zeroed one */

/* A `session_choose`: `user` is the generation. */
int generation_choose(float *logits, int vocab_size, void *user);

/* The answer has ended otherwise: what was held back joins the text. */
void generation_finish(struct generation *generation);

#endif

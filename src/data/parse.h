/* parse.h -- what a student's and a teacher's text say: thought, answer, score, comment.
 *
 * Both ways of reading of DESIGN.md 5 `score-parse`: `tolerant`, and `official`, which is
 * METRICS.md 1 to the letter. Nothing here fails: a text without a score has none (NAN). Pieces are
 * borrowed from the text. */
#ifndef FIRE_DATA_PARSE_H
#define FIRE_DATA_PARSE_H

#include "data/protocol.h"

#include <stddef.h>

/* Part of a text; text == NULL: not there. */
struct span {
    const char *text;
    size_t n_bytes;
};

/* The teacher's score by `protocol`'s score-parse and score-range; NAN where there is none. NULL
 * text has none. */
double parse_score(const struct protocol *protocol, const char *feedback);

/* The comment: what follows the first "Feedback:", trimmed. Tolerant: any case, bold marks allowed,
 * and a text without that label is a comment as a whole, less the line that held its score.
 * Official: absent where the label is absent (the caller then passes on the whole text, as the
 * released loops do). */
struct span parse_comment(const struct protocol *protocol, const char *feedback);

/* The student's thought and answer: what follows "Thought:" up to "Answer:", and what follows
 * "Answer:". A response without "Answer:" is an answer as a whole. Trimmed. */
struct span parse_thought(const char *response);
struct span parse_answer(const char *response);

#endif

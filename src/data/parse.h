/* parse.h -- what a student's and a teacher's text say: thought, answer, score, comment.
 *
 * Both ways of reading of DESIGN.md 5 `score-parse`: `tolerant`, and `official`, which is
 * METRICS.md 1 to the letter. Nothing here fails: a text without a score has none. Every function
 * takes linear time on any text. */
#ifndef FIRE_DATA_PARSE_H
#define FIRE_DATA_PARSE_H

#include "data/protocol.h"

/* The teacher's score by `protocol`'s score-parse and score-range; NAN where there is none. NULL
 * has none.
 *
 * Tolerant: the first line that holds the word "score" (any case), later a colon, and after it,
 * with nothing but blanks, quotes, brackets and bold marks between, a number. The number is a score
 * if it is written 7, 7.5, 7/10, 7 of 10 or 7 out of 10 and lies in the range; a sign, a range
 * (6-7, 6 to 7), another denominator and a percentage are no score, and no later line is looked at
 * then. Marks around the numbers do not matter: **7** / 10, [7] (out of 10).
 *
 * Official: the first line (of Python's splitlines) must contain "Score:"; the score is the first
 * run of digits in it. */
double parse_score(const struct protocol *protocol, const char *feedback);

/* `score` where it lies in `protocol`'s score-range; NAN where it does not, or is none. */
double parse_in_range(const struct protocol *protocol, double score);

/* The comment, trimmed. Free with g_free.
 *
 * Tolerant: what follows the label "Feedback:" (any case, bold marks allowed, at the start of a
 * line rather than inside one); a text without that label is a comment as a whole, less the words
 * that gave its score. Official: what follows the first "Feedback:"; NULL where that is absent (the
 * released loops then pass on the whole text, the released scorers score ""). */
char *parse_comment(const struct protocol *protocol, const char *feedback);

/* What the student is shown of a feedback: the comment, or all of it, as `protocol->feedback` says;
 * all of it also where there is no comment, as the released loops do. NULL gives "". Free with
 * g_free. */
char *parse_shown(const struct protocol *protocol, const char *feedback);

/* The student's thought: what stands between "Thought:" and "Answer:"; NULL where there is no
 * "Thought:". The answer: what follows "Answer:"; a response without that label is an answer as a
 * whole. Trimmed, labels read as tolerantly as "Feedback:". Free with g_free. */
char *parse_thought(const char *response);
char *parse_answer(const char *response);

#endif

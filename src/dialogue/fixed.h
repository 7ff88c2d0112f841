/* fixed.h -- the fixed setting (paper Sec. 3.4.1; PAPER.md 2.11): a recorded dialogue is cut before
 * each text of one role, a model is asked to go on from there, and what it says is held against
 * what was recorded. The history is the recorded one, whatever the model said before.
 *
 *   for (size_t i = 0; i < dialogue.n_turns; i++)
 *       if (fixed_has_item(&dialogue, role, i)) ... fixed_request, chat_send, fixed_predict ...
 */
#ifndef FIRE_DIALOGUE_FIXED_H
#define FIRE_DIALOGUE_FIXED_H

#include "dialogue/prompt.h"

enum fixed_role { FIXED_STUDENT, FIXED_TEACHER };

/* Is there a text of `role` in turn `i_turn` (0-based) to predict? Every turn has a response; one
 * may lack its feedback. */
bool fixed_has_item(const struct dialogue *dialogue, enum fixed_role role, size_t i_turn);

/* The messages that ask for that text, as in a free dialogue with the recorded turns: an untuned
 * teacher reads of the two-line form here too. Clear with message_list_clear. */
void fixed_request(struct message_list *list, const struct prompts *prompts,
                   const struct protocol *protocol, const struct dialogue *dialogue,
                   enum fixed_role role, size_t i_turn);

/* One prediction beside its label, as the metrics take them. A zeroed struct is an empty one. */
struct fixed_prediction {
    enum fixed_role role;
    size_t i_turn;      /* 0-based: the headline of the student's table is i_turn >= 1 */
    char *text, *label; /* views of the predicted and the recorded text: fixed_text */
    /* Of the teacher; NAN where there is none, and for the student. */
    double score;       /* parsed from the predicted text */
    double label_score; /* the recorded turn's, read by `protocol` (label.h) */
};

/* `text` is what the model answered to fixed_request. Clear with fixed_prediction_clear. */
void fixed_predict(struct fixed_prediction *prediction, const struct protocol *protocol,
                   const struct dialogue *dialogue, enum fixed_role role, size_t i_turn,
                   const char *text);
void fixed_prediction_clear(struct fixed_prediction *prediction);

/* What BLEU and CIDEr see of a text: options `response-text` and `feedback-text`. A feedback
 * without a comment is "" under the official parser, as the released scorers have it. Free with
 * g_free. */
char *fixed_text(const struct protocol *protocol, enum fixed_role role, const char *text);

#endif

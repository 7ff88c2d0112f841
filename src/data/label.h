/* label.h -- the score that a recorded turn counts with.
 *
 * Where our line gives `score`, that is it. Where a record has only its text, an entry of a list
 * beside it, or both, `label-score`, `score-parse` and `score-range` decide between them. The reader
 * keeps what there was in the turn's meta, which a run database stores, so that the tables of a run
 * can read the turn again by other rules. */
#ifndef FIRE_DATA_LABEL_H
#define FIRE_DATA_LABEL_H

#include "data/dialogue.h"
#include "data/protocol.h"

/* Under this key of turn.meta: {"text": true, "list": ENTRY}, each only where the record has it. The
 * name is ours: no line that we write holds it, and one that we read loses it. */
#define LABEL_KEY "score_from"

/* Keeps where the turn's score is to be read from. `has_list`: the record's layout has a list of
 * scores; `listed`: the turn's entry in it, NULL: it lacks one. */
void label_keep(struct turn *turn, bool has_text, bool has_list, const json_t *listed);

/* The score by the rules of `protocol`; NAN: none. */
double label_score(const struct turn *turn, const struct protocol *protocol);

#endif

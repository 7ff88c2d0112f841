/* forms.h -- one parsed record of any form becomes a dialogue (inside of reader.c).
 *
 * Every function returns false with a flaw where the record cannot serve `rules->need`; what was
 * read until then (the id above all) stays in `*record`, whose dialogue the caller clears. */
#ifndef FIRE_DATA_FORMS_H
#define FIRE_DATA_FORMS_H

#include "data/flaw.h"
#include "data/reader.h"

struct form_rules {
    enum reader_need need;
    const struct protocol *protocol;
};

/* Recognises the form and reads it. */
bool form_read(const struct form_rules *rules, const json_t *object, struct record *record,
               struct flaw *flaw);

/* One form each. */
bool form_read_fire(const struct form_rules *rules, const json_t *object, struct record *record,
                    struct flaw *flaw);
bool form_read_llava(const struct form_rules *rules, const json_t *object, struct record *record,
                     struct flaw *flaw);
bool form_read_loop(const struct form_rules *rules, const json_t *object, struct record *record,
                    struct flaw *flaw);

/* The question, ground truth and so on of a LLaVA record alone. */
bool form_read_llava_sample(const json_t *object, struct sample *sample, struct flaw *flaw);

/* The value under `key`, which must be a string; `where` says where, for the flaw: "turn 2: " or
 * "". NULL with a flaw otherwise. */
const char *form_need_string(const json_t *object, const char *key, const char *where,
                             struct flaw *flaw);

/* The same for a string that may be absent or null: `*text` is NULL then. */
bool form_get_string(const json_t *object, const char *key, const char *where, const char **text,
                     struct flaw *flaw);

/* Puts `value` (taken over) under `key` of the object `*meta`, which may be NULL. */
void form_set_meta(json_t **meta, const char *key, json_t *value);

/* Sets the turn's score from its text (where `has_text`) or from entry `i` of `list` (no array: there
 * is none), as label.h says. True where both are there and differ, in range or not; the entry is
 * then kept as meta.fire_score. */
bool form_set_score(const struct form_rules *rules, const json_t *list, size_t i, bool has_text,
                    struct turn *turn);

/* What every dialogue must have for `rules->need`: turns, and feedback in all of them but perhaps
 * the last; for NEED_ALL feedback in all, each with a score. */
bool form_check_turns(const struct form_rules *rules, const struct dialogue *dialogue,
                      struct flaw *flaw);

/* The keys of the official layout, in its order (see leftover.h). */
extern const char *const fire_record_keys[], *const fire_text_keys[], *const fire_turn_keys[];
enum {
    FIRE_IMAGE,
    FIRE_QUESTION,
    FIRE_CONVERSATIONS,
    FIRE_GROUNDTRUTH,
    FIRE_SOURCE,
    FIRE_ROUND,
    FIRE_SCORE
};
enum { FIRE_ROLE, FIRE_TYPE }; /* of texts and turns */

/* What an official record holds beyond them is kept in meta.fire (the record's; "question" and
 * "groundtruth" in it are theirs), and in "response" and "feedback" of a turn's meta. Beside these,
 * under FIRE_ORDER, stands {KEY: [names in their order]} of those objects that have another order.
 */
#define FIRE_ORDER "fire_order"

#endif

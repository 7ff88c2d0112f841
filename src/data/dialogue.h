/* dialogue.h -- a sample and the turns that student and teacher took over it. */
#ifndef FIRE_DATA_DIALOGUE_H
#define FIRE_DATA_DIALOGUE_H

#include "data/sample.h"

/* How a dialogue ended. STOP_NONE: not known (a recorded dialogue) or not ended yet. */
enum stop {
    STOP_NONE,
    STOP_SCORE,   /* the teacher's score passed the threshold */
    STOP_NO_GAIN, /* the score did not rise */
    STOP_MAX_TURNS,
    STOP_UNPARSED, /* the teacher's text held no score */
    STOP_REFUSED,  /* a model declined to answer: a result, not a failure */
    STOP_FAILED,   /* no answer came: network, server */
};

/* "score", "no-gain", "max-turns", "unparsed", "refused", "failed"; NULL for STOP_NONE. */
const char *stop_name(enum stop stop);
/* False where `name` is none of the above. */
bool stop_from_name(const char *name, enum stop *stop);

/* One round. A zeroed struct is an empty turn. */
struct turn {
    /* The student's text as received ("Thought: ...\nAnswer: ..."), reasoning left out. */
    char *response;
    /* The teacher's text as received ("Score: 5.\nFeedback: ..."); NULL: it has not spoken. */
    char *feedback;
    double score; /* what counts; NAN: the teacher gave none */
    /* Object or NULL. An official record's list entry that differs from the text is
     * meta.fire_score; label.h has a key of its own in it. */
    json_t *meta;
};

struct dialogue {
    struct sample sample;
    struct turn *turns; /* n_turns of them; owned */
    size_t n_turns;
    enum stop stop;
};

void turn_clear(struct turn *turn);
void dialogue_clear(struct dialogue *dialogue);

/* Appends `*turn` and takes over what it holds; `*turn` is zeroed. */
void dialogue_add_turn(struct dialogue *dialogue, struct turn *turn);

/* A whole number as an integer, any other as a real, NAN as null. New reference. */
json_t *score_to_json(double score);

/* A dialogue line of DESIGN.md 4: the sample's keys, "turns", "stop". A dialogue without turns and
 * with STOP_NONE is a sample line: no "turns" key. New reference. */
json_t *dialogue_to_json(const struct dialogue *dialogue);

#endif

/* watch.h -- listens to a model: does it still answer? */
#ifndef FIRE_RUN_WATCH_H
#define FIRE_RUN_WATCH_H

#include "chat/chat.h"

/* What was heard. Replies that the store gave (tries 0) say nothing about a model and are passed over. */
struct watch {
    struct chat *chat; /* the one to send to; NULL where the role has none */
    int failures_in_a_row; /* calls that failed by the endpoint's fault since the last answer, or the last failure of one
                              request alone */
    bool final;  /* it has said that it answers nothing for long */
    char *error; /* of the last such failure */
};

/* `inner` is borrowed, and NULL where the role has none. */
void watch_init(struct watch *watch, struct chat *inner);
void watch_clear(struct watch *watch);

#endif

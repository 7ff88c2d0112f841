/* gate.h -- a bound on requests in flight, shared by several chats (`--jobs`: both roles together).
 *
 * Requests over the bound wait in the order in which they came, except that a later round goes
 * before an earlier one: dialogues under way are finished before new ones are begun. */
#ifndef FIRE_CHAT_GATE_H
#define FIRE_CHAT_GATE_H

#include "chat/chat.h"

struct gate;

/* At most `n_jobs` (>= 1) at once. */
struct gate *gate_new(int n_jobs);
/* After all chats that go through it. Accepts NULL. */
void gate_free(struct gate *gate);
int gate_in_flight(const struct gate *gate);

/* A chat that passes requests on to `inner` as the gate allows; owns `inner`. */
struct chat *gate_wrap(struct gate *gate, struct chat *inner);

#endif

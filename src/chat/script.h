/* script.h -- a model whose answers stand in a file: for tests and trials.
 *
 * JSON Lines, one answer each: {"id":SAMPLE,"round":1..,"text":STRING}. The id "*" answers for
 * every sample that has no line of its own for that round. Where several lines have one id and
 * round, the n-th answers attempt n - 1 and the last one all later attempts. A request without a
 * line fails and names id and round.
 *
 * Optional: "outcome": "ok" (the default), "truncated", "refused" or "failed" (its text is the
 * error). Other keys are ignored. */
#ifndef FIRE_CHAT_SCRIPT_H
#define FIRE_CHAT_SCRIPT_H

#include "chat/chat.h"

/* NULL on failure: FIRE_ERROR_IO where the file cannot be read, FIRE_ERROR_FORMAT where a line is
 * not as above or there is none. Its name is "script:PATH", its model "script:" and the file's base
 * name. */
struct chat *script_open(const char *path, GError **error);

#endif

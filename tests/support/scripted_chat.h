/* scripted_chat.h -- a chat for tests: answers by a function, remembers every request. */
#ifndef FIRE_TESTS_SCRIPTED_CHAT_H
#define FIRE_TESTS_SCRIPTED_CHAT_H

#include "chat/chat.h"

#include <jansson.h>

/* An answer; `text` is borrowed until the next one is asked for. */
struct scripted_reply {
    enum chat_outcome outcome;
    const char *text; /* of CHAT_FAILED: the error */
};

struct scripted_chat {
    struct chat chat;
    struct scripted_reply (*answer)(const struct chat_request *request, void *user);
    void *user;
    bool remember;   /* keep requests in `seen` */
    bool hold;       /* replies wait for scripted_chat_release */
    bool late;       /* a cancelled call gets its answer all the same: it was on the way */
    json_t *seen;    /* array of {"id","round","attempt","image":bool,"messages":[{"role","text",
                        "has_image"?}]}; roles "system", "user", "assistant" */
    GQueue *waiting; /* of calls */
    GSource *source; /* pending delivery */
    int n_asked, n_cancelled;
};

void scripted_chat_init(struct scripted_chat *chat,
                        struct scripted_reply (*answer)(const struct chat_request *, void *),
                        void *user);
/* Everything must have been delivered. */
void scripted_chat_clear(struct scripted_chat *chat);
void scripted_chat_release(struct scripted_chat *chat);

#endif

/* fake_chat.h -- a chat whose every reply the test decides, and which counts what reaches it. */
#ifndef FIRE_TESTS_FAKE_CHAT_H
#define FIRE_TESTS_FAKE_CHAT_H

#include "chat/chat.h"

struct fake_chat {
    struct chat chat;
    const char *name, *model;
    struct chat_reply reply; /* what is answered; a NULL text becomes "SAMPLE/ROUND/ATTEMPT" */
    void (*on_send)(const struct chat_request *request, void *user); /* or NULL */
    void *user;
    int n_sent, n_cancelled;
};

/* Answers CHAT_OK with one try and no usage until told otherwise; model "fake", name
 * "http://fake/v1#fake". Freed by chat_free. */
struct fake_chat *fake_chat_new(void);

/* What a caller saw. */
struct fake_result {
    gboolean is_done;
    enum chat_outcome outcome;
    char *text, *reasoning, *finish_reason, *model, *fingerprint, *error, *notes;
    struct chat_reply reply; /* its numbers */
};

/* Sends and waits for the reply; asserts that the callback came once and not from inside send. */
void fake_chat_ask(struct chat *chat, const struct chat_request *request,
                   struct fake_result *result);
/* Callback whose user is a struct fake_result. */
void fake_result_take(const struct chat_reply *reply, void *user);
void fake_result_clear(struct fake_result *result);

#endif

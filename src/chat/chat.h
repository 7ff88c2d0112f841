/* chat.h -- the one interface to a model: messages in, text out, asynchronous.
 *
 * All of it runs in one thread, on that thread's default GMainContext: chat_send returns at once,
 * and the callback comes later, from an iteration of the main loop, exactly once, never from inside
 * chat_send. Any number may be in flight; how many is the caller's affair (the driver keeps
 * `--jobs` dialogues at work, each with one request).
 *
 * Ways to reach a model: openai.h (HTTP), script.h (tests), world/ (the embedded oracle and
 * novice), later the local engine. A wrapper (store's recorder) is a chat too. */
#ifndef FIRE_CHAT_CHAT_H
#define FIRE_CHAT_CHAT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum chat_role { CHAT_SYSTEM, CHAT_USER, CHAT_ASSISTANT };

/* Text of one message. A picture goes at the head of the message that has it: `has_image`, on at
 * most one message. */
struct chat_message {
    enum chat_role role;
    const char *text;
    bool has_image;
};

/* One picture as a model gets it; shared by the requests that show it. */
struct chat_image {
    char *digest;     /* SHA-256 of `bytes`, 64 hex digits */
    const char *mime; /* static: "image/" and png, jpeg, webp, gif or bmp */
    GBytes *bytes;    /* the encoded file */
};

/* Sampling parameters. What is "not sent" is left to the server. */
struct chat_sampling {
    double temperature; /* NAN: not sent */
    double top_p;       /* NAN: not sent */
    int max_tokens;     /* 0: not sent */
    int64_t seed;
    bool has_seed;
};

/* A request; borrowed for the length of chat_send, which copies what it needs (the GBytes by
 * reference). */
struct chat_request {
    const struct chat_message *messages;
    size_t n_messages;
    const struct chat_image *image; /* NULL: none */
    struct chat_sampling sampling;
    const char *sample_id; /* opaque; never goes on a wire. script and world answer by it */
    int round;   /* 1-based round of the dialogue, for script and world and the recorder */
    int attempt; /* 0; n for the n-th repair or retry request of the same round */
};

enum chat_outcome {
    CHAT_OK,        /* text is the answer */
    CHAT_TRUNCATED, /* text is an answer cut at the token limit */
    CHAT_REFUSED,   /* the model or a filter declined; text is what it said, maybe "" */
    CHAT_FAILED,    /* no answer: `error` says why */
    CHAT_CANCELLED,
};

/* "ok", "truncated", "refused", "failed", "cancelled". */
const char *chat_outcome_name(enum chat_outcome outcome);
bool chat_outcome_from_name(const char *name, enum chat_outcome *outcome);

/* Whose fault a CHAT_FAILED is, for the one who decides whether to go on. */
enum chat_fault {
    CHAT_FAULT_REQUEST, /* this request's: others may well be answered */
    CHAT_FAULT_ENDPOINT, /* the endpoint's: not reachable, refuses the key, fails whatever it is asked */
    CHAT_FAULT_FINAL, /* it answers nothing for long: quota exhausted, a wait beyond what is waited */
};

/* Token counts; -1 where the server did not say. */
struct chat_usage {
    int64_t prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens;
};

/* Borrowed for the length of the callback. NULL where not known. */
struct chat_reply {
    enum chat_outcome outcome;
    const char *text;          /* never NULL */
    const char *reasoning;     /* thinking text, kept apart; never scored, never sent back */
    const char *finish_reason; /* as the server said it */
    const char *model;         /* resolved model name */
    const char *fingerprint;   /* system_fingerprint */
    const char *error;         /* one line, no key in it, for CHAT_FAILED */
    /* One line on what was adapted: "max_tokens sent as max_completion_tokens". */
    const char *notes;
    enum chat_fault fault; /* of CHAT_FAILED */
    int http_status;       /* of the last try, as it counts (a broken 200: 502); 0: none */
    int tries;             /* 1 .. 1 + retries; 0 where nothing was sent (script, world, replay) */
    double latency_ms;     /* first send to last byte, waiting between tries included */
    struct chat_usage usage;
};

typedef void chat_done(const struct chat_reply *reply, void *user);

struct chat;
struct chat_call; /* one request in flight; valid until its callback has returned */

struct chat_ops {
    /* Never NULL: what goes wrong is told through the callback. */
    struct chat_call *(*send)(struct chat *chat, const struct chat_request *request,
                              chat_done *done, void *user);
    /* Its callback comes with CHAT_CANCELLED, from the main loop as always (unless its reply was
     * already on the way). */
    void (*cancel)(struct chat *chat, struct chat_call *call);
    /* Asked to come to an end: nothing more is sent. A call that waits for its next try ends with CHAT_CANCELLED, one on
     * the wire with its reply, or so too if it would be tried again. NULL: there is no such thing as a next try. */
    void (*finish)(struct chat *chat);
    /* A short name for people and the run database: "http://host:8000/v1#llava". No key in it.
     * Owned by the chat. */
    const char *(*name)(const struct chat *chat);
    /* Identity that must not change within a run: the model's name without its address. Owned by
     * the chat. */
    const char *(*model)(const struct chat *chat);
    /* Nothing may be in flight. */
    void (*free)(struct chat *chat);
};

/* Embedded as the first member of every implementation. */
struct chat {
    const struct chat_ops *ops;
};

struct chat_call *chat_send(struct chat *chat, const struct chat_request *request, chat_done *done,
                            void *user);
void chat_cancel(struct chat *chat, struct chat_call *call);
void chat_finish(struct chat *chat); /* accepts NULL */
const char *chat_name(const struct chat *chat);
const char *chat_model(const struct chat *chat);
void chat_free(struct chat *chat); /* accepts NULL */

/* For implementations. */

/* A deep copy (the picture's bytes by reference), for a request that outlives chat_send. */
struct chat_request *chat_request_copy(const struct chat_request *request);
void chat_request_free(struct chat_request *request); /* accepts NULL */

/* Calls `func` from the next iterations of the thread's default main context, until it returns
 * G_SOURCE_REMOVE: how a callback is kept out of chat_send and chat_cancel. */
void chat_later(GSourceFunc func, void *user);

#endif

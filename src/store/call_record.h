/* call_record.h -- one call to a model as a row of the table `calls`.
 *
 * A call is known by sample, role, round and attempt; what was asked is its canonical JSON text, in
 * which the picture stands by digest, and the SHA-256 of that text. */
#ifndef FIRE_STORE_CALL_RECORD_H
#define FIRE_STORE_CALL_RECORD_H

#include "chat/chat.h"
#include "store/sql.h"

struct call_record {
    gint64 sample; /* its number */
    const char *role;
    int round, attempt;
    char *request; /* {"image":DIGEST,"messages":[...],"model":...,"sampling":{...}} */
    char *hash;    /* of `request`: 64 hex digits */
};

/* False, with `*record` untouched, where a message or the model's name is not UTF-8. `role` is
 * borrowed for the life of the record. */
bool call_record_init(struct call_record *record, gint64 sample, const char *role,
                      const struct chat_request *request, const char *model);
void call_record_clear(struct call_record *record);

/* Looks for an answer (ok, truncated, refused) to the same request. `*found` says whether there is
 * one; `*reply` then owns its texts until call_record_clear_reply. */
bool call_record_find(const struct call_record *record, struct sql *sql, bool *found,
                      struct chat_reply *reply, GError **error);

/* Writes or replaces the row. Failures and retries add up over the replies that a call ever had. */
bool call_record_put(const struct call_record *record, struct sql *sql, const char *endpoint,
                     const struct chat_reply *reply, GError **error);

/* Frees the texts of a reply that owns them. */
void call_record_clear_reply(struct chat_reply *reply);

#endif

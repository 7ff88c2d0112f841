#include "model/session.h"

#include "base/error.h"

#include <string.h>

struct session *session_new(struct engine *engine, int adapter)
{
    struct session *session = g_new0(struct session, 1);
    session->engine = engine;
    session->adapter = adapter;
    session->link.data = session;
    kv_cache_init(&session->kv, &engine->kv, engine_max_positions(engine));
    g_queue_push_tail_link(&engine->sessions, &session->link);
    return session;
}

void session_free(struct session *session)
{
    if (!session)
        return;
    g_queue_unlink(&session->engine->sessions, &session->link);
    for (GList *link = session->engine->sessions.head; link; link = link->next) {
        struct session *other = link->data;
        if (other->leader == session)
            other->leader = NULL;
    }
    kv_cache_clear(&session->kv);
    if (session->pictures)
        g_ptr_array_unref(session->pictures);
    g_free(session->slots);
    g_free(session);
}

/* How many of the first n positions of `session` are those of the prompt `slots` (n_slots). At least the prompt's last
 * position is left to compute: its logits are wanted. */
static int common_prefix(const struct session *session, int n, const struct slot *slots,
                         int n_slots)
{
    int most = MIN(n, n_slots - 1), i = 0;
    while (i < most && slot_equal(&session->slots[i], &slots[i]))
        i++;
    return i;
}

bool session_continues(const struct session *session, const struct sequence *prompt)
{
    return session->n_prompt > 0 && common_prefix(session, session->n_computed, prompt->slots,
                                                  prompt->n_slots) >= session->n_prompt;
}

/* Takes the longest computed prefix of the prompt that any session of the adapter has. */
static void find_prefix(struct session *session, const struct slot *slots, int n_slots)
{
    const struct session *best = session;
    int n_best = common_prefix(session, session->n_computed, slots, n_slots);
    for (GList *link = session->engine->sessions.head; link; link = link->next) {
        const struct session *other = link->data;
        if (other == session || other->adapter != session->adapter)
            continue;
        int n = common_prefix(other, other->n_computed, slots, n_slots);
        if (n > n_best) {
            n_best = n;
            best = other;
        }
    }
    if (best != session)
        kv_cache_share(&session->kv, &best->kv, n_best);
    else
        kv_cache_cut(&session->kv, n_best);
    session->n_computed = session->n_cached = n_best;
}

/* Finds the session that is about to compute most of the prompt's prefix; less than a block is not worth waiting for. */
static void find_leader(struct session *session)
{
    int n_best = session->n_computed + KV_BLOCK - 1;
    session->leader = NULL;
    for (GList *link = session->engine->sessions.head; link; link = link->next) {
        struct session *other = link->data;
        if (other == session || other->adapter != session->adapter || other->state == SESSION_IDLE)
            continue;
        int n = common_prefix(other, other->n_prompt, session->slots, session->n_prompt);
        if (n > n_best) {
            n_best = n;
            session->leader = other;
            session->n_led = n;
            session->leader_start = other->n_starts;
        }
    }
}

bool session_follows(struct session *session)
{
    const struct session *leader = session->leader;
    if (!leader)
        return false;
    if (leader->state != SESSION_IDLE && leader->n_starts == session->leader_start &&
        leader->n_computed < session->n_led)
        return true;
    session->leader = NULL;
    find_prefix(session, session->slots, session->n_prompt);
    return false;
}

bool session_start(struct session *session, const struct sequence *prompt,
                   const struct session_request *request, GError **error)
{
    g_assert(session->state == SESSION_IDLE && prompt->n_slots > 0);
    int max_positions = engine_max_positions(session->engine);
    if (prompt->n_slots > max_positions) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "the prompt has %d positions; the model and its memory hold %d",
                    prompt->n_slots, max_positions);
        return false;
    }
    find_prefix(session, prompt->slots, prompt->n_slots);
    session->request = *request;
    session->request.max_new = CLAMP(request->max_new, 0, max_positions - prompt->n_slots);
    session->n_slots = session->n_prompt = prompt->n_slots;
    session->max_slots = prompt->n_slots + session->request.max_new;
    g_free(session->slots);
    session->slots = g_new(struct slot, session->max_slots);
    memcpy(session->slots, prompt->slots, (size_t)prompt->n_slots * sizeof *prompt->slots);
    session->pictures = g_ptr_array_ref(prompt->pictures);
    session->state = SESSION_WAITING;
    session->end = SESSION_END_NONE;
    session->n_starts++;
    find_leader(session);
    g_queue_unlink(&session->engine->sessions, &session->link);
    g_queue_push_tail_link(&session->engine->sessions, &session->link);
    return true;
}

/* Memory that was meant for the rest of the answer goes back; the session is now the last to lose what it keeps. */
static void become_idle(struct session *session, enum session_end end)
{
    session->state = SESSION_IDLE;
    session->end = end;
    g_clear_pointer(&session->pictures, g_ptr_array_unref);
    kv_cache_cut(&session->kv, session->n_computed);
    g_queue_unlink(&session->engine->sessions, &session->link);
    g_queue_push_tail_link(&session->engine->sessions, &session->link);
}

void session_cancel(struct session *session)
{
    if (session->state != SESSION_IDLE)
        become_idle(session, SESSION_END_CANCELLED);
}

void session_advance(struct session *session)
{
    session->n_computed += session->n_planned;
    session->n_planned = 0;
    if (session->end != SESSION_END_NONE)
        become_idle(session, session->end);
    else if (session->n_computed >= session->n_prompt && session->n_slots == session->max_slots)
        become_idle(session, SESSION_END_LENGTH);
}

int session_n_new(const struct session *session)
{
    return session->n_slots - session->n_prompt;
}

int session_new_token(const struct session *session, int i)
{
    return session->slots[session->n_prompt + i].token;
}

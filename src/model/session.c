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
    kv_cache_clear(&session->kv);
    if (session->pictures)
        g_ptr_array_unref(session->pictures);
    g_free(session->slots);
    g_free(session);
}

/* How many of the computed positions of `session` are those of the prompt. At least the prompt's last position is left to
 * compute: its logits are wanted. */
static int common_prefix(const struct session *session, const struct sequence *prompt)
{
    int most = MIN(session->n_computed, prompt->n_slots - 1), n = 0;
    while (n < most && slot_equal(&session->slots[n], &prompt->slots[n]))
        n++;
    return n;
}

bool session_continues(const struct session *session, const struct sequence *prompt)
{
    return session->n_prompt > 0 && common_prefix(session, prompt) >= session->n_prompt;
}

/* Takes the longest computed prefix of the prompt that any session of the adapter has. */
static void find_prefix(struct session *session, const struct sequence *prompt)
{
    const struct session *best = session;
    int n_best = common_prefix(session, prompt);
    for (GList *link = session->engine->sessions.head; link; link = link->next) {
        const struct session *other = link->data;
        if (other->adapter != session->adapter)
            continue;
        int n = common_prefix(other, prompt);
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
    find_prefix(session, prompt);
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

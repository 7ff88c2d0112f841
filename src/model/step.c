/* step.c -- engine_step: which positions of which sessions are computed next, and what becomes of their logits. */
#include "model/decoder.h"
#include "model/session.h"

static void forget(struct session *session)
{
    kv_cache_cut(&session->kv, 0);
    session->n_computed = session->n_cached = 0;
}

/* Takes kept work from a session that is idle, the longest first, else from the one that will wait longest. False where
 * nobody has any. */
static bool forget_one(struct engine *engine, const struct session *except)
{
    for (GList *link = engine->sessions.head; link; link = link->next) {
        struct session *session = link->data;
        if (session->state == SESSION_IDLE && session->kv.blocks->len > 0) {
            forget(session);
            return true;
        }
    }
    for (GList *link = engine->sessions.tail; link; link = link->prev) {
        struct session *session = link->data;
        if (session->state == SESSION_WAITING && session != except && session->kv.blocks->len > 0) {
            forget(session);
            return true;
        }
    }
    return false;
}

static bool is_among(const struct session *session, struct session *const *sessions,
                     size_t n_sessions)
{
    for (size_t i = 0; i < n_sessions; i++)
        if (sessions[i] == session)
            return true;
    return false;
}

/* Gives memory to those that wait, in their order; the first that cannot have it holds up those behind it. A leader that
 * takes no part in the step is not waited for. */
static void admit(struct engine *engine, struct session *const *sessions, size_t n_sessions)
{
    for (size_t i = 0; i < n_sessions; i++) {
        struct session *session = sessions[i];
        if (session->state != SESSION_WAITING)
            continue;
        if (session_follows(session) && is_among(session->leader, sessions, n_sessions))
            continue;
        while (!kv_cache_reserve(&session->kv, session->n_computed, session->max_slots))
            if (!forget_one(engine, session))
                return;
        session->state = SESSION_RUNNING;
    }
}

static bool is_answering(const struct session *session)
{
    return session->n_computed >= session->n_prompt;
}

static bool is_asked_for(const struct session *session, int position)
{
    for (int i = 0; i < session->request.n_logits_at; i++)
        if (session->request.logits_at[i] == position)
            return true;
    return false;
}

static const struct features *find_picture(const struct session *session, uint64_t id)
{
    for (guint i = 0; i < session->pictures->len; i++) {
        const struct features *picture = session->pictures->pdata[i];
        if (picture->id == id)
            return picture;
    }
    g_assert_not_reached();
}

/* Appends the next positions of a session, at most n. */
static int add_rows(struct session *session, struct decoder_row *rows, struct session **owners,
                    int n)
{
    n = MIN(n, session->n_slots - session->n_computed);
    for (int i = 0; i < n; i++) {
        int position = session->n_computed + i;
        const struct slot *slot = &session->slots[position];
        rows[i] = (struct decoder_row){
            .slot = *slot,
            .picture = slot->picture ? find_picture(session, slot->picture) : NULL,
            .kv = &session->kv,
            .position = position,
            .adapter = session->adapter,
            .head = (position == session->n_slots - 1 && session->request.max_new > 0) ||
                    is_asked_for(session, position)};
        owners[i] = session;
    }
    return n;
}

/* Says how many positions each session gets, and lays out their rows, those of one adapter together. */
static int plan(struct engine *engine, struct session *const *sessions, size_t n_sessions)
{
    const struct workspace *w = &engine->workspace;
    int n_rows = 0, left = engine->max_rows;
    for (size_t i = 0; i < n_sessions; i++)
        sessions[i]->n_planned = 0;
    for (int answering = 1; answering >= 0; answering--)
        for (size_t i = 0; i < n_sessions; i++) {
            struct session *session = sessions[i];
            if (session->state != SESSION_RUNNING || is_answering(session) != answering)
                continue;
            session->n_planned = MIN(left, session->n_slots - session->n_computed);
            left -= session->n_planned;
        }
    for (int adapter = -1; adapter < (int)engine->adapters->len; adapter++)
        for (size_t i = 0; i < n_sessions; i++)
            if (sessions[i]->adapter == adapter && sessions[i]->n_planned > 0)
                n_rows += add_rows(sessions[i], w->rows + n_rows, w->owners + n_rows,
                                   sessions[i]->n_planned);
    return n_rows;
}

static int choose_largest(const float *logits, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

/* Hands logits to who asked for them, and at the timeline's end chooses how it goes on. */
static void take_logits(int i_row, float *logits, void *user)
{
    struct engine *engine = user;
    struct session *session = engine->workspace.owners[i_row];
    const struct session_request *request = &session->request;
    int position = engine->workspace.rows[i_row].position, n = engine->config.text.vocab_size;
    if (is_asked_for(session, position))
        request->take(position, logits, request->user);
    if (position != session->n_slots - 1 || request->max_new == 0)
        return;
    int token =
        request->choose ? request->choose(logits, n, request->user) : choose_largest(logits, n);
    if (token < 0)
        session->end = SESSION_END_CHOICE;
    else
        session->slots[session->n_slots++] = (struct slot){.token = token};
}

int engine_step(struct engine *engine, struct session *const *sessions, size_t n_sessions)
{
    admit(engine, sessions, n_sessions);
    int n_rows = plan(engine, sessions, n_sessions);
    if (n_rows == 0)
        return 0;
    decoder_forward(engine, engine->workspace.rows, n_rows, take_logits, engine);
    for (size_t i = 0; i < n_sessions; i++)
        if (sessions[i]->n_planned > 0)
            session_advance(sessions[i]);
    return n_rows;
}

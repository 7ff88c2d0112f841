/* gate.c -- a bound on requests in flight.
 *
 *   WAITING --a place is free--> SENT --reply--> done
 *      |                          |
 *      +--cancel--> CANCELLED     +--cancel--> the inner chat's affair
 *
 * Every request goes through the queue, ordered by round (later first), then by arrival. A place
 * that a reply frees is given away only after the reply's callback: what it sends next competes
 * with those who wait. */
#include "chat/gate.h"

struct gate {
    int n_jobs, n_in_flight;
    int n_callbacks; /* callbacks running; nothing is given away meanwhile */
    guint64 n_arrived;
    GSequence *waiting; /* of struct chat_call */
};

struct gated {
    struct chat chat;
    struct gate *gate;
    struct chat *inner;
};

struct chat_call {
    struct gated *gated;
    struct chat_request *request;
    chat_done *done;
    void *user;
    guint64 arrival;
    GSequenceIter *place;    /* NULL unless waiting */
    struct chat_call *inner; /* NULL unless sent */
};

struct gate *gate_new(int n_jobs)
{
    g_assert(n_jobs >= 1);
    struct gate *gate = g_new0(struct gate, 1);
    gate->n_jobs = n_jobs;
    gate->waiting = g_sequence_new(NULL);
    return gate;
}

void gate_free(struct gate *gate)
{
    if (!gate)
        return;
    g_assert(g_sequence_is_empty(gate->waiting) && gate->n_in_flight == 0);
    g_sequence_free(gate->waiting);
    g_free(gate);
}

int gate_in_flight(const struct gate *gate)
{
    return gate->n_in_flight;
}

static gint compare_calls(gconstpointer a, gconstpointer b, gpointer unused G_GNUC_UNUSED)
{
    const struct chat_call *x = a, *y = b;
    if (x->request->round != y->request->round)
        return x->request->round > y->request->round ? -1 : 1;
    return x->arrival < y->arrival ? -1 : x->arrival > y->arrival;
}

static void call_free(struct chat_call *call)
{
    chat_request_free(call->request);
    g_free(call);
}

static void give_places(struct gate *gate);

static void on_reply(const struct chat_reply *reply, void *user)
{
    struct chat_call *call = user;
    struct gate *gate = call->gated->gate;
    gate->n_in_flight--;
    gate->n_callbacks++;
    call->done(reply, call->user);
    gate->n_callbacks--;
    call_free(call);
    give_places(gate);
}

static void give_places(struct gate *gate)
{
    while (gate->n_callbacks == 0 && gate->n_in_flight < gate->n_jobs &&
           !g_sequence_is_empty(gate->waiting)) {
        struct chat_call *call = g_sequence_get(g_sequence_get_begin_iter(gate->waiting));
        g_sequence_remove(call->place);
        call->place = NULL;
        gate->n_in_flight++;
        call->inner = chat_send(call->gated->inner, call->request, on_reply, call);
    }
}

static struct chat_call *gated_send(struct chat *chat, const struct chat_request *request,
                                    chat_done *done, void *user)
{
    struct gated *gated = (struct gated *)chat;
    struct gate *gate = gated->gate;
    struct chat_call *call = g_new0(struct chat_call, 1);
    call->gated = gated;
    call->request = chat_request_copy(request);
    call->done = done;
    call->user = user;
    call->arrival = gate->n_arrived++;
    call->place = g_sequence_insert_sorted(gate->waiting, call, compare_calls, NULL);
    give_places(gate);
    return call;
}

static gboolean tell_cancelled(gpointer user)
{
    struct chat_call *call = user;
    const struct chat_reply reply = {
        .outcome = CHAT_CANCELLED, .text = "", .usage = {-1, -1, -1, -1}};
    call->done(&reply, call->user);
    call_free(call);
    return G_SOURCE_REMOVE;
}

static void gated_cancel(struct chat *chat, struct chat_call *call)
{
    struct gated *gated = (struct gated *)chat;
    if (call->inner) {
        chat_cancel(gated->inner, call->inner);
    } else if (call->place) {
        g_sequence_remove(call->place);
        call->place = NULL;
        chat_later(tell_cancelled, call);
    }
}

static const char *gated_name(const struct chat *chat)
{
    return chat_name(((const struct gated *)chat)->inner);
}

static const char *gated_model(const struct chat *chat)
{
    return chat_model(((const struct gated *)chat)->inner);
}

static void gated_free(struct chat *chat)
{
    chat_free(((struct gated *)chat)->inner);
    g_free(chat);
}

struct chat *gate_wrap(struct gate *gate, struct chat *inner)
{
    static const struct chat_ops ops = {gated_send, gated_cancel, gated_name, gated_model,
                                        gated_free};
    struct gated *gated = g_new(struct gated, 1);
    gated->chat.ops = &ops;
    gated->gate = gate;
    gated->inner = inner;
    return &gated->chat;
}

/* gate: the bound holds over several chats, later rounds go first, waiting calls can be cancelled.
 */
#include "chat/gate.h"
#include "support/support.h"

/* A chat that answers when told to, and remembers what it was sent. */
struct held_chat {
    struct chat chat;
    GPtrArray *calls; /* of struct chat_call, not yet answered */
    GString *sent;    /* ids in the order of their sending */
    int n_cancels;
};

struct chat_call {
    struct held_chat *held;
    chat_done *done;
    void *user;
    bool cancelled;
};

static struct chat_call *held_send(struct chat *chat, const struct chat_request *request,
                                   chat_done *done, void *user)
{
    struct held_chat *held = (struct held_chat *)chat;
    struct chat_call *call = g_new0(struct chat_call, 1);
    *call = (struct chat_call){held, done, user, false};
    g_ptr_array_add(held->calls, call);
    g_string_append(held->sent, request->sample_id);
    return call;
}

static void answer(struct chat_call *call, enum chat_outcome outcome)
{
    const struct chat_reply reply = {.outcome = outcome, .text = "x"};
    g_ptr_array_remove(call->held->calls, call);
    call->done(&reply, call->user);
    g_free(call);
}

static void held_cancel(struct chat *chat, struct chat_call *call)
{
    ((struct held_chat *)chat)->n_cancels++;
    call->cancelled = true;
}

static const char *held_name(const struct chat *chat G_GNUC_UNUSED)
{
    return "held";
}

static void held_free(struct chat *chat)
{
    struct held_chat *held = (struct held_chat *)chat;
    g_assert_cmpint(held->calls->len, ==, 0);
    g_ptr_array_free(held->calls, TRUE);
    g_string_free(held->sent, TRUE);
    g_free(held);
}

static struct held_chat *held_new(void)
{
    static const struct chat_ops ops = {held_send, held_cancel, held_name, held_name, held_free};
    struct held_chat *held = g_new0(struct held_chat, 1);
    held->chat.ops = &ops;
    held->calls = g_ptr_array_new();
    held->sent = g_string_new(NULL);
    return held;
}

struct sender {
    struct chat *chat;
    gboolean done;
    int n_done;
    enum chat_outcome outcome;
    const char *next_id; /* sent from the callback, once */
    int next_round;
};

static struct chat_call *send_one(struct sender *sender, const char *id, int round);

static void on_done(const struct chat_reply *reply, void *user)
{
    struct sender *sender = user;
    sender->done = TRUE;
    sender->n_done++;
    sender->outcome = reply->outcome;
    const char *id = sender->next_id;
    sender->next_id = NULL;
    if (id)
        send_one(sender, id, sender->next_round);
}

static struct chat_call *send_one(struct sender *sender, const char *id, int round)
{
    g_autofree char *text = g_strdup(id);
    g_autofree char *copy = g_strdup(id);
    const struct chat_message message = {CHAT_USER, text, false};
    const struct chat_request request = {
        .messages = &message, .n_messages = 1, .sample_id = copy, .round = round};
    return chat_send(sender->chat, &request, on_done, sender);
}

static void test_bound_and_order(void)
{
    struct gate *gate = gate_new(2);
    struct held_chat *inner_a = held_new(), *inner_b = held_new();
    struct sender a = {.chat = gate_wrap(gate, &inner_a->chat)};
    struct sender b = {.chat = gate_wrap(gate, &inner_b->chat)};
    g_assert_cmpstr(chat_name(a.chat), ==, "held");
    send_one(&a, "1", 1);
    send_one(&b, "2", 1);
    send_one(&a, "3", 1);
    send_one(&a, "4", 1);
    send_one(&a, "5", 3);
    send_one(&a, "6", 2);
    g_assert_cmpint(gate_in_flight(gate), ==, 2);
    g_assert_cmpstr(inner_a->sent->str, ==, "1");
    g_assert_cmpstr(inner_b->sent->str, ==, "2");
    /* What the callback sends is round 2: after the waiting round 3, behind the older round 2. */
    b.next_id = "7";
    b.next_round = 2;
    answer(inner_b->calls->pdata[0], CHAT_OK);
    g_assert_cmpint(b.n_done, ==, 1);
    g_assert_cmpstr(inner_a->sent->str, ==, "15");
    while (inner_a->calls->len > 0) {
        g_assert_cmpint(gate_in_flight(gate), <=, 2);
        answer(inner_a->calls->pdata[0], CHAT_OK);
    }
    g_assert_cmpstr(inner_a->sent->str, ==, "15634");
    g_assert_cmpstr(inner_b->sent->str, ==, "27");
    while (inner_b->calls->len > 0)
        answer(inner_b->calls->pdata[0], CHAT_OK);
    g_assert_cmpint(a.n_done, ==, 5);
    g_assert_cmpint(b.n_done, ==, 2);
    g_assert_cmpint(gate_in_flight(gate), ==, 0);
    chat_free(a.chat);
    chat_free(b.chat);
    gate_free(gate);
}

static void test_cancel(void)
{
    struct gate *gate = gate_new(1);
    struct held_chat *inner = held_new();
    struct sender a = {.chat = gate_wrap(gate, &inner->chat)}, b = {.chat = a.chat};
    struct chat_call *sent = send_one(&a, "1", 1);
    struct chat_call *waiting = send_one(&b, "2", 1);
    chat_cancel(b.chat, waiting);
    chat_cancel(b.chat, waiting);
    g_assert_false(b.done);
    support_wait(&b.done);
    g_assert_cmpint(b.n_done, ==, 1);
    g_assert_cmpint(b.outcome, ==, CHAT_CANCELLED);
    g_assert_cmpstr(inner->sent->str, ==, "1");
    chat_cancel(a.chat, sent);
    g_assert_cmpint(inner->n_cancels, ==, 1);
    g_assert_cmpint(gate_in_flight(gate), ==, 1);
    answer(inner->calls->pdata[0], CHAT_CANCELLED);
    g_assert_cmpint(a.outcome, ==, CHAT_CANCELLED);
    g_assert_cmpint(gate_in_flight(gate), ==, 0);
    chat_free(a.chat);
    gate_free(gate);
    gate_free(NULL);
    chat_free(NULL);
}

static void test_outcome_names(void)
{
    for (int i = CHAT_OK; i <= CHAT_CANCELLED; i++) {
        enum chat_outcome outcome;
        g_assert_true(chat_outcome_from_name(chat_outcome_name((enum chat_outcome)i), &outcome));
        g_assert_cmpint(outcome, ==, i);
    }
    enum chat_outcome outcome = CHAT_REFUSED;
    g_assert_false(chat_outcome_from_name("fine", &outcome));
    g_assert_cmpint(outcome, ==, CHAT_REFUSED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/chat/outcome-names", test_outcome_names);
    g_test_add_func("/gate/bound-and-order", test_bound_and_order);
    g_test_add_func("/gate/cancel", test_cancel);
    return g_test_run();
}

/* constrain.c -- see constrain.h.
 *
 * The form is an automaton over bytes, `step`. Its few states times the vocabulary make a table of
 * the state after each token, filled once; tokens from which the vocabulary cannot spell the rest are
 * taken out of it, so that no answer can run into a dead end. */
#include "model/constrain.h"

#include "base/error.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const char opening[] = " Score: ", closing[] = "Feedback:";

/* State i < NUMBER: i bytes of `opening` are there. State CLOSING + i: i bytes of `closing`. */
enum {
    NUMBER = sizeof opening - 1,
    ONE,     /* "1": a "0" may follow */
    PAST,    /* the number is complete */
    POINT,   /* ... and its point is there */
    CLOSING, /* a line has begun */
    FREE = CLOSING + (int)sizeof closing - 1,
    N_STATES,
    DEAD = 255,
};

G_STATIC_ASSERT(N_STATES < DEAD && CONSTRAIN_START == 0);

struct constrain {
    int n_ids;
    uint8_t next[]; /* (N_STATES, n_ids) */
};

static int step(int state, char byte)
{
    if (state == FREE)
        return FREE;
    if (state == 0 && byte == opening[1])
        return 2;
    if (state < NUMBER)
        return byte == opening[state] ? state + 1 : DEAD;
    if (state >= CLOSING)
        return byte == closing[state - CLOSING] ? state + 1 : DEAD;
    if (state == NUMBER)
        return byte == '1' ? ONE : g_ascii_isdigit(byte) ? PAST : DEAD;
    if (state == ONE && byte == '0')
        return PAST;
    if (state != POINT && byte == '.')
        return POINT;
    return byte == '\n' ? CLOSING : DEAD;
}

static int walk(int state, const char *text, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes && state != DEAD; i++)
        state = step(state, text[i]);
    return state;
}

static uint8_t *row_of(struct constrain *constrain, int state)
{
    return constrain->next + (size_t)state * (size_t)constrain->n_ids;
}

static void fill_table(struct constrain *constrain, constrain_text *text, void *user)
{
    for (int id = 0; id < constrain->n_ids; id++) {
        size_t n_bytes = 0;
        const char *bytes = text(id, &n_bytes, user);
        for (int state = 0; state < FREE; state++)
            row_of(constrain, state)[id] =
                (uint8_t)(bytes && n_bytes > 0 ? walk(state, bytes, n_bytes) : DEAD);
        row_of(constrain, FREE)[id] = FREE;
    }
}

/* Takes out what leads to states from which the end cannot be reached; false where the start is one
 * of them. A token only leads on, so states are settled from the last one back. */
static bool prune_table(struct constrain *constrain)
{
    bool is_live[DEAD + 1] = {[FREE] = true};
    for (int state = FREE - 1; state >= 0; state--) {
        uint8_t *row = row_of(constrain, state);
        for (int id = 0; id < constrain->n_ids; id++) {
            if (!is_live[row[id]])
                row[id] = DEAD;
            is_live[state] |= row[id] != DEAD;
        }
    }
    return is_live[CONSTRAIN_START];
}

struct constrain *constrain_new_score(int n_ids, constrain_text *text, void *user, GError **error)
{
    struct constrain *constrain =
        g_try_malloc(sizeof *constrain + (size_t)N_STATES * (size_t)n_ids);
    if (!constrain) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "no memory to constrain %d tokens", n_ids);
        return NULL;
    }
    constrain->n_ids = n_ids;
    fill_table(constrain, text, user);
    if (prune_table(constrain))
        return constrain;
    constrain_free(constrain);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                "the tokenizer has no tokens that spell 'Score: <number>' and 'Feedback:'");
    return NULL;
}

void constrain_free(struct constrain *constrain)
{
    g_free(constrain);
}

bool constrain_is_free(const struct constrain *constrain, int state)
{
    (void)constrain;
    return state == FREE;
}

int constrain_next(const struct constrain *constrain, int state, int id)
{
    g_assert(state >= 0 && state < N_STATES);
    if (state == FREE)
        return FREE;
    if (id < 0 || id >= constrain->n_ids)
        return -1;
    int next = constrain->next[(size_t)state * (size_t)constrain->n_ids + (size_t)id];
    return next == DEAD ? -1 : next;
}

void constrain_mask(const struct constrain *constrain, int state, float *logits, int n_logits)
{
    if (state == FREE)
        return;
    for (int id = 0; id < n_logits; id++)
        if (constrain_next(constrain, state, id) < 0)
            logits[id] = -INFINITY;
}

#define _GNU_SOURCE /* memmem */
#include "model/token_decoder.h"

#include "model/byte_alphabet.h"
#include "model/lossy_utf8.h"

#include <string.h>

enum step_kind { STEP_BYTE_LEVEL, STEP_REPLACE, STEP_BYTE_FALLBACK, STEP_FUSE, STEP_STRIP };

struct step {
    enum step_kind kind;
    char *pattern, *content; /* of metaspace and replace */
    bool strips_first;
    gunichar strip;
    int n_strip;
    bool fused; /* what arrives here is one token in portions */
};

struct token_decoder {
    GArray *steps; /* struct step */
    bool fused;
};

/* What a step keeps between tokens. */
struct step_state {
    GString *held;   /* bytes that are no text yet */
    size_t n_tokens; /* that came so far */
    int n_stripped;  /* of the fused token; n_strip: done */
};

struct decoder_state {
    const struct token_decoder *decoder;
    struct step_state *steps;
    size_t n_tokens; /* that came out */
};

/* The chain */

struct token_decoder *token_decoder_new(void)
{
    struct token_decoder *decoder = g_new0(struct token_decoder, 1);
    decoder->steps = g_array_new(FALSE, FALSE, sizeof(struct step));
    return decoder;
}

void token_decoder_free(struct token_decoder *decoder)
{
    if (!decoder)
        return;
    for (guint i = 0; i < decoder->steps->len; i++) {
        struct step *step = &g_array_index(decoder->steps, struct step, i);
        g_free(step->pattern);
        g_free(step->content);
    }
    g_array_unref(decoder->steps);
    g_free(decoder);
}

static void add_step(struct token_decoder *decoder, struct step step)
{
    step.fused = decoder->fused;
    g_array_append_val(decoder->steps, step);
    if (step.kind == STEP_BYTE_LEVEL || step.kind == STEP_FUSE)
        decoder->fused = true;
}

void token_decoder_add_byte_level(struct token_decoder *decoder)
{
    add_step(decoder, (struct step){.kind = STEP_BYTE_LEVEL});
}

void token_decoder_add_metaspace(struct token_decoder *decoder, const char *mark, bool strips_first)
{
    add_step(decoder, (struct step){STEP_REPLACE, g_strdup(mark), g_strdup(" "),
                                    .strips_first = strips_first});
}

void token_decoder_add_replace(struct token_decoder *decoder, const char *pattern,
                               const char *content)
{
    add_step(decoder, (struct step){STEP_REPLACE, g_strdup(pattern), g_strdup(content),
                                    .strips_first = false});
}

void token_decoder_add_byte_fallback(struct token_decoder *decoder)
{
    add_step(decoder, (struct step){.kind = STEP_BYTE_FALLBACK});
}

void token_decoder_add_fuse(struct token_decoder *decoder)
{
    add_step(decoder, (struct step){.kind = STEP_FUSE});
}

void token_decoder_add_strip(struct token_decoder *decoder, gunichar content, int n)
{
    add_step(decoder, (struct step){.kind = STEP_STRIP, .strip = content, .n_strip = n});
}

bool token_decoder_is_fused(const struct token_decoder *decoder)
{
    return decoder->fused;
}

/* The stream */

struct decoder_state *decoder_state_new(const struct token_decoder *decoder)
{
    struct decoder_state *state = g_new0(struct decoder_state, 1);
    state->decoder = decoder;
    state->steps = g_new0(struct step_state, decoder->steps->len);
    for (guint i = 0; i < decoder->steps->len; i++)
        state->steps[i].held = g_string_new(NULL);
    return state;
}

void decoder_state_free(struct decoder_state *state)
{
    if (!state)
        return;
    for (guint i = 0; i < state->decoder->steps->len; i++)
        g_string_free(state->steps[i].held, TRUE);
    g_free(state->steps);
    g_free(state);
}

static void push(struct decoder_state *state, guint i_step, const char *token, size_t n_bytes,
                 GString *text);

static void push_byte_level(struct decoder_state *state, guint i_step, const char *token,
                            size_t n_bytes, bool at_end, GString *text)
{
    GString *held = state->steps[i_step].held;
    g_autoptr(GString) whole = g_string_new(NULL);
    /* A token with other characters (an added one) stands for its own bytes. */
    if (!byte_alphabet_decode(token, n_bytes, held))
        g_string_append_len(held, token, (gssize)n_bytes);
    lossy_utf8_move(held, at_end, whole);
    if (whole->len > 0)
        push(state, i_step + 1, whole->str, whole->len, text);
}

static void push_replace(struct decoder_state *state, guint i_step, const struct step *step,
                         const char *token, size_t n_bytes, GString *text)
{
    bool drops = step->strips_first && state->steps[i_step].n_tokens == 0;
    size_t n_pattern = strlen(step->pattern);
    g_autoptr(GString) out = g_string_new(NULL);
    for (const char *p = token, *end = token + n_bytes; p < end;) {
        const char *found = memmem(p, (size_t)(end - p), step->pattern, n_pattern);
        g_string_append_len(out, p, (found ? found : end) - p);
        if (!found)
            break;
        g_string_append(out, drops ? "" : step->content);
        p = found + n_pattern;
    }
    push(state, i_step + 1, out->str, out->len, text);
}

/* The bytes that a byte-fallback step holds, as characters or not. */
static void flush_bytes(struct decoder_state *state, guint i_step, GString *text)
{
    GString *held = state->steps[i_step].held;
    if (held->len > 0 && lossy_utf8_is_valid(held->str, held->len)) {
        push(state, i_step + 1, held->str, held->len, text);
    } else {
        for (size_t i = 0; i < held->len; i++)
            push(state, i_step + 1, "\xEF\xBF\xBD", 3, text);
    }
    g_string_truncate(held, 0);
}

static void push_byte_fallback(struct decoder_state *state, guint i_step, const char *token,
                               size_t n_bytes, GString *text)
{
    int high = -1, low = -1;
    if (n_bytes == 6 && memcmp(token, "<0x", 3) == 0 && token[5] == '>') {
        high = g_ascii_xdigit_value(token[3]);
        low = g_ascii_xdigit_value(token[4]);
    }
    if (high >= 0 && low >= 0) {
        g_string_append_c(state->steps[i_step].held, (char)(high * 16 + low));
        return;
    }
    flush_bytes(state, i_step, text);
    push(state, i_step + 1, token, n_bytes, text);
}

static void push_strip(struct decoder_state *state, guint i_step, const struct step *step,
                       const char *token, size_t n_bytes, GString *text)
{
    struct step_state *own = &state->steps[i_step];
    if (!step->fused)
        own->n_stripped = 0;
    size_t start = 0;
    while (start < n_bytes && own->n_stripped < step->n_strip) {
        if (g_utf8_get_char(token + start) != step->strip) {
            own->n_stripped = step->n_strip;
            break;
        }
        own->n_stripped++;
        start += (size_t)(g_utf8_next_char(token + start) - (token + start));
    }
    push(state, i_step + 1, token + start, n_bytes - start, text);
}

static void push(struct decoder_state *state, guint i_step, const char *token, size_t n_bytes,
                 GString *text)
{
    const GArray *steps = state->decoder->steps;
    if (i_step == steps->len) {
        if (steps->len == 0 && state->n_tokens > 0)
            g_string_append_c(text, ' ');
        state->n_tokens++;
        g_string_append_len(text, token, (gssize)n_bytes);
        return;
    }
    const struct step *step = &g_array_index(steps, struct step, i_step);
    switch (step->kind) {
    case STEP_BYTE_LEVEL:
        push_byte_level(state, i_step, token, n_bytes, false, text);
        break;
    case STEP_REPLACE:
        push_replace(state, i_step, step, token, n_bytes, text);
        break;
    case STEP_BYTE_FALLBACK:
        push_byte_fallback(state, i_step, token, n_bytes, text);
        break;
    case STEP_FUSE:
        push(state, i_step + 1, token, n_bytes, text);
        break;
    case STEP_STRIP:
        push_strip(state, i_step, step, token, n_bytes, text);
        break;
    }
    state->steps[i_step].n_tokens++;
}

void decoder_state_push(struct decoder_state *state, const char *token, size_t n_bytes,
                        GString *text)
{
    push(state, 0, token, n_bytes, text);
}

void decoder_state_finish(struct decoder_state *state, GString *text)
{
    const GArray *steps = state->decoder->steps;
    for (guint i = 0; i < steps->len; i++) {
        if (g_array_index(steps, struct step, i).kind == STEP_BYTE_LEVEL)
            push_byte_level(state, i, "", 0, true, text);
        else
            flush_bytes(state, i, text);
    }
    for (guint i = 0; i < steps->len; i++) {
        state->steps[i].n_tokens = 0;
        state->steps[i].n_stripped = 0;
    }
    state->n_tokens = 0;
}

#include "model/generation.h"

#include <math.h>

/* What a token adds to a text that has begun: some decoders strip a blank from the first token. */
struct token_texts {
    const struct tokenizer *tokenizer;
    struct token_stream *stream;
    GArray *before; /* of int32_t: tokens of a beginning */
    GString *text;
};

static const char *text_of(int id, size_t *n_bytes, void *user)
{
    struct token_texts *texts = user;
    g_string_truncate(texts->text, 0);
    for (guint i = 0; i < texts->before->len; i++)
        token_stream_push(texts->stream, g_array_index(texts->before, int32_t, i), texts->text);
    g_string_truncate(texts->text, 0);
    token_stream_push(texts->stream, id, texts->text);
    token_stream_finish(texts->stream, texts->text);
    *n_bytes = texts->text->len;
    return texts->text->len > 0 ? texts->text->str : NULL;
}

struct constrain *generation_score_form(const struct tokenizer *tokenizer, GError **error)
{
    struct token_texts texts = {tokenizer, token_stream_new(tokenizer, true),
                                g_array_new(FALSE, FALSE, sizeof(int32_t)), g_string_new(NULL)};
    struct constrain *form = NULL;
    if (tokenizer_encode(tokenizer, "a", 1, false, texts.before, error))
        form = constrain_new_score(tokenizer_n_ids(tokenizer), text_of, &texts, error);
    token_stream_free(texts.stream);
    g_array_unref(texts.before);
    g_string_free(texts.text, TRUE);
    return form;
}

static bool needs_seen(const struct sampler_options *options)
{
    return options->repetition_penalty < 1 || options->repetition_penalty > 1;
}

void generation_init(struct generation *generation, const struct tokenizer *tokenizer,
                     const struct generation_options *options, int vocab_size,
                     const struct sequence *prompt)
{
    *generation = (struct generation){.tokenizer = tokenizer,
                                      .constrain = options->constrain,
                                      .constrain_state = CONSTRAIN_START,
                                      .stream = token_stream_new(tokenizer, true),
                                      .piece = g_string_new(NULL),
                                      .text = g_string_new(NULL)};
    sampler_init(&generation->sampler, &options->sampling, vocab_size, options->stream);
    stop_init(&generation->stop, options->stop_ids, options->n_stop_ids, options->stop_strings);
    if (!needs_seen(&options->sampling))
        return;
    generation->seen = g_array_new(FALSE, FALSE, sizeof(int));
    for (int i = 0; i < prompt->n_slots; i++)
        if (prompt->slots[i].token >= 0)
            g_array_append_val(generation->seen, prompt->slots[i].token);
}

void generation_clear(struct generation *generation)
{
    if (!generation->text)
        return;
    sampler_clear(&generation->sampler);
    stop_clear(&generation->stop);
    token_stream_free(generation->stream);
    if (generation->seen)
        g_array_unref(generation->seen);
    g_string_free(generation->piece, TRUE);
    g_string_free(generation->text, TRUE);
    *generation = (struct generation){0};
}

static void mask(const struct generation *generation, float *logits, int vocab_size)
{
    for (int id = tokenizer_n_ids(generation->tokenizer); id < vocab_size; id++)
        logits[id] = -INFINITY;
    if (generation->constrain)
        constrain_mask(generation->constrain, generation->constrain_state, logits, vocab_size);
}

int generation_choose(float *logits, int vocab_size, void *user)
{
    struct generation *generation = user;
    mask(generation, logits, vocab_size);
    const GArray *seen = generation->seen;
    int id =
        sampler_choose(&generation->sampler, logits,
                       seen ? (const int *)(const void *)seen->data : NULL, seen ? seen->len : 0);
    if (id < 0 || stop_is_id(&generation->stop, id)) {
        generation_finish(generation);
        return -1;
    }
    if (generation->constrain)
        generation->constrain_state =
            constrain_next(generation->constrain, generation->constrain_state, id);
    if (generation->seen)
        g_array_append_val(generation->seen, id);
    g_string_truncate(generation->piece, 0);
    token_stream_push(generation->stream, id, generation->piece);
    bool ended = stop_take(&generation->stop, generation->piece->str, generation->piece->len,
                           generation->text);
    return ended ? -1 : id;
}

void generation_finish(struct generation *generation)
{
    g_string_truncate(generation->piece, 0);
    token_stream_finish(generation->stream, generation->piece);
    if (!stop_take(&generation->stop, generation->piece->str, generation->piece->len,
                   generation->text))
        stop_finish(&generation->stop, generation->text);
}

#include "model/tokenizer.h"

#include "base/error.h"
#include "model/lossy_utf8.h"
#include "model/tokenizer_json.h"

#include <pthread.h>
#include <string.h>

/* What one encoding writes. Idle ones wait in the tokenizer, so that words once met are known to the next text. */
struct encoding {
    struct bpe_work *bpe;
    struct split_scratch *scratch;
    const struct tokenizer *tokenizer; /* while in use */
    GArray *ids;                       /* while in use */
    struct encoding *next;             /* while idle */
};

struct idle_encodings {
    pthread_mutex_t lock; /* not GLib's, which ThreadSanitizer does not see */
    struct encoding *first;
};

struct tokenizer {
    struct tokenizer_parts parts;
    struct idle_encodings *idle; /* the only thing that changes */
};

struct token_stream {
    const struct tokenizer *tokenizer;
    bool skip_special;
    struct decoder_state *state;
};

/* Lifecycle */

struct tokenizer *tokenizer_parse(const char *json, size_t n_bytes, GError **error)
{
    struct tokenizer_parts parts = {0};
    if (!tokenizer_json_read(&parts, json, n_bytes, error))
        return NULL;
    struct tokenizer *tokenizer = g_new(struct tokenizer, 1);
    *tokenizer = (struct tokenizer){parts, g_new0(struct idle_encodings, 1)};
    pthread_mutex_init(&tokenizer->idle->lock, NULL);
    return tokenizer;
}

struct tokenizer *tokenizer_load(const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "tokenizer.json", NULL);
    g_autofree char *json = NULL;
    g_autoptr(GError) cause = NULL;
    size_t n_bytes;
    if (!g_file_get_contents(path, &json, &n_bytes, &cause)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "%s", cause->message);
        return NULL;
    }
    struct tokenizer *tokenizer = tokenizer_parse(json, n_bytes, error);
    if (!tokenizer)
        g_prefix_error(error, "cannot use '%s': ", path);
    return tokenizer;
}

static void encoding_free(struct encoding *encoding)
{
    bpe_work_free(encoding->bpe);
    split_scratch_free(encoding->scratch);
    g_free(encoding);
}

void tokenizer_free(struct tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    for (struct encoding *encoding = tokenizer->idle->first, *next; encoding; encoding = next) {
        next = encoding->next;
        encoding_free(encoding);
    }
    pthread_mutex_destroy(&tokenizer->idle->lock);
    g_free(tokenizer->idle);
    tokenizer_parts_clear(&tokenizer->parts);
    g_free(tokenizer);
}

/* Tokens */

int32_t tokenizer_n_ids(const struct tokenizer *tokenizer)
{
    return tokenizer->parts.n_ids;
}

int32_t tokenizer_find(const struct tokenizer *tokenizer, const char *token)
{
    return token_table_find(tokenizer->parts.tokens, token, strlen(token));
}

const char *tokenizer_token(const struct tokenizer *tokenizer, int32_t id)
{
    size_t n_bytes;
    return token_table_get(tokenizer->parts.tokens, id, &n_bytes);
}

bool tokenizer_is_special(const struct tokenizer *tokenizer, int32_t id)
{
    return id >= 0 && id < tokenizer->parts.n_ids && tokenizer->parts.special[id];
}

int32_t tokenizer_begin_token(const struct tokenizer *tokenizer)
{
    const GArray *prefix = tokenizer->parts.prefix;
    return prefix->len > 0 ? g_array_index(prefix, int32_t, 0) : -1;
}

/* Encoding */

static struct encoding *take_encoding(const struct tokenizer *tokenizer, GArray *ids)
{
    struct idle_encodings *idle = tokenizer->idle;
    pthread_mutex_lock(&idle->lock);
    struct encoding *encoding = idle->first;
    if (encoding)
        idle->first = encoding->next;
    pthread_mutex_unlock(&idle->lock);
    if (!encoding) {
        encoding = g_new0(struct encoding, 1);
        encoding->bpe = bpe_work_new();
        encoding->scratch = split_scratch_new();
    }
    encoding->tokenizer = tokenizer;
    encoding->ids = ids;
    return encoding;
}

static void give_encoding(const struct tokenizer *tokenizer, struct encoding *encoding)
{
    struct idle_encodings *idle = tokenizer->idle;
    bpe_work_trim(encoding->bpe);
    pthread_mutex_lock(&idle->lock);
    encoding->next = idle->first;
    idle->first = encoding;
    pthread_mutex_unlock(&idle->lock);
}

static bool encode_word(void *user, const char *word, size_t n_bytes, GError **error)
{
    struct encoding *encoding = user;
    return bpe_encode(encoding->tokenizer->parts.bpe, encoding->bpe, word, n_bytes, encoding->ids,
                      error);
}

/* A normalised stretch between tokens that are found as they are written. */
static bool encode_normal(struct encoding *encoding, const char *text, size_t n_bytes,
                          bool at_start, GError **error)
{
    const struct tokenizer_parts *parts = &encoding->tokenizer->parts;
    struct added_cursor cursor = {0};
    struct added_piece piece;
    bool good = true;
    while (good && added_tokens_next(parts->normal_added, text, n_bytes, &cursor, &piece)) {
        if (piece.token)
            g_array_append_val(encoding->ids, piece.token->id);
        else
            good = pretokenizer_run(parts->pretokenizer, encoding->scratch, text + piece.start,
                                    piece.end - piece.start, at_start && piece.start == 0,
                                    encode_word, encoding, error);
    }
    return good;
}

static bool encode_stretch(struct encoding *encoding, const char *text, size_t n_bytes,
                           bool at_start, GError **error)
{
    const struct normalizer *normalizer = encoding->tokenizer->parts.normalizer;
    if (normalizer_is_empty(normalizer))
        return encode_normal(encoding, text, n_bytes, at_start, error);
    g_autoptr(GString) normal = g_string_new(NULL);
    return normalizer_run(normalizer, encoding->scratch, text, n_bytes, TOKENIZER_MAX_BYTES, normal,
                          error) &&
           encode_normal(encoding, normal->str, normal->len, at_start, error);
}

static bool encode_text(struct encoding *encoding, const char *text, size_t n_bytes, GError **error)
{
    struct added_cursor cursor = {0};
    struct added_piece piece;
    bool good = true;
    while (good && added_tokens_next(encoding->tokenizer->parts.raw_added, text, n_bytes, &cursor,
                                     &piece)) {
        if (piece.token)
            g_array_append_val(encoding->ids, piece.token->id);
        else
            good = encode_stretch(encoding, text + piece.start, piece.end - piece.start,
                                  piece.start == 0, error);
    }
    return good;
}

bool tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t n_bytes,
                      bool add_special, GArray *ids, GError **error)
{
    if (n_bytes > TOKENIZER_MAX_BYTES || !lossy_utf8_is_valid(text, n_bytes)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    n_bytes > TOKENIZER_MAX_BYTES ? "text of %zu bytes is too long to encode"
                                                  : "text of %zu bytes is not UTF-8",
                    n_bytes);
        return false;
    }
    const struct tokenizer_parts *parts = &tokenizer->parts;
    guint n_before = ids->len;
    struct encoding *encoding = take_encoding(tokenizer, ids);
    if (add_special)
        g_array_append_vals(ids, parts->prefix->data, parts->prefix->len);
    bool good = encode_text(encoding, text, n_bytes, error);
    if (add_special)
        g_array_append_vals(ids, parts->suffix->data, parts->suffix->len);
    give_encoding(tokenizer, encoding);
    if (!good)
        g_array_set_size(ids, n_before);
    return good;
}

/* Decoding */

struct token_stream *token_stream_new(const struct tokenizer *tokenizer, bool skip_special)
{
    struct token_stream *stream = g_new(struct token_stream, 1);
    *stream =
        (struct token_stream){tokenizer, skip_special, decoder_state_new(tokenizer->parts.decoder)};
    return stream;
}

void token_stream_free(struct token_stream *stream)
{
    if (!stream)
        return;
    decoder_state_free(stream->state);
    g_free(stream);
}

void token_stream_push(struct token_stream *stream, int32_t id, GString *text)
{
    size_t n_bytes;
    const char *token = token_table_get(stream->tokenizer->parts.tokens, id, &n_bytes);
    if (token && !(stream->skip_special && stream->tokenizer->parts.special[id]))
        decoder_state_push(stream->state, token, n_bytes, text);
}

void token_stream_finish(struct token_stream *stream, GString *text)
{
    decoder_state_finish(stream->state, text);
}

void tokenizer_decode(const struct tokenizer *tokenizer, const int32_t *ids, size_t n_ids,
                      bool skip_special, GString *text)
{
    struct token_stream *stream = token_stream_new(tokenizer, skip_special);
    for (size_t i = 0; i < n_ids; i++)
        token_stream_push(stream, ids[i], text);
    token_stream_finish(stream, text);
    token_stream_free(stream);
}

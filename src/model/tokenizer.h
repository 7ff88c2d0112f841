/* tokenizer.h -- text to token ids and back, as a model folder's tokenizer.json says.
 *
 * What is read: model BPE (byte-level, or of characters with byte fallback, ignore_merges, unknown token); normalizers
 * NFC, Prepend, Replace; pre-tokenizers Split, ByteLevel, Metaspace; post-processors TemplateProcessing, ByteLevel;
 * decoders ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip; sequences of them; added tokens. Anything else is an
 * error that names it. Ids and texts are those of the `tokenizers` package.
 *
 * A tokenizer is immutable and shared by threads. */
#ifndef FIRE_MODEL_TOKENIZER_H
#define FIRE_MODEL_TOKENIZER_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest text that is encoded, before and after normalisation. */
enum { TOKENIZER_MAX_BYTES = 64 * 1024 * 1024 };

struct tokenizer;

/* Reads `folder`/tokenizer.json. FIRE_ERROR_IO or FIRE_ERROR_FORMAT names the file and the cause. */
struct tokenizer *tokenizer_load(const char *folder, GError **error);

/* The same from the file's content; the error names no file. */
struct tokenizer *tokenizer_parse(const char *json, size_t n_bytes, GError **error);

void tokenizer_free(struct tokenizer *tokenizer); /* accepts NULL */

/* Ids are 0 to n_ids - 1. A model may have more rows than that; their ids have no token. */
int32_t tokenizer_n_ids(const struct tokenizer *tokenizer);

/* The id of a token as the file writes it ("<|eot_id|>"), or -1. */
int32_t tokenizer_find(const struct tokenizer *tokenizer, const char *token);

/* A token as the file writes it, or NULL where the id has none. Belongs to `tokenizer`. */
const char *tokenizer_token(const struct tokenizer *tokenizer, int32_t id);

/* True for the added tokens that are marked special. */
bool tokenizer_is_special(const struct tokenizer *tokenizer, int32_t id);

/* The token that `add_special` puts first, or -1. */
int32_t tokenizer_begin_token(const struct tokenizer *tokenizer);

/* Appends the ids (int32_t) of `text` to `ids`. `add_special` adds what the post-processor adds (the begin token).
 * Special tokens spelled in the text are always parsed. False, and `ids` as before: FIRE_ERROR_FORMAT where the text is
 * no UTF-8, too long, or defeats a pattern; FIRE_ERROR_IO where memory is short. Time is n log n at worst, memory some 50
 * bytes a byte at worst (one word) and a few usually. */
bool tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t n_bytes,
                      bool add_special, GArray *ids, GError **error);

/* Appends the text of `ids` to `text`, valid UTF-8 with U+FFFD for what is none. Ids without a token give nothing, and
 * special tokens nothing where `skip_special`. */
void tokenizer_decode(const struct tokenizer *tokenizer, const int32_t *ids, size_t n_ids,
                      bool skip_special, GString *text);

/* Decoding id by id. What all pushes and the finish append, joined, is what tokenizer_decode gives; no push appends half
 * a character. */
struct token_stream;

struct token_stream *token_stream_new(const struct tokenizer *tokenizer, bool skip_special);
void token_stream_free(struct token_stream *stream); /* accepts NULL */
void token_stream_push(struct token_stream *stream, int32_t id, GString *text);
/* What waits, as U+FFFD where it is half a character; afterwards the stream is as new. */
void token_stream_finish(struct token_stream *stream, GString *text);

#endif

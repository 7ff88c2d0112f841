/* token_decoder.h -- from tokens to text, one token after the other: the decoder chain of tokenizer.json.
 *
 * Whole texts go the same way as streams, so that what was streamed is what a whole decode gives. */
#ifndef FIRE_MODEL_TOKEN_DECODER_H
#define FIRE_MODEL_TOKEN_DECODER_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct token_decoder;

/* Steps in the order in which tokens pass them. Without a step the tokens are joined by spaces, as the reference does. */
struct token_decoder *token_decoder_new(void);
void token_decoder_free(struct token_decoder *decoder); /* accepts NULL */

/* Tokens in the byte alphabet become bytes, their characters text. */
void token_decoder_add_byte_level(struct token_decoder *decoder);
/* `mark` becomes a space, in the first token nothing where `strips_first`. */
void token_decoder_add_metaspace(struct token_decoder *decoder, const char *mark,
                                 bool strips_first);
/* Each `pattern` (not empty) in a token becomes `content`. */
void token_decoder_add_replace(struct token_decoder *decoder, const char *pattern,
                               const char *content);
/* A run of tokens <0x00> ... <0xFF> becomes its characters, or a U+FFFD for each byte where they are none. */
void token_decoder_add_byte_fallback(struct token_decoder *decoder);
/* From here on all tokens are one. */
void token_decoder_add_fuse(struct token_decoder *decoder);
/* Up to `n` times the character `content` goes from the start of each token. */
void token_decoder_add_strip(struct token_decoder *decoder, gunichar content, int n);

/* True after a byte-level or fuse step, behind which only fuse and strip may stand. */
bool token_decoder_is_fused(const struct token_decoder *decoder);

struct decoder_state;

/* The state of one stream; borrows `decoder`. */
struct decoder_state *decoder_state_new(const struct token_decoder *decoder);
void decoder_state_free(struct decoder_state *state); /* accepts NULL */

/* Appends to `text` what `token` settles: whole characters only. */
void decoder_state_push(struct decoder_state *state, const char *token, size_t n_bytes,
                        GString *text);
/* Appends what still waits; the state is as new then. */
void decoder_state_finish(struct decoder_state *state, GString *text);

#endif

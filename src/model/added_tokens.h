/* added_tokens.h -- finds tokens that are spelled in the text and kept whole: <|eot_id|>, <image>.
 *
 * The leftmost one counts, and of those that start there the longest. */
#ifndef FIRE_MODEL_ADDED_TOKENS_H
#define FIRE_MODEL_ADDED_TOKENS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest content: bounds the work for each byte of text. */
enum { ADDED_TOKEN_MAX_BYTES = 512 };

struct added_token {
    int32_t id;
    bool single_word;    /* counts only between non-word characters */
    bool lstrip, rstrip; /* takes the white space before, after it */
};

struct added_tokens;

struct added_tokens *added_tokens_new(void);
void added_tokens_free(struct added_tokens *tokens); /* accepts NULL */

/* False where `content` is empty, too long, or there already. */
bool added_tokens_add(struct added_tokens *tokens, const char *content,
                      const struct added_token *token);

/* A stretch of text, or a token with the white space it takes. Never both empty and without a token. */
struct added_piece {
    const struct added_token *token; /* NULL: text */
    size_t start, end;
};

/* The search goes on where it stopped; zero-initialise. */
struct added_cursor {
    size_t i_search, i_done;
    struct added_piece next; /* a token found behind a stretch of text */
};

/* The next piece of `text` (valid UTF-8), or false at its end. Together the pieces are the text, except that white space
 * between two tokens that both take it belongs to the first. */
bool added_tokens_next(const struct added_tokens *tokens, const char *text, size_t n_bytes,
                       struct added_cursor *cursor, struct added_piece *piece);

#endif

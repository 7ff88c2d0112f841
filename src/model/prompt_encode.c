#include "model/prompt_encode.h"

#include <string.h>

/* The text between two marks; of added begin tokens only the first piece keeps its own. */
static bool add_piece(const struct tokenizer *tokenizer, const char *text, size_t n_bytes,
                      bool add_special, bool is_first, GArray *ids, GError **error)
{
    guint at = ids->len;
    if (!tokenizer_encode(tokenizer, text, n_bytes, add_special, ids, error))
        return false;
    if (add_special && !is_first && tokenizer_begin_token(tokenizer) >= 0)
        g_array_remove_index(ids, at);
    return true;
}

static void set_begin_tokens(int32_t begin, guint n_wanted, GArray *ids, guint first)
{
    guint n = 0;
    while (first + n < ids->len && g_array_index(ids, int32_t, first + n) == begin)
        n++;
    for (; n > n_wanted; n--)
        g_array_remove_index(ids, first);
    for (; n < n_wanted; n++)
        g_array_insert_val(ids, first, begin);
}

bool prompt_encode(const struct model_config *config, const struct tokenizer *tokenizer,
                   const char *text, size_t n_bytes, bool add_special, enum prompt_bos bos,
                   GArray *ids, GError **error)
{
    static const char mark[] = PROMPT_IMAGE_MARK;
    const char *end = text + n_bytes, *next;
    int32_t image_token = config->image_token, begin = tokenizer_begin_token(tokenizer);
    guint first = ids->len;
    /* A tokenizer that knows the mark finds it itself: pieces may be encoded otherwise than what stands behind a token. */
    bool cuts = config->has_vision && tokenizer_find(tokenizer, mark) != image_token;
    for (const char *piece = text; piece; piece = next) {
        const char *cut = cuts ? g_strstr_len(piece, end - piece, mark) : NULL;
        if (!add_piece(tokenizer, piece, (size_t)((cut ? cut : end) - piece), add_special,
                       piece == text, ids, error)) {
            g_array_set_size(ids, first);
            return false;
        }
        if (cut)
            g_array_append_val(ids, image_token);
        next = cut ? cut + strlen(mark) : NULL;
    }
    if (bos != PROMPT_BOS_MODEL && begin >= 0)
        set_begin_tokens(begin, bos == PROMPT_BOS_SINGLE ? 1 : 2, ids, first);
    return true;
}

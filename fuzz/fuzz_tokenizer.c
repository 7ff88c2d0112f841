/* fuzz_tokenizer.c -- a tokenizer.json, up to the first NUL, and a text behind it: whatever they hold, reading the file, encoding
 * the text and decoding its ids give a result or one line, and ids that exist. */
#include "model/tokenizer.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static void use(const struct tokenizer *tokenizer, const char *text, size_t n_bytes)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int32_t));
    g_autoptr(GString) decoded = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    if (!tokenizer_encode(tokenizer, text, n_bytes, true, ids, &error)) {
        g_assert_nonnull(error);
        return;
    }
    for (guint i = 0; i < ids->len; i++)
        g_assert_nonnull(tokenizer_token(tokenizer, g_array_index(ids, int32_t, i)));
    tokenizer_decode(tokenizer, (const int32_t *)(void *)ids->data, ids->len, n_bytes % 2 == 0,
                     decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    const uint8_t *nul = n_bytes > 0 ? memchr(data, 0, n_bytes) : NULL;
    size_t n_json = nul ? (size_t)(nul - data) : n_bytes;
    g_autoptr(GError) error = NULL;
    struct tokenizer *tokenizer = tokenizer_parse((const char *)data, n_json, &error);
    if (tokenizer && nul)
        use(tokenizer, (const char *)nul + 1, n_bytes - n_json - 1);
    else if (tokenizer)
        use(tokenizer, "a b", 3);
    else
        g_assert_nonnull(error);
    tokenizer_free(tokenizer);
    return 0;
}

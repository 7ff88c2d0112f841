/* added_tokens.c -- the contents sorted; a search narrows the range of candidates byte by byte. */
#include "model/added_tokens.h"

#include <string.h>

struct entry {
    char *content;
    size_t n_bytes;
    struct added_token token;
};

struct added_tokens {
    GArray *entries;          /* struct entry, sorted by content as bytes */
    bool first[256];          /* some content starts with this byte */
    int n_first;              /* how many bytes are first */
    unsigned char only_first; /* where one is */
};

struct added_tokens *added_tokens_new(void)
{
    struct added_tokens *tokens = g_new0(struct added_tokens, 1);
    tokens->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
    return tokens;
}

void added_tokens_free(struct added_tokens *tokens)
{
    if (!tokens)
        return;
    for (guint i = 0; i < tokens->entries->len; i++)
        g_free(g_array_index(tokens->entries, struct entry, i).content);
    g_array_unref(tokens->entries);
    g_free(tokens);
}

bool added_tokens_add(struct added_tokens *tokens, const char *content,
                      const struct added_token *token)
{
    size_t n_bytes = strlen(content);
    if (n_bytes == 0 || n_bytes > ADDED_TOKEN_MAX_BYTES)
        return false;
    guint low = 0, high = tokens->entries->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        int order = strcmp(g_array_index(tokens->entries, struct entry, middle).content, content);
        if (order == 0)
            return false;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    struct entry entry = {g_strdup(content), n_bytes, *token};
    g_array_insert_val(tokens->entries, low, entry);
    unsigned char first = (unsigned char)content[0];
    tokens->n_first += !tokens->first[first];
    tokens->first[first] = true;
    tokens->only_first = first;
    return true;
}

/* The first of entries [low, high), which agree on `depth` bytes, whose next byte is `byte` or above. A content that ends
 * there counts as 0, which no content holds. */
static guint narrow(const struct entry *entries, guint low, guint high, size_t depth, unsigned byte)
{
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if ((unsigned char)entries[middle].content[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where the next content may start, from `i` on. */
static size_t find_first(const struct added_tokens *tokens, const char *text, size_t n_bytes,
                         size_t i)
{
    if (tokens->n_first <= 1) {
        const char *found =
            tokens->n_first == 0 ? NULL : memchr(text + i, tokens->only_first, n_bytes - i);
        return found ? (size_t)(found - text) : n_bytes;
    }
    while (i < n_bytes && !tokens->first[(unsigned char)text[i]])
        i++;
    return i;
}

/* The longest content at the start of `text`, or NULL. */
static const struct entry *find_longest(const struct added_tokens *tokens, const char *text,
                                        size_t n_bytes)
{
    const struct entry *entries = (const struct entry *)(const void *)tokens->entries->data,
                       *longest = NULL;
    guint low = 0, high = tokens->entries->len;
    for (size_t depth = 0; depth < n_bytes && low < high; depth++) {
        unsigned byte = (unsigned char)text[depth];
        if (byte == 0)
            break;
        low = narrow(entries, low, high, depth, byte);
        high = narrow(entries, low, high, depth, byte + 1);
        if (low < high && entries[low].n_bytes == depth + 1)
            longest = &entries[low];
    }
    return longest;
}

static bool is_white(gunichar c)
{
    return (c >= '\t' && c <= '\r') || c == 0x85 || (g_unichar_isspace(c) && c > ' ') || c == ' ';
}

static bool is_word(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_LOWERCASE_LETTER:
    case G_UNICODE_MODIFIER_LETTER:
    case G_UNICODE_OTHER_LETTER:
    case G_UNICODE_TITLECASE_LETTER:
    case G_UNICODE_UPPERCASE_LETTER:
    case G_UNICODE_SPACING_MARK:
    case G_UNICODE_ENCLOSING_MARK:
    case G_UNICODE_NON_SPACING_MARK:
    case G_UNICODE_DECIMAL_NUMBER:
    case G_UNICODE_LETTER_NUMBER:
    case G_UNICODE_CONNECT_PUNCTUATION:
        return true;
    default:
        return c == 0x200C || c == 0x200D;
    }
}

static bool stands_alone(const char *text, size_t n_bytes, size_t start, size_t end)
{
    if (start > 0 && is_word(g_utf8_get_char(g_utf8_find_prev_char(text, text + start))))
        return false;
    return end == n_bytes || !is_word(g_utf8_get_char(text + end));
}

static void take_white(const char *text, size_t n_bytes, size_t floor,
                       const struct added_token *token, size_t *start, size_t *end)
{
    while (token->lstrip && *start > floor) {
        const char *before = g_utf8_find_prev_char(text, text + *start);
        if (!is_white(g_utf8_get_char(before)))
            break;
        *start = (size_t)(before - text);
    }
    while (token->rstrip && *end < n_bytes && is_white(g_utf8_get_char(text + *end)))
        *end = (size_t)(g_utf8_next_char(text + *end) - text);
}

bool added_tokens_next(const struct added_tokens *tokens, const char *text, size_t n_bytes,
                       struct added_cursor *cursor, struct added_piece *piece)
{
    if (cursor->next.token) {
        *piece = cursor->next;
        cursor->next.token = NULL;
        return true;
    }
    size_t start;
    while ((start = find_first(tokens, text, n_bytes, cursor->i_search)) < n_bytes) {
        const struct entry *entry = find_longest(tokens, text + start, n_bytes - start);
        size_t end = start + (entry ? entry->n_bytes : 1);
        cursor->i_search = end;
        if (!entry || (entry->token.single_word && !stands_alone(text, n_bytes, start, end)))
            continue;
        take_white(text, n_bytes, cursor->i_done, &entry->token, &start, &end);
        size_t done = cursor->i_done;
        cursor->i_done = end;
        struct added_piece found = {&entry->token, start, end};
        if (done < start) {
            cursor->next = found;
            *piece = (struct added_piece){NULL, done, start};
        } else {
            *piece = found;
        }
        return true;
    }
    cursor->i_search = n_bytes;
    if (cursor->i_done >= n_bytes)
        return false;
    *piece = (struct added_piece){NULL, cursor->i_done, n_bytes};
    cursor->i_done = n_bytes;
    return true;
}

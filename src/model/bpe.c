/* bpe.c -- short words are merged by looking at all pairs again and again, long ones with a heap.
 *
 * Models without a pre-tokenizer (LLaMA-2) get a whole text as one word. Their merges never join "x" and "▁y", so such a
 * word is cut before each "▁" that follows another character: the ids are the same, and the pieces are short and cached.
 * bpe_finish proves that no merge crosses such a cut. */
#include "model/bpe.h"

#include "base/error.h"
#include "model/byte_alphabet.h"
#include "model/token_table.h"
#include "model/word_cache.h"

#include <string.h>

#define MARK "\xE2\x96\x81" /* U+2581, metaspace */

/* A rank and a position in a short word fit together in 32 bits. */
enum {
    SHORT_BITS = 6,
    SHORT_SYMBOLS = 1 << SHORT_BITS,
    MAX_MERGES = (1 << (32 - SHORT_BITS)) - 1,
    NO_RANK = INT32_MAX
};

struct pair {
    int32_t left, right; /* left -1: empty slot */
    int32_t rank, merged;
};

struct bpe {
    struct bpe_options options;
    struct token_table *tokens; /* by what stands in a word: bytes where byte-level */
    int32_t unknown;            /* -1: none */
    int32_t bytes[256];         /* of <0x00> ... <0xFF>; -1: none */
    int32_t singles[256];       /* of one-byte words; -1: none */
    struct pair *pairs;         /* (pair_mask + 1), open addressing */
    size_t pair_mask;
    int32_t n_merges;
    bool crosses_mark, cuts_at_mark;
};

/* A symbol of a long word; a doubly linked list by index. */
struct link {
    int32_t id, previous, next; /* -1: none */
};

struct bpe_work {
    struct word_cache *cache;
    int32_t *symbols;
    size_t n_symbols, n_room;
};

/* The model */

struct bpe *bpe_new(const struct bpe_options *options, size_t n_ids, size_t n_merges)
{
    if (n_merges > MAX_MERGES)
        return NULL;
    size_t n_slots = 16;
    while (n_slots < n_merges + n_merges / 2)
        n_slots *= 2;
    struct token_table *tokens = token_table_new(n_ids);
    struct pair *pairs = g_try_new(struct pair, n_slots);
    if (!tokens || !pairs) {
        token_table_free(tokens);
        g_free(pairs);
        return NULL;
    }
    for (size_t i = 0; i < n_slots; i++)
        pairs[i].left = -1;
    struct bpe *bpe = g_new0(struct bpe, 1);
    *bpe = (struct bpe){.options = *options,
                        .tokens = tokens,
                        .unknown = -1,
                        .pairs = pairs,
                        .pair_mask = n_slots - 1};
    memset(bpe->bytes, -1, sizeof bpe->bytes);
    memset(bpe->singles, -1, sizeof bpe->singles);
    return bpe;
}

void bpe_free(struct bpe *bpe)
{
    if (!bpe)
        return;
    token_table_free(bpe->tokens);
    g_free(bpe->pairs);
    g_free(bpe);
}

/* The byte of a token <0x00> ... <0xFF>, or -1. */
static int fallback_byte(const char *token)
{
    if (strlen(token) != 6 || !g_str_has_prefix(token, "<0x") || token[5] != '>')
        return -1;
    int high = g_ascii_xdigit_value(token[3]), low = g_ascii_xdigit_value(token[4]);
    /* The reference asks for upper-case digits. */
    return high < 0 || low < 0 || g_ascii_islower(token[3]) || g_ascii_islower(token[4])
               ? -1
               : high * 16 + low;
}

bool bpe_add_token(struct bpe *bpe, int32_t id, const char *token)
{
    int byte = fallback_byte(token);
    if (byte >= 0)
        bpe->bytes[byte] = id;
    if (!bpe->options.byte_level)
        return token_table_add(bpe->tokens, id, token, strlen(token));
    /* A token with other characters can stand in no word: it needs no entry, but merges may still make it. */
    g_autoptr(GString) bytes = g_string_new(NULL);
    return !byte_alphabet_decode(token, strlen(token), bytes) ||
           token_table_add(bpe->tokens, id, bytes->str, bytes->len);
}

void bpe_set_unknown(struct bpe *bpe, int32_t id)
{
    bpe->unknown = id;
}

static inline size_t hash_pair(int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    key *= UINT64_C(0x9E3779B97F4A7C15);
    return key ^ key >> 32;
}

static inline struct pair *find_pair(const struct bpe *bpe, int32_t left, int32_t right)
{
    size_t i = hash_pair(left, right) & bpe->pair_mask;
    struct pair *pair = &bpe->pairs[i];
    while (pair->left >= 0 && (pair->left != left || pair->right != right)) {
        i = (i + 1) & bpe->pair_mask;
        pair = &bpe->pairs[i];
    }
    return pair;
}

static inline int32_t find_rank(const struct bpe *bpe, int32_t left, int32_t right, int32_t *merged)
{
    const struct pair *pair = find_pair(bpe, left, right);
    if (pair->left < 0)
        return NO_RANK;
    *merged = pair->merged;
    return pair->rank;
}

static bool ends_in_mark(const char *bytes, size_t n_bytes)
{
    return n_bytes >= 3 && memcmp(bytes + n_bytes - 3, MARK, 3) == 0;
}

void bpe_add_merge(struct bpe *bpe, int32_t left, int32_t right, int32_t merged)
{
    *find_pair(bpe, left, right) = (struct pair){left, right, bpe->n_merges++, merged};
    size_t n_left, n_right;
    const char *l = token_table_get(bpe->tokens, left, &n_left),
               *r = token_table_get(bpe->tokens, right, &n_right);
    if (l && r && !ends_in_mark(l, n_left) && n_right >= 3 && memcmp(r, MARK, 3) == 0)
        bpe->crosses_mark = true;
}

void bpe_finish(struct bpe *bpe)
{
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;
        bpe->singles[i] = token_table_find(bpe->tokens, &byte, 1);
    }
    bpe->cuts_at_mark = !bpe->options.byte_level && !bpe->options.ignore_merges &&
                        !bpe->crosses_mark && token_table_find(bpe->tokens, MARK, 3) >= 0;
}

/* The work */

struct bpe_work *bpe_work_new(void)
{
    struct bpe_work *work = g_new0(struct bpe_work, 1);
    work->cache = word_cache_new();
    return work;
}

void bpe_work_free(struct bpe_work *work)
{
    if (!work)
        return;
    word_cache_free(work->cache);
    g_free(work->symbols);
    g_free(work);
}

void bpe_work_trim(struct bpe_work *work)
{
    if (work->n_room <= 4096)
        return;
    g_free(work->symbols);
    work->symbols = NULL;
    work->n_room = 0;
}

static bool no_memory(size_t n_symbols, GError **error)
{
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "no memory for a word of %zu symbols", n_symbols);
    return false;
}

static bool reserve(struct bpe_work *work, size_t n_symbols, GError **error)
{
    if (n_symbols <= work->n_room)
        return true;
    int32_t *symbols =
        n_symbols <= INT32_MAX / 2 ? g_try_renew(int32_t, work->symbols, n_symbols) : NULL;
    if (!symbols)
        return no_memory(n_symbols, error);
    work->symbols = symbols;
    work->n_room = n_symbols;
    return true;
}

/* Symbols of a character that is not in the vocabulary. `*pending` is an unknown token not yet added, or -1: it waits for
 * the character after it, and byte tokens pass it by, as in the reference. */
static void add_unknown(const struct bpe *bpe, struct bpe_work *work, const char *character,
                        size_t n_bytes, int32_t *pending)
{
    bool has_bytes = bpe->options.byte_fallback;
    for (size_t i = 0; i < n_bytes && has_bytes; i++)
        has_bytes = bpe->bytes[(unsigned char)character[i]] >= 0;
    if (has_bytes) {
        for (size_t i = 0; i < n_bytes; i++)
            work->symbols[work->n_symbols++] = bpe->bytes[(unsigned char)character[i]];
    } else if (bpe->unknown >= 0) {
        if (*pending >= 0 && !bpe->options.fuse_unknown)
            work->symbols[work->n_symbols++] = *pending;
        *pending = bpe->unknown;
    }
}

/* Fills work->symbols, which has room for two symbols a byte. */
static void split_word(const struct bpe *bpe, struct bpe_work *work, const char *word,
                       size_t n_bytes)
{
    int32_t pending = -1;
    work->n_symbols = 0;
    for (size_t i = 0, n; i < n_bytes; i += n) {
        unsigned char byte = (unsigned char)word[i];
        bool single = bpe->options.byte_level || byte < 0x80;
        n = single ? 1 : (size_t)(g_utf8_next_char(word + i) - (word + i));
        int32_t id = single ? bpe->singles[byte] : token_table_find(bpe->tokens, word + i, n);
        if (id >= 0) {
            if (pending >= 0)
                work->symbols[work->n_symbols++] = pending;
            pending = -1;
            work->symbols[work->n_symbols++] = id;
        } else if (bpe->options.byte_level) {
            char spelled[6];
            int n_spelled = g_unichar_to_utf8(byte_alphabet_char(byte), spelled);
            add_unknown(bpe, work, spelled, (size_t)n_spelled, &pending);
        } else {
            add_unknown(bpe, work, word + i, n, &pending);
        }
    }
    if (pending >= 0)
        work->symbols[work->n_symbols++] = pending;
}

/* rank << SHORT_BITS | position of the pair that starts at `i`; above all others where it does not merge. */
static inline uint32_t short_key(const struct bpe *bpe, const int32_t *symbols, size_t i,
                                 size_t next, size_t n, int32_t *merged)
{
    int32_t rank = next < n ? find_rank(bpe, symbols[i], symbols[next], &merged[i]) : NO_RANK;
    return rank == NO_RANK ? UINT32_MAX : (uint32_t)rank << SHORT_BITS | (uint32_t)i;
}

/* Merges `n` symbols in place and returns how many are left. */
static size_t merge_short(const struct bpe *bpe, int32_t *symbols, size_t n)
{
    uint32_t keys[SHORT_SYMBOLS];
    int32_t merged[SHORT_SYMBOLS];
    uint8_t next[SHORT_SYMBOLS + 1], previous[SHORT_SYMBOLS + 1]; /* of the symbols that are left */
    for (size_t i = 0; i < n; i++) {
        next[i] = (uint8_t)(i + 1);
        previous[i + 1] = (uint8_t)i;
        keys[i] = short_key(bpe, symbols, i, i + 1, n, merged);
    }
    for (;;) {
        uint32_t best = UINT32_MAX;
        for (size_t i = 0; i < n; i++)
            best = MIN(best, keys[i]);
        if (best == UINT32_MAX)
            break;
        size_t left = best % SHORT_SYMBOLS, right = next[left];
        symbols[left] = merged[left];
        keys[right] = UINT32_MAX;
        next[left] = next[right];
        previous[next[left]] = (uint8_t)left;
        keys[left] = short_key(bpe, symbols, left, next[left], n, merged);
        if (left > 0)
            keys[previous[left]] = short_key(bpe, symbols, previous[left], left, n, merged);
    }
    size_t n_left = 0;
    for (size_t i = 0; i < n; i = next[i])
        symbols[n_left++] = symbols[i];
    return n_left;
}

/* A binary heap of rank << 32 | position: the smallest is the leftmost pair of the lowest rank. */
struct heap {
    uint64_t *items;
    size_t n;
};

static void heap_push(struct heap *heap, uint64_t item)
{
    size_t i = heap->n++;
    for (; i > 0 && heap->items[(i - 1) / 2] > item; i = (i - 1) / 2)
        heap->items[i] = heap->items[(i - 1) / 2];
    heap->items[i] = item;
}

static uint64_t heap_pop(struct heap *heap)
{
    uint64_t top = heap->items[0], last = heap->items[--heap->n];
    size_t i = 0, child;
    for (; (child = 2 * i + 1) < heap->n; i = child) {
        if (child + 1 < heap->n && heap->items[child + 1] < heap->items[child])
            child++;
        if (last <= heap->items[child])
            break;
        heap->items[i] = heap->items[child];
    }
    heap->items[i] = last;
    return top;
}

static void push_pair(const struct bpe *bpe, struct heap *heap, const struct link *links, int32_t i)
{
    int32_t merged;
    if (i < 0 || links[i].next < 0)
        return;
    int32_t rank = find_rank(bpe, links[i].id, links[links[i].next].id, &merged);
    if (rank != NO_RANK)
        heap_push(heap, (uint64_t)(uint32_t)rank << 32 | (uint32_t)i);
}

/* The same for any length. A heap item whose pair has changed since has another rank now and is passed over. Each merge
 * takes one item and adds two at most, so the heap never holds more than two a symbol. */
static bool merge_long(const struct bpe *bpe, int32_t *symbols, size_t *n_symbols, GError **error)
{
    size_t n = *n_symbols;
    g_autofree struct link *links = g_try_new(struct link, n);
    g_autofree uint64_t *items = g_try_new(uint64_t, 2 * n);
    if (!links || !items)
        return no_memory(n, error);
    struct heap heap = {items, 0};
    for (size_t i = 0; i < n; i++)
        links[i] = (struct link){symbols[i], (int32_t)i - 1, i + 1 < n ? (int32_t)i + 1 : -1};
    for (size_t i = 0; i < n; i++)
        push_pair(bpe, &heap, links, (int32_t)i);
    while (heap.n > 0) {
        uint64_t item = heap_pop(&heap);
        struct link *left = &links[(uint32_t)item];
        int32_t merged = -1;
        if (left->id < 0 || left->next < 0 ||
            find_rank(bpe, left->id, links[left->next].id, &merged) != (int32_t)(item >> 32))
            continue;
        struct link *right = &links[left->next];
        left->id = merged;
        right->id = -1;
        left->next = right->next;
        if (right->next >= 0)
            links[right->next].previous = (int32_t)(uint32_t)item;
        push_pair(bpe, &heap, links, left->previous);
        push_pair(bpe, &heap, links, (int32_t)(uint32_t)item);
    }
    *n_symbols = 0;
    for (int32_t i = 0; i >= 0; i = links[i].next)
        symbols[(*n_symbols)++] = links[i].id;
    return true;
}

/* The ids of one piece are in work->symbols. */
static bool merge_word(const struct bpe *bpe, struct bpe_work *work, const char *word,
                       size_t n_bytes, GError **error)
{
    if (!reserve(work, 2 * n_bytes, error))
        return false;
    split_word(bpe, work, word, n_bytes);
    if (work->n_symbols > SHORT_SYMBOLS)
        return merge_long(bpe, work->symbols, &work->n_symbols, error);
    work->n_symbols = merge_short(bpe, work->symbols, work->n_symbols);
    return true;
}

static bool encode_piece(const struct bpe *bpe, struct bpe_work *work, const char *word,
                         size_t n_bytes, GArray *ids, GError **error)
{
    struct word_entry *entry = NULL;
    if (n_bytes <= WORD_CACHE_MAX_BYTES) {
        bool hit;
        entry = word_cache_find(work->cache, word, n_bytes, &hit);
        if (hit) {
            g_array_append_vals(ids, entry->ids, entry->n_ids);
            return true;
        }
    }
    int32_t whole = bpe->options.ignore_merges ? token_table_find(bpe->tokens, word, n_bytes) : -1;
    if (whole >= 0) {
        if (!reserve(work, 1, error))
            return false;
        work->symbols[0] = whole;
        work->n_symbols = 1;
    } else if (!merge_word(bpe, work, word, n_bytes, error)) {
        return false;
    }
    if (entry)
        word_cache_put(entry, word, n_bytes, work->symbols, work->n_symbols);
    g_array_append_vals(ids, work->symbols, (guint)work->n_symbols);
    return true;
}

/* Where the piece that starts at `start` ends: before the first mark after another character. */
static size_t find_cut(const char *word, size_t n_bytes, size_t start)
{
    bool in_word = false;
    for (size_t i = start; i < n_bytes;) {
        bool mark = word[i] == MARK[0] && i + 3 <= n_bytes && memcmp(word + i, MARK, 3) == 0;
        if (mark && in_word)
            return i;
        in_word = !mark;
        i += mark ? 3 : 1;
    }
    return n_bytes;
}

bool bpe_encode(const struct bpe *bpe, struct bpe_work *work, const char *word, size_t n_bytes,
                GArray *ids, GError **error)
{
    if (!bpe->cuts_at_mark)
        return n_bytes == 0 || encode_piece(bpe, work, word, n_bytes, ids, error);
    for (size_t start = 0, end; start < n_bytes; start = end) {
        end = find_cut(word, n_bytes, start);
        if (!encode_piece(bpe, work, word + start, end - start, ids, error))
            return false;
    }
    return true;
}

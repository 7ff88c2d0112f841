#include "metric/tokenize.h"

#include "metric/ptb.h"

#include <glib.h>
#include <string.h>

static const char *const names[] = {"whitespace", "ptb"};

const char *tokenizer_name(enum tokenizer tokenizer)
{
    return names[tokenizer];
}

bool tokenizer_from_name(const char *name, enum tokenizer *tokenizer)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(names[i], name) == 0) {
            *tokenizer = (enum tokenizer)i;
            return true;
        }
    }
    return false;
}

/* Bytes that can begin a white space character: 1 is one by itself, 2 is the lead byte of some. */
static const unsigned char begins_space[256] = {
    ['\t'] = 1, ['\n'] = 1, ['\v'] = 1, ['\f'] = 1, ['\r'] = 1, [0x1c] = 1, [0x1d] = 1,
    [0x1e] = 1, [0x1f] = 1, [' '] = 1,  [0xc2] = 2, [0xe1] = 2, [0xe2] = 2, [0xe3] = 2,
};

/* The length in bytes of the white space character at `p`, which begins_space marks 2; else 0. */
static size_t wide_space(const unsigned char *p, const unsigned char *end)
{
    if (p[0] == 0xc2) /* U+0085, U+00A0 */
        return end - p >= 2 && (p[1] == 0x85 || p[1] == 0xa0) ? 2 : 0;
    if (end - p < 3)
        return 0;
    unsigned code = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    bool space = code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
                 code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
    return space ? 3 : 0;
}

static void split_at_space(const char *text, size_t n_bytes, token_sink *sink, void *user)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + n_bytes, *start = p;
    while (p < end) {
        unsigned char kind = begins_space[*p];
        size_t n = kind == 2 ? wide_space(p, end) : kind;
        if (n == 0) {
            p++;
            continue;
        }
        if (p > start)
            sink(user, (const char *)start, (size_t)(p - start));
        p += n;
        start = p;
    }
    if (p > start)
        sink(user, (const char *)start, (size_t)(p - start));
}

struct onward {
    token_sink *sink;
    void *user;
};

static void split_onward(void *user, const char *token, size_t n_bytes)
{
    const struct onward *onward = user;
    split_at_space(token, n_bytes, onward->sink, onward->user);
}

static void drop_punctuation(void *user, const char *token, size_t n_bytes)
{
    const struct onward *onward = user;
    if (!ptb_is_punctuation(token, n_bytes))
        onward->sink(onward->user, token, n_bytes);
}

void tokenize(enum tokenizer tokenizer, const char *text, size_t n_bytes, token_sink *sink,
              void *user)
{
    struct onward onward = {sink, user};
    if (tokenizer == TOKENIZER_PTB)
        ptb_tokenize(text, n_bytes, drop_punctuation, &onward);
    else
        split_at_space(text, n_bytes, sink, user);
}

void tokenize_words(enum tokenizer tokenizer, const char *text, size_t n_bytes, token_sink *sink,
                    void *user)
{
    struct onward onward = {sink, user};
    if (tokenizer == TOKENIZER_PTB)
        tokenize(tokenizer, text, n_bytes, split_onward, &onward);
    else
        split_at_space(text, n_bytes, sink, user);
}

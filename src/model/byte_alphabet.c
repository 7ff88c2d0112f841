#include "model/byte_alphabet.h"

/* The bytes without a printable character of their own are 0x00-0x20, 0x7F-0xA0 and 0xAD. */
enum { FIRST = 0x100, LOW_END = 0x21, HIGH_START = 0x7F, HIGH_END = 0xA1, SOFT_HYPHEN = 0xAD };
enum { HIGH_FIRST = FIRST + LOW_END, HYPHEN_FIRST = HIGH_FIRST + HIGH_END - HIGH_START };

gunichar byte_alphabet_char(uint8_t byte)
{
    if (byte < LOW_END)
        return FIRST + byte;
    if (byte >= HIGH_START && byte < HIGH_END)
        return HIGH_FIRST + byte - HIGH_START;
    return byte == SOFT_HYPHEN ? HYPHEN_FIRST : byte;
}

int byte_alphabet_byte(gunichar c)
{
    if (c < FIRST)
        return byte_alphabet_char((uint8_t)c) == c ? (int)c : -1;
    if (c < HIGH_FIRST)
        return (int)(c - FIRST);
    if (c < HYPHEN_FIRST)
        return (int)(c - HIGH_FIRST) + HIGH_START;
    return c == HYPHEN_FIRST ? SOFT_HYPHEN : -1;
}

bool byte_alphabet_decode(const char *token, size_t n_bytes, GString *bytes)
{
    size_t before = bytes->len;
    for (const char *p = token, *end = token + n_bytes; p < end; p = g_utf8_next_char(p)) {
        int byte = byte_alphabet_byte(g_utf8_get_char(p));
        if (byte < 0) {
            g_string_truncate(bytes, before);
            return false;
        }
        g_string_append_c(bytes, (char)byte);
    }
    return true;
}

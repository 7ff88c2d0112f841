#include "model/lossy_utf8.h"

#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD"

enum scan { SCAN_WHOLE, SCAN_CUT, SCAN_BROKEN };

/* The character at the start of `p`, n > 0 bytes: whole, cut by the end, or broken after `*n_used` bytes. */
static enum scan scan_character(const unsigned char *p, size_t n, size_t *n_used)
{
    size_t n_wanted = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    unsigned low = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80; /* no overlong form, */
    unsigned high = p[0] == 0xED   ? 0x9F
                    : p[0] == 0xF4 ? 0x8F
                                   : 0xBF; /* no surrogate, nothing past U+10FFFF */
    *n_used = 1;
    if (p[0] >= 0x80 && (p[0] < 0xC2 || p[0] > 0xF4))
        return SCAN_BROKEN;
    for (; *n_used < n_wanted; ++*n_used) {
        if (*n_used == n)
            return SCAN_CUT;
        if (p[*n_used] < low || p[*n_used] > high)
            return SCAN_BROKEN;
        low = 0x80;
        high = 0xBF;
    }
    return SCAN_WHOLE;
}

void lossy_utf8_move(GString *bytes, bool at_end, GString *text)
{
    const unsigned char *p = (const unsigned char *)bytes->str;
    size_t i = 0, n_used;
    while (i < bytes->len) {
        enum scan scan = scan_character(p + i, bytes->len - i, &n_used);
        if (scan == SCAN_CUT && !at_end)
            break;
        if (scan == SCAN_WHOLE)
            g_string_append_len(text, bytes->str + i, (gssize)n_used);
        else
            g_string_append(text, REPLACEMENT);
        i += n_used;
    }
    g_string_erase(bytes, 0, (gssize)i);
}

bool lossy_utf8_is_valid(const char *text, size_t n_bytes)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t i = 0, n_used;
    while (i < n_bytes) {
        uint64_t eight;
        if (n_bytes - i >= 8 &&
            (memcpy(&eight, p + i, 8), (eight & UINT64_C(0x8080808080808080)) == 0)) {
            i += 8;
            continue;
        }
        if (scan_character(p + i, n_bytes - i, &n_used) != SCAN_WHOLE)
            return false;
        i += n_used;
    }
    return true;
}

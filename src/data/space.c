#include "data/space.h"

bool space_is(gunichar c)
{
    /* GLib knows all but these. */
    return g_unichar_isspace(c) || c == 0x0b || (c >= 0x1c && c <= 0x1f) || c == 0x85;
}

char *space_trim(const char *start, const char *end)
{
    while (start < end && space_is(g_utf8_get_char(start)))
        start = g_utf8_next_char(start);
    while (end > start && space_is(g_utf8_get_char(g_utf8_prev_char(end))))
        end = g_utf8_prev_char(end);
    return g_strndup(start, (gsize)(end - start));
}

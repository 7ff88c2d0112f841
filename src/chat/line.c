#include "chat/line.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* Shorter ones ("EMPTY" is the longest in use) are placeholders for servers without keys, and would
 * take ordinary words out of a text. */
#define MIN_SECRET_BYTES 6

char *line_scrub(char *text, const char *secret)
{
    if (!text || !secret || strlen(secret) < MIN_SECRET_BYTES || !strstr(text, secret))
        return text;
    GString *out = g_string_new(text);
    g_string_replace(out, secret, "[key]", 0);
    g_free(text);
    return g_string_free(out, FALSE);
}

/* The secret is taken out before the cut, so that no part of it is left at the end, and after the
 * control characters, so that none can hide it. */
char *line_clean(const char *text, const char *secret, size_t max_bytes)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *out = g_string_new(NULL);
    bool blank = false;
    for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (g_unichar_isspace(c)) {
            blank = true;
            continue;
        }
        if (g_unichar_iscntrl(c) || g_unichar_type(c) == G_UNICODE_FORMAT)
            continue;
        if (blank && out->len > 0)
            g_string_append_c(out, ' ');
        blank = false;
        g_string_append_unichar(out, c);
    }
    char *line = line_scrub(g_string_free(out, FALSE), secret);
    size_t length = strlen(line);
    if (length > max_bytes) {
        length = max_bytes - 3;
        while (length > 0 && ((unsigned char)line[length] & 0xc0) == 0x80)
            length--;
        memcpy(line + length, "...", 4);
    }
    return line;
}

static char *html_title(const char *html)
{
    g_autofree char *lower = g_ascii_strdown(html, -1);
    const char *start = strstr(lower, "<title");
    start = start ? strchr(start, '>') : NULL;
    const char *end = start ? strstr(start, "</title") : NULL;
    return end ? g_strndup(html + (start + 1 - lower), (size_t)(end - start - 1)) : NULL;
}

char *line_from_html(const char *html)
{
    char *title = html_title(html);
    if (title)
        return title;
    GString *out = g_string_new(NULL);
    bool inside = false;
    for (const char *p = html; *p; p++) {
        if (*p == '<')
            inside = true;
        else if (*p == '>' && inside) {
            inside = false;
            g_string_append_c(out, ' ');
        } else if (!inside)
            g_string_append_c(out, *p);
    }
    return g_string_free(out, FALSE);
}

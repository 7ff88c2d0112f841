#include "dialogue/template.h"

#include "base/error.h"

#include <string.h>

static const char *const place_names[N_PLACES] = {"question", "answer", "response", "feedback"};

/* A stretch of template text: literal text, or a place with its braces. */
struct piece {
    const char *start;
    size_t n_bytes;
    bool is_place;
    int place; /* -1: a brace that opens no known place */
};

/* The piece at `p`, which is not the end of the text. */
static struct piece read_piece(const char *p)
{
    if (*p != '{')
        return (struct piece){p, strcspn(p, "{"), false, -1};
    if (p[1] == '{')
        return (struct piece){p + 1, 1, false, -1};
    size_t n_name = strcspn(p + 1, "{}\n");
    struct piece piece = {p, 1 + n_name + (p[1 + n_name] == '}'), true, -1};
    for (int i = 0; i < N_PLACES; i++)
        if (p[1 + n_name] == '}' && strlen(place_names[i]) == n_name &&
            memcmp(place_names[i], p + 1, n_name) == 0)
            piece.place = i;
    return piece;
}

bool template_check(const char *text, unsigned known, unsigned needed, GError **error)
{
    unsigned found = 0;
    for (const char *p = text; *p;) {
        struct piece piece = read_piece(p);
        p = piece.start + piece.n_bytes;
        if (!piece.is_place)
            continue;
        if (piece.place < 0) {
            g_autofree char *shown = g_utf8_make_valid(piece.start, (gssize)MIN(piece.n_bytes, 60));
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                        "unknown place '%s' (a literal brace is written '{{')", shown);
            return false;
        }
        if (!(known & 1u << piece.place)) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "place '{%s}' %s",
                        place_names[piece.place],
                        piece.place == PLACE_ANSWER
                            ? "is the ground truth, which cannot stand in this template"
                            : "has no value in this template");
            return false;
        }
        found |= 1u << piece.place;
    }
    for (int i = 0; i < N_PLACES; i++) {
        if (needed & ~found & 1u << i) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "missing place '{%s}'",
                        place_names[i]);
            return false;
        }
    }
    return true;
}

char *template_fill(const char *text, const char *const values[N_PLACES])
{
    GString *out = g_string_new(NULL);
    for (const char *p = text; *p;) {
        struct piece piece = read_piece(p);
        p = piece.start + piece.n_bytes;
        if (!piece.is_place) {
            g_string_append_len(out, piece.start, (gssize)piece.n_bytes);
            continue;
        }
        g_assert(piece.place >= 0 && values[piece.place]);
        g_string_append(out, values[piece.place]);
    }
    return g_string_free(out, FALSE);
}

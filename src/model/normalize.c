#include "model/normalize.h"

#include "base/error.h"

#include <string.h>

enum step_kind { STEP_NFC, STEP_PREPEND, STEP_REPLACE };

struct step {
    enum step_kind kind;
    char *text; /* the prefix or the content */
    struct split_regex *regex;
};

struct normalizer {
    GArray *steps; /* struct step */
};

struct normalizer *normalizer_new(void)
{
    struct normalizer *normalizer = g_new(struct normalizer, 1);
    normalizer->steps = g_array_new(FALSE, FALSE, sizeof(struct step));
    return normalizer;
}

void normalizer_free(struct normalizer *normalizer)
{
    if (!normalizer)
        return;
    for (guint i = 0; i < normalizer->steps->len; i++) {
        struct step *step = &g_array_index(normalizer->steps, struct step, i);
        split_regex_free(step->regex);
        g_free(step->text);
    }
    g_array_unref(normalizer->steps);
    g_free(normalizer);
}

static void add_step(struct normalizer *normalizer, enum step_kind kind, const char *text,
                     struct split_regex *regex)
{
    struct step step = {kind, g_strdup(text), regex};
    g_array_append_val(normalizer->steps, step);
}

void normalizer_add_nfc(struct normalizer *normalizer)
{
    add_step(normalizer, STEP_NFC, NULL, NULL);
}

void normalizer_add_prepend(struct normalizer *normalizer, const char *prefix)
{
    add_step(normalizer, STEP_PREPEND, prefix, NULL);
}

void normalizer_add_replace(struct normalizer *normalizer, struct split_regex *regex,
                            const char *content)
{
    add_step(normalizer, STEP_REPLACE, content, regex);
}

bool normalizer_is_empty(const struct normalizer *normalizer)
{
    return normalizer->steps->len == 0;
}

/* GLib stops at a NUL, which is its own normal form. */
static void run_nfc(const char *text, size_t n_bytes, GString *out)
{
    for (const char *p = text, *end = text + n_bytes; p < end;) {
        const char *nul = memchr(p, '\0', (size_t)(end - p));
        g_autofree char *normal = g_utf8_normalize(p, (nul ? nul : end) - p, G_NORMALIZE_NFC);
        g_string_append(out, normal);
        if (!nul)
            break;
        g_string_append_c(out, '\0');
        p = nul + 1;
    }
}

static bool is_ascii(const char *text, size_t n_bytes)
{
    unsigned char high = 0;
    for (size_t i = 0; i < n_bytes; i++)
        high |= (unsigned char)text[i];
    return high < 0x80;
}

static bool run_replace(const struct step *step, struct split_scratch *scratch, const char *text,
                        size_t n_bytes, size_t max_bytes, GString *out, GError **error)
{
    size_t done = 0, from = 0, start, end, n_content = strlen(step->text);
    while (from <= n_bytes && out->len <= max_bytes) {
        enum split_result result =
            split_regex_find(step->regex, scratch, text, n_bytes, from, &start, &end, error);
        if (result == SPLIT_FAILED)
            return false;
        if (result == SPLIT_NONE)
            break;
        g_string_append_len(out, text + done, (gssize)(start - done));
        g_string_append_len(out, step->text, (gssize)n_content);
        done = end;
        from =
            end > start
                ? end
                : end + (end < n_bytes ? (size_t)(g_utf8_next_char(text + end) - (text + end)) : 1);
    }
    g_string_append_len(out, text + done, (gssize)(n_bytes - done));
    return true;
}

static bool run_step(const struct step *step, struct split_scratch *scratch, const char *text,
                     size_t n_bytes, size_t max_bytes, GString *out, GError **error)
{
    switch (step->kind) {
    case STEP_NFC:
        if (is_ascii(text, n_bytes))
            g_string_append_len(out, text, (gssize)n_bytes);
        else
            run_nfc(text, n_bytes, out);
        return true;
    case STEP_PREPEND:
        g_string_append(out, n_bytes > 0 ? step->text : "");
        g_string_append_len(out, text, (gssize)n_bytes);
        return true;
    case STEP_REPLACE:
        return run_replace(step, scratch, text, n_bytes, max_bytes, out, error);
    }
    g_assert_not_reached();
}

bool normalizer_run(const struct normalizer *normalizer, struct split_scratch *scratch,
                    const char *text, size_t n_bytes, size_t max_bytes, GString *out,
                    GError **error)
{
    g_autoptr(GString) from = g_string_new_len(text, (gssize)n_bytes);
    g_autoptr(GString) to = g_string_sized_new(n_bytes + 16);
    for (guint i = 0; i < normalizer->steps->len; i++) {
        const struct step *step = &g_array_index(normalizer->steps, struct step, i);
        g_string_truncate(to, 0);
        if (!run_step(step, scratch, from->str, from->len, max_bytes, to, error))
            return false;
        if (to->len > max_bytes) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                        "the normalised text passes %zu bytes", max_bytes);
            return false;
        }
        GString *swap = from;
        from = to;
        to = swap;
    }
    g_string_append_len(out, from->str, (gssize)from->len);
    return true;
}

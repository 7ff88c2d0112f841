/* pretokenize.c -- steps nest: a piece that one step leaves goes through all later ones before the next piece is cut,
 * so nothing is kept but the piece at hand. */
#include "model/pretokenize.h"

#include <string.h>

enum step_kind { STEP_SPLIT, STEP_PREFIX_SPACE, STEP_METASPACE };

struct step {
    enum step_kind kind;
    struct split_regex *regex;
    enum split_behavior behavior;
    bool invert;
    char *mark;
    enum prepend_scheme scheme;
};

struct pretokenizer {
    GArray *steps; /* struct step */
};

struct run {
    const struct pretokenizer *pretokenizer;
    struct split_scratch *scratch;
    pretoken_done *done;
    void *user;
    GError **error;
};

struct pretokenizer *pretokenizer_new(void)
{
    struct pretokenizer *pretokenizer = g_new(struct pretokenizer, 1);
    pretokenizer->steps = g_array_new(FALSE, FALSE, sizeof(struct step));
    return pretokenizer;
}

void pretokenizer_free(struct pretokenizer *pretokenizer)
{
    if (!pretokenizer)
        return;
    for (guint i = 0; i < pretokenizer->steps->len; i++) {
        struct step *step = &g_array_index(pretokenizer->steps, struct step, i);
        split_regex_free(step->regex);
        g_free(step->mark);
    }
    g_array_unref(pretokenizer->steps);
    g_free(pretokenizer);
}

void pretokenizer_add_split(struct pretokenizer *pretokenizer, struct split_regex *regex,
                            enum split_behavior behavior, bool invert)
{
    struct step step = {.kind = STEP_SPLIT, .regex = regex, .behavior = behavior, .invert = invert};
    g_array_append_val(pretokenizer->steps, step);
}

void pretokenizer_add_prefix_space(struct pretokenizer *pretokenizer)
{
    struct step step = {.kind = STEP_PREFIX_SPACE};
    g_array_append_val(pretokenizer->steps, step);
}

void pretokenizer_add_metaspace(struct pretokenizer *pretokenizer, const char *mark,
                                enum prepend_scheme scheme)
{
    struct step step = {.kind = STEP_METASPACE, .mark = g_strdup(mark), .scheme = scheme};
    g_array_append_val(pretokenizer->steps, step);
}

static bool run_step(const struct run *run, guint i_step, const char *text, size_t n_bytes,
                     bool at_start);

/* A stretch of the text that matched, or did not. */
struct span {
    size_t start, end;
    bool match;
};

/* The pieces of one split step: spans come in order, and `open` waits for what the next one does to it. */
struct splitter {
    const struct run *run;
    guint i_next;
    enum split_behavior behavior;
    const char *text;
    bool at_start, has_open;
    struct span open;
};

static bool splitter_close(struct splitter *s)
{
    bool dropped = !s->has_open || s->open.start == s->open.end ||
                   (s->behavior == SPLIT_REMOVED && s->open.match);
    s->has_open = false;
    return dropped || run_step(s->run, s->i_next, s->text + s->open.start,
                               s->open.end - s->open.start, s->at_start && s->open.start == 0);
}

static bool splitter_add(struct splitter *s, struct span span)
{
    bool joins = false;
    if (s->has_open)
        switch (s->behavior) {
        case SPLIT_ISOLATED:
        case SPLIT_REMOVED:
            break;
        case SPLIT_MERGED_WITH_PREVIOUS:
            joins = span.match && !s->open.match;
            break;
        case SPLIT_MERGED_WITH_NEXT:
            joins = !span.match && s->open.match;
            break;
        case SPLIT_CONTIGUOUS:
            joins = span.match == s->open.match;
            break;
        }
    if (joins) {
        s->open.end = span.end;
        s->open.match = span.match;
        return true;
    }
    if (!splitter_close(s))
        return false;
    s->open = span;
    s->has_open = true;
    return true;
}

static bool run_split(const struct run *run, guint i_step, const struct step *step,
                      const char *text, size_t n_bytes, bool at_start)
{
    struct splitter s = {.run = run,
                         .i_next = i_step + 1,
                         .behavior = step->behavior,
                         .text = text,
                         .at_start = at_start};
    size_t done = 0,
           from = 0; /* all before `done` is in spans; the next match starts at `from` or later */
    size_t start, end;
    bool matched = false;
    while (from <= n_bytes) {
        enum split_result result = split_regex_find(step->regex, run->scratch, text, n_bytes, from,
                                                    &start, &end, run->error);
        if (result == SPLIT_FAILED)
            return false;
        if (result == SPLIT_NONE)
            break;
        /* An empty match right after a match is none. */
        if (!matched || end > start || start > done) {
            if (done < start && !splitter_add(&s, (struct span){done, start, step->invert}))
                return false;
            if (!splitter_add(&s, (struct span){start, end, !step->invert}))
                return false;
            done = end;
            matched = true;
        }
        /* After an empty match the search goes on one character later. */
        from =
            end > start
                ? end
                : end + (end < n_bytes ? (size_t)(g_utf8_next_char(text + end) - (text + end)) : 1);
    }
    if (done < n_bytes && !splitter_add(&s, (struct span){done, n_bytes, step->invert}))
        return false;
    return splitter_close(&s);
}

static bool run_prefix_space(const struct run *run, guint i_step, const char *text, size_t n_bytes,
                             bool at_start)
{
    if (text[0] == ' ')
        return run_step(run, i_step + 1, text, n_bytes, at_start);
    GString *spaced = g_string_sized_new(n_bytes + 2);
    g_string_append_c(spaced, ' ');
    g_string_append_len(spaced, text, (gssize)n_bytes);
    bool good = run_step(run, i_step + 1, spaced->str, spaced->len, at_start);
    g_string_free(spaced, TRUE);
    return good;
}

static bool run_metaspace(const struct run *run, guint i_step, const struct step *step,
                          const char *text, size_t n_bytes, bool at_start)
{
    size_t n_mark = strlen(step->mark);
    GString *marked = g_string_sized_new(n_bytes + n_bytes / 2 + n_mark + 1);
    bool starts = text[0] == ' ' || (n_bytes >= n_mark && memcmp(text, step->mark, n_mark) == 0);
    if (!starts && (step->scheme == PREPEND_ALWAYS || (step->scheme == PREPEND_FIRST && at_start)))
        g_string_append_len(marked, step->mark, (gssize)n_mark);
    for (const char *p = text, *end = text + n_bytes; p < end;) {
        const char *space = memchr(p, ' ', (size_t)(end - p));
        g_string_append_len(marked, p, (space ? space : end) - p);
        if (!space)
            break;
        g_string_append_len(marked, step->mark, (gssize)n_mark);
        p = space + 1;
    }
    bool good = run_step(run, i_step + 1, marked->str, marked->len, at_start);
    g_string_free(marked, TRUE);
    return good;
}

/* The piece `text`, never empty, goes through the steps from `i_step` on. */
static bool run_step(const struct run *run, guint i_step, const char *text, size_t n_bytes,
                     bool at_start)
{
    const GArray *steps = run->pretokenizer->steps;
    if (i_step == steps->len)
        return run->done(run->user, text, n_bytes, run->error);
    const struct step *step = &g_array_index(steps, struct step, i_step);
    switch (step->kind) {
    case STEP_SPLIT:
        return run_split(run, i_step, step, text, n_bytes, at_start);
    case STEP_PREFIX_SPACE:
        return run_prefix_space(run, i_step, text, n_bytes, at_start);
    case STEP_METASPACE:
        return run_metaspace(run, i_step, step, text, n_bytes, at_start);
    }
    g_assert_not_reached();
}

bool pretokenizer_run(const struct pretokenizer *pretokenizer, struct split_scratch *scratch,
                      const char *text, size_t n_bytes, bool at_start, pretoken_done *done,
                      void *user, GError **error)
{
    struct run run = {pretokenizer, scratch, done, user, error};
    return n_bytes == 0 || run_step(&run, 0, text, n_bytes, at_start);
}

/* reader.h -- streams the records of any file that fire reads.
 *
 * The form is recognised by content: JSON Lines of samples or dialogues (DESIGN.md 4), or one JSON
 * array in the official FIRE layout, the LLaVA layout (student and teacher training files too), or
 * the in-place loop files (`student_history`, `scores`); records of any of these forms may stand
 * one a line as well. Arrays are split by brackets and strings first and parsed record by record,
 * so that a broken record between intact brackets is one bad record, and memory stays at one record
 * plus 16 bytes for each id seen.
 *
 *   while ((status = reader_next(reader, &record, &error)) != READER_END) ...
 */
#ifndef FIRE_DATA_READER_H
#define FIRE_DATA_READER_H

#include "data/dialogue.h"
#include "data/protocol.h"

enum record_form {
    FORM_SAMPLE,   /* our sample line */
    FORM_DIALOGUE, /* our dialogue line */
    FORM_FIRE,     /* official: question, groundtruth, conversations of role/type/value */
    FORM_LLAVA, /* id, image, conversations of from/value: first pair = question and ground truth */
    FORM_LOOP,  /* a LLaVA record with student_history, teacher_history, scores */
};

enum reader_status {
    READER_RECORD, /* `record` is usable for the reader's need */
    READER_BAD,    /* `record` holds number, raw and cause; nothing of it can be used */
    READER_END,
    READER_FAILED, /* the file cannot be used (any more); `error` is set; what was read before
                      stands */
};

struct record {
    size_t number;   /* 1-based */
    const char *raw; /* the record verbatim, borrowed until the next call */
    size_t n_raw;
    enum record_form form;
    struct dialogue
        dialogue;   /* owned by the reader until the next call; take it by copying and zeroing */
    int n_disagree; /* turns whose `score` list entry differs from the text's score */
    const char
        *cause; /* READER_BAD: a stable name for counting: "missing-key", "wrong-type", "no-turns",
                   "turn-order", "no-score", "score-range", "bad-utf8", "bad-json", ... */
    const char *detail; /* READER_BAD: the one-line message, without file and number; borrowed */
};

/* What the caller needs of a record decides what is bad. */
enum reader_need {
    NEED_SAMPLE,   /* question, answer, source; turns may be anything */
    NEED_DIALOGUE, /* turns in order; a score may be missing */
    NEED_ALL,      /* lint: everything that DESIGN.md and the issue call a defect, pictures apart */
};

struct reader;

/* `path` "-" is standard input. `protocol` decides label-score and score-parse (borrowed).
 * FIRE_ERROR_IO or FORMAT where the file is absent, empty, a folder, or not JSON. */
struct reader *reader_open(const char *path, enum reader_need need, const struct protocol *protocol,
                           GError **error);
enum reader_status reader_next(struct reader *reader, struct record *record, GError **error);
void reader_close(struct reader *reader); /* accepts NULL */

/* Bytes read so far and in all (0: not known), for a progress line. */
void reader_position(const struct reader *reader, uint64_t *done, uint64_t *total);

#endif

/* reader.h -- streams the records of any file that fire reads.
 *
 * The form is recognised by content: JSON Lines of samples or dialogues (DESIGN.md 4), or one JSON
 * array in the official FIRE layout, the LLaVA layout (student and teacher training files too), or
 * the in-place loop files (`student_history`, `scores`); records of any of these forms may stand
 * one a line as well. Arrays are split by brackets and strings first and parsed record by record,
 * so that a broken record between intact brackets is one bad record, and memory stays at one record
 * plus 16 bytes for each id seen.
 *
 *   struct record *record;
 *   while ((status = reader_next(reader, &record, &error)) <= READER_BAD) ...
 */
#ifndef FIRE_DATA_READER_H
#define FIRE_DATA_READER_H

#include "data/dialogue.h"
#include "data/ids.h"
#include "data/protocol.h"

#include <stdint.h>

struct source;

enum record_form {
    FORM_SAMPLE,   /* our sample line */
    FORM_DIALOGUE, /* our dialogue line */
    FORM_FIRE,     /* official: question, groundtruth, conversations of role/type/value */
    FORM_LLAVA,    /* id, image, conversations of from/value: question and ground truth first */
    FORM_LOOP,     /* a LLaVA record with student_history, teacher_history, scores */
};

enum reader_status {
    READER_RECORD, /* the record is usable for the reader's need */
    READER_BAD,    /* the record holds number, raw and cause; nothing of it can be used */
    READER_END,
    READER_FAILED, /* the file cannot be used on; `error` is set, what was read before stands */
};

struct record {
    size_t number; /* 1-based */
    /* The record verbatim, borrowed until the next call; empty where it was too long to be held. */
    const char *raw;
    size_t n_raw;
    enum record_form form;
    /* Of a bad record only sample.id, and that only where it could be read. */
    struct dialogue dialogue;
    int n_disagree;     /* turns whose text gives another score than the list or key beside it */
    const char *cause;  /* READER_BAD: a stable name for counting (flaw.h); static */
    const char *detail; /* READER_BAD: the one-line message, without file and number; borrowed */
};

/* What the caller needs of a record decides what is bad. */
enum reader_need {
    /* Question, answer, source; turns are not read. */
    NEED_SAMPLE,
    /* Turns in order, the last perhaps without feedback; a score may be missing. A sample without
     * turns is bad, unless `stop` says that it ended so. */
    NEED_DIALOGUE,
    /* Lint: everything that is a defect (flaw.h), pictures apart. */
    NEED_ALL,
};

struct reader;

/* `path` "-" is standard input. `protocol` decides label-score and score-parse (borrowed).
 * FIRE_ERROR_IO or FORMAT where the file is absent, empty, a folder, or not JSON. */
struct reader *reader_open(const char *path, enum reader_need need, const struct protocol *protocol,
                           GError **error);

/* Reads samples from a native file of another dataset (sources/source.h). `images` is the folder
 * that their pictures' paths are relative to. */
struct reader *reader_open_source(const char *path, const struct source *source, const char *images,
                                  GError **error);

/* Ids are unique in a file. Call this before the first record, and they are unique among all
 * readers that share `ids` (borrowed). */
void reader_use_ids(struct reader *reader, struct ids *ids);

/* `*record` belongs to the reader and holds until the next call. To keep its dialogue, copy that
 * struct and zero it in the record. Not to be called again after READER_END or READER_FAILED. */
enum reader_status reader_next(struct reader *reader, struct record **record, GError **error);

void reader_close(struct reader *reader); /* accepts NULL */

/* Bytes read so far and in all (0: not known), for a progress line. */
void reader_position(const struct reader *reader, uint64_t *done, uint64_t *total);

#endif

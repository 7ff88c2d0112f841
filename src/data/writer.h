/* writer.h -- dialogues out: our lines, the released layout, its training files, the LLaVA layout
 * (PAPER.md 2.2, 2.3). */
#ifndef FIRE_DATA_WRITER_H
#define FIRE_DATA_WRITER_H

#include "data/dialogue.h"
#include "data/flaw.h"
#include "data/protocol.h"

enum layout {
    LAYOUT_JSONL,        /* our sample and dialogue lines */
    LAYOUT_FIRE,         /* one array of official records; what the reader kept of one comes back */
    LAYOUT_FIRE_STUDENT, /* one array of training rows in the LLaVA layout */
    LAYOUT_FIRE_TEACHER,
    LAYOUT_LLAVA, /* one array; each dialogue's sample as a pair of question and ground truth */
};

/* False where `name` (jsonl, fire, fire-student, fire-teacher, llava) is none. */
bool layout_from_name(const char *name, enum layout *layout);

/* Does the layout show a dialogue's turns, or its sample only? */
bool layout_has_turns(enum layout layout);

struct writer_options {
    enum layout layout;
    const struct protocol *protocol; /* r1-role; feedback and score-parse: what the student is shown
                                        of a feedback. Borrowed */
    const char *teacher_instruction; /* the second human turn of a teacher row; borrowed */
};

struct writer;

/* The file appears when it is whole (base/atomic_file.h). */
struct writer *writer_open(const char *path, const struct writer_options *options, GError **error);

/* False with flaw "no-target" where the layout can show nothing of this dialogue: a student row
 * without an answer to learn, a teacher row without a feedback. */
bool writer_add(struct writer *writer, const struct dialogue *dialogue, struct flaw *flaw);

/* Both free the writer. `discard` leaves no file. */
bool writer_commit(struct writer *writer, GError **error);
void writer_discard(struct writer *writer); /* accepts NULL */

/* One record of the layout. NULL with a flaw. New reference. */
json_t *writer_convert(const struct writer_options *options, const struct dialogue *dialogue,
                       struct flaw *flaw);

#endif

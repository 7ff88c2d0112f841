/* sample.h -- one question about one picture, with its ground truth. */
#ifndef FIRE_DATA_SAMPLE_H
#define FIRE_DATA_SAMPLE_H

#include "base/json.h"

#include <glib.h>
#include <stdbool.h>

/* A zeroed struct is an empty sample. Strings are UTF-8, owned by the sample. */
struct sample {
    char *id;     /* unique in its file */
    char *source; /* name of the source dataset: "vqav2" */
    char *image;  /* path relative to the images folder, or a data: URL; NULL: no picture */
    char *question;
    char *answer;   /* ground truth */
    char **answers; /* all accepted answers, NULL-terminated; NULL where only `answer` is */
    char **choices; /* options of a multiple-choice question, NULL-terminated; NULL: none */
    json_t *meta;   /* object with what else is known ("answer-match", "fire"), or NULL */
};

/* Frees what the sample holds and zeroes it. */
void sample_clear(struct sample *sample);

void sample_copy(struct sample *to, const struct sample *from);

/* The id of DESIGN.md 4 for a sample that has none: SOURCE-, then 12 hex digits of SHA-256 of
 * image, question and answer joined by U+001F. Free with g_free. */
char *sample_make_id(const struct sample *sample);

/* Adds the sample's keys to `object` in the order of DESIGN.md 4. */
void sample_to_json(const struct sample *sample, json_t *object);

/* The object's `id`: a string, or a whole number as its digits; NULL where it is neither. Free with
 * g_free. */
char *sample_read_id(const json_t *object);

/* Reads a sample line's keys. `id` may be missing (left NULL). FIRE_ERROR_FORMAT names the key that
 * is missing or has the wrong type. `*sample` is untouched on failure. */
bool sample_from_json(struct sample *sample, const json_t *object, GError **error);

#endif

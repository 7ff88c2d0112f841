/* source.h -- the datasets whose native files `fire import` reads, one row each.
 *
 * Adding one: write NAME.c with a convert function, declare it below, add its row to sources.c, and a
 * case to tests/test_sources.c. SOURCES.md of the reference material describes the layouts. */
#ifndef FIRE_DATA_SOURCES_SOURCE_H
#define FIRE_DATA_SOURCES_SOURCE_H

#include "data/flaw.h"
#include "data/sample.h"

/* What a conversion may know beside the record. */
struct source_file {
    const char *path;   /* of the native file */
    const char *images; /* the folder that the pictures' paths are to be relative to */
};

/* One dataset. Its files hold one JSON array, or JSON Lines, of native records, each of which gives
 * one sample. */
struct source {
    const char *name;  /* --from NAME */
    const char *files; /* which files to name, for --help */
    /* Fills `*sample` (zeroed; id may stay NULL). False with a flaw where the record is no sample;
     * what was filled in is freed by the caller. */
    bool (*convert)(const struct source_file *file, const json_t *record, struct sample *sample,
                    struct flaw *flaw);
};

/* Ended by a row whose name is NULL. */
extern const struct source sources[];

/* NULL where there is none of that name. */
const struct source *source_find(const char *name);

bool chartqa_convert(const struct source_file *file, const json_t *record, struct sample *sample,
                     struct flaw *flaw);
bool llava_convert(const struct source_file *file, const json_t *record, struct sample *sample,
                   struct flaw *flaw);

#endif

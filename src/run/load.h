/* load.h -- data files into the run: the samples that a setting can use, and the records that it cannot. */
#ifndef FIRE_RUN_LOAD_H
#define FIRE_RUN_LOAD_H

#include "data/reader.h"
#include "image/wire.h"
#include "store/store.h"

/* SHA-256 over the bytes of the data files (NULL-terminated), in order: what of the data identifies a run. Free with
 * g_free. */
char *load_hash(char *const *files, GError **error);

struct load_options {
    char *const *files; /* NULL-terminated */
    const char *images; /* --images; NULL: each file's own folder */
    enum reader_need need;
    const struct protocol *protocol;
    const char *rejects; /* --rejects; NULL: none */
    bool strict;
};

/* Puts the samples of `files` into the store, with recorded turns where the need is one for dialogues, all or nothing; a run
 * that has its samples keeps them. A record that cannot be used (also because its picture is missing or broken) is told
 * on stderr and kept in the run and in `rejects`; a run that goes on tells them again. */
bool load_samples(struct store *store, const struct load_options *options, GError **error);

/* The picture of a sample of data file `file` as a model server can take it; the sample has one. Clear with
 * wire_image_clear. */
bool load_picture(struct wire_image *wire, const struct sample *sample, const char *file,
                  const char *images, GError **error);

#endif

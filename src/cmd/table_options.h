/* table_options.h -- the options of every command that prints metrics: form, baseline, intervals. */
#ifndef FIRE_CMD_TABLE_OPTIONS_H
#define FIRE_CMD_TABLE_OPTIONS_H

#include "data/complaint.h"
#include "metric/free_set.h"
#include "report/table.h"

#include <stdio.h>

/* As written on the command line; a zeroed struct has nothing given. Strings are owned. */
struct table_options {
    gboolean as_json, paper;
    char *format, *baseline, *resamples, *resample_seed;
    /* Checked by table_options_check. */
    enum table_format table_format;
    int n_resamples;
    uint64_t seed;
    double baseline_rounds; /* `--baseline NUMBER`; NAN: none */
    bool has_baseline_file;
};

/* Appends the rows to a GOptionEntry array. */
void table_options_add(struct table_options *options, GArray *entries);
bool table_options_check(struct table_options *options, GError **error);
void table_options_clear(struct table_options *options);

/* The dialogues of `--baseline FILE|RUN.db` into `set`; nothing where none was given. FIRE_ERROR_FORMAT where it holds no
 * dialogue. */
bool table_options_read_baseline(const struct table_options *options, struct free_set *set,
                                 const struct protocol *protocol, struct complaints *complaints,
                                 GError **error);

/* AT, ADR, ATR, RR of `set` as JSON or as tables on `out`. `note` and `extra` (an object whose members join the JSON) say
 * where the numbers come from; both may be NULL. `n_failed` is set to the failed dialogues, which are in no metric. */
bool table_options_print_free(const struct table_options *options, struct free_set *set,
                              struct free_set *baseline, const struct protocol *protocol,
                              const char *note, json_t *extra, FILE *out, int *n_failed,
                              GError **error);

/* `object` on one line. */
void print_json(FILE *out, const json_t *object);

#endif

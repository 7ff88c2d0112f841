/* run_options.h -- the options that every command shares which runs models over samples. */
#ifndef FIRE_CMD_RUN_OPTIONS_H
#define FIRE_CMD_RUN_OPTIONS_H

#include "cmd/engine_settings.h"
#include "cmd/role_options.h"
#include "data/protocol.h"

#include <stdint.h>

/* As written on the command line; a zeroed struct has nothing given. Owned. */
struct run_options {
    char *run;    /* --run: the run database */
    char *images; /* --images */
    char *protocol_name;
    char **set; /* --set NAME=VALUE, repeated */
    char *prompts;
    char *rejects;
    int jobs, retries, repair, max_failures;
    double timeout_s, dialogue_timeout_s;
    gboolean strict;
    struct role_options student, teacher, both;
    struct engine_settings engine; /* of model folders */
    char *constrain;               /* --constrain: "score", or NULL */
};

/* Fills in the defaults of DESIGN.md 4. */
void run_options_init(struct run_options *options);
void run_options_clear(struct run_options *options);
/* Appends the rows of all options but the roles'. */
void run_options_add(struct run_options *options, GArray *entries);
/* Range checks; a run database must be named. */
bool run_options_check(const struct run_options *options, GError **error);

/* Rows for a GOptionEntry table. */
#define PROTOCOL_OPTION(name)                                                                      \
    {                                                                                              \
        "protocol", 0, 0, G_OPTION_ARG_STRING, &(name), "Named rules: paper (default), official",  \
            "NAME"                                                                                 \
    }
#define SET_OPTION(list)                                                                           \
    {                                                                                              \
        "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &(list), "Override one rule; may be repeated",     \
            "OPTION=VALUE"                                                                         \
    }

/* `--protocol` and every `--set`; `name` NULL: paper. */
bool protocol_from_options(struct protocol *protocol, const char *name, char *const *set,
                           GError **error);

#endif

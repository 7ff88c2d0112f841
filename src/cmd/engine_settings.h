/* engine_settings.h -- the options of every command that runs a model folder itself. */
#ifndef FIRE_CMD_ENGINE_SETTINGS_H
#define FIRE_CMD_ENGINE_SETTINGS_H

#include "model/engine.h"

/* As written; a zeroed struct has nothing given. Strings are owned. */
struct engine_settings {
    char *tower, *weights, *compute, *memory;
    char *template_name; /* of the chat template */
};

void engine_settings_clear(struct engine_settings *settings);
/* Appends the rows --vision-tower, --weights, --compute, --memory, --template. */
void engine_settings_add(struct engine_settings *settings, GArray *entries);
/* Also chooses the backend: the machine's best, or what the environment's FIRE_ISA asks for (ref, avx2, avx512, amx), which
 * is for tests; once a program. FIRE_ERROR_USAGE names the option. What `options` borrows belongs to `settings`. */
bool engine_settings_resolve(const struct engine_settings *settings, struct engine_options *options,
                             GError **error);

#endif

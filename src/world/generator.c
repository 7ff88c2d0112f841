#include "world/generator.h"

#include <inttypes.h>
#include <string.h>

const struct generator *const generators[] = {&generator_counting, NULL};

const struct generator *generator_find(const char *name)
{
    for (size_t i = 0; generators[i]; i++)
        if (strcmp(generators[i]->name, name) == 0)
            return generators[i];
    return NULL;
}

void generator_make(const struct generator *generator, struct scene *scene, uint64_t seed,
                    uint64_t index)
{
    *scene = (struct scene){.generator = generator, .seed = seed, .index = index};
    scene->id = g_strdup_printf("%s-%" PRIu64 "-%05" PRIu64, generator->name, seed, index);
    generator->make(scene);
}

/* world.h -- a folder of procedural pictures.
 *
 *   DIR/scenes.jsonl      the scenes: the ground truth of everything, and the mark of a world
 *   DIR/images/NNNNN.png  one picture a scene
 *   DIR/samples.jsonl     the samples of DESIGN.md 4, pictures relative to DIR */
#ifndef FIRE_WORLD_WORLD_H
#define FIRE_WORLD_WORLD_H

#include "world/generator.h"

#define WORLD_MAX_SCENES 100000 /* file names have five digits */

/* Writes scenes 0 .. n - 1 of `seed` into `dir`, which is made where it is absent. A folder that
 * holds anything is refused unless it is a world, which is then replaced (other files in it stay).
 * The same call again changes nothing, and finishes what a killed one began. */
bool world_write(const char *dir, const struct generator *generator, uint64_t seed, uint64_t n,
                 GError **error);

struct world;

/* Reads the scenes of a world; FIRE_ERROR_IO or FORMAT names file and line. */
struct world *world_open(const char *dir, GError **error);
void world_close(struct world *world); /* accepts NULL */

/* Borrowed; NULL where there is none. */
const struct scene *world_find(const struct world *world, const char *id);

#endif

/* draw.h -- paints a scene with Cairo. */
#ifndef FIRE_WORLD_DRAW_H
#define FIRE_WORLD_DRAW_H

#include "image/image.h"
#include "world/scene.h"

/* Same scene, same pixels, with the same version of Cairo. The inside of a mark has its colour's
 * exact value; edges are smoothed. FIRE_ERROR_FORMAT where Cairo fails (memory). */
bool scene_draw(const struct scene *scene, struct image *image, GError **error);

#endif

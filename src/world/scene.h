/* scene.h -- what one procedural picture shows, and what is asked about it.
 *
 * A scene is plain data in whole pixels: a generator makes it from a seed, draw.h paints it, the
 * world's teacher judges by it. One line of scenes.jsonl each. */
#ifndef FIRE_WORLD_SCENE_H
#define FIRE_WORLD_SCENE_H

#include "base/json.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum shape { SHAPE_CIRCLE, SHAPE_SQUARE, SHAPE_TRIANGLE, SHAPE_STAR, N_SHAPES };

enum colour {
    COLOUR_RED,
    COLOUR_BLUE,
    COLOUR_GREEN,
    COLOUR_YELLOW,
    COLOUR_PURPLE,
    COLOUR_ORANGE,
    COLOUR_BLACK,
    N_COLOURS
};

enum background { BACKGROUND_WHITE, BACKGROUND_CREAM, BACKGROUND_PALE_BLUE, N_BACKGROUNDS };

extern const char *const shape_names[N_SHAPES];
extern const char *const colour_names[N_COLOURS];
extern const char *const background_names[N_BACKGROUNDS];

/* One thing in the picture: a shape inside the circle of `radius` around (x, y). */
struct mark {
    enum shape shape;
    enum colour colour;
    int x, y, radius;
};

#define TARGET_ANY (-1)

/* The marks that the question is about. */
struct target {
    int shape;  /* enum shape or TARGET_ANY */
    int colour; /* enum colour or TARGET_ANY */
};

/* A zeroed struct is an empty scene. */
struct scene {
    char *id;
    const struct generator *generator;
    uint64_t seed; /* at most 2^63 - 1 */
    uint64_t index;
    int width, height;
    enum background background;
    struct mark *marks;
    size_t n_marks;
    struct target target;
    char *question, *answer;
};

void scene_clear(struct scene *scene);

void scene_add_mark(struct scene *scene, const struct mark *mark);
bool target_matches(const struct target *target, const struct mark *mark);

/* "red circles", "shapes"; free with g_free. */
char *target_name(const struct target *target, bool plural);

/* New reference: the keys of scenes.jsonl, documented in README.md. */
json_t *scene_to_json(const struct scene *scene);

/* FIRE_ERROR_FORMAT names the key that is missing, of the wrong type or out of range. `*scene` is
 * untouched on failure. */
bool scene_from_json(struct scene *scene, const json_t *object, GError **error);

#endif

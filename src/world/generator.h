/* generator.h -- a kind of scene: how it is made, judged and guessed at.
 *
 * One const struct a kind, in its own file, named in the table of generator.c. The functions are
 * pure: what they return depends on their arguments alone. */
#ifndef FIRE_WORLD_GENERATOR_H
#define FIRE_WORLD_GENERATOR_H

#include "world/scene.h"

/* What the teacher says of an answer. */
struct verdict {
    int score;     /* 1 .. 10; 10: right */
    char *comment; /* helps, but does not state the ground truth; free with g_free */
};

/* What a novice knows when it answers. */
struct novice_view {
    const char *previous; /* its own newest answer; NULL: it has given none */
    const char *feedback; /* what it was told about it; NULL with `previous` */
};

/* What it says. */
struct attempt {
    char *thought, *answer; /* free with g_free */
};

struct generator {
    const char *name;    /* also the `source` of its samples */
    const char *summary; /* for --help and docs */
    /* Fills a scene whose id, generator, seed and index are set, from these alone. */
    void (*make)(struct scene *scene);
    /* `answer` is any text. */
    void (*judge)(const struct scene *scene, const char *answer, struct verdict *verdict);
    /* Looks at the ground truth for one thing only: where to put the first, often wrong answer.
     * From then on it moves by the feedback's words alone. */
    void (*attempt)(const struct scene *scene, const struct novice_view *view,
                    struct attempt *attempt);
};

extern const struct generator generator_counting;

/* The table, ended by NULL. */
extern const struct generator *const generators[];

/* NULL where there is none of that name. */
const struct generator *generator_find(const char *name);

/* Makes scene `index` of `seed` (at most 2^63 - 1). The same on every machine. */
void generator_make(const struct generator *generator, struct scene *scene, uint64_t seed,
                    uint64_t index);

#endif

#include "world/scene.h"

#include "base/error.h"
#include "world/generator.h"

#include <string.h>

#define MAX_SIDE 4096
#define MAX_MARKS 1000

const char *const shape_names[N_SHAPES] = {"circle", "square", "triangle", "star"};
const char *const colour_names[N_COLOURS] = {"red",    "blue",   "green", "yellow",
                                             "purple", "orange", "black"};
const char *const background_names[N_BACKGROUNDS] = {"white", "cream", "pale blue"};

void scene_clear(struct scene *scene)
{
    g_free(scene->id);
    g_free(scene->marks);
    g_free(scene->question);
    g_free(scene->answer);
    *scene = (struct scene){0};
}

void scene_add_mark(struct scene *scene, const struct mark *mark)
{
    scene->marks = g_renew(struct mark, scene->marks, scene->n_marks + 1);
    scene->marks[scene->n_marks++] = *mark;
}

bool target_matches(const struct target *target, const struct mark *mark)
{
    return (target->shape == TARGET_ANY || target->shape == (int)mark->shape) &&
           (target->colour == TARGET_ANY || target->colour == (int)mark->colour);
}

char *target_name(const struct target *target, bool plural)
{
    const char *colour = target->colour == TARGET_ANY ? "" : colour_names[target->colour];
    const char *shape = target->shape == TARGET_ANY ? "shape" : shape_names[target->shape];
    return g_strconcat(colour, *colour ? " " : "", shape, plural ? "s" : "", NULL);
}

static json_t *name_or_null(const char *const *names, int value)
{
    return value == TARGET_ANY ? json_null() : json_string(names[value]);
}

json_t *scene_to_json(const struct scene *scene)
{
    json_t *marks = json_array();
    for (size_t i = 0; i < scene->n_marks; i++) {
        const struct mark *mark = &scene->marks[i];
        json_array_append_new(marks, json_pack("{s:s, s:s, s:i, s:i, s:i}", "shape",
                                               shape_names[mark->shape], "colour",
                                               colour_names[mark->colour], "x", mark->x, "y",
                                               mark->y, "radius", mark->radius));
    }
    return json_pack("{s:s, s:s, s:I, s:I, s:i, s:i, s:s, s:o, s:{s:o, s:o}, s:s, s:s}", "id",
                     scene->id, "kind", scene->generator->name, "seed", (json_int_t)scene->seed,
                     "index", (json_int_t)scene->index, "width", scene->width, "height",
                     scene->height, "background", background_names[scene->background], "marks",
                     marks, "target", "shape", name_or_null(shape_names, scene->target.shape),
                     "colour", name_or_null(colour_names, scene->target.colour), "question",
                     scene->question, "answer", scene->answer);
}

static bool set_wrong(GError **error, const char *key)
{
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "key '%s' is missing or wrong", key);
    return false;
}

static bool get_string(char **to, const json_t *object, const char *key, GError **error)
{
    const char *text = json_get_string(object, key);
    if (!text)
        return set_wrong(error, key);
    *to = g_strdup(text);
    return true;
}

static bool get_integer(json_int_t *to, const json_t *object, const char *key, json_int_t min,
                        json_int_t max, GError **error)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max)
        return set_wrong(error, key);
    *to = json_integer_value(value);
    return true;
}

/* The index of the name under `key`; null is TARGET_ANY where that is allowed. */
static bool get_name(int *to, const json_t *object, const char *key, const char *const *names,
                     int n_names, bool or_any, GError **error)
{
    const char *name = json_get_string(object, key);
    if (or_any && json_is_null(json_object_get(object, key))) {
        *to = TARGET_ANY;
        return true;
    }
    for (int i = 0; name && i < n_names; i++) {
        if (strcmp(names[i], name) == 0) {
            *to = i;
            return true;
        }
    }
    return set_wrong(error, key);
}

static bool read_mark(struct scene *scene, const json_t *object, GError **error)
{
    int shape, colour;
    json_int_t x, y, radius;
    if (!get_name(&shape, object, "shape", shape_names, N_SHAPES, false, error) ||
        !get_name(&colour, object, "colour", colour_names, N_COLOURS, false, error) ||
        !get_integer(&x, object, "x", 0, scene->width, error) ||
        !get_integer(&y, object, "y", 0, scene->height, error) ||
        !get_integer(&radius, object, "radius", 1, MAX_SIDE, error))
        return false;
    scene_add_mark(
        scene, &(struct mark){(enum shape)shape, (enum colour)colour, (int)x, (int)y, (int)radius});
    return true;
}

static bool read_marks(struct scene *scene, const json_t *marks, GError **error)
{
    if (!json_is_array(marks) || json_array_size(marks) > MAX_MARKS)
        return set_wrong(error, "marks");
    for (size_t i = 0; i < json_array_size(marks); i++)
        if (!read_mark(scene, json_array_get(marks, i), error))
            return false;
    return true;
}

static bool read_scene(struct scene *scene, const json_t *object, GError **error)
{
    int background;
    json_int_t seed, index, width, height;
    const char *kind = json_get_string(object, "kind");
    scene->generator = kind ? generator_find(kind) : NULL;
    if (!scene->generator)
        return set_wrong(error, "kind");
    const json_t *target = json_object_get(object, "target");
    if (!get_string(&scene->id, object, "id", error) ||
        !get_integer(&seed, object, "seed", 0, INT64_MAX, error) ||
        !get_integer(&index, object, "index", 0, INT64_MAX, error) ||
        !get_integer(&width, object, "width", 1, MAX_SIDE, error) ||
        !get_integer(&height, object, "height", 1, MAX_SIDE, error) ||
        !get_name(&background, object, "background", background_names, N_BACKGROUNDS, false,
                  error) ||
        !get_name(&scene->target.shape, target, "shape", shape_names, N_SHAPES, true, error) ||
        !get_name(&scene->target.colour, target, "colour", colour_names, N_COLOURS, true, error) ||
        !get_string(&scene->question, object, "question", error) ||
        !get_string(&scene->answer, object, "answer", error))
        return false;
    scene->seed = (uint64_t)seed;
    scene->index = (uint64_t)index;
    scene->width = (int)width;
    scene->height = (int)height;
    scene->background = (enum background)background;
    return read_marks(scene, json_object_get(object, "marks"), error);
}

bool scene_from_json(struct scene *scene, const json_t *object, GError **error)
{
    struct scene read = {0};
    if (!read_scene(&read, object, error)) {
        scene_clear(&read);
        return false;
    }
    *scene = read;
    return true;
}

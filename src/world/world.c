#include "world/world.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "data/sample.h"
#include "world/draw.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world {
    GHashTable *scenes; /* id -> struct scene */
};

static char *picture_name(uint64_t index)
{
    return g_strdup_printf("images/%05" PRIu64 ".png", index);
}

static bool make_folder(const char *path, GError **error)
{
    if (g_mkdir_with_parents(path, 0777) == 0)
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot make folder '%s': %s", path,
                g_strerror(errno));
    return false;
}

/* May a world be written here: is the folder absent, empty or a world? Temporary files that a
 * killed call left count as nothing. */
static bool check_folder(const char *dir, GError **error)
{
    g_autofree char *scenes = g_build_filename(dir, "scenes.jsonl", NULL);
    if (g_file_test(scenes, G_FILE_TEST_EXISTS)) {
        struct world *world = world_open(dir, error);
        world_close(world);
        return world != NULL;
    }
    g_autoptr(GDir) folder = g_dir_open(dir, 0, NULL);
    for (const char *name; folder && (name = g_dir_read_name(folder));) {
        if (g_str_has_prefix(name, "scenes.jsonl."))
            continue;
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO,
                    "'%s' is not empty and not a world ('%s' is in it); name a new folder", dir,
                    name);
        return false;
    }
    return true;
}

static json_t *sample_line(const struct scene *scene)
{
    g_autofree char *picture = picture_name(scene->index);
    struct sample sample = {.id = scene->id,
                            .source = (char *)scene->generator->name,
                            .image = picture,
                            .question = scene->question,
                            .answer = scene->answer};
    json_t *object = json_object();
    sample_to_json(&sample, object);
    return object;
}

/* Writes one line a scene to dir/name. */
static bool write_lines(const char *dir, const char *name, const struct scene *scenes, uint64_t n,
                        json_t *(*line_of)(const struct scene *scene), GError **error)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    struct atomic_file *file = atomic_file_open(path, error);
    if (!file)
        return false;
    for (uint64_t i = 0; i < n; i++) {
        g_autoptr(json_t) object = line_of(&scenes[i]);
        g_autofree char *line = json_print(object);
        fprintf(atomic_file_stream(file), "%s\n", line);
    }
    return atomic_file_commit(file, error);
}

/* Leaves a file alone that holds `bytes` already. */
static bool write_bytes(const char *path, GBytes *bytes, GError **error)
{
    gsize n_bytes, n_old;
    const char *data = g_bytes_get_data(bytes, &n_bytes);
    g_autofree char *old = NULL;
    if (g_file_get_contents(path, &old, &n_old, NULL) && n_old == n_bytes &&
        memcmp(old, data, n_bytes) == 0)
        return true;
    struct atomic_file *file = atomic_file_open(path, error);
    if (!file)
        return false;
    fwrite(data, 1, n_bytes, atomic_file_stream(file));
    return atomic_file_commit(file, error);
}

static bool write_picture(const char *dir, const struct scene *scene, GError **error)
{
    struct image image = {0};
    if (!scene_draw(scene, &image, error))
        return false;
    g_autoptr(GBytes) png = image_encode_png(&image, error);
    image_clear(&image);
    g_autofree char *name = picture_name(scene->index);
    g_autofree char *path = g_build_filename(dir, name, NULL);
    return png && write_bytes(path, png, error);
}

/* The index in a picture's file name; -1 for any other file. */
static int64_t picture_index(const char *name)
{
    if (strspn(name, "0123456789") != 5 || strcmp(name + 5, ".png") != 0)
        return -1;
    return (int64_t)g_ascii_strtoull(name, NULL, 10);
}

/* Removes the pictures of a larger world that was here before. */
static void remove_pictures_from(const char *images, uint64_t n)
{
    g_autoptr(GDir) folder = g_dir_open(images, 0, NULL);
    for (const char *name; folder && (name = g_dir_read_name(folder));) {
        if (picture_index(name) < (int64_t)n)
            continue;
        g_autofree char *path = g_build_filename(images, name, NULL);
        g_unlink(path);
    }
}

bool world_write(const char *dir, const struct generator *generator, uint64_t seed, uint64_t n,
                 GError **error)
{
    g_autofree char *images = g_build_filename(dir, "images", NULL);
    if (!check_folder(dir, error) || !make_folder(images, error))
        return false;
    struct scene *scenes = g_new0(struct scene, n);
    for (uint64_t i = 0; i < n; i++)
        generator_make(generator, &scenes[i], seed, i);
    /* The scenes come first: they mark the folder as a world, whatever happens next. */
    bool ok = write_lines(dir, "scenes.jsonl", scenes, n, scene_to_json, error);
    if (ok)
        remove_pictures_from(images, n);
    for (uint64_t i = 0; ok && i < n; i++)
        ok = write_picture(dir, &scenes[i], error);
    ok = ok && write_lines(dir, "samples.jsonl", scenes, n, sample_line, error);
    for (uint64_t i = 0; i < n; i++)
        scene_clear(&scenes[i]);
    g_free(scenes);
    return ok;
}

static void free_scene(void *scene)
{
    scene_clear(scene);
    g_free(scene);
}

static bool read_line(struct world *world, const char *line, size_t n_bytes, GError **error)
{
    struct scene scene;
    g_autoptr(json_t) object = json_parse(line, n_bytes, error);
    if (!object || !scene_from_json(&scene, object, error))
        return false;
    if (g_hash_table_contains(world->scenes, scene.id)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "id '%s' stands there twice", scene.id);
        scene_clear(&scene);
        return false;
    }
    struct scene *kept = g_memdup2(&scene, sizeof scene);
    g_hash_table_insert(world->scenes, kept->id, kept);
    return true;
}

static bool read_lines(struct world *world, FILE *file, const char *path, GError **error)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n_bytes;
    bool ok = true;
    for (int number = 1; ok && (n_bytes = getline(&line, &size, file)) > 0; number++) {
        ok = read_line(world, line, (size_t)n_bytes, error);
        if (!ok)
            g_prefix_error(error, "'%s' line %d: ", path, number);
    }
    free(line);
    if (!ok || !ferror(file))
        return ok;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot read '%s': %s", path, g_strerror(errno));
    return false;
}

static bool read_scenes(struct world *world, const char *path, GError **error)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot read '%s': %s", path,
                    g_strerror(errno));
        return false;
    }
    bool ok = read_lines(world, file, path, error);
    fclose(file);
    return ok;
}

struct world *world_open(const char *dir, GError **error)
{
    g_autofree char *path = g_build_filename(dir, "scenes.jsonl", NULL);
    struct world *world = g_new(struct world, 1);
    world->scenes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_scene);
    if (read_scenes(world, path, error))
        return world;
    world_close(world);
    return NULL;
}

void world_close(struct world *world)
{
    if (!world)
        return;
    g_hash_table_unref(world->scenes);
    g_free(world);
}

const struct scene *world_find(const struct world *world, const char *id)
{
    return g_hash_table_lookup(world->scenes, id);
}

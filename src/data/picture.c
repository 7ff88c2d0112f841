#include "data/picture.h"

#include "image/image.h"

#include <string.h>

static bool is_safe(const char *image)
{
    if (g_path_is_absolute(image))
        return false;
    g_auto(GStrv) parts = g_strsplit(image, "/", -1);
    for (char **part = parts; *part; part++)
        if (strcmp(*part, "..") == 0)
            return false;
    return true;
}

/* "train2014", "val2017", "test-dev2015", ... */
static bool is_coco_split(const char *name)
{
    static const char *const splits[] = {"train", "val", "test-dev", "test"};
    for (size_t i = 0; i < G_N_ELEMENTS(splits); i++) {
        const char *year = name + strlen(splits[i]);
        if (g_str_has_prefix(name, splits[i]) && strlen(year) == 4 &&
            strspn(year, "0123456789") == 4)
            return true;
    }
    return false;
}

/* .../val2014/000000000042.jpg -> .../val2014/COCO_val2014_000000000042.jpg; else NULL. */
static char *with_coco_prefix(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *split = g_path_get_basename(folder);
    g_autofree char *name = g_path_get_basename(path);
    if (!is_coco_split(split) || !g_ascii_isdigit(name[0]))
        return NULL;
    return g_strdup_printf("%s/COCO_%s_%s", folder, split, name);
}

/* Where the last component's extension begins; NULL: it has none. */
static const char *extension_of(const char *path)
{
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    return dot && dot > path && dot[-1] != '/' && (!slash || dot > slash) ? dot : NULL;
}

static char *without_extension(const char *path)
{
    const char *dot = extension_of(path);
    return dot ? g_strndup(path, (gsize)(dot - path)) : NULL;
}

static char *with_other_extension(const char *path)
{
    const char *dot = extension_of(path);
    if (!dot || (strcmp(dot, ".jpg") != 0 && strcmp(dot, ".png") != 0))
        return NULL;
    g_autofree char *stem = g_strndup(path, (gsize)(dot - path));
    return g_strconcat(stem, strcmp(dot, ".jpg") == 0 ? ".png" : ".jpg", NULL);
}

char *picture_folder(const char *images, const char *file)
{
    return images ? g_strdup(images) : g_path_get_dirname(file);
}

char *picture_find(const char *folder, const char *image, struct flaw *flaw)
{
    if (!is_safe(image)) {
        flaw_set(flaw, "unsafe-image", "picture '%s' lies outside of the images folder", image);
        return NULL;
    }
    g_autofree char *given = g_build_filename(folder, image, NULL);
    char *variants[] = {g_strdup(given), with_coco_prefix(given), without_extension(given),
                        with_other_extension(given)};
    char *found = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(variants); i++) {
        if (!found && variants[i] && g_file_test(variants[i], G_FILE_TEST_IS_REGULAR))
            found = g_steal_pointer(&variants[i]);
        g_free(variants[i]);
    }
    if (found)
        return found;
    flaw_set(flaw, "missing-image", "there is no picture '%s'", given);
    return NULL;
}

char *picture_name(const char *image)
{
    if (!image || !g_str_has_prefix(image, "data:"))
        return g_strdup(image);
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, image, -1);
}

GBytes *picture_read(const char *folder, const char *image, struct flaw *flaw)
{
    g_autoptr(GError) cause = NULL;
    g_autofree char *path = NULL;
    GBytes *bytes = NULL;
    if (g_str_has_prefix(image, "data:"))
        bytes = image_read_data_url(image, &cause);
    else if ((path = picture_find(folder, image, flaw)))
        bytes = image_read_file(path, &cause);
    if (cause)
        flaw_set(flaw, "broken-image", "%s", cause->message);
    return bytes;
}

bool picture_check(const char *folder, const char *image, struct flaw *flaw)
{
    g_autoptr(GBytes) bytes = picture_read(folder, image, flaw);
    if (!bytes)
        return false;
    g_autoptr(GError) cause = NULL;
    if (!image_check(bytes, &cause))
        return flaw_set(flaw, "broken-image", "picture '%.200s': %s", image, cause->message);
    return true;
}

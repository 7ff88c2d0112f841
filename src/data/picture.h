/* picture.h -- from a sample's `image` to the picture's bytes.
 *
 * `image` is a data URL, or a path below the images folder. A path that is absolute or climbs out
 * of the folder by ".." is refused, because a data file must not decide which of the user's files
 * is sent to a server. */
#ifndef FIRE_DATA_PICTURE_H
#define FIRE_DATA_PICTURE_H

#include "data/flaw.h"

/* The folder that the pictures of the records of `file` are below: `images`, or where that is NULL the file's own. Free with
 * g_free. */
char *picture_folder(const char *images, const char *file);

/* The file that `image` names below `folder`: the first that exists of the path as given, with the
 * COCO_SPLIT_ prefix that the released files leave out, without the extension that they add, and
 * with .jpg and .png exchanged (SOURCES.md 1). NULL with flaw "missing-image" or "unsafe-image".
 * Free with g_free. */
char *picture_find(const char *folder, const char *image, struct flaw *flaw);

/* What tells this picture from others: its path, or the digest of a data URL; NULL for NULL. Free
 * with g_free. */
char *picture_name(const char *image);

/* The encoded picture. NULL with one of these flaws or "broken-image" (unreadable, over
 * IMAGE_MAX_BYTES, not base64). */
GBytes *picture_read(const char *folder, const char *image, struct flaw *flaw);

/* Reads and decodes it: false with a flaw where a server would get no whole picture. */
bool picture_check(const char *folder, const char *image, struct flaw *flaw);

#endif

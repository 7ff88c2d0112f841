/* model_folder.h -- model folders for tests: copies of real ones with one thing changed. */
#ifndef FIRE_TESTS_MODEL_FOLDER_H
#define FIRE_TESTS_MODEL_FOLDER_H

#include <glib.h>
#include <jansson.h>

/* A new folder with the files of `source`, below a temporary folder of its own. Free the path with g_free. */
char *model_folder_copy(const char *source);

/* Sets the value at `path` ("text_config.hidden_size") in a JSON file of the folder; NULL removes the key. Steals `value`.
 */
void model_folder_set(const char *folder, const char *file, const char *path, json_t *value);

/* Writes a safetensors file of a header in JSON and `n_values` bytes 0, 1, 2, ... after it. */
void model_folder_write_raw(const char *path, const char *header, size_t n_values);

/* The error is there, is one line and holds `fragment`. Clears it. */
void model_folder_assert_error(GError **error, const char *fragment);

#endif

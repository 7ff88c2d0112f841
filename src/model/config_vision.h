/* config_vision.h -- the tower's part of a model's configuration: nested, in a folder of its own, or known by its name. */
#ifndef FIRE_MODEL_CONFIG_VISION_H
#define FIRE_MODEL_CONFIG_VISION_H

#include "model/config.h"
#include "model/json_keys.h"

/* The defaults of `LlavaNextConfig` where a folder writes no vision_config: CLIP ViT-L/14-336. */
void vision_config_init_large(struct vision_config *vision);

/* Reads a vision_config; what is absent gets the default of `CLIPVisionConfig`. Errors stay in `keys`. */
void vision_config_read(struct vision_config *vision, struct json_keys *keys);

/* Finds and reads the tower of the original layout, as model_config_load says. *found: its folder, or NULL where only the
 * name is known; free with g_free. FIRE_ERROR_FORMAT where there is none. */
bool vision_config_find(struct vision_config *vision, const char *folder, const char *named,
                        const char *tower, char **found, GError **error);

/* Normalisation from preprocessor_config.json of `folder`, where there is one. What the file says must fit the tower and
 * what the program does with pictures; `pinpoints` (n, NULL: not compared) are those of the model, (height, width). */
bool vision_config_read_preprocessor(struct vision_config *vision, const char *folder,
                                     int (*pinpoints)[2], int n_pinpoints, GError **error);

#endif

/* identity.h -- a short name of a model folder that changes with its content. */
#ifndef FIRE_MODEL_IDENTITY_H
#define FIRE_MODEL_IDENTITY_H

#include <glib.h>

/* "NAME@12 hex digits": the folder's base name, and a digest over names, sizes and both ends of its JSON, safetensors and
 * .bin files (whole where they are small), which costs no pass over the weights. Free with g_free. FIRE_ERROR_IO where one
 * cannot be read. */
char *model_identity(const char *folder, GError **error);

#endif

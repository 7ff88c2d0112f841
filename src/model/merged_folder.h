/* merged_folder.h -- writes a model folder with an adapter folded into its weights. */
#ifndef FIRE_MODEL_MERGED_FOLDER_H
#define FIRE_MODEL_MERGED_FOLDER_H

#include "model/adapter.h"

/* Makes the folder `out`: the shards, configuration, tokenizer and templates of `folder`, with every tensor that `adapter`
 * changes written as W + scale * B A, worked out in f32 and rounded to the tensor's stored type. All else is copied byte for
 * byte; a tower in a folder of its own stays there. `out` appears whole or not at all; it may be an empty folder before.
 * FIRE_ERROR_IO where it cannot be written, FIRE_ERROR_FORMAT where the adapter changes what does not lie in the folder. */
bool merged_folder_write(const char *folder, const struct weights *weights,
                         const struct adapter *adapter, const char *out, GError **error);

#endif

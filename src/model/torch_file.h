/* torch_file.h -- files of torch.save (pytorch_model.bin, non_lora_trainables.bin): a zip archive, stored without
 * compression, of one pickle and one member for each storage. The values are used where they lie in the file. */
#ifndef FIRE_MODEL_TORCH_FILE_H
#define FIRE_MODEL_TORCH_FILE_H

#include "model/tensor_file.h"

/* True where the bytes begin as a zip archive. */
bool torch_file_matches(const uint8_t *bytes, size_t n_bytes);

/* Adds the tensors of the pickled dictionary to `file`. */
bool torch_file_read(struct tensor_file *file, const uint8_t *bytes, size_t n_bytes,
                     GError **error);

#endif

/* llava.c -- LLaVA-Instruct, LLaVA-Pretrain, ShareGPT4V, ALLaVA and the mixes: one layout. */
#include "data/forms.h"
#include "data/sources/source.h"

bool llava_convert(const struct source_file *file G_GNUC_UNUSED, const json_t *record,
                   struct sample *sample, struct flaw *flaw)
{
    return form_read_llava_sample(record, sample, flaw);
}

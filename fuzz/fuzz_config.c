/* fuzz_config.c -- config.json: any text is refused or gives shapes that fit together. */
#include "model/config.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void check(const struct model_config *config)
{
    const struct text_config *text = &config->text;
    g_assert(text->vocab_size > 0 && text->n_layers > 0 && text->n_heads % text->n_kv_heads == 0);
    g_assert(text->head_dim % 2 == 0 && text->rope_theta >= 1);
    g_assert(config->n_eos_tokens >= 0 &&
             config->n_eos_tokens <= (int)G_N_ELEMENTS(config->eos_tokens));
    if (config->layout == LAYOUT_HF) {
        const struct vision_config *vision = &config->vision;
        g_assert(vision->image_size % vision->patch_size == 0 &&
                 vision->hidden_size % vision->n_heads == 0);
        for (int i = 0; i < config->n_pinpoints; i++)
            g_assert(config->pinpoints[i][0] % vision->image_size == 0 &&
                     config->pinpoints[i][1] > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    struct model_config config = {0};
    g_autoptr(GError) error = NULL;
    bool ok = model_config_parse(&config, (const char *)bytes, n_bytes, "config.json", &error);
    g_assert(ok == (error == NULL));
    if (ok)
        check(&config);
    model_config_clear(&config);
    return 0;
}

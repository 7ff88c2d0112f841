/* webp.c -- WebP through libwebp; an animation's first frame through libwebpdemux, on its canvas.
 */
#include "image/codec.h"

#include <webp/decode.h>
#include <webp/demux.h>

static const char *status_text(VP8StatusCode status)
{
    switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return "no memory";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return "unsupported feature";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return "ends early";
    default:
        return "invalid data";
    }
}

static const char *decode_still(struct image *image, const uint8_t *bytes, size_t n_bytes)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return "the library's version differs";
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA = (WebPRGBABuffer){image->pixels, 3 * image->width,
                                            3 * (size_t)image->width * (size_t)image->height};
    VP8StatusCode status = WebPDecode(bytes, n_bytes, &config);
    WebPFreeDecBuffer(&config.output);
    return status == VP8_STATUS_OK ? NULL : status_text(status);
}

static const char *decode_first_frame(struct image *image, const uint8_t *bytes, size_t n_bytes)
{
    const char *cause = NULL;
    uint8_t *rgba; /* owned by the decoder */
    int end_ms;
    WebPAnimDecoder *decoder = WebPAnimDecoderNew(&(WebPData){bytes, n_bytes}, NULL);
    if (!decoder || !WebPAnimDecoderGetNext(decoder, &rgba, &end_ms))
        cause = "no first frame";
    for (size_t i = 0; !cause && i < (size_t)image->width * (size_t)image->height; i++)
        for (size_t c = 0; c < 3; c++)
            image->pixels[3 * i + c] = rgba[4 * i + c];
    WebPAnimDecoderDelete(decoder);
    return cause;
}

bool codec_decode_webp(struct image *image, const uint8_t *bytes, size_t n_bytes, GError **error)
{
    WebPBitstreamFeatures features;
    VP8StatusCode status = WebPGetFeatures(bytes, n_bytes, &features);
    if (status != VP8_STATUS_OK) {
        codec_set_error(error, "WebP", status_text(status));
        return false;
    }
    struct image decoded = {0};
    if (!codec_alloc(&decoded, (uint64_t)features.width, (uint64_t)features.height, error))
        return false;
    const char *cause = features.has_animation ? decode_first_frame(&decoded, bytes, n_bytes)
                                               : decode_still(&decoded, bytes, n_bytes);
    if (cause) {
        codec_set_error(error, "WebP", cause);
        image_clear(&decoded);
        return false;
    }
    *image = decoded;
    return true;
}

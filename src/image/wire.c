#include "image/wire.h"

#define JPEG_QUALITY 95

static bool goes_unchanged(enum image_kind kind)
{
    return kind == IMAGE_JPEG || kind == IMAGE_PNG || kind == IMAGE_GIF;
}

/* Sets *kind to what the picture became. */
static GBytes *encode(const struct image *image, size_t max_png_bytes, enum image_kind *kind,
                      GError **error)
{
    *kind = IMAGE_PNG;
    GBytes *png = image_encode_png(image, error);
    if (!png || g_bytes_get_size(png) <= max_png_bytes)
        return png;
    g_bytes_unref(png);
    *kind = IMAGE_JPEG;
    return image_encode_jpeg(image, JPEG_QUALITY, error);
}

bool wire_image_init(struct wire_image *wire, GBytes *file, size_t max_png_bytes, GError **error)
{
    gsize n_bytes;
    const uint8_t *data = g_bytes_get_data(file, &n_bytes);
    enum image_kind kind = image_kind_of(data, n_bytes);
    struct image image = {0};
    if (!image_decode(&image, data, n_bytes, error))
        return false;
    GBytes *bytes =
        goes_unchanged(kind) ? g_bytes_ref(file) : encode(&image, max_png_bytes, &kind, error);
    image_clear(&image);
    if (!bytes)
        return false;
    *wire = (struct wire_image){.bytes = bytes, .mime = image_kind_mime(kind)};
    g_autofree char *digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
    g_strlcpy(wire->digest, digest, sizeof wire->digest);
    return true;
}

void wire_image_clear(struct wire_image *wire)
{
    g_clear_pointer(&wire->bytes, g_bytes_unref);
    *wire = (struct wire_image){0};
}

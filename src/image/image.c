#include "image/image.h"

#include "base/error.h"
#include "image/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *mime;
    bool (*decode)(struct image *image, const uint8_t *bytes, size_t n_bytes, GError **error);
} kinds[] = {
    [IMAGE_JPEG] = {"image/jpeg", codec_decode_jpeg},
    [IMAGE_PNG] = {"image/png", codec_decode_png},
    [IMAGE_WEBP] = {"image/webp", codec_decode_webp},
    [IMAGE_GIF] = {"image/gif", codec_decode_gif},
    [IMAGE_BMP] = {"image/bmp", NULL},
};

static bool has(const uint8_t *bytes, size_t n_bytes, size_t at, const char *text, size_t n)
{
    return n_bytes >= at + n && memcmp(bytes + at, text, n) == 0;
}

/* "BM" alone begins many a text; the size of the second header tells. */
static bool is_bmp(const uint8_t *bytes, size_t n_bytes)
{
    return n_bytes >= 18 && has(bytes, n_bytes, 0, "BM", 2) && bytes[14] >= 12 &&
           bytes[14] <= 124 && bytes[15] == 0 && bytes[16] == 0 && bytes[17] == 0;
}

enum image_kind image_kind_of(const uint8_t *bytes, size_t n_bytes)
{
    if (has(bytes, n_bytes, 0, "\xff\xd8\xff", 3))
        return IMAGE_JPEG;
    if (has(bytes, n_bytes, 0, "\x89PNG\r\n\x1a\n", 8))
        return IMAGE_PNG;
    if (has(bytes, n_bytes, 0, "RIFF", 4) && has(bytes, n_bytes, 8, "WEBP", 4))
        return IMAGE_WEBP;
    if (has(bytes, n_bytes, 0, "GIF87a", 6) || has(bytes, n_bytes, 0, "GIF89a", 6))
        return IMAGE_GIF;
    return is_bmp(bytes, n_bytes) ? IMAGE_BMP : IMAGE_UNKNOWN;
}

const char *image_kind_mime(enum image_kind kind)
{
    return kinds[kind].mime;
}

bool image_decode(struct image *image, const uint8_t *bytes, size_t n_bytes, GError **error)
{
    enum image_kind kind = image_kind_of(bytes, n_bytes);
    if (n_bytes > IMAGE_MAX_BYTES)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "picture of %zu bytes is over the limit of %u", n_bytes, IMAGE_MAX_BYTES);
    else if (n_bytes == 0)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "not a picture: empty");
    else if (kind == IMAGE_UNKNOWN)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "not a picture of a known kind (JPEG, PNG, WebP, GIF)");
    else if (!kinds[kind].decode)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "BMP pictures are not supported (convert it to PNG)");
    else
        return kinds[kind].decode(image, bytes, n_bytes, error);
    return false;
}

void image_clear(struct image *image)
{
    g_free(image->pixels);
    *image = (struct image){0};
}

bool image_check(GBytes *bytes, GError **error)
{
    struct image image = {0};
    gsize n_bytes;
    const uint8_t *data = g_bytes_get_data(bytes, &n_bytes);
    bool ok = image_decode(&image, data, n_bytes, error);
    image_clear(&image);
    return ok;
}

bool codec_alloc(struct image *image, uint64_t width, uint64_t height, GError **error)
{
    uint8_t *pixels = NULL;
    if (width == 0 || height == 0 || width > INT_MAX || height > INT_MAX)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "picture of impossible size %" PRIu64 " x %" PRIu64, width, height);
    else if (width > IMAGE_MAX_PIXELS / height)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "picture of %" PRIu64 " x %" PRIu64 " is over the limit of %u pixels", width,
                    height, IMAGE_MAX_PIXELS);
    else if (!(pixels = g_try_malloc((size_t)(3 * width * height))))
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "no memory for a picture of %" PRIu64 " x %" PRIu64, width, height);
    if (!pixels)
        return false;
    *image = (struct image){pixels, (int)width, (int)height};
    return true;
}

void codec_set_error(GError **error, const char *name, const char *cause)
{
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "cut or broken %s picture: %s", name, cause);
}

/* Reads to the end of `fd`; the size was checked, but the file may still grow. */
static GBytes *read_all(int fd, size_t expected)
{
    g_autoptr(GByteArray) bytes = g_byte_array_sized_new((guint)expected + 1);
    for (;;) {
        uint8_t block[16384];
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return NULL;
        if (n == 0)
            return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
        if (bytes->len + (size_t)n > IMAGE_MAX_BYTES) {
            errno = EFBIG;
            return NULL;
        }
        g_byte_array_append(bytes, block, (guint)n);
    }
}

GBytes *image_read_file(const char *path, GError **error)
{
    GBytes *bytes = NULL;
    struct stat status;
    /* Not blocking, so that a pipe without a writer is refused instead of waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) < 0)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot read '%s': %s", path,
                    g_strerror(errno));
    else if (!S_ISREG(status.st_mode))
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot read '%s': not a regular file", path);
    else if (status.st_size > IMAGE_MAX_BYTES)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "cannot read '%s': %" PRId64 " bytes are over the limit of %u", path,
                    (int64_t)status.st_size, IMAGE_MAX_BYTES);
    else if (!(bytes = read_all(fd, (size_t)status.st_size)))
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot read '%s': %s", path,
                    g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return bytes;
}

/* The value of a base64 letter; -1 for anything else. */
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* g_base64_decode skips what it does not know, so the text is checked first. */
static bool is_base64(const char *text, size_t n)
{
    if (n == 0 || n % 4 != 0)
        return false;
    size_t n_pad = text[n - 1] != '=' ? 0 : text[n - 2] != '=' ? 1 : 2;
    for (size_t i = 0; i < n - n_pad; i++)
        if (base64_value(text[i]) < 0)
            return false;
    int spare_bits = n_pad == 1 ? 3 : n_pad == 2 ? 15 : 0;
    return (base64_value(text[n - n_pad - 1]) & spare_bits) == 0;
}

GBytes *image_read_data_url(const char *url, GError **error)
{
    static const char start[] = "data:image/", marker[] = ";base64";
    const char *comma = strchr(url, ',');
    bool is_url = comma && g_ascii_strncasecmp(url, start, strlen(start)) == 0 &&
                  (size_t)(comma - url) >= strlen(start) + strlen(marker) &&
                  g_ascii_strncasecmp(comma - strlen(marker), marker, strlen(marker)) == 0;
    size_t n = is_url ? strlen(comma + 1) : 0;
    if (!is_url)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "not a picture's data URL (data:image/...;base64,...)");
    else if (n / 4 > IMAGE_MAX_BYTES / 3)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "data URL is over the limit of %u bytes",
                    IMAGE_MAX_BYTES);
    else if (!is_base64(comma + 1, n))
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "data URL is not strict base64");
    else {
        gsize n_bytes;
        guchar *bytes = g_base64_decode(comma + 1, &n_bytes);
        return g_bytes_new_take(bytes, n_bytes);
    }
    return NULL;
}

/* gif.c -- the first frame of a GIF through giflib.
 *
 * The canvas is the logical screen, grown to hold the frame; what the frame leaves free has the
 * transparent index, or 0 where there is none. */
#include "image/codec.h"

#include <gif_lib.h>
#include <string.h>

struct source {
    const uint8_t *bytes;
    size_t n_bytes;
};

static int read_source(GifFileType *gif, GifByteType *out, int n)
{
    struct source *source = gif->UserData;
    size_t n_read = MIN((size_t)n, source->n_bytes);
    memcpy(out, source->bytes, n_read);
    source->bytes += n_read;
    source->n_bytes -= n_read;
    return (int)n_read;
}

/* Never NULL. */
static const char *error_text(int code)
{
    const char *text = GifErrorString(code);
    return text ? text : "invalid data";
}

/* Reads one extension; a graphics control block sets *transparent (-1: none). */
static int read_extension(GifFileType *gif, int *transparent)
{
    int code;
    GifByteType *block; /* its length, then its bytes */
    int result = DGifGetExtension(gif, &code, &block);
    GraphicsControlBlock control;
    if (result == GIF_OK && block && code == GRAPHICS_EXT_FUNC_CODE &&
        DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
        *transparent = control.TransparentColor;
    while (result == GIF_OK && block)
        result = DGifGetExtensionNext(gif, &block);
    return result;
}

/* Goes to the first frame and reads its description. */
static const char *find_frame(GifFileType *gif, int *transparent)
{
    for (;;) {
        GifRecordType type;
        int result = DGifGetRecordType(gif, &type);
        if (result == GIF_OK && type == IMAGE_DESC_RECORD_TYPE)
            return DGifGetImageDesc(gif) == GIF_OK ? NULL : error_text(gif->Error);
        if (result == GIF_OK && type == TERMINATE_RECORD_TYPE)
            return "no frame";
        if (result == GIF_OK && type == EXTENSION_RECORD_TYPE)
            result = read_extension(gif, transparent);
        if (result != GIF_OK)
            return error_text(gif->Error);
    }
}

/* Without any palette an index is a gray level; beyond a palette's end all is black. */
static void look_up(const ColorMapObject *map, uint8_t index, uint8_t rgb[3])
{
    if (!map) {
        rgb[0] = rgb[1] = rgb[2] = index;
    } else if (index >= map->ColorCount) {
        rgb[0] = rgb[1] = rgb[2] = 0;
    } else {
        rgb[0] = map->Colors[index].Red;
        rgb[1] = map->Colors[index].Green;
        rgb[2] = map->Colors[index].Blue;
    }
}

/* Which rows a pass holds: every step-th from `first` on. */
struct pass {
    int first, step;
};
static const struct pass straight[] = {{0, 1}}, interlaced[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};

/* Puts row y of the frame on the canvas; NULL, or the cause of failure. `indices` is room for one
 * row. */
static const char *read_row(GifFileType *gif, struct image *image, const ColorMapObject *map, int y,
                            GifPixelType *indices)
{
    const GifImageDesc *frame = &gif->Image;
    if (DGifGetLine(gif, indices, frame->Width) != GIF_OK)
        return error_text(gif->Error);
    size_t at = (size_t)(frame->Top + y) * (size_t)image->width + (size_t)frame->Left;
    for (size_t x = 0; x < (size_t)frame->Width; x++)
        look_up(map, indices[x], image->pixels + 3 * (at + x));
    return NULL;
}

static const char *read_rows(GifFileType *gif, struct image *image, int transparent)
{
    const GifImageDesc *frame = &gif->Image;
    const ColorMapObject *map = frame->ColorMap ? frame->ColorMap : gif->SColorMap;
    for (size_t i = 0; i < (size_t)image->width * (size_t)image->height; i++)
        look_up(map, transparent < 0 ? 0 : (uint8_t)transparent, image->pixels + 3 * i);
    GifPixelType *indices = g_malloc((size_t)frame->Width); /* at most 65,535 */
    const struct pass *pass = frame->Interlace ? interlaced : straight;
    const struct pass *end = pass + (frame->Interlace ? G_N_ELEMENTS(interlaced) : 1);
    const char *cause = NULL;
    for (; !cause && pass < end; pass++)
        for (int y = pass->first; !cause && y < frame->Height; y += pass->step)
            cause = read_row(gif, image, map, y, indices);
    g_free(indices);
    return cause;
}

bool codec_decode_gif(struct image *image, const uint8_t *bytes, size_t n_bytes, GError **error)
{
    struct source source = {bytes, n_bytes};
    struct image decoded = {0};
    int code, transparent = -1;
    GifFileType *gif = DGifOpen(&source, read_source, &code);
    if (!gif) {
        codec_set_error(error, "GIF", error_text(code));
        return false;
    }
    const char *cause = find_frame(gif, &transparent);
    if (!cause && (gif->Image.Width <= 0 || gif->Image.Height <= 0))
        cause = "empty frame";
    bool ok = !cause &&
              codec_alloc(&decoded, (uint64_t)MAX(gif->SWidth, gif->Image.Left + gif->Image.Width),
                          (uint64_t)MAX(gif->SHeight, gif->Image.Top + gif->Image.Height), error);
    if (ok)
        cause = read_rows(gif, &decoded, transparent);
    if (cause)
        codec_set_error(error, "GIF", cause);
    DGifCloseFile(gif, NULL);
    if (!ok || cause) {
        image_clear(&decoded);
        return false;
    }
    *image = decoded;
    return true;
}

#include "world/draw.h"

#include "base/error.h"

#include <cairo.h>
#include <math.h>

/* 0xRRGGBB */
static const uint32_t colour_values[N_COLOURS] = {
    [COLOUR_RED] = 0xd62828,    [COLOUR_BLUE] = 0x1d4ed8,   [COLOUR_GREEN] = 0x2a9d3a,
    [COLOUR_YELLOW] = 0xf2c300, [COLOUR_PURPLE] = 0x7b2cbf, [COLOUR_ORANGE] = 0xf07800,
    [COLOUR_BLACK] = 0x202020,
};
static const uint32_t background_values[N_BACKGROUNDS] = {
    [BACKGROUND_WHITE] = 0xffffff,
    [BACKGROUND_CREAM] = 0xf4efe2,
    [BACKGROUND_PALE_BLUE] = 0xe4eef6,
};

static void set_colour(cairo_t *cairo, uint32_t value)
{
    cairo_set_source_rgb(cairo, (value >> 16) / 255.0, (value >> 8 & 0xff) / 255.0,
                         (value & 0xff) / 255.0);
}

/* A closed line through n corners, the first straight up; every other one lies at `inner` of the
 * radius. */
static void trace_corners(cairo_t *cairo, const struct mark *mark, int n, double inner)
{
    for (int i = 0; i < n; i++) {
        double angle = 2 * G_PI * i / n, length = mark->radius * (i % 2 ? inner : 1);
        cairo_line_to(cairo, mark->x + length * sin(angle), mark->y - length * cos(angle));
    }
    cairo_close_path(cairo);
}

static void trace_circle(cairo_t *cairo, const struct mark *mark)
{
    cairo_arc(cairo, mark->x, mark->y, mark->radius, 0, 2 * G_PI);
}

static void trace_square(cairo_t *cairo, const struct mark *mark)
{
    int half = mark->radius * 7 / 10; /* inside the circle */
    cairo_rectangle(cairo, mark->x - half, mark->y - half, 2 * half, 2 * half);
}

static void trace_triangle(cairo_t *cairo, const struct mark *mark)
{
    trace_corners(cairo, mark, 3, 1);
}

static void trace_star(cairo_t *cairo, const struct mark *mark)
{
    trace_corners(cairo, mark, 10, 0.4);
}

static void (*const traces[N_SHAPES])(cairo_t *cairo, const struct mark *mark) = {
    [SHAPE_CIRCLE] = trace_circle,
    [SHAPE_SQUARE] = trace_square,
    [SHAPE_TRIANGLE] = trace_triangle,
    [SHAPE_STAR] = trace_star,
};

static void paint(cairo_t *cairo, const struct scene *scene)
{
    set_colour(cairo, background_values[scene->background]);
    cairo_paint(cairo);
    for (size_t i = 0; i < scene->n_marks; i++) {
        set_colour(cairo, colour_values[scene->marks[i].colour]);
        traces[scene->marks[i].shape](cairo, &scene->marks[i]);
        cairo_fill(cairo);
    }
}

/* Cairo keeps a pixel as a native 32-bit word, 0x00RRGGBB. */
static bool copy_pixels(struct image *image, cairo_surface_t *surface)
{
    int width = cairo_image_surface_get_width(surface);
    int height = cairo_image_surface_get_height(surface);
    uint8_t *pixels = g_try_malloc((size_t)3 * (size_t)width * (size_t)height), *out = pixels;
    if (!pixels)
        return false;
    for (int y = 0; y < height; y++) {
        const void *start = cairo_image_surface_get_data(surface) +
                            (ptrdiff_t)y * cairo_image_surface_get_stride(surface);
        const uint32_t *row = start;
        for (int x = 0; x < width; x++) {
            *out++ = (uint8_t)(row[x] >> 16);
            *out++ = (uint8_t)(row[x] >> 8);
            *out++ = (uint8_t)row[x];
        }
    }
    *image = (struct image){pixels, width, height};
    return true;
}

bool scene_draw(const struct scene *scene, struct image *image, GError **error)
{
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, scene->width, scene->height);
    cairo_t *cairo = cairo_create(surface);
    paint(cairo, scene);
    cairo_surface_flush(surface);
    cairo_status_t status = cairo_status(cairo);
    if (status == CAIRO_STATUS_SUCCESS && !copy_pixels(image, surface))
        status = CAIRO_STATUS_NO_MEMORY;
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "cannot draw scene '%s': %s", scene->id,
                    cairo_status_to_string(status));
    return status == CAIRO_STATUS_SUCCESS;
}

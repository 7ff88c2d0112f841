#include "model/tensor_view.h"

#include <glib.h>
#include <string.h>

size_t tensor_type_bytes(enum tensor_type type)
{
    return type == TENSOR_F32 ? 4 : 2;
}

size_t tensor_view_count(const struct tensor_view *view)
{
    return view->n_bytes / tensor_type_bytes(view->type);
}

static uint32_t load_u32(const uint8_t *at)
{
    uint32_t bits;
    memcpy(&bits, at, sizeof bits);
    return GUINT32_FROM_LE(bits);
}

static uint32_t load_u16(const uint8_t *at)
{
    uint16_t bits;
    memcpy(&bits, at, sizeof bits);
    return GUINT16_FROM_LE(bits);
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Exponent and fraction move to their places in f32, and a factor of 2^(127-15) corrects the bias; it makes subnormals
 * normal on the way. Infinity and NaN need the exponent of all ones. */
static float float_of_half(uint32_t half)
{
    float magnitude = float_of_bits((half & 0x7fff) << 13) * 0x1p112f;
    uint32_t special = (half & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
    return float_of_bits(bits_of_float(magnitude) | special | (half & 0x8000) << 16);
}

void tensor_view_to_f32(float *out, const struct tensor_view *view, size_t first, size_t n)
{
    const uint8_t *at = (const uint8_t *)view->data + first * tensor_type_bytes(view->type);
    switch (view->type) {
    case TENSOR_F32:
        for (size_t i = 0; i < n; i++)
            out[i] = float_of_bits(load_u32(at + 4 * i));
        break;
    case TENSOR_F16:
        for (size_t i = 0; i < n; i++)
            out[i] = float_of_half(load_u16(at + 2 * i));
        break;
    case TENSOR_BF16:
        for (size_t i = 0; i < n; i++)
            out[i] = float_of_bits(load_u16(at + 2 * i) << 16);
        break;
    }
}

static uint16_t bf16_of_float(float value)
{
    uint32_t bits = bits_of_float(value);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40); /* a NaN stays one */
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static uint16_t half_of_float(float value)
{
    uint32_t bits = bits_of_float(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000) /* rounds to 2^16 or more */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) { /* below 2^-14: a multiple of 2^-24; adding 0.5 rounds there */
        uint32_t rounded = bits_of_float(float_of_bits(magnitude) + 0.5F);
        return (uint16_t)(sign | (rounded - bits_of_float(0.5F)));
    }
    magnitude += 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | ((magnitude - (112U << 23)) >> 13));
}

void tensor_from_f32(void *out, enum tensor_type type, const float *values, size_t n)
{
    uint8_t *at = out;
    for (size_t i = 0; i < n; i++) {
        if (type == TENSOR_F32) {
            uint32_t bits = GUINT32_TO_LE(bits_of_float(values[i]));
            memcpy(at + 4 * i, &bits, sizeof bits);
        } else {
            uint16_t bits =
                type == TENSOR_F16 ? half_of_float(values[i]) : bf16_of_float(values[i]);
            bits = GUINT16_TO_LE(bits);
            memcpy(at + 2 * i, &bits, sizeof bits);
        }
    }
}

char *tensor_dims_print(const int64_t *dims, int n_dims)
{
    GString *out = g_string_new("[");
    for (int i = 0; i < n_dims; i++)
        g_string_append_printf(out, "%s%" G_GINT64_FORMAT, i ? ", " : "", dims[i]);
    g_string_append_c(out, ']');
    return g_string_free(out, FALSE);
}

bool tensor_dims_bytes(const int64_t *dims, int n_dims, size_t element_bytes, size_t *n_bytes)
{
    size_t product = element_bytes;
    for (int i = 0; i < n_dims; i++)
        if (dims[i] < 0 || !g_size_checked_mul(&product, product, (size_t)dims[i]))
            return false;
    *n_bytes = product;
    return true;
}

#include "model/tensor_view.h"

#include <glib.h>
#include <string.h>

enum { BLOCK = 16 };

size_t tensor_type_bytes(enum tensor_type type)
{
    return type == TENSOR_F32 ? 4 : 2;
}

size_t tensor_view_count(const struct tensor_view *view)
{
    return view->n_bytes / tensor_type_bytes(view->type);
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

/* Exponent and fraction move to their places in f32, where the bias is larger by 127 - 15 = 112; infinity and NaN keep the
 * exponent of all ones. A subnormal half gets a leading one, which is then subtracted. */
static float float_of_half(uint32_t half)
{
    uint32_t exponent = half & 0x7c00, bits = ((half & 0x7fff) << 13) + (112U << 23);
    uint32_t subnormal =
        bits_of_float(float_of_bits(bits + (1U << 23)) - float_of_bits(113U << 23));
    bits += exponent == 0x7c00 ? 112U << 23 : 0;
    return float_of_bits((exponent ? bits : subnormal) | (half & 0x8000) << 16);
}

static void widen_half(float out[BLOCK], const uint16_t in[BLOCK])
{
    for (size_t k = 0; k < BLOCK; k++)
        out[k] = float_of_half(GUINT16_FROM_LE(in[k]));
}

static void widen_bf16(float out[BLOCK], const uint16_t in[BLOCK])
{
    for (size_t k = 0; k < BLOCK; k++)
        out[k] = float_of_bits((uint32_t)GUINT16_FROM_LE(in[k]) << 16);
}

/* A block at a time from copies, which may neither overlap nor be unaligned, so that the compiler makes SIMD of it. */
static inline __attribute__((always_inline)) void
widen(float *out, const uint8_t *at, size_t n, void (*block)(float *out, const uint16_t *in))
{
    uint16_t in[BLOCK] = {0};
    float wide[BLOCK];
    for (; n >= BLOCK; n -= BLOCK, at += sizeof in, out += BLOCK) {
        memcpy(in, at, sizeof in);
        block(wide, in);
        memcpy(out, wide, sizeof wide);
    }
    memcpy(in, at, n * sizeof *in);
    block(wide, in);
    memcpy(out, wide, n * sizeof *wide);
}

static void copy_floats(float *out, const uint8_t *at, size_t n)
{
    memcpy(out, at, n * sizeof *out);
    for (size_t i = 0; G_BYTE_ORDER == G_BIG_ENDIAN && i < n; i++)
        out[i] = float_of_bits(GUINT32_FROM_LE(bits_of_float(out[i])));
}

void tensor_view_to_f32(float *out, const struct tensor_view *view, size_t first, size_t n)
{
    const uint8_t *at = (const uint8_t *)view->data + first * tensor_type_bytes(view->type);
    switch (view->type) {
    case TENSOR_F32:
        copy_floats(out, at, n);
        break;
    case TENSOR_F16:
        widen(out, at, n, widen_half);
        break;
    case TENSOR_BF16:
        widen(out, at, n, widen_bf16);
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

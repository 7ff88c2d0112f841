/* kernels_elementwise.c -- norms, rotation, activations of one row or stretch; compiled once an instruction set. */
#include "num/cpu/vector_kernels.h"

#include <math.h>

/* Stretches of LANES floats, the last of them short. */
VECTOR_INLINE size_t stretch(size_t n, size_t i)
{
    return n - i < LANES ? n - i : LANES;
}

VECTOR_INLINE f32x16 load(const float *x, size_t n)
{
    return n == LANES ? load_f32(x) : load_f32_part(x, n);
}

VECTOR_INLINE void store(float *y, f32x16 v, size_t n)
{
    if (n == LANES)
        store_f32(y, v);
    else
        memcpy(y, &v, n * sizeof *y);
}

/* Sum in double, so that the order of addition stays below the last bit of the result. */
void VECTOR_NAME(rms_norm)(float *y, const float *x, const float *w, int width, float eps)
{
    size_t n = (size_t)width;
    f64x8 low = {0}, high = {0};
    for (size_t i = 0; i < n; i += LANES) {
        f32x16 v = load(x + i, stretch(n, i));
        f64x8 a = low_f64(v), b = high_f64(v);
        low += a * a;
        high += b * b;
    }
    float factor = (float)(1 / sqrt(sum_lanes_f64(low + high) / width + eps));
    for (size_t i = 0; i < n; i += LANES) {
        size_t some = stretch(n, i);
        store(y + i, load(x + i, some) * factor * load(w + i, some), some);
    }
}

void VECTOR_NAME(layer_norm)(float *y, const float *x, const float *w, const float *b, int width,
                             float eps)
{
    size_t n = (size_t)width;
    f64x8 low = {0}, high = {0};
    for (size_t i = 0; i < n; i += LANES) {
        f32x16 v = load(x + i, stretch(n, i));
        low += low_f64(v);
        high += high_f64(v);
    }
    double mean = sum_lanes_f64(low + high) / width;
    low = high = (f64x8){0};
    for (size_t i = 0; i < n; i += LANES) {
        f32x16 v = load(x + i, stretch(n, i));
        f64x8 a = low_f64(v) - mean, c = high_f64(v) - mean;
        low += a * a;
        high += c * c;
    }
    double squares = sum_lanes_f64(low + high);
    if (n % LANES) /* the lanes behind the end were counted as zeros */
        squares -= (double)(LANES - n % LANES) * mean * mean;
    float factor = (float)(1 / sqrt(squares / width + eps)), shift = (float)mean;
    for (size_t i = 0; i < n; i += LANES) {
        size_t some = stretch(n, i);
        store(y + i, (load(x + i, some) - shift) * factor * load(w + i, some) + load(b + i, some),
              some);
    }
}

void VECTOR_NAME(rope)(float *x, const float *table, int n_heads, int head_dim)
{
    size_t half = (size_t)head_dim / 2;
    for (int h = 0; h < n_heads; h++, x += head_dim)
        for (size_t i = 0; i < half; i += LANES) {
            size_t some = stretch(half, i);
            f32x16 a = load(x + i, some), b = load(x + half + i, some);
            f32x16 c = load(table + i, some), s = load(table + half + i, some);
            store(x + i, a * c - b * s, some);
            store(x + half + i, b * c + a * s, some);
        }
}

void VECTOR_NAME(swiglu)(float *y, const float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        size_t some = stretch(n, i);
        f32x16 g = load(gate + i, some);
        store(y + i, g / (1.0f + exp_f32(-g)) * load(up + i, some), some);
    }
}

/* erf of |x| to 1.5e-7: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26. */
VECTOR_INLINE f32x16 erf_f32(f32x16 x)
{
    i32x16 sign = (i32x16)x & INT32_MIN;
    f32x16 size = (f32x16)((i32x16)x & INT32_MAX);
    f32x16 t = 1.0f / (1.0f + 0.3275911f * size);
    f32x16 sum = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t +
                  0.254829592f) *
                 t;
    return (f32x16)((i32x16)(1.0f - sum * exp_f32(-size * size)) | sign);
}

void VECTOR_NAME(gelu)(float *x, bool quick, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        size_t some = stretch(n, i);
        f32x16 v = load(x + i, some);
        if (quick)
            store(x + i, v / (1.0f + exp_f32(v * -1.702f)), some);
        else
            store(x + i, 0.5f * v * (1.0f + erf_f32(v * (float)M_SQRT1_2)), some);
    }
}

void VECTOR_NAME(add)(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        size_t some = stretch(n, i);
        store(y + i, load(y + i, some) + load(x + i, some), some);
    }
}

void VECTOR_NAME(to_bf16)(uint16_t *to, const float *from, size_t n)
{
    typedef uint16_t u16x16 __attribute__((vector_size(32)));
    for (size_t i = 0; i < n; i += LANES) {
        size_t some = stretch(n, i);
        u16x16 bits = __builtin_convertvector(round_bf16(load(from + i, some)) >> 16, u16x16);
        memcpy(to + i, &bits, some * sizeof *to);
    }
}

/* vector.h -- 16 lanes in the compilers' vector extension: one zmm, or two ymm, as the flags of the file say. */
#ifndef FIRE_NUM_CPU_VECTOR_H
#define FIRE_NUM_CPU_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16 };

typedef float f32x16 __attribute__((vector_size(64)));
typedef double f64x8 __attribute__((vector_size(64)));
typedef float f32x8 __attribute__((vector_size(32)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));

#define VECTOR_INLINE static inline __attribute__((always_inline))

VECTOR_INLINE f32x16 load_f32(const float *p)
{
    f32x16 v;
    memcpy(&v, p, sizeof v);
    return v;
}

VECTOR_INLINE void store_f32(float *p, f32x16 v)
{
    memcpy(p, &v, sizeof v);
}

VECTOR_INLINE u32x16 load_u32(const void *p)
{
    u32x16 v;
    memcpy(&v, p, sizeof v);
    return v;
}

VECTOR_INLINE void store_u32(void *p, u32x16 v)
{
    memcpy(p, &v, sizeof v);
}

VECTOR_INLINE f32x16 all_lanes(float x)
{
    return (f32x16){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

/* The first n lanes, zeros behind. */
VECTOR_INLINE f32x16 load_f32_part(const float *p, size_t n)
{
    f32x16 v = {0};
    memcpy(&v, p, n * sizeof(float));
    return v;
}

/* bf16 values in the low, and in the high, halves of 32-bit lanes. */
VECTOR_INLINE f32x16 bf16_low(u32x16 pairs)
{
    return (f32x16)(pairs << 16);
}

VECTOR_INLINE f32x16 bf16_high(u32x16 pairs)
{
    return (f32x16)(pairs & 0xffff0000);
}

/* mask lane -1: a, 0: b */
VECTOR_INLINE f32x16 choose(i32x16 mask, f32x16 a, f32x16 b)
{
    return (f32x16)(((i32x16)a & mask) | ((i32x16)b & ~mask));
}

/* Rounded to bf16 (nearest, ties to even; a NAN stays one), the bits in the high halves. */
VECTOR_INLINE u32x16 round_bf16(f32x16 x)
{
    u32x16 bits = (u32x16)x;
    u32x16 rounded = bits + 0x7fff + (bits >> 16 & 1);
    i32x16 is_nan = x != x; /* NOLINT(misc-redundant-expression): lanes that are no number */
    return (u32x16)choose(is_nan, (f32x16)(bits | 0x400000), (f32x16)rounded) & 0xffff0000;
}

VECTOR_INLINE f32x16 max_f32(f32x16 a, f32x16 b)
{
    return choose(a > b, a, b);
}

VECTOR_INLINE f32x16 min_f32(f32x16 a, f32x16 b)
{
    return choose(a < b, a, b);
}

VECTOR_INLINE float sum_lanes(f32x16 v)
{
    float s[LANES];
    memcpy(s, &v, sizeof s);
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            s[i] += s[i + half];
    return s[0];
}

VECTOR_INLINE float highest_lane(f32x16 v)
{
    float s[LANES];
    memcpy(s, &v, sizeof s);
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            s[i] = s[i] > s[i + half] ? s[i] : s[i + half];
    return s[0];
}

VECTOR_INLINE f64x8 low_f64(f32x16 v)
{
    return __builtin_convertvector(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7), f64x8);
}

VECTOR_INLINE f64x8 high_f64(f32x16 v)
{
    return __builtin_convertvector(__builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15),
                                   f64x8);
}

/* Halves are added to each other until one lane is left. */
VECTOR_INLINE double sum_lanes_f64(f64x8 v)
{
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

/* e^x to 2 units in the last place; below -87 a number under 1e-37, above 88 one over 1e38. A NAN stays one.
 * x = n ln 2 + r, |r| <= ln 2 / 2; a polynomial of degree 6 for e^r (the Taylor terms, whose first left out is
 * r^7 / 5040 < 1.3e-7); n goes into the exponent. */
VECTOR_INLINE f32x16 exp_f32(f32x16 x)
{
    f32x16 bounded = min_f32(all_lanes(88.0f), max_f32(all_lanes(-87.0f), x));
    f32x16 shifted =
        bounded * 1.44269504f + 12582912.0f; /* 1.5 * 2^23: the sum's last bits are n */
    i32x16 n = (i32x16)shifted - (i32x16)all_lanes(12582912.0f);
    f32x16 whole = shifted - 12582912.0f;
    f32x16 r = bounded - whole * 0.693359375f;
    r = r - whole * -2.12194440e-4f;
    f32x16 e = r * 1.9841270e-4f + 1.3888889e-3f;
    e = e * r + 8.3333333e-3f;
    e = e * r + 4.1666667e-2f;
    e = e * r + 1.6666667e-1f;
    e = e * r + 0.5f;
    e = e * r * r + r + 1.0f;
    e = (f32x16)((i32x16)e + (n << 23));
    return choose(x != x, x, e); /* NOLINT(misc-redundant-expression): lanes that are no number */
}

/* One stage of turning 16 x 16: rows r and r + step exchange half of their lanes. */
#define EXCHANGE(step, low, high)                                                                  \
    for (int r = 0; r < LANES; r++)                                                                \
        if (!(r & (step))) {                                                                       \
            f32x16 a = v[r], b = v[r + (step)];                                                    \
            v[r] = low(a, b);                                                                      \
            v[r + (step)] = high(a, b);                                                            \
        }
#define LOW_1(a, b)                                                                                \
    __builtin_shufflevector(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
#define HIGH_1(a, b)                                                                               \
    __builtin_shufflevector(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31)
#define LOW_2(a, b)                                                                                \
    __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define HIGH_2(a, b)                                                                               \
    __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define LOW_4(a, b)                                                                                \
    __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
#define HIGH_4(a, b)                                                                               \
    __builtin_shufflevector(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31)
#define LOW_8(a, b)                                                                                \
    __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define HIGH_8(a, b)                                                                               \
    __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)

/* Lane j of vector i changes place with lane i of vector j. */
VECTOR_INLINE void turn(f32x16 v[LANES])
{
    EXCHANGE(1, LOW_1, HIGH_1)
    EXCHANGE(2, LOW_2, HIGH_2)
    EXCHANGE(4, LOW_4, HIGH_4)
    EXCHANGE(8, LOW_8, HIGH_8)
}

#endif

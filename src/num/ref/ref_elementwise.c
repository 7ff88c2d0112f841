/* ref_elementwise.c -- norms, rotation, activations. */
#include "num/ref/ref.h"

#include <math.h>

void ref_rms_norm(struct workers *workers, float *y, const float *x, const float *w, int n_rows,
                  int width, float eps)
{
    (void)workers;
    for (int r = 0; r < n_rows; r++, x += width, y += width) {
        double sum = 0;
        for (int i = 0; i < width; i++)
            sum += (double)x[i] * x[i];
        float factor = (float)(1 / sqrt(sum / width + eps));
        for (int i = 0; i < width; i++)
            y[i] = x[i] * factor * w[i];
    }
}

void ref_layer_norm(struct workers *workers, float *y, const float *x, const float *w,
                    const float *b, int n_rows, int width, float eps)
{
    (void)workers;
    for (int r = 0; r < n_rows; r++, x += width, y += width) {
        double sum = 0, squares = 0;
        for (int i = 0; i < width; i++)
            sum += x[i];
        double mean = sum / width;
        for (int i = 0; i < width; i++)
            squares += (x[i] - mean) * (x[i] - mean);
        double factor = 1 / sqrt(squares / width + eps);
        for (int i = 0; i < width; i++)
            y[i] = (float)((x[i] - mean) * factor) * w[i] + b[i];
    }
}

void ref_rope_table(float *table, const int *positions, const float *frequencies, int n_rows,
                    int head_dim)
{
    int half = head_dim / 2;
    for (int r = 0; r < n_rows; r++, table += head_dim)
        for (int i = 0; i < half; i++) {
            float angle = (float)positions[r] * frequencies[i];
            table[i] = (float)cos((double)angle);
            table[half + i] = (float)sin((double)angle);
        }
}

void ref_rope(struct workers *workers, float *x, const float *table, int n_rows, int n_heads,
              int head_dim)
{
    (void)workers;
    int half = head_dim / 2;
    for (int r = 0; r < n_rows; r++, table += head_dim)
        for (int h = 0; h < n_heads; h++, x += head_dim)
            for (int i = 0; i < half; i++) {
                float a = x[i], b = x[i + half], c = table[i], s = table[half + i];
                x[i] = a * c - b * s;
                x[i + half] = b * c + a * s;
            }
}

void ref_swiglu(struct workers *workers, float *y, const float *gate, const float *up, int n_rows,
                int width)
{
    (void)workers;
    size_t n = (size_t)n_rows * (size_t)width;
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(gate[i] / (1 + exp(-(double)gate[i])) * up[i]);
}

void ref_gelu(struct workers *workers, float *x, bool quick, int n_rows, int width)
{
    (void)workers;
    size_t n = (size_t)n_rows * (size_t)width;
    for (size_t i = 0; i < n; i++) {
        double v = x[i];
        x[i] = (float)(quick ? v / (1 + exp(-1.702 * v)) : 0.5 * v * (1 + erf(v * M_SQRT1_2)));
    }
}

void ref_add(struct workers *workers, float *y, const float *x, size_t n)
{
    (void)workers;
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

/* num: every operator of every instruction set of this machine against the reference, on random shapes with tails. */
#include "base/rng.h"
#include "base/workers.h"
#include "num/bf16.h"
#include "num/cpu/cpu.h"
#include "num/quantize.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

static const char *const type_names[] = {"f32", "bf16", "q8", "q4"};
static const struct {
    const char *name;
    enum cpu_isa isa;
} isas[] = {{"avx2", CPU_AVX2}, {"avx512", CPU_AVX512}, {"amx", CPU_AMX}};

static double gaussian(struct rng *rng)
{
    return sqrt(-2 * log(1 - rng_double(rng))) * cos(2 * M_PI * rng_double(rng));
}

static float *random_floats(struct rng *rng, size_t n, double scale)
{
    float *x = g_new(float, n + 1);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(scale * gaussian(rng));
    return x;
}

/* Work memory is exactly as large as asked for, so that the sanitizer sees a write behind it. */
static void *aligned_new(size_t n_bytes)
{
    return g_aligned_alloc(1, n_bytes ? n_bytes : 1, 64);
}

static struct matrix pack(const struct backend *backend, enum weight_type type, int n_out, int n_in,
                          const float *rows)
{
    struct matrix matrix = {.type = type, .n_out = n_out, .n_in = n_in};
    size_t n_bytes = backend->matrix_bytes(type, n_out, n_in);
    matrix.data = aligned_new(n_bytes);
    memset(matrix.data, 0xff, n_bytes);
    for (int r = 0; r < n_out; r += 5) /* bands that cut through panels */
        backend->matrix_pack(&matrix, r, MIN(5, n_out - r), rows + (size_t)r * (size_t)n_in);
    return matrix;
}

/* Calls `body` for every instruction set that this machine has. */
static void for_every_isa(void (*body)(const struct backend *backend, const char *name))
{
    int n = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(isas); i++) {
        const struct backend *backend = backend_cpu(isas[i].isa);
        if (!backend)
            continue;
        g_test_message("%s", cpu_description());
        body(backend, isas[i].name);
        n++;
    }
    if (!n)
        g_test_skip("no instruction set with kernels");
}

/* -- threads */

enum { N_TASKS = 100 };

struct burst {
    int counts[N_TASKS];
    int running[8]; /* a thread index is never used twice at once */
};

static void count_task(int task, int thread, void *user)
{
    struct burst *burst = user;
    g_assert_cmpint(g_atomic_int_add(&burst->running[thread], 1), ==, 0);
    burst->counts[task]++;
    g_assert_true(g_atomic_int_dec_and_test(&burst->running[thread]));
}

static void test_workers(void)
{
    for (int n_threads = 1; n_threads <= 5; n_threads++) {
        struct workers *workers = workers_new(n_threads);
        g_assert_cmpint(workers_count(workers), <=, n_threads);
        for (int round = 0; round < 300; round++) {
            struct burst burst = {0};
            int n_tasks = round % (N_TASKS + 1);
            workers_run(workers, n_tasks, count_task, &burst);
            for (int i = 0; i < N_TASKS; i++)
                g_assert_cmpint(burst.counts[i], ==, i < n_tasks);
            if (round % 100 == 99) /* long enough for all to fall asleep */
                g_usleep(3000);
        }
        workers_free(workers);
    }
    struct burst burst = {0};
    workers_run(NULL, 3, count_task, &burst);
    g_assert_cmpint(burst.counts[2], ==, 1);
    g_assert_cmpint(workers_count(NULL), ==, 1);
    workers_free(NULL);
    workers_free(workers_new(0));
}

/* -- formats */

static void test_bf16(void)
{
    static const struct {
        uint32_t bits;
        uint16_t expected;
    } cases[] = {
        {0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81},
        {0x7f7fffff, 0x7f80}, {0xff800000, 0xff80}, {0x80000000, 0x8000}, {0x00000001, 0x0000},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        float x;
        memcpy(&x, &cases[i].bits, sizeof x);
        g_assert_cmphex(bf16_from_f32(x), ==, cases[i].expected);
    }
    g_assert_true(isnan(bf16_to_f32(bf16_from_f32(NAN))));
}

/* Root mean square of the error, relative to that of the weights. */
static double quantization_error(enum weight_type type, struct rng *rng, int n_blocks)
{
    double errors = 0, squares = 0;
    for (int b = 0; b < n_blocks; b++) {
        float x[QUANTIZE_BLOCK];
        int8_t levels[QUANTIZE_BLOCK];
        uint8_t codes[QUANTIZE_BLOCK];
        for (int i = 0; i < QUANTIZE_BLOCK; i++)
            x[i] = (float)(0.02 * gaussian(rng));
        float scale =
            bf16_to_f32(type == WEIGHT_Q8 ? quantize_q8(levels, x) : quantize_q4(codes, x));
        for (int i = 0; i < QUANTIZE_BLOCK; i++) {
            double level = type == WEIGHT_Q8 ? levels[i] : quantize_q4_levels[codes[i]];
            double value = type == WEIGHT_BF16 ? bf16_to_f32(bf16_from_f32(x[i])) : scale * level;
            errors += (x[i] - value) * (x[i] - value);
            squares += (double)x[i] * x[i];
        }
    }
    return sqrt(errors / squares);
}

static void test_quantize(void)
{
    static const double most[] = {
        [WEIGHT_BF16] = 0.0018, [WEIGHT_Q8] = 0.0055, [WEIGHT_Q4] = 0.0790};
    struct rng rng;
    rng_init(&rng, 1, 0);
    for (int type = WEIGHT_BF16; type <= WEIGHT_Q4; type++) {
        double error = quantization_error((enum weight_type)type, &rng, 20000);
        g_test_message("%s: relative error %.5f of Gaussian weights", type_names[type], error);
        g_assert_cmpfloat(error, <, most[type]);
        g_assert_cmpfloat(error, >, most[type] * 0.8);
    }
    for (int i = 1; i < 16; i++)
        g_assert_cmpint(quantize_q4_levels[i - 1], <, quantize_q4_levels[i]);
}

static void test_quantize_odd(void)
{
    static const struct {
        float first, second; /* of the block; the rest is 0 */
        bool is_nan;
    } cases[] = {
        {0, 0, false},
        {1, 0, false},
        {-1, 0, false},
        {1e-44f, 0, false},
        {1e-38f, -1e-38f, false},
        {3e38f, -3e38f, false},
        {NAN, 1, true},
        {INFINITY, 0, true},
        {1, -INFINITY, true},
    };
    for (size_t c = 0; c < G_N_ELEMENTS(cases); c++) {
        float x[QUANTIZE_BLOCK] = {cases[c].first, cases[c].second};
        int8_t levels[QUANTIZE_BLOCK];
        uint8_t codes[QUANTIZE_BLOCK];
        float q8 = bf16_to_f32(quantize_q8(levels, x)), q4 = bf16_to_f32(quantize_q4(codes, x));
        g_assert_cmpint(isnan(q8) != 0, ==, cases[c].is_nan);
        g_assert_cmpint(isnan(q4) != 0, ==, cases[c].is_nan);
        for (int i = 0; i < QUANTIZE_BLOCK; i++) {
            g_assert_cmpint(codes[i], <, 16);
            if (cases[c].is_nan)
                continue;
            double largest = fmax(fabsf(x[0]), fabsf(x[1]));
            g_assert_cmpfloat(fabs(q8 * levels[i] - (double)x[i]), <=, 0.005 * largest + 1e-38);
            g_assert_cmpfloat(fabs(q4 * quantize_q4_levels[codes[i]] - (double)x[i]), <=,
                              0.08 * largest + 1e-36);
        }
    }
}

/* -- weights */

static const struct {
    int n_out, n_in;
} shapes[] = {{0, 5},   {1, 1},   {3, 0},   {16, 32},  {17, 33},
              {31, 64}, {33, 95}, {5, 130}, {40, 544}, {290, 1100}};

static void check_unpack(const struct backend *backend, const char *name)
{
    struct rng rng;
    rng_init(&rng, 2, 0);
    for (size_t s = 0; s < G_N_ELEMENTS(shapes); s++)
        for (int type = WEIGHT_F32; type <= WEIGHT_Q4; type++) {
            int n_out = shapes[s].n_out, n_in = shapes[s].n_in;
            size_t n = (size_t)n_out * (size_t)n_in;
            g_autofree float *rows = random_floats(&rng, n, 1), *a = g_new(float, n + 1),
                             *b = g_new(float, n + 1);
            struct matrix ref = pack(&backend_ref, (enum weight_type)type, n_out, n_in, rows);
            struct matrix own = pack(backend, (enum weight_type)type, n_out, n_in, rows);
            backend_ref.matrix_unpack(a, &ref, 0, n_out);
            backend->matrix_unpack(b, &own, 0, n_out);
            g_assert_cmpmem(a, n * sizeof *a, b, n * sizeof *b);
            if (type == WEIGHT_F32)
                g_assert_cmpmem(a, n * sizeof *a, rows, n * sizeof *rows);
            g_aligned_free(ref.data);
            g_aligned_free(own.data);
        }
    (void)name;
}

static void test_unpack(void)
{
    for_every_isa(check_unpack);
}

/* -- linear */

static void run_linear(const struct backend *backend, struct workers *workers, float *y,
                       const float *x, const struct matrix *w, const float *bias, int n_rows,
                       unsigned flags)
{
    void *work = aligned_new(backend->linear_work_bytes(workers, w, n_rows));
    backend->linear(workers, y, x, w, bias, n_rows, flags, work);
    g_aligned_free(work);
}

static float rounded(float x, bool bf16)
{
    return bf16 ? bf16_to_f32(bf16_from_f32(x)) : x;
}

/* Kernels for many rows may round an expanded weight to bf16: |error| <= 2^-8 |w x| for a single term, and some dozens of
 * f32 roundings of the sum. A term left out or misplaced is as large as the largest of them. */
static void check_close(const char *what, const float *y, const float *expected, const float *x,
                        const float *values, const struct matrix *w, int n_rows, unsigned flags)
{
    bool coarse = w->type >= WEIGHT_Q8 && flags & LINEAR_BF16;
    for (int r = 0; r < n_rows; r++)
        for (int o = 0; o < w->n_out; o++) {
            double sum = 3, squares = 0; /* 3: of bias and addend */
            for (int i = 0; i < w->n_in; i++) {
                double term =
                    (double)values[(size_t)o * (size_t)w->n_in + (size_t)i] *
                    rounded(x[(size_t)r * (size_t)w->n_in + (size_t)i], flags & LINEAR_BF16);
                sum += fabs(term);
                squares += term * term;
            }
            double tolerance = 5e-6 * sum + (coarse ? 5e-5 * sum + 0.01 * sqrt(squares) : 0);
            size_t at = (size_t)r * (size_t)w->n_out + (size_t)o;
            if (!(fabs(y[at] - expected[at]) <= tolerance + 1e-6 * fabs(expected[at])))
                g_error(
                    "%s %s (%d, %d) row %d of %d, flags %u: y[%d] = %g, expected %g, tolerance %g",
                    what, type_names[w->type], w->n_out, w->n_in, r, n_rows, flags, o, y[at],
                    expected[at], tolerance);
        }
}

static void check_linear_case(const struct backend *backend, const char *name,
                              struct workers **workers, struct rng *rng, enum weight_type type,
                              int n_out, int n_in, int n_rows)
{
    size_t n = (size_t)n_out * (size_t)n_in, n_y = (size_t)n_rows * (size_t)n_out;
    g_autofree float *rows = random_floats(rng, n, 0.1), *values = g_new(float, n + 1);
    g_autofree float *x = random_floats(rng, (size_t)n_rows * (size_t)n_in, 1),
                     *bias = random_floats(rng, (size_t)n_out, 1);
    g_autofree float *before = random_floats(rng, n_y, 1), *expected = g_new(float, n_y + 1),
                     *y = g_new(float, n_y + 1);
    g_autofree float *first = g_new(float, n_y + 1);
    struct matrix ref = pack(&backend_ref, type, n_out, n_in, rows),
                  own = pack(backend, type, n_out, n_in, rows);
    backend_ref.matrix_unpack(values, &ref, 0, n_out);
    if (n_rows && n_in > 2) /* values that bf16 blocks must not flatten: one large, one tiny */
        x[0] = 300, x[1] = 1e-3f;
    for (unsigned flags = 0; flags < 4; flags++) {
        const float *added = ((unsigned)n_rows ^ flags >> 1) & 1 ? bias : NULL;
        memcpy(expected, before, n_y * sizeof *y);
        run_linear(&backend_ref, NULL, expected, x, &ref, added, n_rows, flags);
        for (int t = 0; t < 3; t++) {
            memcpy(y, before, n_y * sizeof *y);
            run_linear(backend, workers[t], y, x, &own, added, n_rows, flags);
            if (t)
                g_assert_cmpmem(y, n_y * sizeof *y, first, n_y * sizeof *y);
            memcpy(first, y, n_y * sizeof *y);
        }
        check_close(name, y, expected, x, values, &own, n_rows, flags);
    }
    g_aligned_free(ref.data);
    g_aligned_free(own.data);
}

static void check_linear(const struct backend *backend, const char *name)
{
    static const int n_rows[] = {0, 1, 2, 3, 4, 5, 8, 9, 17, 50};
    struct workers *workers[] = {NULL, workers_new(2), workers_new(3)};
    struct rng rng;
    rng_init(&rng, 3, 0);
    for (size_t s = 0; s < G_N_ELEMENTS(shapes); s++)
        for (int type = WEIGHT_F32; type <= WEIGHT_Q4; type++)
            for (size_t r = 0; r < G_N_ELEMENTS(n_rows); r++)
                if (shapes[s].n_out < 100 || n_rows[r] % 16 == 1)
                    check_linear_case(backend, name, workers, &rng, (enum weight_type)type,
                                      shapes[s].n_out, shapes[s].n_in, n_rows[r]);
    /* more rows than one block of the largest kernels */
    for (int type = WEIGHT_F32; type <= WEIGHT_Q4; type++)
        check_linear_case(backend, name, workers, &rng, (enum weight_type)type, 20, 70, 600);
    for (size_t i = 0; i < G_N_ELEMENTS(workers); i++)
        workers_free(workers[i]);
}

static void test_linear(void)
{
    for_every_isa(check_linear);
}

/* A NAN in an activation, or in a weight, shows in what it touches and nowhere else. */
static void check_nan(const struct backend *backend, const char *name)
{
    enum { N_OUT = 20, N_IN = 70 };
    struct rng rng;
    rng_init(&rng, 4, 0);
    for (int type = WEIGHT_F32; type <= WEIGHT_Q4; type++)
        for (int n_rows = 1; n_rows <= 40; n_rows += 13)
            for (unsigned flags = 0; flags <= LINEAR_BF16; flags += LINEAR_BF16) {
                g_autofree float *rows = random_floats(&rng, N_OUT * N_IN, 1),
                                 *x = random_floats(&rng, 40 * N_IN, 1);
                float y[40 * N_OUT];
                rows[3 * N_IN + 65] = NAN;
                x[(n_rows - 1) * N_IN + 7] = NAN;
                struct matrix w = pack(backend, (enum weight_type)type, N_OUT, N_IN, rows);
                run_linear(backend, NULL, y, x, &w, NULL, n_rows, flags);
                for (int r = 0; r < n_rows; r++)
                    for (int o = 0; o < N_OUT; o++)
                        if ((isnan(y[r * N_OUT + o]) != 0) != (o == 3 || r == n_rows - 1))
                            g_error("%s %s flags %u: y[%d of %d][%d] = %g", name, type_names[type],
                                    flags, r, n_rows, o, y[r * N_OUT + o]);
                g_aligned_free(w.data);
            }
}

static void test_nan(void)
{
    for_every_isa(check_nan);
}

/* -- rows */

static void assert_all_near(const char *what, const float *y, const float *expected, size_t n,
                            double tolerance)
{
    double largest = 1e-30;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs(y[i] - expected[i]) <= tolerance * largest))
            g_error("%s: [%zu of %zu] = %.9g, expected %.9g", what, i, n, y[i], expected[i]);
}

static void run_rows(const struct backend *b, struct workers *workers, float *const out[6],
                     const float *x, const float *w, const float *v, int n_rows, int width)
{
    size_t n = (size_t)n_rows * (size_t)width;
    b->rms_norm(workers, out[0], x, w, n_rows, width, 1e-5f);
    b->layer_norm(workers, out[1], x, w, v, n_rows, width, 1e-5f);
    b->swiglu(workers, out[2], x, v, width ? (int)(n / (size_t)width) : 0, width);
    memcpy(out[3], x, n * sizeof *x);
    b->gelu(workers, out[3], true, n_rows, width);
    memcpy(out[4], x, n * sizeof *x);
    b->gelu(workers, out[4], false, n_rows, width);
    memcpy(out[5], x, n * sizeof *x);
    b->add(workers, out[5], v, n);
}

static void check_rows(const struct backend *backend, const char *name)
{
    static const char *const what[] = {"rms_norm",   "layer_norm", "swiglu",
                                       "quick gelu", "gelu",       "add"};
    static const int widths[] = {0, 1, 15, 16, 17, 100, 1024, 4097, 20000};
    struct workers *workers = workers_new(3);
    struct rng rng;
    rng_init(&rng, 5, 0);
    for (size_t s = 0; s < G_N_ELEMENTS(widths); s++)
        for (int n_rows = 0; n_rows <= 9; n_rows += 3) {
            size_t n = (size_t)n_rows * (size_t)widths[s], n_v = MAX(n, (size_t)widths[s]);
            g_autofree float *x = random_floats(&rng, n, 4), *w = random_floats(&rng, n_v, 1);
            g_autofree float *v = random_floats(&rng, n_v, 1), *memory = g_new(float, 18 * n + 1);
            float *out[3][6];
            for (int i = 0; i < 18; i++)
                out[i / 6][i % 6] = memory + (size_t)i * n;
            if (n > 3)
                x[0] = 200, x[1] = -200, x[2] = 0;
            run_rows(&backend_ref, NULL, out[0], x, w, v, n_rows, widths[s]);
            run_rows(backend, NULL, out[1], x, w, v, n_rows, widths[s]);
            run_rows(backend, workers, out[2], x, w, v, n_rows, widths[s]);
            for (int i = 0; i < 6; i++) {
                g_autofree char *label =
                    g_strdup_printf("%s %s (%d, %d)", name, what[i], n_rows, widths[s]);
                assert_all_near(label, out[1][i], out[0][i], n, 1e-6);
                g_assert_cmpmem(out[1][i], n * sizeof(float), out[2][i], n * sizeof(float));
            }
        }
    workers_free(workers);
}

static void test_rows(void)
{
    for_every_isa(check_rows);
}

static void check_rope(const struct backend *backend, const char *name)
{
    static const int positions[] = {0, 1, 77, 8191};
    struct workers *workers = workers_new(2);
    struct rng rng;
    rng_init(&rng, 6, 0);
    for (int head_dim = 2; head_dim <= 160; head_dim += 26) {
        enum { N_ROWS = 4, N_HEADS = 3 };
        size_t n = (size_t)N_ROWS * N_HEADS * (size_t)head_dim;
        g_autofree float *frequencies = g_new(float, head_dim),
                         *table = g_new(float, N_ROWS *head_dim);
        g_autofree float *x = random_floats(&rng, n, 1), *expected = g_memdup2(x, n * sizeof *x);
        for (int i = 0; i < head_dim / 2; i++)
            frequencies[i] = (float)pow(500000, -2.0 * i / head_dim);
        backend->rope_table(table, positions, frequencies, N_ROWS, head_dim);
        backend_ref.rope(NULL, expected, table, N_ROWS, N_HEADS, head_dim);
        backend->rope(workers, x, table, N_ROWS, N_HEADS, head_dim);
        assert_all_near(name, x, expected, n, 1e-6);
        double angle = (float)positions[2] * frequencies[head_dim / 2 - 1]; /* the formula, once */
        g_assert_cmpfloat(fabs(table[2 * head_dim + head_dim - 1] - sin((float)angle)), <, 1e-6);
    }
    workers_free(workers);
}

static void test_rope(void)
{
    for_every_isa(check_rope);
}

/* -- attention */

/* Sequences of spans; every row sees [first, end) of one of them. */
struct sequence {
    int spans[4];
    int n_spans;
};

static const struct sequence sequences[] = {
    {{70}, 1}, {{33, 0, 20, 64}, 4}, {{1, 31}, 2}, {{5}, 1}};

struct attention_case {
    int n_heads, n_kv_heads, head_dim;
    enum cache_type cache;
    bool heads_apart; /* one head's positions stand together */
};

static struct attention_span *make_spans(struct rng *rng, const struct attention_shape *shape,
                                         const struct sequence *sequence, size_t capacity)
{
    size_t n = capacity * (size_t)shape->n_kv_heads * (size_t)shape->head_dim;
    struct attention_span *spans = g_new0(struct attention_span, sequence->n_spans);
    for (int s = 0; s < sequence->n_spans; s++) {
        void *caches[2];
        for (int c = 0; c < 2; c++) {
            caches[c] = g_malloc0(n * (shape->cache == CACHE_F32 ? 4 : 2));
            for (int t = 0; t < sequence->spans[s]; t++) {
                g_autofree float *row =
                    random_floats(rng, (size_t)shape->n_kv_heads * (size_t)shape->head_dim, 1);
                size_t at = (size_t)t * shape->position_stride;
                backend_ref.cache_store(shape->cache == CACHE_F32
                                            ? (void *)((float *)caches[c] + at)
                                            : (void *)((uint16_t *)caches[c] + at),
                                        row, shape);
            }
        }
        spans[s] = (struct attention_span){caches[0], caches[1], sequence->spans[s]};
    }
    return spans;
}

static int make_rows(struct attention_row *rows, struct attention_span *const spans[], bool windows)
{
    int n_rows = 0;
    for (size_t s = 0; s < G_N_ELEMENTS(sequences); s++) {
        int length = 0;
        for (int i = 0; i < sequences[s].n_spans; i++)
            length += sequences[s].spans[i];
        /* all rows of the first (a prefill), the last ones of the others */
        for (int p = s == 0 ? 0 : MAX(0, length - 3); p < length; p++)
            rows[n_rows++] = (struct attention_row){spans[s], sequences[s].n_spans,
                                                    windows ? MAX(0, p - 20) : 0, p + 1};
    }
    rows[n_rows++] =
        (struct attention_row){spans[1], sequences[1].n_spans, 4, 4}; /* sees nothing */
    rows[n_rows++] = (struct attention_row){spans[0], 1, 0, sequences[0].spans[0]};
    return n_rows;
}

static void run_attention(const struct backend *backend, struct workers *workers, float *y,
                          const float *q, const struct attention_row *rows, int n_rows,
                          const struct attention_shape *shape, unsigned flags)
{
    void *work = aligned_new(backend->attention_work_bytes(workers, shape, n_rows, 128));
    backend->attention(workers, y, q, rows, n_rows, shape, flags, work);
    g_aligned_free(work);
}

static void check_attention_case(const struct backend *backend, const char *name,
                                 const struct attention_case *c)
{
    enum { CAPACITY = 70, MAX_ROWS = 100 };
    struct rng rng;
    rng_init(&rng, 7, 0);
    struct attention_shape shape = {
        .n_heads = c->n_heads,
        .n_kv_heads = c->n_kv_heads,
        .head_dim = c->head_dim,
        .scale = 1.5f / sqrtf((float)c->head_dim),
        .cache = c->cache,
        .position_stride = (size_t)c->head_dim * (size_t)(c->heads_apart ? 1 : c->n_kv_heads),
        .head_stride = (size_t)c->head_dim * (size_t)(c->heads_apart ? CAPACITY : 1),
    };
    struct workers *workers = workers_new(3);
    struct attention_span *spans[G_N_ELEMENTS(sequences)];
    for (size_t s = 0; s < G_N_ELEMENTS(sequences); s++)
        spans[s] = make_spans(&rng, &shape, &sequences[s], CAPACITY);
    for (int variant = 0; variant < 4; variant++) {
        struct attention_row rows[MAX_ROWS];
        int n_rows = make_rows(rows, spans, variant & 1);
        unsigned flags = variant & 2 ? LINEAR_BF16 : 0;
        size_t row_floats = (size_t)c->n_heads * (size_t)c->head_dim,
               n = (size_t)n_rows * row_floats;
        g_autofree float *q = random_floats(&rng, n, 1), *expected = g_new(float, n),
                         *y = g_new(float, n);
        g_autofree float *again = g_new(float, n);
        g_autofree char *label =
            g_strdup_printf("%s attention H %d G %d D %d cache %d variant %d", name, c->n_heads,
                            c->n_kv_heads, c->head_dim, c->cache, variant);
        run_attention(&backend_ref, NULL, expected, q, rows, n_rows, &shape, flags);
        run_attention(backend, NULL, y, q, rows, n_rows, &shape, flags);
        run_attention(backend, workers, again, q, rows, n_rows, &shape, flags);
        g_assert_cmpmem(y, n * sizeof *y, again, n * sizeof *y);
        assert_all_near(label, y, expected, n, flags ? 0.01 : 2e-6);
        for (int r = 0; r < n_rows; r += 7) { /* alone as in the batch */
            run_attention(backend, NULL, again, q + (size_t)r * row_floats, rows + r, 1, &shape,
                          flags);
            g_assert_cmpmem(y + (size_t)r * row_floats, row_floats * sizeof *y, again,
                            row_floats * sizeof *y);
        }
        run_attention(backend, workers, y, q, rows, 0, &shape, flags);
    }
    for (size_t s = 0; s < G_N_ELEMENTS(sequences); s++) {
        for (int i = 0; i < sequences[s].n_spans; i++) {
            g_free((void *)spans[s][i].keys);
            g_free((void *)spans[s][i].values);
        }
        g_free(spans[s]);
    }
    workers_free(workers);
}

static void check_attention(const struct backend *backend, const char *name)
{
    static const struct attention_case cases[] = {
        {4, 1, 16, CACHE_F32, false},  {4, 2, 14, CACHE_BF16, false}, {6, 6, 64, CACHE_F32, true},
        {8, 2, 128, CACHE_BF16, true}, {3, 1, 33, CACHE_BF16, true},  {1, 1, 1, CACHE_F32, false},
        {80, 1, 8, CACHE_F32, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        check_attention_case(backend, name, &cases[i]);
}

static void test_attention(void)
{
    for_every_isa(check_attention);
}

static void check_cache_store(const struct backend *backend, const char *name)
{
    struct attention_shape shape = {
        .n_kv_heads = 3, .head_dim = 19, .cache = CACHE_BF16, .head_stride = 23};
    struct rng rng;
    rng_init(&rng, 8, 0);
    g_autofree float *row = random_floats(&rng, 57, 1);
    for (int type = CACHE_F32; type <= CACHE_BF16; type++) {
        float a[80] = {0}, b[80] = {0};
        shape.cache = (enum cache_type)type;
        backend_ref.cache_store(a, row, &shape);
        backend->cache_store(b, row, &shape);
        g_assert_cmpmem(a, sizeof a, b, sizeof b);
    }
    (void)name;
}

static void test_cache_store(void)
{
    for_every_isa(check_cache_store);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/num/workers", test_workers);
    g_test_add_func("/num/bf16", test_bf16);
    g_test_add_func("/num/quantize", test_quantize);
    g_test_add_func("/num/quantize/odd", test_quantize_odd);
    g_test_add_func("/num/unpack", test_unpack);
    g_test_add_func("/num/linear", test_linear);
    g_test_add_func("/num/linear/nan", test_nan);
    g_test_add_func("/num/rows", test_rows);
    g_test_add_func("/num/rope", test_rope);
    g_test_add_func("/num/attention", test_attention);
    g_test_add_func("/num/cache_store", test_cache_store);
    return g_test_run();
}

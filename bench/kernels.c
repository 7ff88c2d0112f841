/* kernels.c -- the CPU backend's kernels against the machine's own ceilings, measured in turn in one process.
 *
 *   build/release/bench/kernels [--threads N] [--isa avx2|avx512|amx] [--seconds S] [decode] [batch] [prefill] [attention]
 *
 * decode: GB of weights a second beside a plain read loop over as many bytes, one forward stream a thread, both over memory
 * that no cache holds. prefill: GFLOP/s beside the multiply-add instructions alone, in registers. Every figure is the
 * median of its own repetitions, every percentage the median of the ratios of neighbours, so that a change of the machine's
 * speed (it may be shared) meets both. */
#include "base/workers.h"
#include "num/cpu/cpu.h"

#include <glib.h>
#include <immintrin.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_REPETITIONS = 400, MIN_REPETITIONS = 7, N_ROWS = 512 };
static const size_t cold_bytes = (size_t)1 << 30; /* more than a cache holds of it */

struct bench {
    const struct backend *backend;
    struct workers *workers;
    char *memory; /* cold_bytes */
    double seconds;
    bool avx512, amx;
};

static double now_s(void)
{
    return (double)g_get_monotonic_time() * 1e-6;
}

static void *new_memory(size_t n_bytes)
{
    size_t page = (size_t)2 << 20;
    void *memory = g_aligned_alloc0(1, (n_bytes + page - 1) / page * page, page);
    madvise(memory, (n_bytes + page - 1) / page * page, MADV_HUGEPAGE);
    return memory;
}

/* -- ceilings; each on every thread at once */

struct ceiling {
    const char *memory;
    size_t part_bytes;
    long n;
    uint64_t sinks[256];
};

__attribute__((target("avx512f"))) static void read_512(int task, int thread, void *user)
{
    (void)thread;
    struct ceiling *c = user;
    const char *p = c->memory + (size_t)task * c->part_bytes;
    __m512i v[8];
    for (int i = 0; i < 8; i++)
        v[i] = _mm512_setzero_si512();
    for (size_t at = 0; at + 512 <= c->part_bytes; at += 512)
        for (int i = 0; i < 8; i++)
            v[i] = _mm512_xor_si512(v[i], _mm512_loadu_si512(p + at + 64 * i));
    for (int i = 1; i < 8; i++)
        v[0] = _mm512_xor_si512(v[0], v[i]);
    c->sinks[task] = (uint64_t)_mm512_reduce_add_epi64(v[0]);
}

__attribute__((target("avx2"))) static void read_256(int task, int thread, void *user)
{
    (void)thread;
    struct ceiling *c = user;
    const char *p = c->memory + (size_t)task * c->part_bytes;
    __m256i v[8];
    for (int i = 0; i < 8; i++)
        v[i] = _mm256_setzero_si256();
    for (size_t at = 0; at + 256 <= c->part_bytes; at += 256)
        for (int i = 0; i < 8; i++)
            v[i] = _mm256_xor_si256(v[i], _mm256_loadu_si256((const __m256i *)(p + at + 32 * i)));
    for (int i = 1; i < 8; i++)
        v[0] = _mm256_xor_si256(v[0], v[i]);
    c->sinks[task] = (uint64_t)_mm256_extract_epi64(v[0], 0);
}

__attribute__((target("avx512f"))) static void fma_512(int task, int thread, void *user)
{
    (void)thread;
    struct ceiling *c = user;
    __m512 v[16], x = _mm512_set1_ps(0.5f), one = _mm512_set1_ps(1);
    for (int i = 0; i < 16; i++)
        v[i] = one;
    for (long n = 0; n < c->n; n++)
        for (int i = 0; i < 16; i++)
            v[i] = _mm512_fmadd_ps(v[i], x, one);
    for (int i = 1; i < 16; i++)
        v[0] = _mm512_add_ps(v[0], v[i]);
    c->sinks[task] = (uint64_t)_mm512_reduce_add_ps(v[0]);
}

__attribute__((target("avx2,fma"))) static void fma_256(int task, int thread, void *user)
{
    (void)thread;
    struct ceiling *c = user;
    __m256 v[12], x = _mm256_set1_ps(0.5f), one = _mm256_set1_ps(1);
    for (int i = 0; i < 12; i++)
        v[i] = one;
    for (long n = 0; n < c->n; n++)
        for (int i = 0; i < 12; i++)
            v[i] = _mm256_fmadd_ps(v[i], x, one);
    for (int i = 1; i < 12; i++)
        v[0] = _mm256_add_ps(v[0], v[i]);
    c->sinks[task] = (uint64_t)_mm256_cvtss_f32(v[0]);
}

__attribute__((target("avx512f,avx512bf16"))) static void bf16_512(int task, int thread, void *user)
{
    (void)thread;
    struct ceiling *c = user;
    __m512 v[16];
    __m512bh x = (__m512bh)_mm512_set1_epi32(0x3c003c00);
    for (int i = 0; i < 16; i++)
        v[i] = _mm512_setzero_ps();
    for (long n = 0; n < c->n; n++)
        for (int i = 0; i < 16; i++)
            v[i] = _mm512_dpbf16_ps(v[i], x, x);
    for (int i = 1; i < 16; i++)
        v[0] = _mm512_add_ps(v[0], v[i]);
    c->sinks[task] = (uint64_t)_mm512_reduce_add_ps(v[0]);
}

__attribute__((target("amx-tile,amx-bf16"))) static void amx_tiles(int task, int thread, void *user)
{
    (void)task;
    (void)thread;
    struct ceiling *c = user;
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = 64;
        config.rows[i] = 16;
    }
    __asm__ volatile(""
                     :
                     : "r"(&config)
                     : "memory"); /* gcc believes that only its first 8 bytes are read */
    _tile_loadconfig(&config);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
    for (long n = 0; n < c->n; n += 16) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
}

static double read_gbs(const struct bench *b, size_t n_bytes)
{
    int n = workers_count(b->workers);
    struct ceiling c = {.memory = b->memory, .part_bytes = n_bytes / (size_t)n / 512 * 512};
    double start = now_s();
    workers_run(b->workers, n, b->avx512 ? read_512 : read_256, &c);
    return (double)c.part_bytes * n / (now_s() - start) * 1e-9;
}

/* GFLOP/s of `flop` a unit of n. */
static double peak_gflops(const struct bench *b, void (*work)(int task, int thread, void *user),
                          double flop)
{
    int n = workers_count(b->workers);
    struct ceiling c = {.n = 1500000};
    double start = now_s();
    workers_run(b->workers, n, work, &c);
    return flop * (double)c.n * n / (now_s() - start) * 1e-9;
}

static double f32_peak(const struct bench *b)
{
    return b->avx512 ? peak_gflops(b, fma_512, 16 * 32) : peak_gflops(b, fma_256, 12 * 16);
}

static double bf16_peak(const struct bench *b)
{
    return b->avx512 ? peak_gflops(b, bf16_512, 16 * 64) : NAN;
}

static double amx_peak(const struct bench *b)
{
    return b->amx ? peak_gflops(b, amx_tiles, 4 * 16384.0 / 16) : NAN;
}

/* -- repeated in turn */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, compare);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

struct pair {
    double figure, ceiling, ratio;
};

static struct pair measure(const struct bench *b,
                           double (*figure)(const struct bench *b, void *user),
                           double (*ceiling)(const struct bench *b, void *user), void *user)
{
    double figures[MAX_REPETITIONS], ceilings[MAX_REPETITIONS], ratios[MAX_REPETITIONS];
    double start = now_s();
    int n = 0;
    figure(b, user);
    while (n < MAX_REPETITIONS && (n < MIN_REPETITIONS || now_s() - start < b->seconds)) {
        double before = ceiling(b, user);
        figures[n] = figure(b, user);
        ceilings[n] = (before + ceiling(b, user)) / 2;
        ratios[n] = figures[n] / ceilings[n];
        n++;
    }
    return (struct pair){median(figures, n), median(ceilings, n), median(ratios, n)};
}

/* -- products */

static const char *const type_names[] = {"f32", "bf16", "q8", "q4"};

struct product {
    struct matrix w; /* the first of many copies in the cold memory */
    size_t n_bytes;
    int n_copies, n_rows;
    float *x, *y;
    void *work;
};

static void make_product(const struct bench *b, struct product *p, enum weight_type type, int n_out,
                         int n_in, int n_rows)
{
    *p = (struct product){.w = {.type = type, .n_out = n_out, .n_in = n_in, .data = b->memory},
                          .n_rows = n_rows};
    g_autofree float *rows = g_new(float, 16 * n_in);
    p->n_bytes = b->backend->matrix_bytes(type, n_out, n_in);
    p->n_copies = (int)(cold_bytes / p->n_bytes);
    for (int i = 0; i < 16 * n_in; i++)
        rows[i] = (float)g_random_double_range(-0.1, 0.1);
    for (int r = 0; r < n_out; r += 16)
        b->backend->matrix_pack(&p->w, r, MIN(16, n_out - r), rows);
    for (int i = 1; i < p->n_copies; i++)
        memcpy(b->memory + (size_t)i * p->n_bytes, b->memory, p->n_bytes);
    p->x = new_memory((size_t)n_rows * (size_t)n_in * sizeof(float));
    p->y = new_memory((size_t)n_rows * (size_t)n_out * sizeof(float));
    p->work = new_memory(b->backend->linear_work_bytes(b->workers, &p->w, n_rows));
    for (size_t i = 0; i < (size_t)n_rows * (size_t)n_in; i++)
        p->x[i] = (float)g_random_double_range(-1, 1);
}

static void free_product(struct product *p)
{
    g_aligned_free(p->x);
    g_aligned_free(p->y);
    g_aligned_free(p->work);
}

/* Seconds of one product, through all copies where the weights are to come from memory. */
static double product_seconds(const struct bench *b, struct product *p, int n_copies)
{
    double start = now_s();
    for (int i = 0; i < n_copies; i++) {
        struct matrix w = p->w;
        w.data = b->memory + (size_t)i * p->n_bytes;
        b->backend->linear(b->workers, p->y, p->x, &w, NULL, p->n_rows, LINEAR_BF16, p->work);
    }
    return (now_s() - start) / n_copies;
}

static double product_gbs(const struct bench *b, void *user)
{
    struct product *p = user;
    return (double)p->n_bytes / product_seconds(b, p, p->n_copies) * 1e-9;
}

static double product_read_gbs(const struct bench *b, void *user)
{
    struct product *p = user;
    return read_gbs(b, p->n_bytes * (size_t)p->n_copies);
}

static double product_gflops(const struct bench *b, void *user)
{
    struct product *p = user;
    return 2.0 * p->n_rows * p->w.n_out * p->w.n_in / product_seconds(b, p, 1) * 1e-9;
}

static double product_peak(const struct bench *b, void *user)
{
    (void)user;
    return b->amx ? amx_peak(b) : b->avx512 ? bf16_peak(b) : f32_peak(b);
}

static const struct {
    int n_out, n_in;
} shapes[] = {{4096, 4096}, {14336, 4096}, {4096, 14336}};

static void bench_decode(const struct bench *b, int n_rows)
{
    for (size_t s = 0; s < G_N_ELEMENTS(shapes); s++)
        for (int type = WEIGHT_BF16; type <= WEIGHT_Q4; type++) {
            struct product p;
            make_product(b, &p, (enum weight_type)type, shapes[s].n_out, shapes[s].n_in, n_rows);
            struct pair pair = measure(b, product_gbs, product_read_gbs, &p);
            printf("decode  %-5s rows %-3d %5d x %-5d  %7.2f GB/s   read loop %7.2f   %5.1f%%   "
                   "%7.1f rows/s\n",
                   type_names[type], n_rows, shapes[s].n_out, shapes[s].n_in, pair.figure,
                   pair.ceiling, 100 * pair.ratio, n_rows * pair.figure * 1e9 / (double)p.n_bytes);
            fflush(stdout);
            free_product(&p);
        }
}

static void bench_prefill(const struct bench *b)
{
    for (size_t s = 0; s < G_N_ELEMENTS(shapes); s++)
        for (int type = WEIGHT_BF16; type <= WEIGHT_Q4; type++) {
            struct product p;
            make_product(b, &p, (enum weight_type)type, shapes[s].n_out, shapes[s].n_in, N_ROWS);
            struct pair pair = measure(b, product_gflops, product_peak, &p);
            printf("prefill %-5s rows %-3d %5d x %-5d  %7.0f GFLOP/s  peak %7.0f   %5.1f%%\n",
                   type_names[type], N_ROWS, shapes[s].n_out, shapes[s].n_in, pair.figure,
                   pair.ceiling, 100 * pair.ratio);
            fflush(stdout);
            free_product(&p);
        }
}

/* -- attention */

struct attention {
    struct attention_shape shape;
    struct attention_span span;
    struct attention_row *rows;
    int n_rows;
    double flop, n_bytes;
    float *q, *y;
    void *work;
};

static double attention_seconds(const struct bench *b, struct attention *a)
{
    double start = now_s();
    b->backend->attention(b->workers, a->y, a->q, a->rows, a->n_rows, &a->shape, LINEAR_BF16,
                          a->work);
    return now_s() - start;
}

static double attention_gflops(const struct bench *b, void *user)
{
    struct attention *a = user;
    return a->flop / attention_seconds(b, a) * 1e-9;
}

static void bench_attention(const struct bench *b, const char *name, int n_rows, int n_positions,
                            int n_heads, int n_kv_heads, int head_dim, bool causal)
{
    struct attention a = {.n_rows = n_rows};
    a.shape = (struct attention_shape){.n_heads = n_heads,
                                       .n_kv_heads = n_kv_heads,
                                       .head_dim = head_dim,
                                       .scale = 0.1f,
                                       .cache = CACHE_BF16,
                                       .position_stride = (size_t)head_dim,
                                       .head_stride = (size_t)head_dim * (size_t)n_positions};
    size_t n_cache = (size_t)n_kv_heads * a.shape.head_stride,
           n = (size_t)n_rows * (size_t)n_heads * (size_t)head_dim;
    uint16_t *cache = new_memory(2 * n_cache * sizeof *cache);
    for (size_t i = 0; i < 2 * n_cache; i++)
        cache[i] = (uint16_t)(0x3e00 + i % 251 + (i % 3 ? 0x8000 : 0));
    a.span = (struct attention_span){cache, cache + n_cache, n_positions};
    a.rows = g_new(struct attention_row, n_rows);
    for (int r = 0; r < n_rows; r++) {
        int end = causal ? n_positions - n_rows + r + 1 : n_positions;
        a.rows[r] = (struct attention_row){&a.span, 1, 0, end};
        a.flop += 4.0 * end * n_heads * head_dim;
    }
    a.q = new_memory(n * sizeof(float));
    a.y = new_memory(n * sizeof(float));
    for (size_t i = 0; i < n; i++)
        a.q[i] = (float)g_random_double_range(-1, 1);
    a.work =
        new_memory(b->backend->attention_work_bytes(b->workers, &a.shape, n_rows, n_positions));
    struct pair pair = measure(b, attention_gflops, product_peak, &a);
    printf("attention %-18s %7.1f GFLOP/s  peak %7.0f   %5.1f%%   %8.3f ms   cache %6.2f GB/s\n",
           name, pair.figure, pair.ceiling, 100 * pair.ratio, a.flop / pair.figure * 1e-6,
           (double)n_cache * 4 / (a.flop / pair.figure * 1e-9) * 1e-9);
    g_aligned_free(cache);
    g_free(a.rows);
    g_aligned_free(a.q);
    g_aligned_free(a.y);
    g_aligned_free(a.work);
}

static void bench_all_attention(const struct bench *b)
{
    bench_attention(b, "decode at 3000", 1, 3000, 32, 8, 128, true);
    bench_attention(b, "prefill 512", 512, 512, 32, 8, 128, true);
    bench_attention(b, "prefill 512 at 3072", 512, 3072, 32, 8, 128, true);
    bench_attention(b, "tower tile 577", 577, 577, 16, 16, 64, false);
}

/* All parts where none is named. */
static bool is_asked(const char *part, int argc, char **argv)
{
    bool asked = argc <= 1;
    for (int i = 1; i < argc; i++)
        asked |= g_str_equal(argv[i], part);
    return asked;
}

int main(int argc, char **argv)
{
    int n_threads = 1;
    double seconds = 2;
    g_autofree char *isa_name = NULL;
    const GOptionEntry entries[] = {
        {"threads", 0, 0, G_OPTION_ARG_INT, &n_threads, "threads (1)", "N"},
        {"isa", 0, 0, G_OPTION_ARG_STRING, &isa_name, "avx2, avx512 or amx (the best)", "NAME"},
        {"seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds, "for each figure (2)", "S"},
        {NULL},
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new("[PART]... - measures the kernels");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "kernels: %s\n", error->message);
        return 2;
    }
    enum cpu_isa isa = !isa_name                         ? CPU_BEST
                       : g_str_equal(isa_name, "avx2")   ? CPU_AVX2
                       : g_str_equal(isa_name, "avx512") ? CPU_AVX512
                                                         : CPU_AMX;
    struct bench b = {.backend = backend_cpu(isa), .seconds = seconds};
    if (!b.backend) {
        fprintf(stderr, "kernels: this machine has no such instruction set\n");
        return 1;
    }
    b.workers = workers_new(n_threads);
    b.memory = new_memory(cold_bytes);
    b.avx512 = !g_str_equal(cpu_description(), "avx2");
    b.amx = g_str_equal(cpu_description(), "amx");
    printf("%s, threads %d: read %.2f GB/s, f32 %.0f GFLOP/s, vdpbf16ps %.0f, AMX bf16 %.0f\n",
           cpu_description(), workers_count(b.workers), read_gbs(&b, cold_bytes), f32_peak(&b),
           bf16_peak(&b), amx_peak(&b));
    if (is_asked("decode", argc, argv))
        bench_decode(&b, 1);
    if (is_asked("batch", argc, argv))
        bench_decode(&b, 8);
    if (is_asked("prefill", argc, argv))
        bench_prefill(&b);
    if (is_asked("attention", argc, argv))
        bench_all_attention(&b);
    g_aligned_free(b.memory);
    workers_free(b.workers);
    return 0;
}

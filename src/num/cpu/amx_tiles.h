/* amx_tiles.h -- the tile registers of AMX. */
#ifndef FIRE_NUM_CPU_AMX_TILES_H
#define FIRE_NUM_CPU_AMX_TILES_H

#include <immintrin.h>
#include <stdint.h>

/* A tile: 16 rows of a line; of bf16, 32 to a row. */
enum { TILE_ROWS = 16, TILE_K = 32, LINE = 64, TILE_BYTES = 1024 };

#define KERNEL_INLINE static inline __attribute__((always_inline))

/* Sums are tiles 0-3, A 4-5, B 6-7 (attention: A 4-5, B 5-7); tiles 0-5 have `n_rows` rows, 6-7 all of them. */
static inline void configure_tiles(int n_rows)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = LINE;
        config.rows[i] = (uint8_t)(i < 6 ? n_rows : TILE_ROWS);
    }
    __asm__ volatile(""
                     :
                     : "r"(&config)
                     : "memory"); /* gcc believes that only its first 8 bytes are read */
    _tile_loadconfig(&config);
}

#endif

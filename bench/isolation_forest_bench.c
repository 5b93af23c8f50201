// SPDX-License-Identifier: PostgreSQL
/*
 * Scores rows by an isolation forest, for bench/isolation_forest.py, which computes the areas under the
 * curve.
 *
 *     isolation_forest_bench < ROWS
 *
 * Reads "row_count column_count seed_count" and the values, row by row; writes for each seed (1, 3, 5 ...) a
 * line of scores, and last a line of JSON with the CPU time of a fit and of a row.
 */
#include "base/clock.h"
#include "math/isolation_forest.h"

#include <stdio.h>

#define ARENA_BYTES ((size_t)1 << 30)
#define ROWS_MOST 100000
#define SEEDS_MOST 100

static int
score_all(Arena *arena, const IsolationForestOptions *rows, size_t seed_count)
{
    double fit_ms = 0;
    double score_ms = 0;
    double *scores = ARENA_NEW_ARRAY(arena, double, rows->row_count);
    for (size_t i = 0; i < seed_count; i++) {
        ArenaMark mark = arena_mark(arena);
        IsolationForestOptions options = *rows;
        options.seed = 2 * i + 1;
        double started = clock_own_cpu_ms();
        const IsolationForest *forest = isolation_forest_fit(arena, &options);
        double fitted = clock_own_cpu_ms();
        for (size_t row = 0; row < rows->row_count; row++)
            scores[row] = isolation_forest_score(forest, rows->values + row * rows->column_count);
        score_ms += clock_own_cpu_ms() - fitted;
        fit_ms += fitted - started;
        for (size_t row = 0; row < rows->row_count; row++)
            printf("%.9g ", scores[row]);
        printf("\n");
        arena_rewind(arena, mark);
    }
    printf("{\"fit_ms\": %.3f, \"row_us\": %.3f}\n", fit_ms / (double)seed_count,
           score_ms * 1e3 / (double)seed_count / (double)rows->row_count);
    return 0;
}

int
main(void)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("bench", ARENA_BYTES);
    size_t rows;
    size_t columns;
    size_t seeds;
    if (scanf("%zu %zu %zu", &rows, &columns, &seeds) != 3 || rows < 2 || rows > ROWS_MOST || columns < 1 ||
        columns > ISOLATION_FOREST_COLUMNS_MOST || seeds < 1 || seeds > SEEDS_MOST)
        return 2;
    float *values = ARENA_NEW_ARRAY(arena, float, rows *columns);
    for (size_t i = 0; i < rows * columns; i++)
        if (scanf("%f", &values[i]) != 1)
            return 2;
    IsolationForestOptions options = {.values = values, .row_count = rows, .column_count = columns};
    return score_all(arena, &options, seeds);
}

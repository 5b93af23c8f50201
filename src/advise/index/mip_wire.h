// SPDX-License-Identifier: PostgreSQL
/*
 * What mip.c and the solver's program (solver_main.c) say to each other, on one machine and by one build:
 * numbers as they lie in memory.
 *
 * A question is a MipQuestion, then
 *     double low[columns], high[columns], cost[columns]; double row_low[rows], row_high[rows];
 *     double coefficient[terms]; int32_t start[columns + 1], row[terms]; uint8_t is_integer[columns].
 * The terms of column c are start[c] .. start[c + 1] - 1. An answer is a MipAnswer, then
 *     double value[columns]
 * where a solution was found. Either side refuses what is beyond these limits or does not fit together.
 */
#ifndef FETTLE_ADVISE_INDEX_MIP_WIRE_H
#define FETTLE_ADVISE_INDEX_MIP_WIRE_H

#include <stdint.h>

#define MIP_WIRE_MAGIC UINT32_C(0x4d495031)
#define MIP_COLUMNS_MOST (1 << 21)
#define MIP_ROWS_MOST (1 << 21)
#define MIP_TERMS_MOST (1 << 23)

typedef struct MipQuestion {
    uint32_t magic;
    int32_t column_count;
    int32_t row_count;
    int32_t term_count;
    int32_t nodes_most;
    int32_t is_plain; /* without what CBC does before it branches: another way to the same answer */
    int32_t is_any_below;
    int32_t is_quick; /* by branching alone */
    double gap;
    double below; /* when is_any_below */
    double seconds;
} MipQuestion;

typedef struct MipAnswer {
    uint32_t magic;
    int32_t column_count; /* as in the question */
    int32_t is_found;     /* 0 or 1, like the next */
    int32_t is_bounded;
    double objective;
    double bound;
} MipAnswer;

#endif

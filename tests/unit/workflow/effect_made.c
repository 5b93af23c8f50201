// SPDX-License-Identifier: PostgreSQL
#include "effect_made.h"

#include "base/random.h"

#include <math.h>

EffectSeries
series_make(Arena *arena, const Made *made, uint64_t number)
{
    Random random = random_new(made->seed * 1000 + number);
    size_t count = made->before + made->after;
    EffectBucket *buckets = ARENA_NEW_ARRAY(arena, EffectBucket, count);
    for (size_t i = 0; i < count; i++) {
        bool is_after = i >= made->before;
        double level = 0.3 * sin(2 * M_PI * (double)(i % DAY) / (double)DAY) +
                       made->noise * random_normal(&random) + log1p(made->growth) * (double)i / (double)WEEK;
        level += i % WEEK >= 5 * DAY ? made->weekend : 0;
        level += is_after && made->shared > 0 ? log(made->shared) : 0;
        level += is_after && made->factor > 0 ? log(made->factor) : 0;
        double rows = is_after && made->rows_factor > 0 ? made->rows_factor : 1;
        buckets[i] = (EffectBucket){.calls = made->calls,
                                    .time_ms = made->calls * 10 * exp(level),
                                    .rows = made->calls * 50 * rows * exp(0.01 * random_normal(&random)),
                                    .blocks = made->calls * 7};
    }
    return (EffectSeries){.query_hash = (int64_t)number + 1, .buckets = buckets};
}

EffectWindow
window_of(const Made *made)
{
    return (EffectWindow){.from_us = MONDAY_US,
                          .bucket_us = 15 * EFFECT_MINUTE_US,
                          .bucket_count = made->before + made->after,
                          .before_end = made->before,
                          .after_first = made->before};
}

EffectReport
measure_made(Arena *arena, const Made *made, size_t control_count)
{
    EffectSeries *series = ARENA_NEW_ARRAY(arena, EffectSeries, 1 + control_count);
    Made control = *made;
    control.factor = control.rows_factor = control.growth = 0;
    series[0] = series_make(arena, made, 0);
    for (size_t k = 1; k <= control_count; k++)
        series[k] = series_make(arena, &control, k);
    EffectCase subject = {
        .window = window_of(made), .query = series, .controls = series + 1, .control_count = control_count};
    EffectReport report;
    effect_measure(arena, &subject, &report);
    return report;
}

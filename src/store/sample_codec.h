// SPDX-License-Identifier: PostgreSQL
/*
 * The packing of samples: one format for the three places where samples are kept.
 *
 *   where                        a position is     up to
 *   fettle.sample_rounds.data    a statement_id    SAMPLE_STATEMENTS_LIMIT    one round of a database
 *   fettle.sample_blocks.data    a round's number  the rounds of the block    four hours of a statement
 *   fettle.sample_days.data      an hour           SAMPLE_DAY_HOURS           a day of a statement
 *
 * A pack is a set of positions, ascending, and for each the SAMPLE_COUNTER_COUNT counters. Positions that are
 * not in the set had no activity. Pure functions, no server; fettle.sample_pack() of the migrations decodes
 * the same bytes in PL/pgSQL, and a test holds the two together.
 *
 *   +---------+-----------+----------+------+--------+--------+----
 *   | format  | positions | counters | kind | column | kind   | column ...   one column for each set bit
 *   | 1 byte  |           | varint   | byte |        | byte   |              of "counters", in their order
 *   +---------+-----------+----------+------+--------+--------+----
 *
 *   varint     7 bits a byte, the low ones first, the high bit set on all bytes but the last; at most 63 bits
 *   positions  0                          every position below the limit
 *              1, ceil(limit / 8) bytes   a bit for each, the first is the high bit of the first byte
 *              2, varint count, count x varint    gaps: the first position, then each less the one before
 *                                                 less 1
 *              whichever is smallest
 *   column     a counter that is zero everywhere is not in "counters" and takes nothing; else the smallest of
 *     1 constant   varint value                                   v = value
 *     2 multiple   varint k                                       v = k x calls
 *     3 packed     varint base, packed numbers r                  v = base + r
 *     4 residual   varint m, packed numbers r                     v = (m x calls >> 8) + unzigzag(r)
 *   packed     +---------+------------------------+--------------+-----------------------------------+
 *   numbers    | width w | n x w bits, high first | varint count | count x (varint gap, varint high) |
 *              | 1 byte  | filled up to a byte    |              | r |= high << w at these           |
 *              +---------+------------------------+--------------+-----------------------------------+
 *
 * The width is the one that makes the column smallest: rare large numbers, of which log-normal times have
 * many, do not widen all others. The residual is taken against the block's mean per call with 8 binary
 * places. Products stay below 2^62 and numbers below 2^63, so that PL/pgSQL's bigint holds them.
 *
 * Encoding decodes what it wrote and compares: a difference is a bug of ours, ERROR_INTERNAL, and the caller
 * keeps what it has. Decoding takes any bytes: it never reads past them, and takes memory in proportion to
 * the limit and to them; whatever is not a pack is ERROR_DAMAGED.
 *
 *     SamplePack pack = {.positions = rounds, .count = 3, .counters[SAMPLE_CALLS] = calls};
 *     if (!sample_pack_encode(arena, &pack, 240, &bytes, error)) return false;
 */
#ifndef FETTLE_STORE_SAMPLE_CODEC_H
#define FETTLE_STORE_SAMPLE_CODEC_H

#include "store/sample.h"

#define SAMPLE_DAY_HOURS 24
#define SAMPLE_STATEMENTS_LIMIT ((size_t)INT32_MAX + 1)

/* A block has at most so many rounds: four hours of one a second, and room. */
#define SAMPLE_BLOCK_ROUNDS_MOST 20000

typedef struct SamplePack {
    uint32_t *positions; /* ascending, each below the limit */
    size_t count;        /* 1 .. SAMPLE_ROUND_ROWS_MOST */
    /* count numbers >= 0 each; NULL: zero everywhere. */
    int64_t *counters[SAMPLE_COUNTER_COUNT];
} SamplePack;

typedef struct SampleBytes {
    const uint8_t *data;
    size_t size;
} SampleBytes;

bool sample_pack_encode(Arena *arena, const SamplePack *pack, size_t position_limit, SampleBytes *ret_bytes,
                        Error *error) FETTLE_MUST_USE;

bool sample_pack_decode(Arena *arena, SampleBytes bytes, size_t position_limit, SamplePack *ret_pack,
                        Error *error) FETTLE_MUST_USE;

/* Part of a pack. The rest of it is passed over: it is checked as far as that takes, and costs little. */
typedef struct SampleSelection {
    uint32_t counters;         /* a bit for each SampleCounter; 0: all */
    const uint32_t *positions; /* ascending; NULL: all */
    size_t position_count;
} SampleSelection;

#define SAMPLE_COUNTERS_ALL ((UINT32_C(1) << SAMPLE_COUNTER_COUNT) - 1)

/* ret_pack has the selected positions that are in the pack, count 0 when none is, and the selected counters;
 * also SAMPLE_CALLS, from which others are made. */
bool sample_pack_decode_selected(Arena *arena, SampleBytes bytes, size_t position_limit,
                                 const SampleSelection *selection, SamplePack *ret_pack, Error *error)
    FETTLE_MUST_USE;

/* The positions alone, for callers that look for one of them. counters stay NULL. */
bool sample_pack_positions(Arena *arena, SampleBytes bytes, size_t position_limit, SamplePack *ret_pack,
                           Error *error) FETTLE_MUST_USE;

/* Equal in positions and counters, an array of zeros being equal to none. */
bool sample_pack_equal(const SamplePack *a, const SamplePack *b);

/* Room for count positions, and for a counter's numbers (zeros) where there is none yet. */
void sample_pack_reserve(Arena *arena, SamplePack *pack, size_t count);
int64_t *sample_pack_counter(Arena *arena, SamplePack *pack, SampleCounter counter);

/* A round's samples, in ascending order of statement_id, as a pack; and back. */
void sample_pack_from_samples(Arena *arena, const Sample *samples, size_t count, SamplePack *ret_pack);
void sample_pack_to_samples(Arena *arena, const SamplePack *pack, Sample **ret_samples);

/*
 * Sums over rounds. Counters are added and stop at INT64_MAX; SAMPLE_EXEC_DEVIATION_US is pooled: the
 * deviation of all calls of all rounds about their common mean, from each round's calls, time and deviation.
 */
typedef struct SampleSum {
    int64_t counters[SAMPLE_COUNTER_COUNT]; /* the deviation is set by sample_sum_finish() */
    double calls;
    double mean_us;
    double squares; /* sum over the calls of (time - mean)^2 */
} SampleSum;

void sample_sum_add(SampleSum *sum, const SamplePack *pack, size_t at);
/* Adds these counters (bits) of count samples from first on, and pools no deviation: for sums that only rank.
 */
void sample_sum_add_some(SampleSum *sum, const SamplePack *pack, size_t first, size_t count,
                         uint32_t counters);
void sample_sum_add_counters(SampleSum *sum, const int64_t counters[SAMPLE_COUNTER_COUNT]);
void sample_sum_merge(SampleSum *sum, const SampleSum *more);
void sample_sum_finish(SampleSum *sum);

#endif

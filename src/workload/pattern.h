// SPDX-License-Identifier: PostgreSQL
/*
 * Pattern: the hours in which a database is busy, or its statements slow, on most days, weeks or months, and
 * how sure that is (contract, section 4; why it is so: docs/design/workload.md).
 *
 * pattern_detect() is a pure function of a series. The same rule in SQL is fettle.detect_workload_patterns()
 * (store/migrations); tests hold both together. In short, for calls and mean time apart:
 *
 *   days       with 12 observed hours or more; at least 7 of them
 *   reference  of a day: the lower quartile of its hours
 *   test       of a cell (an hour; a weekday's hour; a day of month's hour) that was seen 3 times or more: is
 *              ln(value / reference) above ln 1.25 on average? Student's t, one-sided, over the days; of all
 *              cells, false discoveries below 1 %
 *   effect     the cell's average is 1.5 times the lower quartile of all cells' averages, or more
 *   sureness   steadiness (1 - relative deviation) times Wilson's bound of the share of days; from .5 on
 *
 * A hour found by calls and by time is kept by the surer one. Weekly cells are looked for in hours that are
 * no daily peak, monthly ones in hours that are neither. A single extreme day cannot pass, and is no pattern.
 * Runs: 6 adjacent peak hours or more are a daily cycle besides; 2 or 3 hours of time alone, with unsteady
 * calls, are a batch job instead.
 */
#ifndef FETTLE_WORKLOAD_PATTERN_H
#define FETTLE_WORKLOAD_PATTERN_H

#include "base/list.h"
#include "workload/series.h"

#define PATTERN_DAYS_LEAST 7
#define PATTERN_CONFIDENCE_LEAST 0.5
#define PATTERN_LOOKBACK_DAYS 30
#define PATTERN_LOOKBACK_DAYS_LEAST 7
#define PATTERN_LOOKBACK_DAYS_MOST 365

typedef enum PatternType {
    PATTERN_HOURLY_PEAK,
    PATTERN_DAILY_CYCLE,
    PATTERN_WEEKLY,
    PATTERN_MONTHLY,
    PATTERN_BATCH_JOB,
    PATTERN_TYPE_COUNT
} PatternType;

const char *pattern_type_word(PatternType type);

#define PATTERN_KEY_BYTES 16

typedef struct Pattern {
    PatternType type;
    char key[PATTERN_KEY_BYTES]; /* "h08", "d08-19", "dow1h09", "dom01h02", "b02-04" */
    int peak_hour;               /* of a run: its busiest hour, whose figures the others are */
    int weekday;                 /* 0 Sunday; -1: it is not of a weekday */
    int day_of_month;            /* 0: it is not of a day */
    uint32_t hours;              /* bits of a run's hours; 0: it is no run */
    bool is_by_time;
    double variance;          /* of the calls: deviation over average, as everything here over the days */
    double confidence;        /* .5 .. .95, four digits; of a run its least */
    int64_t affected_queries; /* calls an hour, rounded up */
    double z_score_count;
    double z_score_time;
    int days_observed;
    double consistency_score;
    double recurrence_score;
    double effect_ratio; /* typical value over its day's reference */
    double p_value;
} Pattern;

VECTOR_DEFINE(PatternList, Pattern);

/* Finds the patterns, in the order of types and then of keys. The series must pass series_check(). */
void pattern_detect(Arena *arena, const HourlySeries *series, PatternList *ret_patterns);

/* "Peak load detected at hour 8 UTC (93% confidence)" */
const char *pattern_description(Arena *arena, const Pattern *pattern);
/* The contract's nine fields and its extras, as JSON text. */
const char *pattern_metadata(Arena *arena, const Pattern *pattern);

#endif

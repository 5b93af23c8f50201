// SPDX-License-Identifier: PostgreSQL
#include "workload/pattern.h"

#include "math/distribution.h"
#include "math/statistics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DAY_HOURS_LEAST 12
#define TIMES_LEAST 3
#define RISE 1.25
#define EFFECT 1.5
#define DISCOVERY_RATE 0.01
#define WILSON_Z 1.5
#define CONFIDENCE_MOST 0.95
#define DEVIATION_NONE 1e-12
#define HOURS SERIES_DAY_HOURS
#define WEEK_CELLS ((size_t)SERIES_WEEK_DAYS * HOURS)
#define MONTH_CELLS ((size_t)SERIES_MONTH_DAYS * HOURS)

enum { BY_COUNT, BY_TIME, METRICS };

/* The qualifying days: value and x of day d and hour h at [d * 24 + h]; NaN where not observed. */
typedef struct Grid {
    size_t days;
    SeriesDate *dates;
    double *values[METRICS];
    double *rises[METRICS]; /* ln((value + 1) / (reference + 1)) - ln 1.25 */
    bool *hits[METRICS];    /* value > 1.25 reference */
} Grid;

/* One cell under one metric. */
typedef struct Cell {
    size_t times;
    size_t hits; /* values above 1.25 times their reference */
    double sum;
    double squares; /* of differences from the average */
    double rise_sum;
    double rise_squares;
    double average;
    double p_value;
    bool is_found;
    double consistency;
    double recurrence;
    double confidence;
} Cell;

/* All cells of one kind, under both metrics. */
typedef struct CellSet {
    PatternType type;
    size_t count;
    Cell *cells[METRICS];
    double mean[METRICS]; /* of the averages */
    double deviation[METRICS];
} CellSet;

const char *
pattern_type_word(PatternType type)
{
    static const char *const words[] = {"hourly_peak", "daily_cycle", "weekly_pattern", "monthly_pattern",
                                        "batch_job"};
    fettle_assert(type < PATTERN_TYPE_COUNT);
    return words[type];
}

static double
day_reference(const double *day)
{
    double values[HOURS];
    size_t count = 0;
    for (size_t h = 0; h < HOURS; h++)
        if (!isnan(day[h]))
            values[count++] = day[h];
    return statistics_quartile_lower(values, count);
}

static void
grid_add_day(Grid *grid, const HourlySeries *series, int64_t day)
{
    size_t at = grid->days * HOURS;
    size_t observed = 0;
    for (size_t h = 0; h < HOURS; h++) {
        int64_t place = day * HOURS + (int64_t)h - series->from_hour;
        bool is_in = place >= 0 && place < (int64_t)series->count;
        grid->values[BY_COUNT][at + h] = is_in ? series->calls[place] : NAN;
        grid->values[BY_TIME][at + h] = is_in ? series->time_ms[place] : NAN;
        observed += is_in && !isnan(series->calls[place]);
    }
    if (observed < DAY_HOURS_LEAST)
        return;
    for (int m = 0; m < METRICS; m++) {
        double reference = day_reference(&grid->values[m][at]);
        for (size_t h = 0; h < HOURS; h++) {
            double value = grid->values[m][at + h];
            grid->rises[m][at + h] = log((value + 1) / (reference + 1)) - log(RISE);
            grid->hits[m][at + h] = value > RISE * reference;
        }
    }
    grid->dates[grid->days++] = series_date(day * HOURS);
}

static Grid
grid_make(Arena *arena, const HourlySeries *series)
{
    int64_t first = series_date(series->from_hour).day;
    int64_t last = series_date(series->from_hour + (int64_t)series->count - 1).day;
    size_t days = (size_t)(last - first + 1);
    Grid grid = {.dates = ARENA_NEW_ARRAY(arena, SeriesDate, days)};
    for (int m = 0; m < METRICS; m++) {
        grid.values[m] = ARENA_NEW_ARRAY(arena, double, days *HOURS);
        grid.rises[m] = ARENA_NEW_ARRAY(arena, double, days *HOURS);
        grid.hits[m] = ARENA_NEW_ARRAY(arena, bool, days *HOURS);
    }
    for (int64_t day = first; day <= last; day++)
        grid_add_day(&grid, series, day);
    return grid;
}

static size_t
cell_of(PatternType type, const SeriesDate *date, size_t hour)
{
    switch (type) {
        case PATTERN_WEEKLY: return (size_t)date->weekday * HOURS + hour;
        case PATTERN_MONTHLY: return (size_t)(date->day_of_month - 1) * HOURS + hour;
        default: return hour;
    }
}

/* Sums first, then squares about their averages: equal values must give a deviation of 0. */
static void
cells_fill(const Grid *grid, PatternType type, int metric, Cell *cells, size_t count)
{
    for (size_t at = 0; at < grid->days * HOURS; at++) {
        if (isnan(grid->values[metric][at]))
            continue;
        Cell *cell = &cells[cell_of(type, &grid->dates[at / HOURS], at % HOURS)];
        cell->times++;
        cell->hits += grid->hits[metric][at];
        cell->sum += grid->values[metric][at];
        cell->rise_sum += grid->rises[metric][at];
    }
    for (size_t c = 0; c < count; c++)
        cells[c].average = cells[c].times == 0 ? 0 : cells[c].sum / (double)cells[c].times;
    for (size_t at = 0; at < grid->days * HOURS; at++) {
        if (isnan(grid->values[metric][at]))
            continue;
        Cell *cell = &cells[cell_of(type, &grid->dates[at / HOURS], at % HOURS)];
        double away = grid->values[metric][at] - cell->average;
        double rise_away = grid->rises[metric][at] - cell->rise_sum / (double)cell->times;
        cell->squares += away * away;
        cell->rise_squares += rise_away * rise_away;
    }
}

/* The one-sided test of a mean above 0. The tail of what is not above 0 is not needed: more than a half is
 * never kept. */
static double
cell_p_value(const Cell *cell)
{
    double n = (double)cell->times;
    double mean = cell->rise_sum / n;
    double deviation = sqrt(cell->rise_squares / (n - 1));
    if (deviation < DEVIATION_NONE)
        return mean > 0 ? 0 : 1;
    return mean > 0 ? distribution_student_upper(mean / (deviation / sqrt(n)), n - 1) : 1;
}

static void
cell_judge(Cell *cell)
{
    double relative =
        cell->average > 0 ? sqrt(cell->squares / (double)cell->times) / cell->average : INFINITY;
    cell->consistency = fmax(0, 1 - relative);
    cell->recurrence = statistics_wilson_lower(cell->hits, cell->times, WILSON_Z);
    double confidence = fmin(CONFIDENCE_MOST, cell->consistency * cell->recurrence);
    cell->confidence = round(confidence * 1e4) / 1e4;
    cell->is_found = cell->confidence >= PATTERN_CONFIDENCE_LEAST;
}

/* Test, correction, effect, sureness of all cells of a metric that were seen often enough. */
static void
cells_find(Arena *arena, CellSet *set, int metric)
{
    size_t *places = ARENA_NEW_ARRAY(arena, size_t, set->count);
    double *p_values = ARENA_NEW_ARRAY(arena, double, set->count);
    double *scratch = ARENA_NEW_ARRAY(arena, double, set->count);
    bool *kept = ARENA_NEW_ARRAY(arena, bool, set->count);
    size_t tested = 0;
    for (size_t c = 0; c < set->count; c++) {
        Cell *cell = &set->cells[metric][c];
        if (cell->times < TIMES_LEAST)
            continue;
        cell->p_value = cell_p_value(cell);
        p_values[tested] = cell->p_value;
        places[tested++] = c;
    }
    if (tested == 0)
        return;
    bool is_any = statistics_false_discovery(p_values, tested, DISCOVERY_RATE, scratch, kept) > 0;
    for (size_t i = 0; i < tested; i++)
        scratch[i] = set->cells[metric][places[i]].average;
    set->mean[metric] = statistics_mean(scratch, tested);
    set->deviation[metric] = statistics_deviation_population(scratch, tested);
    double least = EFFECT * statistics_quartile_lower(scratch, tested);
    for (size_t i = 0; i < tested && is_any; i++)
        if (kept[i] && set->cells[metric][places[i]].average >= least)
            cell_judge(&set->cells[metric][places[i]]);
}

static CellSet
cells_make(Arena *arena, const Grid *grid, PatternType type, size_t count)
{
    CellSet set = {.type = type, .count = count};
    for (int m = 0; m < METRICS; m++) {
        set.cells[m] = ARENA_NEW_ARRAY(arena, Cell, count);
        cells_fill(grid, type, m, set.cells[m], count);
        cells_find(arena, &set, m);
    }
    return set;
}

static double
z_score(const CellSet *set, int metric, size_t place)
{
    double away = set->cells[metric][place].average - set->mean[metric];
    double z = set->deviation[metric] < DEVIATION_NONE ? 0 : away / set->deviation[metric];
    return round(z * 100) / 100;
}

static bool
is_found(const CellSet *set, size_t place)
{
    return set->cells[BY_COUNT][place].is_found || set->cells[BY_TIME][place].is_found;
}

/* The pattern of a cell that is found, by the surer metric; calls win a tie. */
static Pattern
pattern_of(const CellSet *set, size_t place)
{
    const Cell *count = &set->cells[BY_COUNT][place];
    const Cell *time = &set->cells[BY_TIME][place];
    bool is_by_time = time->is_found && (!count->is_found || time->confidence > count->confidence);
    const Cell *cell = is_by_time ? time : count;
    return (Pattern){
        .type = set->type,
        .peak_hour = (int)(place % HOURS),
        .weekday = set->type == PATTERN_WEEKLY ? (int)(place / HOURS) : -1,
        .day_of_month = set->type == PATTERN_MONTHLY ? (int)(place / HOURS) + 1 : 0,
        .is_by_time = is_by_time,
        .variance = count->average > 0 ? sqrt(count->squares / (double)count->times) / count->average : 0,
        .confidence = cell->confidence,
        .affected_queries = (int64_t)ceil(fmin(count->average, 9e18)),
        .z_score_count = z_score(set, BY_COUNT, place),
        .z_score_time = z_score(set, BY_TIME, place),
        .days_observed = (int)cell->times,
        .consistency_score = cell->consistency,
        .recurrence_score = cell->recurrence,
        .effect_ratio = exp(cell->rise_sum / (double)cell->times) * RISE,
        .p_value = cell->p_value,
    };
}

/* The run of set bits that begins at an hour, over midnight; 0 when none begins there. A day full of them is
 * one run from 0 on. */
static int
run_length(uint32_t hours, int first)
{
    bool is_whole = hours == (UINT32_C(1) << HOURS) - 1;
    int before = (first + HOURS - 1) % HOURS;
    if (is_whole)
        return first == 0 ? HOURS : 0;
    if ((hours >> first & 1) == 0 || (hours >> before & 1) != 0)
        return 0;
    int length = 1;
    while ((hours >> (first + length) % HOURS & 1) != 0)
        length++;
    return length;
}

/* One pattern of a run: what its busiest hour has, as sure as its least sure hour. */
static Pattern
pattern_of_run(const Pattern *peaks, PatternType type, int first, int length)
{
    Pattern run = peaks[first];
    double least = run.confidence;
    uint32_t hours = 0;
    for (int i = 0; i < length; i++) {
        const Pattern *peak = &peaks[(first + i) % HOURS];
        hours |= UINT32_C(1) << (first + i) % HOURS;
        least = fmin(least, peak->confidence);
        if (peak->affected_queries > run.affected_queries)
            run = *peak;
    }
    run.type = type;
    run.hours = hours;
    run.confidence = least;
    snprintf(run.key, sizeof(run.key), "%c%02d-%02d", type == PATTERN_BATCH_JOB ? 'b' : 'd', first,
             (first + length - 1) % HOURS);
    return run;
}

/* Runs of 2 or 3 hours that only time found, with unsteady calls: their hours leave *hours. */
static void
find_batch_jobs(Arena *arena, const Pattern *peaks, const CellSet *set, uint32_t *hours, PatternList *jobs)
{
    uint32_t by_time = 0;
    for (int h = 0; h < HOURS; h++)
        if ((*hours >> h & 1) != 0 && !set->cells[BY_COUNT][h].is_found)
            by_time |= UINT32_C(1) << h;
    for (int first = 0; first < HOURS; first++) {
        int length = run_length(by_time, first);
        bool is_unsteady = length == 2 || length == 3;
        for (int i = 0; i < length; i++)
            is_unsteady = is_unsteady && peaks[(first + i) % HOURS].variance > 0.5;
        if (!is_unsteady)
            continue;
        Pattern job = pattern_of_run(peaks, PATTERN_BATCH_JOB, first, length);
        *hours &= ~job.hours;
        vector_push(arena, jobs, job);
    }
}

/* Peaks, cycles and batch jobs; returns the hours that any of them has. */
static uint32_t
find_daily(Arena *arena, const Grid *grid, PatternList *patterns, PatternList *jobs)
{
    CellSet set = cells_make(arena, grid, PATTERN_HOURLY_PEAK, HOURS);
    Pattern peaks[HOURS] = {0};
    uint32_t found = 0;
    for (int h = 0; h < HOURS; h++) {
        if (!is_found(&set, (size_t)h))
            continue;
        peaks[h] = pattern_of(&set, (size_t)h);
        snprintf(peaks[h].key, sizeof(peaks[h].key), "h%02d", h);
        found |= UINT32_C(1) << h;
    }
    uint32_t hours = found;
    find_batch_jobs(arena, peaks, &set, &hours, jobs);
    for (int h = 0; h < HOURS; h++)
        if ((hours >> h & 1) != 0)
            vector_push(arena, patterns, peaks[h]);
    for (int first = 0; first < HOURS; first++) {
        int length = run_length(hours, first);
        if (length >= 6)
            vector_push(arena, patterns, pattern_of_run(peaks, PATTERN_DAILY_CYCLE, first, length));
    }
    return found;
}

/* Cells of weekdays or days of month outside the hours; adds their hours to them. */
static void
find_cells(Arena *arena, const Grid *grid, PatternType type, uint32_t *hours, PatternList *patterns)
{
    size_t count = type == PATTERN_WEEKLY ? WEEK_CELLS : MONTH_CELLS;
    CellSet set = cells_make(arena, grid, type, count);
    uint32_t found = 0;
    for (size_t place = 0; place < count; place++) {
        if (!is_found(&set, place) || (*hours >> place % HOURS & 1) != 0)
            continue;
        Pattern pattern = pattern_of(&set, place);
        if (type == PATTERN_WEEKLY)
            snprintf(pattern.key, sizeof(pattern.key), "dow%dh%02d", pattern.weekday, pattern.peak_hour);
        else
            snprintf(pattern.key, sizeof(pattern.key), "dom%02dh%02d", pattern.day_of_month,
                     pattern.peak_hour);
        found |= UINT32_C(1) << place % HOURS;
        vector_push(arena, patterns, pattern);
    }
    *hours |= found;
}

void
pattern_detect(Arena *arena, const HourlySeries *series, PatternList *ret_patterns)
{
    *ret_patterns = (PatternList){0};
    if (series->count == 0)
        return;
    Grid grid = grid_make(arena, series);
    if (grid.days < PATTERN_DAYS_LEAST)
        return;
    PatternList jobs = {0};
    uint32_t hours = find_daily(arena, &grid, ret_patterns, &jobs);
    find_cells(arena, &grid, PATTERN_WEEKLY, &hours, ret_patterns);
    find_cells(arena, &grid, PATTERN_MONTHLY, &hours, ret_patterns);
    for (size_t i = 0; i < jobs.count; i++)
        vector_push(arena, ret_patterns, jobs.items[i]);
}

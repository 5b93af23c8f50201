// SPDX-License-Identifier: PostgreSQL
#include "workload/bottleneck.h"

#include "math/statistics.h"
#include "workload/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HOURS_LEAST 12
#define BUSY_SHARE 0.2
#define SESSIONS_LEAST 30.0 /* seen at work, before their waits tell something */
#define SLOW_FACTOR 1.5
#define RISE_FACTOR 1.25
#define RELATED 0.2 /* correlation of calls and time below which they are not */
#define HIT_RATIO_FALL 0.05

static const struct {
    const char *word;
    double limit;
    const char *name;
} resources[BOTTLENECK_RESOURCES] = {
    [BOTTLENECK_CPU] = {"cpu", 0.7, "processors"},
    [BOTTLENECK_IO] = {"io", 0.3, "reading and writing blocks"},
    [BOTTLENECK_LOCK] = {"lock", 0.1, "locks"},
    [BOTTLENECK_WAL] = {"wal", 0.2, "the write-ahead log"},
    [BOTTLENECK_CONNECTION] = {"connection", 0.8, "connections"},
    [BOTTLENECK_MEMORY] = {"memory", 0.15, "memory for sorts and hashes (temporary files)"},
};

const char *
bottleneck_resource_word(BottleneckResource resource)
{
    return resources[resource].word;
}

typedef struct Busyness {
    double work_ms;
    size_t hour;
} Busyness;

static int
busyness_compare(const void *a, const void *b)
{
    const Busyness *left = a;
    const Busyness *right = b;
    if (left->work_ms != right->work_ms)
        return left->work_ms > right->work_ms ? -1 : 1;
    return (left->hour > right->hour) - (left->hour < right->hour);
}

size_t
bottleneck_busy_hours(Arena *arena, const HourlySeries *series, bool **ret_is_busy)
{
    Busyness *hours = ARENA_NEW_ARRAY(arena, Busyness, series->count);
    size_t count = 0;
    *ret_is_busy = ARENA_NEW_ARRAY(arena, bool, series->count);
    for (size_t i = 0; i < series->count; i++)
        if (!isnan(series->calls[i]))
            hours[count++] = (Busyness){.work_ms = series->calls[i] * series->time_ms[i], .hour = i};
    if (count < HOURS_LEAST)
        return 0;
    qsort(hours, count, sizeof(*hours), busyness_compare);
    size_t busy = 0;
    for (; busy < count && (double)busy < BUSY_SHARE * (double)count && hours[busy].work_ms > 0; busy++)
        (*ret_is_busy)[hours[busy].hour] = true;
    return busy;
}

/* The mean over busy hours and over the others; NAN where nothing is known. */
static BottleneckEvidence
metric_evidence(const BottleneckInput *input, const bool *is_busy, MetricId id)
{
    const MetricInfo *info = metric_info(id);
    BottleneckEvidence evidence = {.figure = info->name, .unit = info->unit, .busy = NAN, .otherwise = NAN};
    double sums[2] = {0};
    double counts[2] = {0};
    for (size_t i = 0; input->metrics[id] != NULL && i < input->series->count; i++) {
        if (isnan(input->metrics[id][i]))
            continue;
        sums[is_busy[i]] += input->metrics[id][i];
        counts[is_busy[i]]++;
    }
    if (counts[true] > 0)
        evidence.busy = sums[true] / counts[true];
    if (counts[false] > 0)
        evidence.otherwise = sums[false] / counts[false];
    return evidence;
}

static double
wait_share(const BottleneckWaits *waits, double seen)
{
    return waits->active >= SESSIONS_LEAST ? seen / waits->active : NAN;
}

static BottleneckEvidence
wait_evidence(const BottleneckInput *input, const char *figure, double busy, double others)
{
    return (BottleneckEvidence){.figure = figure,
                                .unit = "1",
                                .busy = wait_share(&input->busy, busy),
                                .otherwise = wait_share(&input->others, others)};
}

static void
evidence_add(Bottleneck *bottleneck, BottleneckEvidence evidence)
{
    if (!isnan(evidence.busy) && bottleneck->evidence_count < BOTTLENECK_EVIDENCE_MOST)
        bottleneck->evidence[bottleneck->evidence_count++] = evidence;
}

/* The greater of two, of which either may be unknown. */
static double
greater_of(double a, double b)
{
    return isnan(a) ? b : isnan(b) ? a : fmax(a, b);
}

static double
template_share(const WorkloadTemplates *templates, bool of_memory)
{
    double part = 0;
    double all = 0;
    for (size_t i = 0; templates != NULL && i < templates->count; i++) {
        const WorkloadTemplate *template = &templates->items[i];
        part += of_memory ? template->temp_blocks : template->io_ms;
        all += of_memory ? template->temp_blocks + template->blocks_hit + template->blocks_read
                         : template->total_ms;
    }
    return part > 0 && all > 0 ? fmin(part / all, 1) : NAN; /* 0 is also what an untimed server says */
}

static BottleneckEvidence
whole_evidence(const char *figure, double share)
{
    return (BottleneckEvidence){.figure = figure, .unit = "1", .busy = share, .otherwise = NAN};
}

static Bottleneck
cpu_load(const BottleneckInput *input, const bool *is_busy)
{
    Bottleneck found = {.load = NAN};
    BottleneckEvidence machine = metric_evidence(input, is_busy, METRIC_CPU);
    BottleneckEvidence waits =
        wait_evidence(input, "active sessions that wait for nothing", input->busy.cpu, input->others.cpu);
    found.load = isnan(machine.busy) ? waits.busy : machine.busy;
    evidence_add(&found, machine);
    evidence_add(&found, waits);
    return found;
}

static Bottleneck
io_load(const BottleneckInput *input, const bool *is_busy)
{
    Bottleneck found = {.load = NAN};
    BottleneckEvidence waits =
        wait_evidence(input, "active sessions that wait for blocks", input->busy.io, input->others.io);
    BottleneckEvidence timed =
        whole_evidence("share of statement time spent on blocks", template_share(input->templates, false));
    found.load = greater_of(waits.busy, timed.busy);
    evidence_add(&found, waits);
    evidence_add(&found, timed);
    evidence_add(&found, metric_evidence(input, is_busy, METRIC_BLOCKS_READ));
    evidence_add(&found, metric_evidence(input, is_busy, METRIC_CACHE_HIT_RATIO));
    return found;
}

static Bottleneck
lock_load(const BottleneckInput *input, const bool *is_busy)
{
    Bottleneck found = {.load = NAN};
    BottleneckEvidence waits =
        wait_evidence(input, "active sessions that wait for a lock", input->busy.lock, input->others.lock);
    BottleneckEvidence waiting = metric_evidence(input, is_busy, METRIC_CONNECTIONS_WAITING);
    BottleneckEvidence active = metric_evidence(input, is_busy, METRIC_CONNECTIONS_ACTIVE);
    double share = active.busy > 0 ? fmin(waiting.busy / active.busy, 1) : NAN;
    found.load = greater_of(waits.busy, share);
    evidence_add(&found, waits);
    evidence_add(&found, waiting);
    evidence_add(&found, metric_evidence(input, is_busy, METRIC_LOCKS_WAITED_FOR));
    evidence_add(&found, metric_evidence(input, is_busy, METRIC_DEADLOCKS));
    return found;
}

static Bottleneck
wal_load(const BottleneckInput *input, const bool *is_busy)
{
    Bottleneck found = {.load = NAN};
    BottleneckEvidence waits = wait_evidence(input, "active sessions that wait for the write-ahead log",
                                             input->busy.wal, input->others.wal);
    found.load = waits.busy;
    evidence_add(&found, waits);
    evidence_add(&found, metric_evidence(input, is_busy, METRIC_WAL_BYTES));
    evidence_add(&found, metric_evidence(input, is_busy, METRIC_CHECKPOINTS_REQUESTED));
    evidence_add(&found, metric_evidence(input, is_busy, METRIC_CHECKPOINTS_TIMED));
    return found;
}

static Bottleneck
connection_load(const BottleneckInput *input, const bool *is_busy)
{
    Bottleneck found = {.load = NAN};
    BottleneckEvidence most = metric_evidence(input, is_busy, METRIC_CONNECTIONS_MOST);
    double greatest = NAN;
    for (size_t i = 0; input->connections_greatest != NULL && i < input->series->count; i++)
        if (is_busy[i])
            greatest = greater_of(greatest, input->connections_greatest[i]);
    if (most.busy > 0)
        found.load = greatest / most.busy;
    evidence_add(&found, (BottleneckEvidence){.figure = "connections at their greatest",
                                              .unit = "1",
                                              .busy = greatest,
                                              .otherwise = NAN});
    evidence_add(&found, most);
    evidence_add(&found, metric_evidence(input, is_busy, METRIC_CONNECTIONS_ACTIVE));
    evidence_add(&found, metric_evidence(input, is_busy, METRIC_CONNECTIONS_IDLE_IN_TRANSACTION));
    return found;
}

static Bottleneck
memory_load(const BottleneckInput *input, const bool *is_busy)
{
    Bottleneck found = {.load = NAN};
    BottleneckEvidence waits = wait_evidence(input, "active sessions that wait for temporary files",
                                             input->busy.temporary, input->others.temporary);
    BottleneckEvidence blocks =
        whole_evidence("share of blocks that are temporary", template_share(input->templates, true));
    found.load = greater_of(waits.busy, blocks.busy);
    evidence_add(&found, waits);
    evidence_add(&found, blocks);
    evidence_add(&found, metric_evidence(input, is_busy, METRIC_TEMP_BYTES));
    evidence_add(&found, metric_evidence(input, is_busy, METRIC_MEMORY_AVAILABLE));
    return found;
}

static const char *
severity_of(double pressure)
{
    return pressure >= 2 ? "critical" : pressure >= 1.3 ? "high" : "medium";
}

VECTOR_DEFINE(BottleneckList, Bottleneck);

static void
resources_find(Arena *arena, const BottleneckInput *input, const bool *is_busy, BottleneckList *list,
               Bottlenecks *bottlenecks)
{
    static Bottleneck (*const find[BOTTLENECK_RESOURCES])(const BottleneckInput *, const bool *) = {
        [BOTTLENECK_CPU] = cpu_load,
        [BOTTLENECK_IO] = io_load,
        [BOTTLENECK_LOCK] = lock_load,
        [BOTTLENECK_WAL] = wal_load,
        [BOTTLENECK_CONNECTION] = connection_load,
        [BOTTLENECK_MEMORY] = memory_load};
    for (int resource = 0; resource < BOTTLENECK_RESOURCES; resource++) {
        Bottleneck found = find[resource](input, is_busy);
        bottlenecks->loads[resource] = found.load;
        bottlenecks->limits[resource] = resources[resource].limit;
        if (!(found.load >= resources[resource].limit))
            continue;
        found.type = resources[resource].word;
        found.limit = resources[resource].limit;
        found.severity = severity_of(found.load / found.limit);
        found.description = arena_printf(arena, "%s: %.0f%% in the busy hours, from %.0f%% on it bounds them",
                                         resources[resource].name, found.load * 100, found.limit * 100);
        vector_push(arena, list, found);
    }
}

/* Pearson's correlation of calls and mean time over the observed hours; NAN when one does not vary. */
static double
correlation_of(const HourlySeries *series)
{
    double n = 0;
    double sums[5] = {0};
    for (size_t i = 0; i < series->count; i++) {
        double x = series->calls[i];
        double y = series->time_ms[i];
        if (isnan(x) || x == 0)
            continue;
        n++;
        sums[0] += x;
        sums[1] += y;
        sums[2] += x * x;
        sums[3] += y * y;
        sums[4] += x * y;
    }
    double across = (n * sums[2] - sums[0] * sums[0]) * (n * sums[3] - sums[1] * sums[1]);
    return across > 0 ? (n * sums[4] - sums[0] * sums[1]) / sqrt(across) : NAN;
}

/* Of the hours of the day: means within the slow ones and in the others. */
typedef struct BandFigures {
    double calls[2];
    double time_ms[2];
    double hit_ratio[2];
    uint32_t hours;
} BandFigures;

static bool
band_find(const HourlySeries *series, const Profile *profile, BandFigures *ret_band)
{
    double times[SERIES_DAY_HOURS];
    size_t count = 0;
    for (size_t h = 0; h < SERIES_DAY_HOURS; h++)
        if (!isnan(profile->hourly_ms[h]))
            times[count++] = profile->hourly_ms[h];
    if (count < HOURS_LEAST)
        return false;
    double median = statistics_median(times, count);
    BandFigures band = {0};
    for (size_t h = 0; h < SERIES_DAY_HOURS; h++)
        if (profile->hourly_ms[h] >= SLOW_FACTOR * median && profile->hourly_ms[h] > median)
            band.hours |= (uint32_t)1 << h;
    double hours[2] = {0};
    double work[2] = {0};
    double hit[2] = {0};
    double read[2] = {0};
    for (size_t i = 0; i < series->count; i++) {
        if (isnan(series->calls[i]))
            continue;
        int hour = series_date(series->from_hour + (int64_t)i).hour;
        size_t in = band.hours >> hour & 1;
        hours[in]++;
        band.calls[in] += series->calls[i];
        work[in] += series->calls[i] * series->time_ms[i];
        hit[in] += series->blocks_hit[i];
        read[in] += series->blocks_read[i];
    }
    for (size_t in = 0; in < 2; in++) {
        band.time_ms[in] = band.calls[in] > 0 ? work[in] / band.calls[in] : NAN;
        band.hit_ratio[in] = hit[in] + read[in] > 0 ? hit[in] / (hit[in] + read[in]) : NAN;
        band.calls[in] = hours[in] > 0 ? band.calls[in] / hours[in] : NAN;
    }
    *ret_band = band;
    return band.hours != 0 && hours[0] > 0 && hours[1] > 0;
}

static const char *
hours_words(Arena *arena, uint32_t hours)
{
    Text text = text_new(arena);
    for (int h = 0; h < SERIES_DAY_HOURS; h++)
        if ((hours >> h & 1) != 0)
            text_append_format(&text, "%s%02d", text.length > 0 ? ", " : "", h);
    return text.data;
}

static void
band_judge(Arena *arena, const HourlySeries *series, BottleneckList *list)
{
    Profile profile = profile_of(series);
    BandFigures band;
    if (!band_find(series, &profile, &band))
        return;
    double related = correlation_of(series);
    bool calls_rise = band.calls[1] >= RISE_FACTOR * band.calls[0];
    Bottleneck found = {.load = NAN, .limit = NAN};
    const char *hours = hours_words(arena, band.hours);
    if (band.hit_ratio[0] - band.hit_ratio[1] >= HIT_RATIO_FALL) {
        found.type = "cache";
        found.description = arena_printf(
            arena, "in hours %s UTC statements are slow and fewer blocks are found in shared buffers", hours);
    } else if (calls_rise && !(related < RELATED)) {
        found.type = "capacity";
        found.description =
            arena_printf(arena, "in hours %s UTC statements get slower as there are more of them", hours);
    } else if (!calls_rise) {
        found.type = "contention";
        found.description = arena_printf(arena,
                                         "in hours %s UTC statements are slow though there are no more of "
                                         "them: contention, or another plan",
                                         hours);
    } else {
        return;
    }
    found.severity = band.time_ms[1] >= 3 * band.time_ms[0] ? "high" : "medium";
    evidence_add(&found,
                 (BottleneckEvidence){"mean time of a statement", "ms", band.time_ms[1], band.time_ms[0]});
    evidence_add(&found, (BottleneckEvidence){"calls an hour", "1", band.calls[1], band.calls[0]});
    evidence_add(&found, (BottleneckEvidence){"cache_hit_ratio", "1", band.hit_ratio[1], band.hit_ratio[0]});
    evidence_add(&found, (BottleneckEvidence){"correlation of calls and time", "1", related, NAN});
    vector_push(arena, list, found);
}

/* By how far over its limit; those of hours of the day last. */
static int
bottleneck_compare(const void *a, const void *b)
{
    const Bottleneck *left = a;
    const Bottleneck *right = b;
    double first = isnan(left->load) ? 0 : left->load / left->limit;
    double second = isnan(right->load) ? 0 : right->load / right->limit;
    return (first < second) - (first > second);
}

void
bottlenecks_find(Arena *arena, const BottleneckInput *input, Bottlenecks *ret_bottlenecks)
{
    Bottlenecks bottlenecks = {0};
    BottleneckList list = {0};
    bool *is_busy;
    for (int resource = 0; resource < BOTTLENECK_RESOURCES; resource++) {
        bottlenecks.loads[resource] = NAN;
        bottlenecks.limits[resource] = resources[resource].limit;
    }
    bottlenecks.busy_hours = bottleneck_busy_hours(arena, input->series, &is_busy);
    if (bottlenecks.busy_hours == 0) {
        bottlenecks.note =
            arena_printf(arena, "fewer than %d hours with statements were observed", HOURS_LEAST);
        *ret_bottlenecks = bottlenecks;
        return;
    }
    resources_find(arena, input, is_busy, &list, &bottlenecks);
    band_judge(arena, input->series, &list);
    if (list.count > 1)
        qsort(list.items, list.count, sizeof(*list.items), bottleneck_compare);
    bottlenecks.items = list.items;
    bottlenecks.count = list.count;
    bool is_known = false;
    for (int resource = 0; resource < BOTTLENECK_RESOURCES; resource++)
        is_known = is_known || !isnan(bottlenecks.loads[resource]);
    if (list.count == 0)
        bottlenecks.note = is_known ? "nothing bounds the busy hours"
                                    : "neither metrics nor waits of the busy hours are known";
    *ret_bottlenecks = bottlenecks;
}

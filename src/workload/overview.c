// SPDX-License-Identifier: PostgreSQL
#include "workload/overview.h"

#include "base/clock.h"
#include "math/statistics.h"

#include <math.h>

#define OLTP_CALLS 1000.0
#define OLTP_MS 100.0
#define OLTP_SLOW_PERCENT 10.0
#define OLAP_CALLS 100.0
#define OLAP_MS 1000.0
#define OLAP_SLOW_PERCENT 30.0
#define SLOW_MS 1000.0
#define PEAK_SHARE 5 /* of the day's hours: a fifth */
#define PEAK_FACTOR 1.25
#define PEAK_HIGH 3.0
#define HIT_RATIO_GOOD 0.9
#define HIT_RATIO_BAD 0.7
#define BLOCKS_LEAST 10000.0 /* before a hit ratio says something */
#define NAMED_MOST 3
#define LABEL_BYTES 90
#define DAY_US (INT64_C(24) * 3600 * 1000000)

const char *
workload_type_word(WorkloadType type)
{
    return type == WORKLOAD_OLTP ? "oltp" : type == WORKLOAD_OLAP ? "olap" : "mixed";
}

static void
peaks_find(Overview *overview)
{
    double sorted[SERIES_DAY_HOURS];
    size_t count = 0;
    double least = INFINITY;
    overview->quiet_hour = -1;
    for (int h = 0; h < SERIES_DAY_HOURS; h++) {
        double calls = overview->profile.hourly[h];
        if (isnan(calls))
            continue;
        sorted[count++] = calls;
        if (calls < least) {
            least = calls;
            overview->quiet_hour = h;
        }
    }
    if (count == 0)
        return;
    double floor = PEAK_FACTOR * statistics_quartile_lower(sorted, count);
    size_t wanted = (count + PEAK_SHARE - 1) / PEAK_SHARE;
    double limit = statistics_select(sorted, count, count - wanted);
    for (int h = 0; h < SERIES_DAY_HOURS && overview->peak_hour_count < wanted; h++) {
        double calls = overview->profile.hourly[h];
        if (calls >= limit && calls >= floor && calls > 0)
            overview->peak_hours[overview->peak_hour_count++] = h;
    }
}

static WorkloadType
type_of(const Overview *overview)
{
    if (overview->queries_per_hour > OLTP_CALLS && overview->mean_ms < OLTP_MS &&
        overview->slow_percent < OLTP_SLOW_PERCENT)
        return WORKLOAD_OLTP;
    if (overview->queries_per_hour < OLAP_CALLS && overview->mean_ms > OLAP_MS &&
        overview->slow_percent > OLAP_SLOW_PERCENT)
        return WORKLOAD_OLAP;
    return WORKLOAD_MIXED;
}

static void
figures_find(const OverviewInput *input, Overview *overview)
{
    const Profile *profile = &overview->profile;
    double slow = 0;
    double all = 0;
    overview->query_count = profile->calls_all;
    overview->mean_ms = isnan(profile->mean_ms) ? 0 : profile->mean_ms;
    if (profile->observed_hours > 0)
        overview->queries_per_hour = profile->calls_all / profile->observed_hours;
    for (size_t i = 0; i < input->templates->count; i++) {
        all += input->templates->items[i].calls;
        if (template_mean_ms(&input->templates->items[i]) > SLOW_MS)
            slow += input->templates->items[i].calls;
    }
    overview->slow_count = slow;
    overview->slow_percent = all > 0 ? slow / all * 100 : 0;
}

/* "08, 09 and 17 UTC" */
static const char *
hours_text(Arena *arena, const int *hours, size_t count)
{
    Text text = text_new(arena);
    for (size_t i = 0; i < count; i++)
        text_append_format(&text, "%s%02d", i == 0 ? "" : i + 1 == count ? " and " : ", ", hours[i]);
    text_append(&text, " UTC");
    return text.data;
}

static void
advise_peak(Arena *arena, Overview *overview)
{
    if (overview->peak_hour_count == 0)
        return;
    double most = 0;
    double average = 0;
    size_t count = 0;
    for (size_t h = 0; h < SERIES_DAY_HOURS; h++) {
        double calls = overview->profile.hourly[h];
        if (isnan(calls))
            continue;
        most = fmax(most, calls);
        average += calls;
        count++;
    }
    double factor = average > 0 ? most * (double)count / average : 1;
    WorkloadAdvice advice = {
        .type = "peak_load",
        .priority = factor >= PEAK_HIGH ? "high"
                    : factor >= 2       ? "medium"
                                        : "low",
        .title = arena_printf(arena, "The load peaks at %s",
                              hours_text(arena, overview->peak_hours, overview->peak_hour_count)),
        .description = arena_printf(arena, "the busiest hour of the day has %s calls, %.1f times the average",
                                    text_format_count(arena, round(most)), factor),
        .impact = "waiting time in the busiest hours"};
    vector_push(arena, &advice.steps,
                arena_printf(arena,
                             "keep maintenance, reports and batch jobs out of these hours; the quietest "
                             "is %02d UTC",
                             overview->quiet_hour));
    vector_push(arena, &advice.steps,
                "size connection pools and the machine for these hours, not for the average");
    vector_push(arena, &overview->advice, advice);
}

static void
advise_slow(Arena *arena, const OverviewInput *input, Overview *overview)
{
    const WorkloadTemplates *templates = input->templates;
    double slow_ms = 0;
    size_t slow = 0;
    WorkloadAdvice advice = {.type = "slow_queries"};
    for (size_t i = 0; i < templates->count; i++) {
        const WorkloadTemplate *template = &templates->items[i];
        if (!(template_mean_ms(template) > SLOW_MS))
            continue;
        slow_ms += template->total_ms;
        if (slow++ < NAMED_MOST)
            vector_push(arena, &advice.steps,
                        arena_printf(arena, "look at %s (%s a call, %s calls)",
                                     template_label(arena, template->text, LABEL_BYTES),
                                     text_format_duration_ms(arena, template_mean_ms(template)),
                                     text_format_count(arena, template->calls)));
    }
    if (slow == 0)
        return;
    double share = templates->total_ms > 0 ? slow_ms / templates->total_ms * 100 : 0;
    advice.priority = share >= 30 ? "high" : share >= 10 ? "medium" : "low";
    advice.title = arena_printf(arena,
                                slow == 1 ? "%zu statement takes more than a second on average"
                                          : "%zu statements take more than a second on average",
                                slow);
    advice.description = arena_printf(arena, "they are %.1f%% of the calls and %.0f%% of all statement time",
                                      overview->slow_percent, share);
    advice.impact = arena_printf(arena, "up to %.0f%% of all statement time", share);
    vector_push(arena, &advice.steps,
                "ask \"fettle advise\" or \"fettle index\" what would make them faster");
    vector_push(arena, &overview->advice, advice);
}

static const char *
resource_step(const char *type)
{
    static const struct {
        const char *type;
        const char *step;
    } steps[] = {
        {"cpu", "find the statements with the most time (\"fettle workload NAME hot\"), make them cheaper, "
                "or give the machine more processors"},
        {"io",
         "index what is read sequentially, give shared_buffers more memory, or the machine faster storage"},
        {"lock",
         "shorten transactions that write the same rows, and see who waits for whom in the busy hours"},
        {"wal", "raise max_wal_size, group small transactions, and drop indexes that nothing reads"},
        {"connection", "put a pool before the server, and end sessions that idle in a transaction"},
        {"memory", "raise work_mem for the statements that write temporary files, or make them sort less"},
        {"contention", "see what else runs in these hours, and whether plans change in them"},
        {"capacity", "spread what can wait over other hours, or make the most frequent statements cheaper"},
        {"cache",
         "see which statements read much in these hours, and whether shared_buffers holds what they need"},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(steps); i++)
        if (text_equals(steps[i].type, type))
            return steps[i].step;
    return "see what runs in the busy hours";
}

static void
advise_resources(Arena *arena, const OverviewInput *input, Overview *overview)
{
    for (size_t i = 0; input->bottlenecks != NULL && i < input->bottlenecks->count; i++) {
        const Bottleneck *bottleneck = &input->bottlenecks->items[i];
        WorkloadAdvice advice = {
            .type = "resource",
            .priority = text_equals(bottleneck->severity, "medium") ? "medium" : "high",
            .title = arena_printf(arena, "Bottleneck in the busy hours: %s", bottleneck->type),
            .description = bottleneck->description,
            .impact = isnan(bottleneck->load)
                          ? "statements in these hours"
                          : arena_printf(arena, "up to %.0f%% of the time in the busy hours",
                                         fmin(bottleneck->load, 1) * 100)};
        vector_push(arena, &advice.steps, resource_step(bottleneck->type));
        vector_push(arena, &overview->advice, advice);
    }
}

static void
advise_caching(Arena *arena, const OverviewInput *input, Overview *overview)
{
    double hit = 0;
    double read = 0;
    for (size_t i = 0; i < input->templates->count; i++) {
        hit += input->templates->items[i].blocks_hit;
        read += input->templates->items[i].blocks_read;
    }
    double ratio = hit + read > 0 ? hit / (hit + read) : 1;
    if (hit + read < BLOCKS_LEAST || ratio >= HIT_RATIO_GOOD)
        return;
    WorkloadAdvice advice = {
        .type = "caching",
        .priority = ratio < HIT_RATIO_BAD ? "high" : "medium",
        .title = arena_printf(arena, "Only %.0f%% of the blocks are found in shared buffers", ratio * 100),
        .description = arena_printf(arena, "statements read %s blocks from the system, of %s they asked for",
                                    text_format_count(arena, read), text_format_count(arena, hit + read)),
        .impact = "the time that statements wait for blocks"};
    vector_push(arena, &advice.steps, "compare shared_buffers with the size of what is read most");
    vector_push(arena, &advice.steps, "index what is read sequentially, so that fewer blocks are needed");
    vector_push(arena, &overview->advice, advice);
}

/* The part of a template's calls that are in hours of the day. */
static double
share_in_hours(const WorkloadTemplates *templates, const WorkloadTemplate *template, const Overview *overview)
{
    double in = 0;
    double all = 0;
    for (size_t i = 0; template->hours != NULL && i < templates->hour_count; i++) {
        if (isnan(template->hours[i]))
            continue;
        int hour = (int)((templates->from_hour + (int64_t)i) % SERIES_DAY_HOURS);
        all += (double)template->hours[i];
        for (size_t p = 0; p < overview->peak_hour_count; p++)
            if (overview->peak_hours[p] == hour)
                in += (double)template->hours[i];
    }
    return all > 0 ? in / all : 0;
}

/* Heavy work in the peak hours that could be done in others. */
static void
advise_scheduling(Arena *arena, const OverviewInput *input, Overview *overview)
{
    WorkloadAdvice advice = {.type = "scheduling"};
    double moved_ms = 0;
    size_t count = 0;
    if (overview->peak_hour_count == 0 || input->classes == NULL)
        return;
    for (size_t i = 0; i < input->templates->count; i++) {
        const WorkloadTemplate *template = &input->templates->items[i];
        const ClassFound *class = &input->classes[i];
        double share = share_in_hours(input->templates, template, overview);
        if ((class->cadence != QUERY_SCHEDULED && class->class != QUERY_OLAP) ||
            class->weight == QUERY_LIGHT || share < 1.0 / 3)
            continue;
        moved_ms += template->total_ms * share;
        if (count++ < NAMED_MOST)
            vector_push(arena, &advice.steps,
                        arena_printf(arena,
                                     "run it at another time: %s (%.0f%% of its calls are in the peak)",
                                     template_label(arena, template->text, LABEL_BYTES), share * 100));
    }
    double share = input->templates->total_ms > 0 ? moved_ms / input->templates->total_ms * 100 : 0;
    if (count == 0 || share < 1)
        return;
    advice.priority = share >= 20 ? "high" : share >= 5 ? "medium" : "low";
    advice.title = "Heavy work runs in the peak hours";
    advice.description = arena_printf(
        arena, "heavy statements that no user waits for (%zu) run at %s; the quietest hour is %02d UTC",
        count, hours_text(arena, overview->peak_hours, overview->peak_hour_count), overview->quiet_hour);
    advice.impact = arena_printf(arena, "%.0f%% of all statement time leaves the peak hours", share);
    vector_push(arena, &overview->advice, advice);
}

static void
insights_find(Arena *arena, const OverviewInput *input, Overview *overview)
{
    TextList *insights = &overview->insights;
    if (overview->profile.observed_hours == 0) {
        vector_push(arena, insights, "nothing was collected in this time: there is no workload to tell of");
        return;
    }
    vector_push(
        arena, insights,
        arena_printf(arena, "%s: %s calls in %.0f observed hours, %s on average",
                     workload_type_word(overview->type), text_format_count(arena, overview->query_count),
                     overview->profile.observed_hours, text_format_duration_ms(arena, overview->mean_ms)));
    if (overview->peak_hour_count > 0)
        vector_push(arena, insights,
                    arena_printf(arena, "busiest at %s",
                                 hours_text(arena, overview->peak_hours, overview->peak_hour_count)));
    else
        vector_push(arena, insights, "no hour of the day is busier than the others");
    for (size_t i = 0; i < overview->shift_count; i++) {
        const WorkloadShift *shift = &overview->shifts[i];
        vector_push(arena, insights,
                    arena_printf(arena, "since %.10s %s %s by %.0f%%",
                                 clock_format_utc(arena, shift->day * DAY_US),
                                 text_equals(shift->metric, "queries") ? "the number of calls"
                                                                       : "the mean time of a call",
                                 shift->change > 0 ? "is up" : "is down", fabs(shift->change) * 100));
    }
    if (input->bottlenecks != NULL && input->bottlenecks->note != NULL)
        vector_push(arena, insights, input->bottlenecks->note);
    if (input->templates->missing != NULL)
        vector_push(arena, insights, input->templates->missing);
}

void
overview_make(Arena *arena, const OverviewInput *input, Overview *ret_overview)
{
    Overview overview = {.profile = profile_of(input->series)};
    figures_find(input, &overview);
    peaks_find(&overview);
    overview.type = type_of(&overview);
    overview.shift_count = shifts_find(arena, input->series, overview.shifts);
    advise_resources(arena, input, &overview);
    advise_slow(arena, input, &overview);
    advise_caching(arena, input, &overview);
    advise_scheduling(arena, input, &overview);
    advise_peak(arena, &overview);
    insights_find(arena, input, &overview);
    *ret_overview = overview;
}

// SPDX-License-Identifier: PostgreSQL
#include "base/clock.h"
#include "base/json_writer.h"
#include "cli/chart.h"
#include "cli/store_session.h"
#include "cli/workload_text.h"
#include "workload/pattern.h"
#include "workload/period.h"
#include "workload/profile.h"
#include "workload/refresh.h"

#include <math.h>
#include <string.h>

extern const CliVerb cli_verb_patterns;

#define DATABASES_SHOWN 20 /* to people; as JSON all */

static const CliOption patterns_options[] = {
    {"target", 't', "TARGET", "only this target, by name or number"},
    {"database", 'd', "NAME", "only this database"},
    {"days", 0, "N", "days to look back, 7 to 365 (default: 30)"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static const char *const weekday_words[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static bool
days_option(const CliInput *input, int *ret_days, Error *error)
{
    const char *text = cli_option(input, "days");
    int64_t days = PATTERN_LOOKBACK_DAYS;
    if (text != NULL && (!text_parse_int64(text, &days) || days < PATTERN_LOOKBACK_DAYS_LEAST ||
                         days > PATTERN_LOOKBACK_DAYS_MOST))
        return error_set(error, ERROR_USAGE, "--days takes a whole number from %d to %d",
                         PATTERN_LOOKBACK_DAYS_LEAST, PATTERN_LOOKBACK_DAYS_MOST);
    *ret_days = (int)days;
    return true;
}

/* The targets in question; the first part of them when there are too many at once. */
static bool
targets_choose(CliInput *input, const CliStore *store, PatternRefresh *what, Error *error)
{
    const char *named = cli_option(input, "target");
    int64_t *ids = ARENA_NEW(input->arena, int64_t);
    Target target;
    what->target_count = 1;
    if (named != NULL && !cli_target_find(store, named, &target, error))
        return false;
    if (named != NULL)
        *ids = target.target_id;
    else if (!workload_targets_read(store->connection, input->arena, what->database_name, &ids,
                                    &what->target_count, error))
        return false;
    what->target_ids = ids;
    if (what->target_count <= REFRESH_TARGETS_MOST)
        return true;
    error_set(error, ERROR_LIMIT, "there are %zu targets with databases", what->target_count);
    return error_set_hint(error, "name one with --target");
}

static bool
analyze(CliInput *input, CliStore *store, const PatternRefresh *what, Error *error)
{
    WorkloadPatterns found;
    CliAct act = {.action = "workload.analyze",
                  .object = what->database_name == NULL
                                ? "databases"
                                : arena_printf(input->arena, "database:%s", what->database_name),
                  .target_id = what->target_count == 1 ? what->target_ids[0] : 0};
    bool done = pattern_refresh_find(store->connection, input->arena, what, &found, error) &&
                pattern_refresh_keep(store->connection, what, &found, error);
    return cli_store_audit(store, &act, done, error);
}

static bool
is_of(const WorkloadPattern *pattern, const HourlySeries *series)
{
    return pattern->target_id == series->target_id &&
           text_equals(pattern->database_name, series->database_name);
}

static double
most_of(const Profile *profile)
{
    double most = 0;
    for (size_t day = 0; day < SERIES_WEEK_DAYS; day++)
        for (size_t h = 0; h < SERIES_DAY_HOURS; h++)
            most = fmax(most, profile->weekly[day][h]);
    return most;
}

/* Names are the target's: nothing of them may steer the terminal. */
static const char *
shown_name(Arena *arena, const char *name)
{
    char *clean = arena_strdup(arena, name);
    for (char *at = clean; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            *at = '?';
    return clean;
}

/* Of the hours that are over and were seen by half or more. */
static Periods
periods_of(Arena *arena, const HourlySeries *series)
{
    HourlySeries clean = series_clean(arena, series, series->from_hour + (int64_t)series->count - 1);
    return period_detect(arena, clean.calls, clean.count);
}

static void
append_periods(Text *text, const HourlySeries *series)
{
    Periods periods = periods_of(text->arena, series);
    for (size_t i = 0; i < periods.count; i++)
        text_append_format(text, "%s %zu h (%.0f%% of its variation)",
                           i == 0 ? "  the load repeats every" : ", every", periods.hours[i],
                           periods.share[i] * 100);
    if (periods.count > 0)
        text_append_char(text, '\n');
    else
        workload_text_no_period(text, &periods, series->count - 1);
}

static void
append_database(Text *text, const HourlySeries *series, const WorkloadPatterns *patterns)
{
    Profile profile = profile_of(series);
    text_append_format(text, "%s (target %lld): %s calls in %.0f observed hours\n\n",
                       shown_name(text->arena, series->database_name), (long long)series->target_id,
                       text_format_count(text->arena, profile.calls_all), profile.observed_hours);
    text_append(text, "UTC    0     6     12    18    \n");
    double most = most_of(&profile);
    for (size_t day = 0; day < SERIES_WEEK_DAYS; day++) {
        text_append_format(text, "  %s  ", weekday_words[day]);
        chart_shades(text, profile.weekly[day], SERIES_DAY_HOURS, most);
        text_append_char(text, '\n');
    }
    text_append(text, "calls  ");
    chart_bars(text, profile.hourly, SERIES_DAY_HOURS);
    text_append(text, "\n time  ");
    chart_bars(text, profile.hourly_ms, SERIES_DAY_HOURS);
    text_append(text, "\n\n");
    append_periods(text, series);
    size_t shown = 0;
    for (size_t i = 0; i < patterns->count; i++)
        if (is_of(&patterns->items[i], series)) {
            text_append_format(text, "  %-10s %s\n", patterns->items[i].pattern_key,
                               patterns->items[i].description);
            shown++;
        }
    if (shown == 0)
        text_append(text,
                    "  no pattern is kept; \"fettle patterns analyze\" looks for some, in 7 days or more\n");
    text_append_char(text, '\n');
}

static void
numbers_write(JsonWriter *json, const double *values, size_t count)
{
    json_array_begin(json);
    for (size_t i = 0; i < count; i++)
        json_double(json, values[i]);
    json_array_end(json);
}

static void
periods_write(JsonWriter *json, const HourlySeries *series)
{
    Periods periods = periods_of(json->text->arena, series);
    json_key(json, "periods"); /* null: too few hours to tell */
    if (periods.verdict != PERIOD_SEARCHED) {
        json_write_null(json);
        return;
    }
    json_array_begin(json);
    for (size_t i = 0; i < periods.count; i++) {
        json_object_begin(json);
        json_key_int(json, "hours", (int64_t)periods.hours[i]);
        json_key_double(json, "share", periods.share[i]);
        json_object_end(json);
    }
    json_array_end(json);
}

static void
database_write(JsonWriter *json, const HourlySeries *series, const WorkloadPatterns *patterns)
{
    Profile profile = profile_of(series);
    json_object_begin(json);
    json_key_int(json, "target_id", series->target_id);
    json_key_string(json, "database_name", series->database_name);
    json_key_double(json, "calls", profile.calls_all);
    json_key_double(json, "observed_hours", profile.observed_hours);
    json_key(json, "hourly");
    numbers_write(json, profile.hourly, SERIES_DAY_HOURS);
    json_key(json, "hourly_ms");
    numbers_write(json, profile.hourly_ms, SERIES_DAY_HOURS);
    json_key(json, "weekly");
    json_array_begin(json);
    for (size_t day = 0; day < SERIES_WEEK_DAYS; day++)
        numbers_write(json, profile.weekly[day], SERIES_DAY_HOURS);
    json_array_end(json);
    periods_write(json, series);
    json_key(json, "patterns");
    json_array_begin(json);
    for (size_t i = 0; i < patterns->count; i++) {
        if (!is_of(&patterns->items[i], series))
            continue;
        json_object_begin(json);
        json_key_string(json, "pattern_type", patterns->items[i].pattern_type);
        json_key_string(json, "pattern_key", patterns->items[i].pattern_key);
        json_key_string(json, "description", patterns->items[i].description);
        json_key(json, "pattern_metadata");
        json_raw(json, patterns->items[i].pattern_metadata);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

static bool
show(CliInput *input, const CliStore *store, const PatternRefresh *what, Error *error)
{
    HourlySeries *series = NULL;
    size_t count;
    Text text = text_new(input->arena);
    JsonWriter json = json_writer_new(&text, true);
    bool as_json = cli_option(input, "json") != NULL;
    if (!series_read(store->connection, input->arena, what, &series, &count, error))
        return false;
    if (as_json)
        json_array_begin(&json);
    for (size_t i = 0; i < count && (as_json || i < DATABASES_SHOWN); i++) {
        WorkloadPattern like = {.target_id = series[i].target_id, .database_name = series[i].database_name};
        WorkloadPatterns patterns;
        if (!workload_patterns_read(store->connection, input->arena, &like, WORKLOAD_PATTERNS_MOST, &patterns,
                                    error))
            return false;
        if (as_json)
            database_write(&json, &series[i], &patterns);
        else
            append_database(&text, &series[i], &patterns);
    }
    if (as_json)
        json_array_end(&json);
    if (as_json)
        text_append_char(&text, '\n');
    else if (count == 0)
        text_append(&text, "nothing was collected in that time\n");
    else if (count > DATABASES_SHOWN)
        text_append_format(&text, "and %zu more databases: name one with --database\n",
                           count - DATABASES_SHOWN);
    return cli_write(input, text.data, text.length, error);
}

static bool
patterns_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    PatternRefresh what = {.database_name = cli_option(input, "database"), .now_us = clock_wall_us()};
    bool is_analysis = input->argument_count > 0;
    *ret_exit_status = CLI_EXIT_NOTHING;
    if (is_analysis && strcmp(input->arguments[0], "analyze") != 0)
        return error_set(error, ERROR_USAGE, "\"%.40s\" is not \"analyze\"", input->arguments[0]);
    return days_option(input, &what.lookback_days, error) && cli_store_open(input, false, &store, error) &&
           targets_choose(input, &store, &what, error) &&
           (!is_analysis || analyze(input, &store, &what, error)) && show(input, &store, &what, error);
}

const CliVerb cli_verb_patterns = {
    .name = "patterns",
    .arguments = "[analyze]",
    .arguments_most = 1,
    .summary = "when the databases are busy: hours, weekdays, days of the month",
    .description = "Shows for each database a map of its calls by weekday and hour, the average hour of the "
                   "day, and the\n"
                   "patterns that were detected. They are detected every night (patterns.schedule); with "
                   "\"analyze\" now,\n"
                   "over the last --days. All times are UTC.",
    .examples = "  fettle patterns\n"
                "  fettle patterns analyze --database shop --days 90\n"
                "  fettle patterns --json | jq '.[].patterns'\n",
    .options = patterns_options,
    .run = patterns_run,
};

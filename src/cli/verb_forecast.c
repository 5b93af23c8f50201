// SPDX-License-Identifier: PostgreSQL
#include "base/clock.h"
#include "base/json_writer.h"
#include "cli/chart.h"
#include "cli/store_session.h"
#include "workload/outlook_text.h"

#include <math.h>
#include <string.h>

extern const CliVerb cli_verb_forecast;

#define HOUR_US (INT64_C(3600) * 1000000)
#define COLUMNS_MOST 60
#define TREND_HOURS ((size_t)24 * 28)
#define PARTS_HOURS ((size_t)24 * 14)
#define WINDOW_STANDARD 2
#define WINDOW_MOST 48

static const CliOption forecast_options[] = {
    {"database", 'd', "NAME", "only this database (default: all of the target)"},
    {"metric", 'm', "NAME", "what to forecast (default: queries); a wrong name lists all"},
    {"hours", 0, "N", "hours ahead, 1 to 168 (default: 48)"},
    {"window", 'w', "N", "hours of the quiet window, 1 to 48 (default: 2)"},
    {"limit", 0, "SIZE", "the databases are full at this size (\"200GB\")"},
    {"json", 0, NULL, "as JSON, with every hour"},
    {NULL, 0, NULL, NULL},
};

/* What is asked for, and all that is found. */
typedef struct View {
    CliInput *input;
    Target target;
    OutlookRequest request;
    int64_t window_hours;
    double limit_bytes;
    Outlook outlook;
    Trend trend;
    Shift shift;
    bool has_shift;
    QuietWindow quiet;
    QuietWindow peak;
    bool has_quiet;
    bool has_peak;
    OutlookCapacity capacities[OUTLOOK_CAPACITIES_MOST];
    size_t capacity_count;
} View;

static bool
number_option(const CliInput *input, const char *name, int64_t most, int64_t *value, Error *error)
{
    const char *text = cli_option(input, name);
    if (text == NULL || (text_parse_int64(text, value) && *value >= 1 && *value <= most))
        return true;
    return error_set(error, ERROR_USAGE, "--%s takes a whole number from 1 to %lld", name, (long long)most);
}

static bool
options_read(View *view, Error *error)
{
    const CliInput *input = view->input;
    const char *metric = cli_option(input, "metric");
    const char *limit = cli_option(input, "limit");
    int64_t hours = OUTLOOK_HOURS_STANDARD;
    int64_t bytes = 0;
    view->window_hours = WINDOW_STANDARD;
    view->limit_bytes = NAN;
    view->request = (OutlookRequest){.database_name = cli_option(input, "database"),
                                     .metric = metric == NULL ? "queries" : metric,
                                     .now_us = clock_wall_us()};
    if (!number_option(input, "hours", (int64_t)FORECAST_HOURS_MOST, &hours, error) ||
        !number_option(input, "window", WINDOW_MOST, &view->window_hours, error))
        return false;
    view->request.hours = (size_t)hours;
    if (limit != NULL && (!setting_size_parse(limit, &bytes) || bytes <= 0))
        return error_set(error, ERROR_USAGE, "--limit takes a size as \"200GB\"");
    if (limit != NULL)
        view->limit_bytes = (double)bytes;
    if (outlook_metric_is_known(view->request.metric))
        return true;
    error_set(error, ERROR_USAGE, "there is no metric \"%.40s\"", view->request.metric);
    return error_set_hint(error, "there are %s", outlook_metric_names(input->arena));
}

static bool
view_read(View *view, PgConnection *session, Error *error)
{
    Arena *arena = view->input->arena;
    Outlook *outlook = &view->outlook;
    if (!outlook_read(session, arena, &view->request, outlook, error) ||
        !outlook_capacities_read(session, arena, &view->request, view->limit_bytes, view->capacities,
                                 &view->capacity_count, error))
        return false;
    size_t count = outlook->count < TREND_HOURS ? outlook->count : TREND_HOURS;
    size_t first = outlook->count - count;
    view->trend = trend_find(arena, outlook->values + first, count,
                             series_date(outlook->from_hour + (int64_t)first).hour);
    view->has_shift =
        trend_shift(arena, outlook->values, outlook->count, outlook->forecast.seasons, &view->shift);
    view->has_quiet = quiet_window_find(&outlook->forecast, (size_t)view->window_hours, 0, &view->quiet);
    view->has_peak = quiet_window_peak(&outlook->forecast, 0, &view->peak);
    return true;
}

/* "Fri 02-20 14:00" */
static char *
hour_text(Arena *arena, int64_t hour)
{
    static const char *const weekday_words[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    char *time = clock_format_utc(arena, hour * HOUR_US);
    time[strlen("2026-02-20")] = ' ';
    time[strlen("2026-02-20T14:00")] = '\0';
    return arena_printf(arena, "%s %s", weekday_words[series_date(hour).weekday], time + strlen("2026-"));
}

/* Means of so many values each, for a line of no more than COLUMNS_MOST columns. */
static size_t
thinned(Arena *arena, const double *values, size_t count, size_t step, double **ret_thin)
{
    size_t columns = (count + step - 1) / step;
    *ret_thin = ARENA_NEW_ARRAY(arena, double, columns);
    for (size_t column = 0; column < columns; column++) {
        double sum = 0;
        double known = 0;
        for (size_t i = column * step; i < (column + 1) * step && i < count; i++)
            if (!isnan(values[i])) {
                sum += values[i];
                known += 1;
            }
        (*ret_thin)[column] = known > 0 ? sum / known : NAN;
    }
    return columns;
}

enum { LINE_PAST, LINE_AHEAD, LINE_UPPER, LINE_LOWER, LINES };

static void
append_charts(Text *text, const View *view)
{
    static const char *const names[LINES] = {"  observed   ", "  forecast   ", "  90 %, high ",
                                             "       low   "};
    Arena *arena = text->arena;
    const Outlook *outlook = &view->outlook;
    size_t hours = view->request.hours;
    size_t step = (hours + COLUMNS_MOST - 1) / COLUMNS_MOST;
    double *lines[LINES];
    double *thin[LINES];
    size_t columns = 0;
    double most = 0;
    for (int line = 0; line < LINES; line++)
        lines[line] = ARENA_NEW_ARRAY(arena, double, hours);
    for (size_t h = 0; h < hours; h++) {
        lines[LINE_PAST][h] = h + outlook->count < hours ? NAN : outlook->values[h + outlook->count - hours];
        lines[LINE_AHEAD][h] = outlook->forecast.hours[h].predicted;
        lines[LINE_UPPER][h] = outlook->forecast.hours[h].upper[FORECAST_90];
        lines[LINE_LOWER][h] = outlook->forecast.hours[h].lower[FORECAST_90];
    }
    for (int line = 0; line < LINES; line++) {
        columns = thinned(arena, lines[line], hours, step, &thin[line]);
        for (size_t column = 0; column < columns; column++)
            most = fmax(most, thin[line][column]);
    }
    for (int line = 0; line < LINES; line++) {
        text_append(text, names[line]);
        chart_bars_of(text, thin[line], columns, most);
        text_append(text, line == LINE_PAST    ? "  the last hours\n"
                          : line == LINE_AHEAD ? "  the next hours\n"
                                               : "\n");
    }
    text_append_format(text, "  each column is %zu hour%s; from %s UTC\n\n", step, step == 1 ? "" : "s",
                       hour_text(arena, outlook->from_hour + (int64_t)outlook->count));
}

/* "236/h", "4.0 kB", "12 ms", "20 blocks/h": a value with its unit. */
static char *
value_text(const View *view, double value)
{
    Arena *arena = view->input->arena;
    const char *unit = view->outlook.unit;
    char *text = outlook_value_text(arena, unit, value);
    if (strcmp(unit, "1") == 0 || strcmp(unit, "bytes") == 0 || strcmp(unit, "ms") == 0)
        return text;
    bool is_count = unit[0] == '1';
    bool is_rate = strncmp(unit, "bytes/", strlen("bytes/")) == 0;
    return arena_printf(arena, "%s%s%s", text, is_count || is_rate ? "" : " ",
                        is_count  ? unit + 1
                        : is_rate ? unit + strlen("bytes")
                                  : unit);
}

static void
append_window(Text *text, const View *view, const char *name, const QuietWindow *window)
{
    Arena *arena = text->arena;
    int64_t from = view->outlook.from_hour + (int64_t)(view->outlook.count + window->from);
    char *to = hour_text(arena, from + (int64_t)window->hours);
    text_append_format(text, "  %-8s %s to %s UTC: %s (90 %%: %s to %s), %.0f %% of the mean\n", name,
                       hour_text(arena, from), to + strlen("Fri 02-20 "), value_text(view, window->predicted),
                       value_text(view, window->lower), value_text(view, window->upper), window->share * 100);
}

static void
append_trend(Text *text, const View *view)
{
    const Outlook *outlook = &view->outlook;
    text_append_format(text, "  trend    %s", trend_word(view->trend.word));
    if (!isnan(view->trend.change_percent))
        text_append_format(text, ", %+.1f %% between the halves of %zu hours", view->trend.change_percent,
                           view->trend.hours);
    if (!isnan(view->trend.chance))
        text_append_format(text, " (by chance: p = %.2g)", view->trend.chance);
    text_append_char(text, '\n');
    if (view->has_shift)
        text_append_format(text, "  shift    %+.0f %% on %.9s\n", view->shift.change_percent,
                           hour_text(text->arena, outlook->from_hour + (int64_t)view->shift.at));
    double rise = outlook_rise_percent(outlook);
    if (rise > 20)
        text_append_format(text, "  warning  the forecast is %.0f %% above the same hours of the last week\n",
                           rise);
}

static void
append_view(Text *text, const View *view)
{
    const Outlook *outlook = &view->outlook;
    const char *why = outlook_verdict_sentence(outlook->forecast.verdict);
    size_t observed = 0;
    for (size_t i = 0; i < outlook->count; i++)
        observed += !isnan(outlook->values[i]);
    text_append_format(text, "%s (target %lld): %s (%s)%s, %zu hours observed\n\n", view->target.name,
                       (long long)view->target.target_id, outlook->metric, outlook->unit,
                       view->request.database_name == NULL ? "" : " of one database", observed);
    if (outlook->forecast.count > 0)
        append_charts(text, view);
    if (why != NULL)
        text_append_format(text, "  %s\n", why);
    else if (outlook->forecast.error_ratio >= 0)
        text_append_format(text, "  errors   %.0f %% of those of \"as the day before\", over %zu days\n",
                           outlook->forecast.error_ratio * 100, outlook->forecast.origins);
    append_trend(text, view);
    if (view->has_quiet)
        append_window(text, view, "quiet", &view->quiet);
    if (view->has_peak)
        append_window(text, view, "peak", &view->peak);
    for (size_t i = 0; i < view->capacity_count; i++)
        text_append_format(
            text, "  %s\n",
            outlook_capacity_sentence(text->arena, &view->capacities[i], view->request.now_us));
}

static void
shift_write(JsonWriter *json, const View *view)
{
    json_key(json, "shift");
    if (!view->has_shift) {
        json_write_null(json);
        return;
    }
    int64_t hour = view->outlook.from_hour + (int64_t)view->shift.at;
    json_object_begin(json);
    json_key_string(json, "at", clock_format_utc(json->text->arena, hour * HOUR_US));
    json_key_double(json, "change_percent", view->shift.change_percent);
    json_key_string(json, "severity", view->shift.is_high ? "high" : "medium");
    json_object_end(json);
}

static void
view_write(JsonWriter *json, const View *view)
{
    const Outlook *outlook = &view->outlook;
    json_object_begin(json);
    json_key_int(json, "target_id", view->target.target_id);
    json_key_string(json, "target", view->target.name);
    json_key_string(json, "database_name", view->request.database_name);
    json_key_string(json, "metric", outlook->metric);
    json_key_string(json, "unit", outlook->unit);
    json_key_int(json, "observed_hours", (int64_t)outlook->count);
    json_key_string(json, "verdict", forecast_verdict_word(outlook->forecast.verdict));
    json_key_double(json, "error_ratio", outlook->forecast.error_ratio);
    json_key_string(json, "trend", trend_word(view->trend.word));
    json_key_double(json, "change_percent", view->trend.change_percent);
    json_key_double(json, "chance", view->trend.chance);
    json_key_double(json, "rise_percent", outlook_rise_percent(outlook));
    shift_write(json, view);
    json_key(json, "forecast");
    outlook_json_forecast(json, outlook);
    json_key(json, "parts");
    outlook_json_parts(json, outlook, PARTS_HOURS);
    json_key(json, "quiet_window");
    outlook_json_window(json, outlook, &view->quiet, view->has_quiet);
    json_key(json, "next_peak");
    outlook_json_window(json, outlook, &view->peak, view->has_peak);
    json_key(json, "capacity");
    outlook_json_capacities(json, view->capacities, view->capacity_count, view->request.now_us);
    json_object_end(json);
}

static bool
view_show(const View *view, Error *error)
{
    Text text = text_new(view->input->arena);
    if (cli_option(view->input, "json") == NULL) {
        append_view(&text, view);
        return cli_write(view->input, text.data, text.length, error);
    }
    JsonWriter json = json_writer_new(&text, true);
    view_write(&json, view);
    text_append_char(&text, '\n');
    return cli_write(view->input, text.data, text.length, error);
}

static bool
forecast_run(CliInput *input, int *ret_exit_status, Error *error)
{
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    View *view = ARENA_NEW(input->arena, View);
    view->input = input;
    *ret_exit_status = CLI_EXIT_NOTHING;
    if (!options_read(view, error) || !cli_store_open(input, false, &store, error) ||
        !cli_target_find(&store, input->arguments[0], &view->target, error))
        return false;
    view->request.target_id = view->target.target_id;
    return view_read(view, store.connection, error) && view_show(view, error);
}

const CliVerb cli_verb_forecast = {
    .name = "forecast",
    .arguments = "NAME",
    .arguments_least = 1,
    .arguments_most = 1,
    .summary = "the next hours of a target's load, its next quiet window, and when it is full",
    .description =
        "Forecasts a metric from what was collected in the last 90 days: each hour with a band that "
        "holds as often as\n"
        "it says, the next quiet window for a change, the next peak, the trend, and on which day "
        "disk, databases\n"
        "(--limit) and connections reach their limits. What cannot be told is said to be so. All "
        "times are UTC. NAME is a target's, or its number.",
    .examples = "  fettle forecast shop\n"
                "  fettle forecast shop --database orders --hours 168 --window 4\n"
                "  fettle forecast shop --metric connections --json | jq .capacity\n",
    .options = forecast_options,
    .run = forecast_run,
};

// SPDX-License-Identifier: PostgreSQL
#include "workload/outlook_text.h"

#include "base/clock.h"
#include "workload/decompose.h"

#include <math.h>
#include <string.h>

#define HOUR_US (INT64_C(3600) * 1000000)
#define DAY_US (24 * HOUR_US)

static void
key_hour(JsonWriter *json, const char *key, int64_t hour)
{
    json_key_string(json, key, clock_format_utc(json->text->arena, hour * HOUR_US));
}

void
outlook_json_forecast(JsonWriter *json, const Outlook *outlook)
{
    json_array_begin(json);
    for (size_t h = 0; h < outlook->forecast.count; h++) {
        const ForecastHour *hour = &outlook->forecast.hours[h];
        json_object_begin(json);
        key_hour(json, "hour", outlook->from_hour + (int64_t)(outlook->count + h));
        json_key_double(json, "predicted", hour->predicted);
        json_key_double(json, "lower", hour->lower[FORECAST_90]);
        json_key_double(json, "upper", hour->upper[FORECAST_90]);
        json_key_double(json, "lower_80", hour->lower[FORECAST_80]);
        json_key_double(json, "upper_80", hour->upper[FORECAST_80]);
        json_key_double(json, "lower_95", hour->lower[FORECAST_95]);
        json_key_double(json, "upper_95", hour->upper[FORECAST_95]);
        json_object_end(json);
    }
    json_array_end(json);
}

void
outlook_json_window(JsonWriter *json, const Outlook *outlook, const QuietWindow *window, bool is_found)
{
    if (!is_found) {
        json_write_null(json);
        return;
    }
    int64_t from = outlook->from_hour + (int64_t)(outlook->count + window->from);
    json_object_begin(json);
    key_hour(json, "from", from);
    key_hour(json, "to", from + (int64_t)window->hours);
    json_key_double(json, "predicted", window->predicted);
    json_key_double(json, "lower", window->lower);
    json_key_double(json, "upper", window->upper);
    json_key_double(json, "share", window->share);
    json_object_end(json);
}

static void
key_numbers(JsonWriter *json, const char *key, const double *values, size_t count)
{
    json_key(json, key);
    json_array_begin(json);
    for (size_t i = 0; i < count; i++)
        json_double(json, values[i]);
    json_array_end(json);
}

void
outlook_json_parts(JsonWriter *json, const Outlook *outlook, size_t hours)
{
    if (outlook->count == 0) {
        json_write_null(json);
        return;
    }
    Decomposition parts =
        decompose(json->text->arena, outlook->values, outlook->count, outlook->forecast.seasons);
    size_t first = outlook->count > hours ? outlook->count - hours : 0;
    size_t count = outlook->count - first;
    json_object_begin(json);
    key_hour(json, "from", outlook->from_hour + (int64_t)first);
    json_key(json, "seasons");
    json_array_begin(json);
    for (size_t s = 0; s < DECOMPOSE_SEASONS_MOST; s++)
        if (parts.seasons[s] > 0)
            json_int(json, (int64_t)parts.seasons[s]);
    json_array_end(json);
    key_numbers(json, "level", parts.level + first, count);
    key_numbers(json, "day", parts.season[0] + first, count);
    key_numbers(json, "week", parts.season[1] + first, count);
    key_numbers(json, "rest", parts.rest + first, count);
    json_object_end(json);
}

void
outlook_json_capacities(JsonWriter *json, const OutlookCapacity *capacities, size_t count, int64_t now_us)
{
    json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        const Capacity *capacity = &capacities[i].capacity;
        json_object_begin(json);
        json_key_string(json, "name", capacities[i].name);
        json_key_string(json, "unit", capacities[i].unit);
        json_key_string(json, "verdict", capacity_verdict_word(capacity->verdict));
        json_key_double(json, "now", capacity->now);
        json_key_double(json, "limit", capacity->limit);
        json_key_double(json, "growth_per_day", capacity->growth);
        json_key_double(json, "growth_lower", capacity->growth_low);
        json_key_double(json, "growth_upper", capacity->growth_high);
        json_key_double(json, "days", capacity->days);
        json_key_double(json, "days_lower", capacity->days_low);
        json_key_double(json, "days_upper", capacity->days_high);
        json_key_double(json, "chance", capacity->chance);
        json_key_int(json, "horizon_days", (int64_t)capacity->horizon_days);
        json_key_int(json, "known_days", (int64_t)capacity->known_days);
        json_key_string(json, "description",
                        outlook_capacity_sentence(json->text->arena, &capacities[i], now_us));
        json_object_end(json);
    }
    json_array_end(json);
}

char *
outlook_value_text(Arena *arena, const char *unit, double value)
{
    if (isnan(value))
        return arena_strdup(arena, "not known");
    double size = fabs(value);
    char *text = strncmp(unit, "bytes", 5) == 0                  ? text_format_bytes(arena, size)
                 : strcmp(unit, "ms") == 0                       ? text_format_duration_ms(arena, size)
                 : size > 0 && size < 100 && size != floor(size) ? arena_printf(arena, "%.3g", size)
                                                                 : text_format_count(arena, size);
    return value < 0 ? arena_printf(arena, "-%s", text) : text;
}

static void
append_date(Text *text, const Capacity *capacity, int64_t now_us)
{
    char *date = clock_format_utc(text->arena, now_us + (int64_t)(capacity->days * (double)DAY_US));
    date[strlen("2026-02-20")] = '\0';
    text_append_format(text, "full in %.0f day%s (%s), 95 %% between %.0f and ", capacity->days,
                       capacity->days > 1 ? "s" : "", date, capacity->days_low);
    if (isfinite(capacity->days_high))
        text_append_format(text, "%.0f", capacity->days_high);
    else
        text_append_format(text, "more than %zu", capacity->horizon_days);
}

char *
outlook_capacity_sentence(Arena *arena, const OutlookCapacity *what, int64_t now_us)
{
    const Capacity *capacity = &what->capacity;
    Text text = text_new(arena);
    text_append_format(&text, "%s: ", what->name);
    switch (capacity->verdict) {
        case CAPACITY_CANNOT_TELL:
            if (capacity->days_since > CAPACITY_GAP_MOST) {
                text_append_format(&text, "cannot tell: nothing is known of the last %zu days",
                                   capacity->days_since);
                return text.data;
            }
            text_append_format(&text, "cannot tell from %zu day%s, %zu are needed", capacity->known_days,
                               capacity->known_days == 1 ? "" : "s", CAPACITY_DAYS_LEAST);
            return text.data;
        case CAPACITY_REACHED: text_append(&text, "the limit is reached"); break;
        case CAPACITY_DATED: append_date(&text, capacity, now_us); break;
        case CAPACITY_NOT_SOON:
            text_append_format(&text, "not full within %zu days", capacity->horizon_days);
            if (isfinite(capacity->days_low))
                text_append_format(&text, ", but in %.0f of 100 cases; the earliest 2.5 %% in %.0f days",
                                   capacity->chance * 100, capacity->days_low);
            break;
        case CAPACITY_NO_LIMIT:
            text_append_format(&text, "%s, no limit is known",
                               outlook_value_text(arena, what->unit, capacity->now));
            break;
    }
    if (!isnan(capacity->growth))
        text_append_format(&text, "; %s%s a day", capacity->growth < 0 ? "" : "+",
                           outlook_value_text(arena, what->unit, capacity->growth));
    return text.data;
}

const char *
outlook_verdict_sentence(ForecastVerdict verdict)
{
    switch (verdict) {
        case FORECAST_MADE: return NULL;
        case FORECAST_NAIVE: return "fewer than 7 days are known: the forecast is the day before again";
        case FORECAST_TOO_SHORT: return "there is no forecast: fewer than 48 hours are known";
        case FORECAST_TOO_FEW: return "there is no forecast: too little is known of the last days";
    }
    return NULL;
}

double
outlook_rise_percent(const Outlook *outlook)
{
    size_t days = outlook->forecast.count / SERIES_DAY_HOURS;
    size_t ahead = days * SERIES_DAY_HOURS;
    size_t past = SERIES_DAY_HOURS * SERIES_WEEK_DAYS;
    double before = 0;
    double known = 0;
    double after = 0;
    if (days == 0 || outlook->count < past)
        return NAN;
    for (size_t i = outlook->count - past; i < outlook->count; i++)
        if (!isnan(outlook->values[i])) {
            /* of a week only the hours of the week that are forecast, for weekdays differ */
            size_t place = (i + past - outlook->count) % past;
            if (place >= ahead)
                continue;
            before += outlook->values[i];
            known += 1;
        }
    for (size_t h = 0; h < ahead && h < past; h++)
        after += outlook->forecast.hours[h].predicted / (double)(ahead < past ? ahead : past);
    return known > 0 && before > 0 ? (after / (before / known) - 1) * 100 : NAN;
}

// SPDX-License-Identifier: PostgreSQL
/*
 * An outlook in words and in JSON, the same for the API and the command line. Times are UTC, RFC 3339; what
 * is not known is null, as is a day that is not within the horizon.
 */
#ifndef FETTLE_WORKLOAD_OUTLOOK_TEXT_H
#define FETTLE_WORKLOAD_OUTLOOK_TEXT_H

#include "base/json_writer.h"
#include "workload/outlook.h"
#include "workload/quiet_window.h"
#include "workload/trend.h"

/* [{hour, predicted, lower, upper, lower_80, upper_80, lower_95, upper_95}]; lower and upper are 90 %. */
void outlook_json_forecast(JsonWriter *json, const Outlook *outlook);
/* {from, to, predicted, lower, upper, share}, or null. */
void outlook_json_window(JsonWriter *json, const Outlook *outlook, const QuietWindow *window, bool is_found);
/* {from, seasons, level, day, week, rest}; of the last so many hours. */
void outlook_json_parts(JsonWriter *json, const Outlook *outlook, size_t hours);
/* [{name, unit, verdict, now, limit, growth_per_day, ..., description}] */
void outlook_json_capacities(JsonWriter *json, const OutlookCapacity *capacities, size_t count,
                             int64_t now_us);

/* "the disk is full in 41 days (2026-03-09), 95 % between 33 and 60" */
char *outlook_capacity_sentence(Arena *arena, const OutlookCapacity *what, int64_t now_us);
/* Why there is no forecast, or a poor one; NULL: a whole one. */
const char *outlook_verdict_sentence(ForecastVerdict verdict);
/* By how many percent what is forecast, in whole days, is above the same hours of the last week; NaN: not
 * known. */
double outlook_rise_percent(const Outlook *outlook);
/* A value in its unit: "1.2k", "3.4 GB". */
char *outlook_value_text(Arena *arena, const char *unit, double value);

#endif

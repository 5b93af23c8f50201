// SPDX-License-Identifier: PostgreSQL
/*
 * WorkloadTemplate: a statement of a database (its text with $n for literals) and what it did in a window;
 * what classes, clusters and hot objects are made from.
 *
 * templates_read() takes the statements with the most time, up to TEMPLATES_MOST, and the arrivals of the
 * last TEMPLATE_HISTORY_DAYS by hour. What cannot be had (the arrivals of too many statements) is left out
 * and said in `missing`. The texts are the target's: hostile until parsed.
 */
#ifndef FETTLE_WORKLOAD_TEMPLATE_H
#define FETTLE_WORKLOAD_TEMPLATE_H

#include "base/list.h"
#include "base/text.h"
#include "pg/connection.h"

#define TEMPLATES_MOST ((size_t)10000)
#define TEMPLATE_HISTORY_DAYS 14

typedef struct WorkloadTemplate {
    const char *database_name;
    int64_t query_hash;
    const char *text; /* NULL: not known */
    double observed_seconds;
    double calls;
    double total_ms;
    double deviation_ms; /* of one call's time */
    double rows;
    double blocks_hit; /* shared */
    double blocks_read;
    double temp_blocks; /* read and written */
    double io_ms;       /* reading and writing blocks; 0 also when the server does not time it */
    double wal_bytes;
    const float *hours; /* calls, NAN where not observed; NULL: not known */
} WorkloadTemplate;

typedef struct WorkloadTemplates {
    WorkloadTemplate *items; /* the most time first */
    size_t count;
    size_t hour_count; /* of each template's hours */
    int64_t from_hour;
    double total_ms;     /* of those here */
    const char *missing; /* for people: what is not here, and why; NULL: nothing */
} WorkloadTemplates;

typedef struct TemplateRange {
    int64_t target_id;
    const char *database_name; /* NULL: all */
    int64_t from_us;
    int64_t to_us;
    bool with_history; /* and the hours */
} TemplateRange;

/* Not in a transaction. */
bool templates_read(PgConnection *session, Arena *arena, const TemplateRange *range,
                    WorkloadTemplates *ret_templates, Error *error) FETTLE_MUST_USE;

static inline double
template_mean_ms(const WorkloadTemplate *template)
{
    return template->calls > 0 ? template->total_ms / template->calls : 0;
}

static inline double
template_calls_per_hour(const WorkloadTemplate *template)
{
    return template->observed_seconds > 0 ? template->calls * 3600 / template->observed_seconds : 0;
}

static inline double
template_rows_per_call(const WorkloadTemplate *template)
{
    return template->calls > 0 ? template->rows / template->calls : 0;
}

/* One line for people, at most most bytes, without control characters. */
const char *template_label(Arena *arena, const char *text, size_t most);

#endif

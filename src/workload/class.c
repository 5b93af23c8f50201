// SPDX-License-Identifier: PostgreSQL
#include "workload/class.h"

#include "workload/period.h"

#include <math.h>
#include <string.h>

#define DAY_HOURS 24
#define ROWS_FEW 10.0
#define LIGHT_MS 100.0
#define HEAVY_MS 1000.0
#define CALLS_OFTEN 100.0 /* an hour */
#define JOINS_MANY 3
#define CLASS_FACTOR 1.5
#define SCHEDULED_CALLS 100.0 /* a day */
#define SCHEDULED_HOURS_SHARE 0.5
#define SCHEDULED_DAYS 7
#define SCHEDULED_CELLS_SHARE 0.8

const char *
query_class_word(QueryClass class)
{
    static const char *const words[QUERY_CLASSES] = {"MIXED", "OLTP", "OLAP"};
    return words[class];
}

const char *
query_weight_word(QueryWeight weight)
{
    static const char *const words[QUERY_WEIGHTS] = {"LIGHT", "MEDIUM", "HEAVY"};
    return words[weight];
}

const char *
query_cadence_word(QueryCadence cadence)
{
    static const char *const words[QUERY_CADENCES] = {"AD_HOC", "SCHEDULED"};
    return words[cadence];
}

/* Signals of one side. */
typedef struct Votes {
    double given;
    double observable;
} Votes;

/* known: 1 yes, 0 no, -1 not known */
static void
vote(Votes *votes, int known)
{
    if (known < 0)
        return;
    votes->observable++;
    votes->given += known;
}

static double
votes_share(const Votes *votes)
{
    return votes->observable > 0 ? votes->given / votes->observable : 0;
}

static void
votes_of(const WorkloadTemplate *template, const ClassEvidence *evidence, Votes *oltp, Votes *olap)
{
    double mean_ms = template_mean_ms(template);
    double rows = template_rows_per_call(template);
    const StatementFacts *facts = evidence->facts;
    bool is_parsed = facts->kind != SQL_KIND_UNPARSED && facts->kind != SQL_KIND_UTILITY;
    bool is_write = is_parsed && facts->kind != SQL_KIND_SELECT;
    vote(oltp, facts->is_unique_lookup);
    vote(oltp, rows <= ROWS_FEW);
    vote(oltp, mean_ms < LIGHT_MS);
    vote(oltp, template_calls_per_hour(template) > CALLS_OFTEN);
    vote(oltp, is_write ? rows <= ROWS_FEW : -1);
    const SqlShape *shape = &facts->shape;
    vote(olap, is_parsed ? shape->has_aggregate || shape->has_group_by || shape->window_count > 0 : -1);
    vote(olap, is_parsed ? shape->join_count >= JOINS_MANY : -1);
    vote(olap, evidence->reads_much);
    vote(olap, mean_ms > HEAVY_MS);
    vote(olap, template->temp_blocks > 0 || evidence->scans_sequentially > 0);
}

static QueryClass
class_by(double oltp, double olap)
{
    if (olap > CLASS_FACTOR * oltp)
        return QUERY_OLAP;
    return oltp > CLASS_FACTOR * olap ? QUERY_OLTP : QUERY_MIXED;
}

/* The active hours of a template by hour of the day. */
typedef struct Arrivals {
    size_t observed;
    size_t active;
    size_t days; /* with an active hour */
    size_t cells[DAY_HOURS];
    double calls;
} Arrivals;

static Arrivals
arrivals_of(const WorkloadTemplate *template, const WorkloadTemplates *all)
{
    Arrivals arrivals = {0};
    int64_t last_day = -1;
    for (size_t i = 0; i < all->hour_count; i++) {
        int64_t hour = all->from_hour + (int64_t)i;
        if (isnan(template->hours[i]))
            continue;
        arrivals.observed++;
        arrivals.calls += (double)template->hours[i];
        if (!(template->hours[i] > 0))
            continue;
        arrivals.active++;
        arrivals.cells[hour % DAY_HOURS]++;
        arrivals.days += hour / DAY_HOURS != last_day;
        last_day = hour / DAY_HOURS;
    }
    return arrivals;
}

/* Four of five active hours in hours of the day in which it is active on most of its days. */
static bool
is_by_clock(const Arrivals *arrivals)
{
    size_t regular = 0;
    for (size_t h = 0; h < DAY_HOURS; h++)
        if (2 * arrivals->cells[h] > arrivals->days)
            regular += arrivals->cells[h];
    return arrivals->days >= SCHEDULED_DAYS &&
           (double)regular >= SCHEDULED_CELLS_SHARE * (double)arrivals->active;
}

static bool
has_period(Arena *arena, const WorkloadTemplate *template, size_t count)
{
    ArenaMark mark = arena_mark(arena);
    double *values = ARENA_NEW_ARRAY(arena, double, count);
    for (size_t i = 0; i < count; i++)
        values[i] = (double)template->hours[i];
    Periods periods = period_detect(arena, values, count);
    arena_rewind(arena, mark);
    return periods.verdict == PERIOD_SEARCHED && periods.count > 0;
}

static bool
is_scheduled(Arena *arena, const WorkloadTemplate *template, const WorkloadTemplates *all)
{
    if (template->hours == NULL)
        return false;
    Arrivals arrivals = arrivals_of(template, all);
    if (arrivals.active == 0 || (double)arrivals.active > SCHEDULED_HOURS_SHARE * (double)arrivals.observed ||
        !(arrivals.calls * DAY_HOURS / (double)arrivals.observed > SCHEDULED_CALLS))
        return false;
    return is_by_clock(&arrivals) || has_period(arena, template, all->hour_count);
}

ClassFound
class_find(Arena *arena, const WorkloadTemplate *template, const WorkloadTemplates *all,
           const ClassEvidence *evidence)
{
    Votes oltp = {0};
    Votes olap = {0};
    double mean_ms = template_mean_ms(template);
    votes_of(template, evidence, &oltp, &olap);
    ClassFound found = {.oltp_share = votes_share(&oltp), .olap_share = votes_share(&olap)};
    found.class = class_by(found.oltp_share, found.olap_share);
    found.weight = mean_ms < LIGHT_MS ? QUERY_LIGHT : mean_ms > HEAVY_MS ? QUERY_HEAVY : QUERY_MEDIUM;
    found.cadence = is_scheduled(arena, template, all) ? QUERY_SCHEDULED : QUERY_AD_HOC;
    return found;
}

/* Sets what is kept and what waits for a second finding. */
static void
word_settle(const char *kept, const char *waiting, const char *found, const char **ret_kept,
            const char **ret_waiting)
{
    bool is_kept = strcmp(kept, found) == 0;
    bool is_second = !is_kept && waiting != NULL && strcmp(waiting, found) == 0;
    *ret_kept = is_second ? found : kept;
    *ret_waiting = is_kept || is_second ? NULL : found;
}

WorkloadClass
class_settle(const WorkloadClass *before, const WorkloadTemplate *template, const ClassFound *found)
{
    WorkloadClass settled = {.database_name = template->database_name,
                             .query_hash = template->query_hash,
                             .class = query_class_word(found->class),
                             .weight = query_weight_word(found->weight),
                             .cadence = query_cadence_word(found->cadence)};
    if (before == NULL)
        return settled;
    settled.changed_at_us = before->changed_at_us;
    word_settle(before->class, before->next_class, settled.class, &settled.class, &settled.next_class);
    word_settle(before->weight, before->next_weight, settled.weight, &settled.weight, &settled.next_weight);
    word_settle(before->cadence, before->next_cadence, settled.cadence, &settled.cadence,
                &settled.next_cadence);
    return settled;
}

// SPDX-License-Identifier: PostgreSQL
#include "evening.h"

#include "pg/result.h"

#include <stdlib.h>

int64_t
noon_us(void)
{
    return clock_wall_us() / DAY_US * DAY_US + 12 * HOUR_US;
}

void
run_sql(const Place *place, const char *sql)
{
    Error error = {0};
    assert_done(pg_execute_script(place->fixture->connection, sql, NULL, &error), &error);
}

int64_t
recommended(const Place *place)
{
    static const char form[] =
        "WITH x AS (INSERT INTO fettle.index_recommendations (target_id, database_name, schema_name, "
        "table_name, columns, index_type, recommendation_type, estimated_benefit, confidence_score, "
        "index_name, create_statement) VALUES (%lld, '%s', 'own', 't', '{a}', 'btree', 'create', 90, 0.9, "
        "'t_a', 'CREATE INDEX t_a ON own.t (a)') RETURNING id) INSERT INTO "
        "fettle.optimization_recommendations (target_id, source_type, source_id, kind, recommendation_text, "
        "estimated_improvement_percent) SELECT %lld, 'index', id, 'create', 'Create', 90 FROM x RETURNING id";
    const char *database = pg_connection_database(place->fixture->connection);
    return strtoll(
        store_fixture_value(place->fixture, arena_printf(place->arena, form, (long long)place->target_id,
                                                         database, (long long)place->target_id)),
        NULL, 10);
}

void
window_set(const Place *place, const char *window)
{
    Error error = {0};
    ChangePolicy policy = {.windows = &window, .window_count = window != NULL};
    assert_done(change_policy_write(place->fixture->connection, place->arena, place->target_id, &policy,
                                    "ann", &error),
                &error);
}

bool
open_at(const Place *place, int64_t recommendation_id, ChangeMoment moment, ScheduledChange *ret_change,
        Error *error)
{
    RecommendationApply apply;
    ChangeScheduleOrder order = {.moment = moment, .now_us = noon_us(), .requested_by = "ann"};
    assert_done(recommendation_apply_plan(&place->manager, place->arena, recommendation_id, true, "ann",
                                          &apply, error),
                error);
    apply.opening.notes = "agreed";
    return change_schedule_open(&place->manager, place->arena, &apply, &order, ret_change, error);
}

ScheduledChange
tonight(const Place *place, int64_t recommendation_id)
{
    ScheduledChange change = {0};
    Error error = {0};
    window_set(place, "daily 22:00-23:00");
    assert_done(open_at(place, recommendation_id, CHANGE_IN_WINDOW, &change, &error), &error);
    assert_int_equal(change.from_us, noon_us() + 10 * HOUR_US);
    assert_int_equal(change.to_us, noon_us() + 11 * HOUR_US);
    assert_string_equal(change.state, "waiting");
    return change;
}

int64_t handed_over;

bool
hand_over(void *context, int64_t change_id)
{
    handed_over = change_id;
    return context == NULL;
}

ChangeScheduleReport
run_with(const Place *place, ChangeScheduleMemory *memory, int64_t now_us)
{
    ChangeScheduleReport report;
    Error error = {0};
    ChangeScheduleOptions options = {.store = place->fixture->store,
                                     .settings = place->fixture->settings,
                                     .carry_out = hand_over,
                                     .memory = memory};
    handed_over = 0;
    assert_done(change_schedule_run(&options, now_us, &report, &error), &error);
    return report;
}

ScheduledChange
again(const Place *place, int64_t id)
{
    ScheduledChange change;
    Error error = {0};
    assert_done(scheduled_change_get(place->fixture->connection, place->arena, id, &change, &error), &error);
    return change;
}

// SPDX-License-Identifier: PostgreSQL
/* What Fettle made and did not earn its cost is proposed to be dropped, once, and not for ever. */
#include "fixture.h"
#include "rounds.h"

#include "base/clock.h"
#include "base/text.h"
#include "pg/result.h"
#include "store/index_recommendation.h"
#include "store/observation.h"
#include "store/recommendation.h"

#include <math.h>
#include <string.h>

#define DAY_US (INT64_C(24) * 3600 * 1000000)
#define TABLE_OID 16400
#define INDEX_OID 16401
#define MADE_DAYS 8

typedef struct Made {
    StoreFixture *fixture;
    int64_t target_id;
} Made;

static void
run(StoreFixture *fixture, const char *sql)
{
    Error error = {0};
    assert_done(pg_execute_script(fixture->connection, sql, NULL, &error), &error);
}

/* What a round saw of the table and its index. */
static void
round_write(const Made *made, int64_t at_us, int64_t scans, int64_t rows_inserted, int64_t reset_at_us)
{
    Error error = {0};
    RelationRow rows[] = {{.relation_oid = TABLE_OID,
                           .table_oid = TABLE_OID,
                           .schema_name = "public",
                           .relation_name = "orders",
                           .kind = 'r',
                           .size_bytes = 8192,
                           .rows_inserted = rows_inserted,
                           .bloat_bytes = NAN},
                          {.relation_oid = INDEX_OID,
                           .table_oid = TABLE_OID,
                           .schema_name = "public",
                           .relation_name = "orders_a_idx",
                           .kind = 'i',
                           .size_bytes = 1048576,
                           .scans = scans,
                           .bloat_bytes = NAN}};
    RelationRound round = {made->target_id, 1, at_us, reset_at_us, rows, 2};
    assert_done(relation_round_write(made->fixture->connection, &round, &error), &error);
}

/* An index that was made eight days ago, on a recommendation, with the result that is given. */
static Made
made_with(void **state, const char *status, const char *sql)
{
    Made made = {.fixture = *state};
    made.target_id = rounds_target(made.fixture, "shop");
    run(made.fixture,
        arena_printf(
            made.fixture->arena,
            "INSERT INTO fettle.databases (target_id, database_id, database_oid, database_name) VALUES "
            "(%lld, "
            "1, 5, 'shop') ON CONFLICT DO NOTHING; "
            "INSERT INTO fettle.index_recommendations (id, database_name, table_name, columns, "
            "recommendation_type, index_name, status, applied_at) VALUES (7000, 'shop', 'orders', '{a}', "
            "'create', 'orders_a_idx', 'created', now() - interval '8 days'); "
            "INSERT INTO fettle.optimization_recommendations (id, source_type, source_id, kind, "
            "recommendation_text, estimated_improvement_percent, confidence_score, is_dismissed, "
            "dismissal_reason) VALUES (70, 'index', 7000, 'create', 'Create index orders_a_idx', 50, .8, "
            "true, "
            "'implemented'); "
            "INSERT INTO fettle.index_changes (id, recommendation_id, database_name, action, table_name, "
            "index_name, columns, sql, undo_sql, state, success) VALUES (700, 7000, 'shop', 'create', "
            "'orders', "
            "'orders_a_idx', '{a}', '%s', 'DROP', 'completed', true); "
            "INSERT INTO fettle.optimization_implementations (recommendation_id, index_change_id, status, "
            "implementation_timestamp, measured_at, actual_improvement_percent, actual_low, actual_high) "
            "VALUES (70, 700, '%s', now() - interval '8 days', now() - interval '6 days', 0.3, -2.1, 2.7)",
            (long long)made.target_id, sql, status));
    return made;
}

static int64_t
days_ago(double days)
{
    return clock_wall_us() - (int64_t)(days * (double)DAY_US);
}

/* Rounds from when it was made until today. */
static void
watched(const Made *made, int64_t scans)
{
    round_write(made, days_ago(MADE_DAYS) + 1000000, 0, 1000, 0);
    round_write(made, days_ago(0.1), scans, 25000, 0);
}

static int64_t
refreshed(const Made *made)
{
    int64_t proposed = -1;
    Error error = {0};
    assert_done(index_unearned_refresh(made->fixture->connection, made->target_id, &proposed, &error),
                &error);
    return proposed;
}

#define CREATE "CREATE INDEX CONCURRENTLY orders_a_idx ON public.orders (a)"

static void
an_index_without_improvement_is_proposed_to_be_dropped_with_its_figures(void **state)
{
    Made made = made_with(state, "no_improvement", CREATE);
    watched(&made, 12);
    assert_int_equal(refreshed(&made), 1);
    assert_int_equal(refreshed(&made), 1);
    assert_string_equal(store_fixture_value(made.fixture,
                                            "SELECT count(*) FROM fettle.index_recommendations WHERE "
                                            "recommendation_type = 'drop'"),
                        "1");
    const char *reason = store_fixture_value(
        made.fixture, "SELECT reason FROM fettle.index_recommendations WHERE recommendation_type = 'drop'");
    static const char *const parts[] = {"did not earn its cost", "for 50 %", "measured 0.3 % (-2.1 to 2.7)",
                                        "scanned 12 times",      "1024 kB",  "24000 changed rows",
                                        "fettle undo 70"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(parts); i++)
        if (strstr(reason, parts[i]) == NULL)
            fail_msg("%s is not in: %s", parts[i], reason);
    /* it is in the ranked list, too unsure for being done unasked, and no candidate for that in any case */
    Aggregated aggregated;
    AggregateOptions options = {.min_confidence = 0.6};
    Error error = {0};
    assert_done(recommendations_aggregate(made.fixture->connection, made.fixture->arena, &options,
                                          &aggregated, &error),
                &error);
    assert_string_equal(store_fixture_value(made.fixture, "SELECT recommendation_text || ' ' || "
                                                          "confidence_score FROM "
                                                          "fettle.optimization_recommendations WHERE kind = "
                                                          "'drop'"),
                        "Drop index orders_a_idx on public.orders (a) 0.7");
    RankedRecommendations ranked;
    RecommendationFilter filter = {.target_id = made.target_id, .limit = 10, .min_impact = 5};
    assert_done(recommendation_list(made.fixture->connection, made.fixture->arena, &filter, &ranked, &error),
                &error);
    assert_int_equal(ranked.count, 1);
    assert_int_equal((int)ranked.items[0].improvement_percent, 99); /* of its table's space */
    IndexRecommendations candidates;
    assert_done(index_auto_candidates(made.fixture->connection, made.fixture->arena, made.target_id, "shop",
                                      &candidates, &error),
                &error);
    assert_int_equal(candidates.count, 0);
}

static void
an_index_that_nothing_scanned_is_proposed_whatever_was_measured(void **state)
{
    Made made = made_with(state, "implemented", CREATE);
    watched(&made, 0);
    assert_int_equal(refreshed(&made), 1);
}

static void
what_was_used_is_younger_than_a_week_or_enforces_uniqueness_is_left(void **state)
{
    Made made = made_with(state, "implemented", CREATE);
    watched(&made, 3);
    assert_int_equal(refreshed(&made), 0);
    run(made.fixture, "UPDATE fettle.optimization_implementations SET status = 'no_improvement', "
                      "implementation_timestamp = now() - interval '6 days'");
    assert_int_equal(refreshed(&made), 0);
    run(made.fixture, "UPDATE fettle.optimization_implementations SET implementation_timestamp = now() - "
                      "interval '8 days'; UPDATE fettle.index_changes SET sql = 'CREATE UNIQUE INDEX x ON "
                      "orders (a)'");
    assert_int_equal(refreshed(&made), 0);
    run(made.fixture, "UPDATE fettle.index_changes SET sql = 'CREATE INDEX x ON orders (a)'");
    assert_int_equal(refreshed(&made), 1);
    /* what is being undone goes anyway */
    run(made.fixture, "UPDATE fettle.optimization_implementations SET undo_change_id = 700");
    assert_int_equal(refreshed(&made), 0);
    assert_string_equal(store_fixture_value(made.fixture,
                                            "SELECT count(*) FROM fettle.index_recommendations WHERE "
                                            "recommendation_type = 'drop'"),
                        "0");
}

static void
counters_that_began_anew_do_not_tell_that_nothing_scanned_it(void **state)
{
    Made made = made_with(state, "implemented", CREATE);
    round_write(&made, days_ago(MADE_DAYS) + 1000000, 0, 1000, 0);
    round_write(&made, days_ago(0.1), 0, 10, days_ago(1));
    assert_int_equal(refreshed(&made), 0);
}

static void
an_index_that_no_round_shows_or_that_a_replica_may_need_is_left(void **state)
{
    Made made = made_with(state, "no_improvement", CREATE);
    assert_int_equal(refreshed(&made), 0);
    round_write(&made, days_ago(MADE_DAYS) + 1000000, 0, 1000, 0);
    assert_int_equal(refreshed(&made), 0); /* a week without a round says nothing of today */
    watched(&made, 12);
    assert_int_equal(refreshed(&made), 1);
    int64_t replica = rounds_target(made.fixture, "replica");
    run(made.fixture, arena_printf(made.fixture->arena,
                                   "UPDATE fettle.targets SET system_identifier = 99 WHERE target_id IN "
                                   "(%lld, %lld)",
                                   (long long)made.target_id, (long long)replica));
    assert_int_equal(refreshed(&made), 0);
}

static void
what_a_person_dismissed_or_was_dropped_within_a_month_is_not_proposed_again(void **state)
{
    Made made = made_with(state, "no_improvement", CREATE);
    watched(&made, 12);
    assert_int_equal(refreshed(&made), 1);
    run(made.fixture, "UPDATE fettle.index_recommendations SET status = 'rejected' WHERE "
                      "recommendation_type = 'drop'");
    assert_int_equal(refreshed(&made), 0);
    run(made.fixture, "UPDATE fettle.index_recommendations SET status = 'dropped', applied_at = now() - "
                      "interval '29 days' WHERE recommendation_type = 'drop'");
    assert_int_equal(refreshed(&made), 0);
    run(made.fixture, "UPDATE fettle.index_recommendations SET applied_at = now() - interval '31 days' WHERE "
                      "recommendation_type = 'drop'");
    assert_int_equal(refreshed(&made), 1);
}

static int
clear(void **state)
{
    StoreFixture *fixture;
    Error error = {0};
    if (store_fixture_clear(state) != 0)
        return -1;
    fixture = *state;
    return pg_execute_script(fixture->connection,
                             "DELETE FROM fettle.relation_rounds; DELETE FROM fettle.databases", NULL, &error)
               ? 0
               : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_index_without_improvement_is_proposed_to_be_dropped_with_its_figures,
                               clear),
        cmocka_unit_test_setup(an_index_that_nothing_scanned_is_proposed_whatever_was_measured, clear),
        cmocka_unit_test_setup(what_was_used_is_younger_than_a_week_or_enforces_uniqueness_is_left, clear),
        cmocka_unit_test_setup(counters_that_began_anew_do_not_tell_that_nothing_scanned_it, clear),
        cmocka_unit_test_setup(an_index_that_no_round_shows_or_that_a_replica_may_need_is_left, clear),
        cmocka_unit_test_setup(what_a_person_dismissed_or_was_dropped_within_a_month_is_not_proposed_again,
                               clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}

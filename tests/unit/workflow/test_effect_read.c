// SPDX-License-Identifier: PostgreSQL
/*
 * The effect of a change from samples in a real store: who is concerned, who is a control, and what comes
 * out.
 */
#include "../snapshot/memory_sections.h"
#include "../store/fixture.h"

#include "base/random.h"
#include "base/text.h"
#include "snapshot/file.h"
#include "store/changes_touched.h"
#include "store/sample_internal.h"
#include "store/sample_work.h"
#include "store/statement.h"
#include "store/target_snapshot.h"
#include "workflow/effect_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP_US (INT64_C(900) * 1000000)
#define DAYS_BEFORE 6
#define BUCKETS ((DAYS_BEFORE + 1) * 96)
#define QUERY_HASH 101
#define STATEMENTS 10

/* The second day of a month in the past, so that partitions are made as usual. */
#define FROM_US (INT64_C(1767312000) * 1000000) /* 2026-01-02 00:00 UTC */
#define CHANGE_US (FROM_US + DAYS_BEFORE * INT64_C(86400) * 1000000)

static const char *const texts[STATEMENTS] = {
    "SELECT * FROM orders WHERE customer = $1",
    "INSERT INTO public.orders VALUES ($1)",
    "SELECT * FROM items WHERE id = $1",
    "SELECT * FROM customers WHERE id = $1",
    "SELECT * FROM prices WHERE id = $1",
    "SELECT * FROM stock WHERE id = $1",
    "SELECT * FROM carts WHERE id = $1",
    "SELECT * FROM archive.orders WHERE id = $1",
    "VACUUM orders",
    "SELECT * FROM orders WHERE customer = $1", /* of another user, with the hash of the first */
};

static int64_t
target_make(StoreFixture *fixture)
{
    Error error = {0};
    int64_t target_id = strtoll(
        store_fixture_value(
            fixture, "INSERT INTO fettle.targets (name, conninfo) VALUES ('shop', '') RETURNING target_id"),
        NULL, 10);
    static const DatabaseRow database = {1, 16384, "shop"};
    assert_done(database_rows_write(fixture->connection, target_id, &database, 1, &error), &error);
    StatementRow rows[STATEMENTS] = {0};
    for (int i = 0; i < STATEMENTS; i++)
        rows[i] = (StatementRow){.statement_id = i + 1,
                                 .database_id = 1,
                                 .user_name = i == STATEMENTS - 1 ? "other" : "app",
                                 .user_oid = i == STATEMENTS - 1 ? 11 : 10,
                                 .queryid = i == STATEMENTS - 1 ? QUERY_HASH : QUERY_HASH + i,
                                 .query_hash = i == STATEMENTS - 1 ? QUERY_HASH : QUERY_HASH + i,
                                 .is_toplevel = true,
                                 .query_text = texts[i]};
    assert_done(statement_rows_write(fixture->connection, target_id, rows, STATEMENTS, &error), &error);
    return target_id;
}

/* One round each bucket; from the change on the query takes half and the insert twice as long. */
static void
rounds_write(StoreFixture *fixture, int64_t target_id)
{
    Error error = {0};
    Random random = random_new(1);
    SampleRound *rounds = ARENA_NEW_ARRAY(fixture->arena, SampleRound, BUCKETS);
    for (int64_t i = 0; i < BUCKETS; i++) {
        Sample *samples = ARENA_NEW_ARRAY(fixture->arena, Sample, STATEMENTS);
        bool is_after = i >= DAYS_BEFORE * 96;
        for (int32_t s = 0; s < STATEMENTS; s++) {
            double factor = is_after && (s == 0 || s == STATEMENTS - 1) ? 0.5 : is_after && s == 1 ? 2 : 1;
            int64_t calls = 100 + (int64_t)random_below(&random, 20);
            samples[s].statement_id = s + 1;
            samples[s].counters[SAMPLE_CALLS] = calls;
            samples[s].counters[SAMPLE_ROWS] = calls * 3;
            samples[s].counters[SAMPLE_SHARED_HIT] = calls * 2;
            samples[s].counters[SAMPLE_SHARED_READ] = calls;
            samples[s].counters[SAMPLE_EXEC_US] =
                (int64_t)((double)calls * factor * 1000 * (0.95 + 0.1 * random_unit(&random)));
        }
        rounds[i] = (SampleRound){.target_id = target_id,
                                  .database_id = 1,
                                  .collected_at_us = FROM_US + i * STEP_US + STEP_US / 2,
                                  .interval_ms = STEP_US / 1000,
                                  .flags = i == 7 ? SAMPLE_FLAG_RESET : 0,
                                  .samples = samples,
                                  .sample_count = STATEMENTS};
    }
    assert_done(sample_rounds_write(fixture->connection, rounds, BUCKETS, &error), &error);
}

static EffectRequest
request_of(int64_t target_id)
{
    return (EffectRequest){.target_id = target_id,
                           .database_name = "shop",
                           .query_hash = QUERY_HASH,
                           .schema_name = "public",
                           .table_name = "orders",
                           .change_began_us = CHANGE_US,
                           .change_ended_us = CHANGE_US + 1,
                           .now_us = FROM_US + BUCKETS * STEP_US};
}

static void
assert_report(const EffectReport *report)
{
    assert_int_equal(report->query.verdict, EFFECT_IMPLEMENTED);
    assert_true(fabs(report->query.improvement_percent - 50) < 3);
    assert_true(report->query.has_drift); /* items, customers, prices, stock, carts, archive.orders */
    assert_int_equal(report->query.control_count, 6);
    assert_int_equal(report->query.buckets_after, 95); /* the bucket in which it ended is the change's */
    assert_int_equal(report->query.buckets_before, DAYS_BEFORE * 96 - 1);
    assert_int_equal(report->other_count, 1);
    assert_int_equal(report->others[0].query_hash, QUERY_HASH + 1);
    assert_int_equal(report->others[0].verdict, EFFECT_REGRESSED);
    assert_true(fabs(report->others[0].improvement_percent + 100) < 6);
    /* two parts of the query's at half, one of the insert's at twice */
    assert_true(fabs(report->total.improvement_percent) < 4);
    assert_false(report->should_undo);
}

static void
a_change_is_measured_from_the_store_wherever_its_samples_are(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t target_id = target_make(fixture);
    rounds_write(fixture, target_id);
    EffectRequest request = request_of(target_id);
    EffectReport report;
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_report(&report);
    SampleUpkeep upkeep = {0};
    assert_done(
        sample_compact(fixture->connection, target_id, request.now_us - SAMPLE_DAY_US / 2, &upkeep, &error),
        &error);
    assert_true(upkeep.blocks_written > 0 && upkeep.days_written > 0);
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_report(&report);
    /* the query's own table is found without being told */
    request.table_name = request.schema_name = NULL;
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    /* "orders" without a schema may be that of the archive: it is no control */
    assert_int_equal(report.query.control_count, 5);
    assert_int_equal(report.other_count, 2);
}

static void
change_write(StoreFixture *fixture, int64_t target_id, const char *fields)
{
    store_fixture_value(
        fixture,
        arena_printf(fixture->arena,
                     "INSERT INTO fettle.index_changes (target_id, database_name, action, sql, schema_name, "
                     "table_name, state, success, started_at, completed_at, performed_at) "
                     "VALUES (%" PRId64 ", 'shop', 'create', 'CREATE', %s) RETURNING id",
                     target_id, fields));
}

static void
what_another_change_touched_meanwhile_is_no_control_and_what_was_long_ago_or_never_began_is(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t target_id = target_make(fixture);
    rounds_write(fixture, target_id);
    EffectRequest request = request_of(target_id);
    EffectReport report;
    /* the change itself, and two that are none of this time */
    change_write(fixture, target_id,
                 "'public', 'orders', 'completed', true, '2026-01-08', '2026-01-08', '2026-01-08'");
    change_write(fixture, target_id,
                 "'public', 'items', 'completed', true, '2025-11-20', '2025-11-21', '2025-11-20'");
    change_write(fixture, target_id, "'public', 'stock', 'pending', NULL, NULL, NULL, '2026-01-07'");
    /* cancelled in the first attempt, before anything was sent */
    change_write(fixture, target_id,
                 "'public', 'carts', 'cancelled', false, NULL, '2026-01-07 00:01', '2026-01-07'");
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_int_equal(report.query.control_count, 6);
    assert_int_equal(report.touched_count, 0);
    change_write(
        fixture, target_id,
        "'public', 'items', 'completed', true, '2026-01-08 03:00', '2026-01-08 04:00', '2026-01-08 03:00'");
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_int_equal(report.query.control_count, 5);
    assert_int_equal(report.touched_count, 1);
    assert_false(report.query.lacks_controls);
    /* a failed build was load, too; and of fewer than five controls none is taken off */
    change_write(fixture, target_id,
                 "'public', 'prices', 'failed', false, '2026-01-07 03:00', '2026-01-07 04:00', '2026-01-07'");
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_int_equal(report.touched_count, 2);
    assert_true(!report.query.has_drift && report.query.lacks_controls);
    assert_int_equal(report.query.verdict, EFFECT_IMPLEMENTED);
}

/* Carried out by a person, as in "fettle apply --done". */
static void
done_write(StoreFixture *fixture, int64_t target_id, const char *source, int query_hash)
{
    store_fixture_value(
        fixture,
        arena_printf(
            fixture->arena,
            "WITH r AS (INSERT INTO fettle.optimization_recommendations (target_id, query_hash, source_type, "
            "source_id, recommendation_text) VALUES (%" PRId64 ", %d, %s, 'x') RETURNING id) "
            "INSERT INTO fettle.optimization_implementations (recommendation_id, query_hash, "
            "implementation_timestamp) SELECT id, %d, '2026-01-05' FROM r RETURNING id",
            target_id, query_hash, source, query_hash));
}

static void
a_rewritten_query_is_no_control_nor_charged_to_another_change(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t target_id = target_make(fixture);
    ChangesWithin within = {
        .target_id = target_id, .database_name = "shop", .from_us = FROM_US, .to_us = CHANGE_US};
    ChangesTouched touched;
    done_write(fixture, target_id, "'rewrite', 1", QUERY_HASH + 3);
    assert_done(changes_touched_read(fixture->connection, fixture->arena, &within, &touched, &error), &error);
    assert_int_equal(touched.count, 1);
    assert_true(touched.items[0].table_name == NULL && touched.items[0].query_hash == QUERY_HASH + 3);
    within.to_us = FROM_US + SAMPLE_DAY_US;
    assert_done(changes_touched_read(fixture->connection, fixture->arena, &within, &touched, &error), &error);
    assert_int_equal(touched.count, 0);
    rounds_write(fixture, target_id);
    EffectRequest request = request_of(target_id);
    EffectReport report;
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_int_equal(report.query.control_count, 5);
    assert_int_equal(report.other_count, 1);
    done_write(fixture, target_id, "'rewrite', 2", QUERY_HASH + 1);
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_int_equal(report.query.control_count, 5);
    assert_int_equal(report.touched_count, 1);
    assert_int_equal(report.other_count, 0);
}

static void
an_index_that_a_person_made_touches_its_table_as_long_as_its_advice_is_known(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t target_id = target_make(fixture);
    ChangesWithin within = {
        .target_id = target_id, .database_name = "shop", .from_us = FROM_US, .to_us = CHANGE_US};
    ChangesTouched touched;
    const char *id = store_fixture_value(
        fixture, "INSERT INTO fettle.index_recommendations (database_name, table_name, columns, "
                 "recommendation_type) VALUES ('shop', 'items', '{a}', 'create') RETURNING id");
    done_write(fixture, target_id, arena_printf(fixture->arena, "'index', %s", id), QUERY_HASH + 3);
    assert_done(changes_touched_read(fixture->connection, fixture->arena, &within, &touched, &error), &error);
    assert_int_equal(touched.count, 1);
    assert_string_equal(touched.items[0].schema_name, "public");
    assert_string_equal(touched.items[0].table_name, "items");
    within.database_name = "other";
    assert_done(changes_touched_read(fixture->connection, fixture->arena, &within, &touched, &error), &error);
    assert_int_equal(touched.count, 0);
    within.database_name = "shop";
    assert_true(pg_execute(fixture->connection, "DELETE FROM fettle.index_recommendations", &error));
    assert_done(changes_touched_read(fixture->connection, fixture->arena, &within, &touched, &error), &error);
    assert_int_equal(touched.count, 1);
    assert_true(touched.items[0].table_name == NULL && touched.items[0].query_hash == QUERY_HASH + 3);
}

static void
a_request_that_makes_no_sense_is_refused(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = target_make(fixture);
    EffectReport report;
    Error error = {0};
    EffectRequest request = request_of(target_id);
    request.query_hash = 0;
    request.table_name = NULL;
    assert_false(effect_read(fixture->connection, fixture->arena, &request, &report, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    request = request_of(target_id);
    request.now_us = request.change_began_us - 1;
    assert_false(effect_read(fixture->connection, fixture->arena, &request, &report, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    request = request_of(target_id);
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_int_equal(report.query.verdict, EFFECT_NOT_ENOUGH_DATA);
    assert_int_equal(report.total.verdict, EFFECT_NOT_ENOUGH_DATA);
}

static void
the_work_of_queries_adds_up_users_and_leaves_out_what_was_not_seen(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t target_id = target_make(fixture);
    rounds_write(fixture, target_id);
    static const int64_t hashes[] = {QUERY_HASH, QUERY_HASH + 3, 999};
    SampleRange range = {.target_id = target_id,
                         .database_name = "shop",
                         .from_us = FROM_US - 2 * STEP_US,
                         .to_us = FROM_US + 20 * STEP_US,
                         .step_ms = STEP_US / 1000,
                         .query_hashes = hashes,
                         .query_hash_count = 3};
    SampleWork *work;
    size_t count;
    assert_done(sample_work_read(fixture->connection, fixture->arena, &range, &work, &count, &error), &error);
    assert_int_equal(count, 2);
    assert_true(work[0].query_hash == QUERY_HASH && work[1].query_hash == QUERY_HASH + 3);
    for (size_t i = 0; i < 22; i++) {
        const SampleWorkBucket *one = &work[0].buckets[i];
        bool is_seen = i >= 2 && i != 2 + 7; /* before the first round; the reset */
        assert_true(isnan(one->calls) != is_seen);
        assert_true(!is_seen || (one->calls >= 200 && one->calls < 240));
        assert_true(!is_seen || (one->rows == one->calls * 3 && one->blocks == one->calls * 3));
        assert_true(!is_seen || fabs(one->time_ms / one->calls - 1) < 0.06);
        assert_true(!is_seen || work[1].buckets[i].calls < 120);
    }
    range.query_hashes = NULL;
    range.to_us = range.from_us + (int64_t)(SAMPLE_WORK_BUCKETS_MOST + 1) * STEP_US;
    assert_false(sample_work_read(fixture->connection, fixture->arena, &range, &work, &count, &error));
    assert_int_equal(error.code, ERROR_LIMIT);
}

/* The query is called from the fourth day on, what writes to its table from the second; the controls always,
 * and before that ten times as slow. */
static void
young_rounds_write(StoreFixture *fixture, int64_t target_id)
{
    Error error = {0};
    Random random = random_new(2);
    SampleRound *rounds = ARENA_NEW_ARRAY(fixture->arena, SampleRound, BUCKETS);
    for (int64_t i = 0; i < BUCKETS; i++) {
        Sample *samples = ARENA_NEW_ARRAY(fixture->arena, Sample, STATEMENTS);
        size_t count = 0;
        for (int32_t s = 0; s < 7; s++) {
            if (i < (s == 0 ? 4 : s == 1 ? 2 : 0) * 96)
                continue;
            Sample *sample = &samples[count++];
            sample->statement_id = s + 1;
            sample->counters[SAMPLE_CALLS] = 100;
            sample->counters[SAMPLE_EXEC_US] =
                (int64_t)((i < 2 * 96 ? 1e6 : 1e5) * (0.95 + 0.1 * random_unit(&random)));
        }
        rounds[i] = (SampleRound){.target_id = target_id,
                                  .database_id = 1,
                                  .collected_at_us = FROM_US + i * STEP_US + STEP_US / 2,
                                  .interval_ms = STEP_US / 1000,
                                  .samples = samples,
                                  .sample_count = count};
    }
    assert_done(sample_rounds_write(fixture->connection, rounds, BUCKETS, &error), &error);
}

static void
what_controls_did_before_any_query_on_the_table_was_known_is_not_used(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t target_id = target_make(fixture);
    young_rounds_write(fixture, target_id);
    EffectRequest request = request_of(target_id);
    EffectReport report;
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_int_equal(report.query.buckets_before, 2 * 96);
    assert_true(report.query.has_drift && fabs(report.query.drift_percent) < 3);
    /* the older one's are */
    assert_int_equal(report.other_count, 1);
    assert_int_equal(report.others[0].buckets_before, 4 * 96);
}

/* The snapshot that is kept of the shop: "items" is a partition of "stock", "prices" a view of "carts". */
static void
snapshot_keep(StoreFixture *fixture, int64_t target_id)
{
    static const char text[] =
        "@meta key value\n"
        "server_version_num|150004\n"
        "server_version|15.4\n"
        "database|shop\n"
        "encoding|UTF8\n"
        "reader|fettle_monitor\n"
        "taken_at|2026-01-02T00:00:00Z\n"
        "@settings name value unit type source boot_value\n"
        "search_path|public|\\N|string|default|public\n"
        "@relations id schema name owner kind view_definition is_partition relpages reltuples\n"
        "1|public|stock|app|p|\\N|f|0|0\n"
        "2|public|items|app|r|\\N|t|10|100\n"
        "3|public|carts|app|r|\\N|f|10|100\n"
        "4|public|prices|app|v| SELECT id FROM carts;|f|0|0\n"
        "@parents id parent_id sequence\n"
        "2|1|1\n";
    Error error = {0};
    char *bytes = NULL;
    TargetSnapshot kept = {.target_id = target_id, .database_name = "shop", .taken_at_us = FROM_US};
    assert_done(snapshot_encode(fixture->arena, memory_sections(fixture->arena, text), &bytes,
                                &kept.size_bytes, &error),
                &error);
    kept.data = bytes;
    assert_done(target_snapshot_write(fixture->connection, &kept, &error), &error);
}

static void
partitions_and_views_of_a_touched_table_are_no_controls(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t target_id = target_make(fixture);
    rounds_write(fixture, target_id);
    EffectRequest request = request_of(target_id);
    EffectReport report;
    change_write(fixture, target_id,
                 "'public', 'items', 'completed', true, '2026-01-08', '2026-01-08', '2026-01-08'");
    change_write(fixture, target_id,
                 "'public', 'carts', 'completed', true, '2026-01-08', '2026-01-08', '2026-01-08'");
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_int_equal(report.touched_count, 2);
    snapshot_keep(fixture, target_id);
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_int_equal(report.touched_count, 4);
    /* the change of a partition concerns what reads the table above it, and a change of a table its views */
    request.table_name = "items";
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_int_equal(report.other_count, 2);
    request.table_name = "carts";
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_int_equal(report.other_count, 2);
    /* what cannot be read is as if none were kept */
    store_fixture_value(fixture, "UPDATE fettle.target_snapshots SET data = '\\x00' RETURNING target_id");
    assert_done(effect_read(fixture->connection, fixture->arena, &request, &report, &error), &error);
    assert_int_equal(report.other_count, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_change_is_measured_from_the_store_wherever_its_samples_are,
                               store_fixture_clear),
        cmocka_unit_test_setup(
            what_another_change_touched_meanwhile_is_no_control_and_what_was_long_ago_or_never_began_is,
            store_fixture_clear),
        cmocka_unit_test_setup(a_rewritten_query_is_no_control_nor_charged_to_another_change,
                               store_fixture_clear),
        cmocka_unit_test_setup(an_index_that_a_person_made_touches_its_table_as_long_as_its_advice_is_known,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_request_that_makes_no_sense_is_refused, store_fixture_clear),
        cmocka_unit_test_setup(the_work_of_queries_adds_up_users_and_leaves_out_what_was_not_seen,
                               store_fixture_clear),
        cmocka_unit_test_setup(what_controls_did_before_any_query_on_the_table_was_known_is_not_used,
                               store_fixture_clear),
        cmocka_unit_test_setup(partitions_and_views_of_a_touched_table_are_no_controls, store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}

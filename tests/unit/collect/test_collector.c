// SPDX-License-Identifier: PostgreSQL
/* A collector on a real target: the cluster that holds the store of the test. What it counts of statements is
 * tested on servers with pg_stat_statements, in tests/integration. */
#include "../store/fixture.h"

#include "base/text.h"
#include "collect/collector.h"
#include "collect/source.h"
#include "store/target.h"

static const char *
dsn_of(StoreFixture *fixture)
{
    return arena_printf(fixture->arena, "host=%s dbname=%s user=%s", store_fixture_socket(fixture),
                        pg_connection_database(fixture->connection), pg_connection_user(fixture->connection));
}

static int64_t
target_add(StoreFixture *fixture, const char *dsn)
{
    Error error = {0};
    int64_t id = 0;
    TargetChange change = {.name = "shop", .dsn = dsn, .enabled = -1, .interval_ms = -1};
    assert_done(target_create(fixture->store, fixture->connection, &change, &id, &error), &error);
    return id;
}

static Collector *
collector_of(StoreFixture *fixture, int64_t target_id)
{
    Collector *collector = NULL;
    Error error = {0};
    CollectorOptions options = {.store = fixture->store, .target_id = target_id};
    assert_done(collector_open(&options, &collector, &error), &error);
    return collector;
}

static void
a_source_is_opened_tells_its_server_and_is_closed(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    SourceOptions options = {.dsn = dsn_of(fixture),
                             .connect_timeout_ms = 10000,
                             .statement_timeout_ms = 10000,
                             .lock_timeout_ms = 500};
    FETTLE_CLEANUP(source_close_at) SourceSession *session = NULL;
    assert_done(source_open(&options, &session, &error), &error);
    assert_string_equal(session->ops->name, "postgres");
    const SourceServer *server = session->ops->server(session);
    assert_string_equal(server->version_text, store_fixture_value(fixture, "SHOW server_version"));
    assert_false(session->ops->is_broken(session));
    source_close_at(&session);
    assert_null(session);
    source_close(NULL);
    options.dsn = "host=/nowhere password=hush";
    assert_false(source_open(&options, &session, &error));
    assert_null(session);
}

static void
a_collector_of_a_target_that_is_not_there_is_not_opened(void **state)
{
    StoreFixture *fixture = *state;
    Collector *collector = NULL;
    Error error = {0};
    CollectorOptions options = {.store = fixture->store, .target_id = 4711};
    assert_false(collector_open(&options, &collector, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_null(collector);
    collector_close(NULL);
}

static void
the_first_round_is_a_baseline_and_the_second_has_an_interval(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    CollectorReport first;
    CollectorReport second;
    Target target;
    int64_t id = target_add(fixture, dsn_of(fixture));
    FETTLE_CLEANUP(collector_close_at) Collector *collector = collector_of(fixture, id);
    assert_int_equal(collector_due_us(collector), 0);
    assert_done(collector_round(collector, fixture->settings, &first, &error), &error);
    assert_true(first.is_baseline && first.interval_ms == 0 && first.collected_at_us > 0);
    assert_true(first.bytes_received > 0 && first.server_time_us > 0 && !first.store_failed);
    assert_true(collector_due_us(collector) > clock_monotonic_us());
    (void)store_fixture_value(fixture, "SELECT pg_sleep(0.01)");
    assert_done(collector_round(collector, fixture->settings, &second, &error), &error);
    assert_true(!second.is_baseline && second.interval_ms > 0);
    assert_true(second.collected_at_us > first.collected_at_us);
    assert_done(target_get(fixture->connection, fixture->arena, id, &target, &error), &error);
    /* the store's cluster has no pg_stat_statements: the round goes well, and its owner is told */
    assert_true(target.server_version != NULL && target.last_round_at_us > 0);
    assert_null(target.last_error);
    assert_true(text_starts_with(target.last_notice, "pg_stat_statements is not installed"));
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.metric_rounds"), "2");
}

static void
samples_of_activity_wait_for_the_flush(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    CollectorReport report;
    FETTLE_CLEANUP(collector_close_at)
    Collector *collector = collector_of(fixture, target_add(fixture, dsn_of(fixture)));
    /* without a session there is nothing to sample */
    assert_done(collector_activity_sample(collector, fixture->settings, &error), &error);
    assert_done(collector_round(collector, fixture->settings, &report, &error), &error);
    for (int i = 0; i < 3; i++)
        assert_done(collector_activity_sample(collector, fixture->settings, &error), &error);
    assert_false(collector_flush(collector, deadline_after_ms(0), &error));
    assert_int_equal(error.code, ERROR_TIMEOUT);
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.activity_minutes"), "0");
    error = (Error){0};
    assert_done(collector_flush(collector, 0, &error), &error);
    assert_string_equal(store_fixture_value(fixture, "SELECT sum(samples) FROM fettle.activity_minutes"),
                        "3");
    assert_done(collector_flush(collector, 0, &error), &error);
    assert_string_equal(store_fixture_value(fixture, "SELECT sum(samples) FROM fettle.activity_minutes"),
                        "3");
}

static void
a_target_that_cannot_be_reached_fails_the_round_and_not_the_store(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    CollectorReport report;
    Target target;
    int64_t id = target_add(fixture, "host=/nowhere password=longsecret");
    FETTLE_CLEANUP(collector_close_at) Collector *collector = collector_of(fixture, id);
    assert_false(collector_round(collector, fixture->settings, &report, &error));
    assert_int_equal(error.code, ERROR_CONNECTION);
    assert_true(!report.store_failed && report.collected_at_us == 0);
    error = (Error){0};
    assert_done(target_get(fixture->connection, fixture->arena, id, &target, &error), &error);
    assert_non_null(target.last_error);
}

#define WITH_STORE(test) cmocka_unit_test_setup(test, store_fixture_clear)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_source_is_opened_tells_its_server_and_is_closed),
        WITH_STORE(a_collector_of_a_target_that_is_not_there_is_not_opened),
        WITH_STORE(the_first_round_is_a_baseline_and_the_second_has_an_interval),
        WITH_STORE(samples_of_activity_wait_for_the_flush),
        WITH_STORE(a_target_that_cannot_be_reached_fails_the_round_and_not_the_store),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}

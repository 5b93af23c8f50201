// SPDX-License-Identifier: PostgreSQL
/* The workflow's tables, views and functions, as the behaviour contract has them. */
#include "fixture.h"

#include "pg/result.h"
#include "store/target.h"

#include <string.h>

static double
figure(StoreFixture *fixture, const char *sql)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    Error error = {0};
    assert_done(pg_query_simple(fixture->connection, sql, &result, &error), &error);
    return pg_result_double(result, 0, 0, -1);
}

static void
urgency_and_roi_are_the_contracts_figures(void **state)
{
    StoreFixture *fixture = *state;
    static const struct {
        const char *sql;
        double expected;
    } cases[] = {
        {"SELECT fettle.calculate_urgency_score(500, 450)", .000225},
        {"SELECT fettle.calculate_roi_score(.92, 95, fettle.calculate_urgency_score(500, 450))", .00019665},
        {"SELECT fettle.calculate_roi_score(.95, 85, fettle.calculate_urgency_score(500, 450))", .0001816875},
        {"SELECT fettle.calculate_urgency_score(5000, 250)", .00125},
        {"SELECT fettle.calculate_roi_score(.83, 80, fettle.calculate_urgency_score(5000, 250))", .00083},
        {"SELECT fettle.calculate_urgency_score(100000, 10000)", 1},
        {"SELECT fettle.calculate_urgency_score(1000, 100)", .0001},
        {"SELECT fettle.calculate_urgency_score(10000, 1000)", .01},
        {"SELECT fettle.calculate_urgency_score(900000, 90000)", 1},
        {"SELECT fettle.calculate_urgency_score(NULL, 90000)", 0},
        {"SELECT fettle.calculate_urgency_score(-5, 90000)", 0},
        {"SELECT fettle.calculate_roi_score(.8, 40, fettle.calculate_urgency_score(50000, 800))", .0128},
        {"SELECT fettle.calculate_roi_score(.8, 90, fettle.calculate_urgency_score(100, 9000))", .000648},
        {"SELECT fettle.calculate_roi_score(.8, 90, fettle.calculate_urgency_score(50000, 2))", .000072},
        {"SELECT fettle.calculate_roi_score(.8, 250, 1)", .8},
        {"SELECT fettle.calculate_roi_score(.8, -10, 1)", 0},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        double found = figure(fixture, cases[i].sql);
        if (found < cases[i].expected - 1e-15 || found > cases[i].expected + 1e-15)
            fail_msg("%s gives %.17g, not %.17g", cases[i].sql, found, cases[i].expected);
    }
}

static void
pattern_metadata_rounds_to_four_digits(void **state)
{
    StoreFixture *fixture = *state;
    assert_string_equal(
        store_fixture_value(fixture, "SELECT fettle.create_pattern_metadata(8, 0.123456, 0.92996, 500)"),
        "{\"variance\": 0.1235, \"peak_hour\": 8, \"confidence\": 0.9300, \"affected_queries\": 500}");
}

/* One recommendation and two implementations of the sole target. */
static void
fill(StoreFixture *fixture)
{
    Error error = {0};
    int64_t id = 0;
    TargetChange change = {.name = "shop", .dsn = "host=h", .enabled = -1, .interval_ms = -1};
    assert_done(target_create(fixture->store, fixture->connection, &change, &id, &error), &error);
    assert_done(
        pg_execute_script(
            fixture->connection,
            "INSERT INTO fettle.statements (statement_id, database_id, user_oid, queryid, query_hash, "
            "query_text) "
            "VALUES (1, 1, 10, -5, 4001, 'SELECT 1'); "
            "INSERT INTO fettle.optimization_recommendations (query_hash, source_type, source_id, "
            "recommendation_text, "
            "estimated_improvement_percent, confidence_score, roi_score, is_dismissed) VALUES "
            "(4001, 'rewrite', 1, 'first', 95, .92, .437, false), (4001, 'parameter', 1, 'second', 85, .95, "
            ".401, "
            "false), (4001, 'parameter', 2, 'gone', 70, .85, .9, true), (NULL, 'index', NULL, 'by hand', 0, "
            ".95, .401, "
            "NULL); "
            "INSERT INTO fettle.optimization_implementations (recommendation_id, query_hash, "
            "implementation_timestamp, "
            "measured_at, actual_improvement_percent, status) SELECT id, query_hash, '2026-02-20 10:00Z', "
            "'2026-02-21 12:00Z', CASE source_type WHEN 'rewrite' THEN 47.5 ELSE 1 END, 'implemented' "
            "FROM fettle.optimization_recommendations WHERE recommendation_text IN ('first', 'by hand')",
            NULL, &error),
        &error);
}

static void
top_recommendations_are_ranked_by_roi_then_confidence_without_dismissed_ones(void **state)
{
    StoreFixture *fixture = *state;
    fill(fixture);
    assert_string_equal(store_fixture_value(fixture,
                                            "SELECT string_agg(rank || ':' || recommendation_text || ':' || "
                                            "coalesce(query_text, '-'), ' ' ORDER BY rank, id) FROM "
                                            "fettle.v_top_optimization_recommendations"),
                        "1:first:SELECT 1 2:second:SELECT 1 2:by hand:-");
}

static void
results_show_the_error_of_the_prediction_and_none_without_one(void **state)
{
    StoreFixture *fixture = *state;
    fill(fixture);
    assert_string_equal(store_fixture_value(fixture,
                                            "SELECT string_agg(recommendation_text || ' ' || "
                                            "coalesce(prediction_error_percent::text, 'none') || ' ' || "
                                            "time_to_measurement, ', ' ORDER BY implementation_id) FROM "
                                            "fettle.v_optimization_results"),
                        "first -50 1 day 02:00:00, by hand none 1 day 02:00:00");
}

static void
patterns_are_summed_up_by_database_and_type(void **state)
{
    StoreFixture *fixture = *state;
    fill(fixture);
    Error error = {0};
    assert_done(
        pg_execute(
            fixture->connection,
            "INSERT INTO fettle.workload_patterns (database_name, pattern_type, pattern_key, "
            "pattern_metadata) VALUES ('shop', 'hourly_peak', 'h08', '{\"confidence\": 0.8}'), ('shop', "
            "'hourly_peak', 'h09', '{\"confidence\": 0.9}')",
            &error),
        &error);
    assert_string_equal(store_fixture_value(fixture,
                                            "SELECT occurrences || ' ' || round(avg_confidence::numeric, 2) "
                                            "|| ' ' || cardinality(all_metadata) FROM "
                                            "fettle.v_workload_pattern_summary"),
                        "2 0.85 2");
}

static void
what_the_contract_forbids_is_refused(void **state)
{
    StoreFixture *fixture = *state;
    fill(fixture);
    static const char *const refused[] = {
        "INSERT INTO fettle.optimization_recommendations (source_type, recommendation_text) VALUES "
        "('workload_pattern', 'x')",
        "INSERT INTO fettle.optimization_recommendations (query_hash, source_type, source_id, "
        "recommendation_text) "
        "VALUES (4001, 'rewrite', 1, 'twice')",
        "UPDATE fettle.optimization_implementations SET status = 'done'",
        "INSERT INTO fettle.parameter_tuning_suggestions (query_hash, parameter_name, recommended_value) "
        "VALUES (1, "
        "'sort_mem', '1MB')",
        "INSERT INTO fettle.query_performance_models (model_type, feature_names) VALUES ('a', '{}'), ('b', "
        "'{}')",
        "INSERT INTO fettle.training_jobs (job_id) VALUES ('train-1')",
        "INSERT INTO fettle.statements (statement_id, database_id, user_oid, queryid, query_hash) VALUES (9, "
        "1, 10, 8, "
        "-8)",
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(refused); i++) {
        Error error = {0};
        if (pg_execute(fixture->connection, refused[i], &error))
            fail_msg("was not refused: %s", refused[i]);
        assert_true(strncmp(error.sqlstate, "23", 2) == 0);
    }
    /* three rows of one parameter, and hand-made ones without a source, are allowed */
    Error error = {0};
    assert_done(pg_execute(fixture->connection,
                           "INSERT INTO fettle.parameter_tuning_suggestions (query_hash, parameter_name, "
                           "recommended_value) VALUES (1, 'batch_size', '50'), (1, 'batch_size', '100')",
                           &error),
                &error);
    assert_done(pg_execute(fixture->connection,
                           "INSERT INTO fettle.optimization_recommendations (query_hash, source_type, "
                           "recommendation_text) VALUES (1, 'rewrite', 'x'), (1, 'rewrite', 'x')",
                           &error),
                &error);
}

static void
readers_read_views_and_calculate_but_see_no_secret_and_write_nothing(void **state)
{
    StoreFixture *fixture = *state;
    fill(fixture);
    static const struct {
        const char *privilege;
        const char *expected;
    } cases[] = {
        {"has_table_privilege('fettle_reader', 'fettle.v_optimization_results', 'SELECT')", "t"},
        {"has_table_privilege('fettle_reader', 'fettle.statements', 'SELECT')", "t"},
        {"has_table_privilege('fettle_reader', 'fettle.statements', 'INSERT')", "f"},
        {"has_table_privilege('fettle_reader', 'fettle.users', 'SELECT')", "f"},
        {"has_table_privilege('fettle_reader', 'fettle.tokens', 'SELECT')", "f"},
        {"has_table_privilege('fettle_reader', 'fettle.audit_log', 'SELECT')", "f"},
        {"has_table_privilege('fettle_reader', 'fettle.settings', 'SELECT')", "f"},
        {"has_column_privilege('fettle_reader', 'fettle.targets', 'sealed_password', 'SELECT')", "f"},
        {"has_column_privilege('fettle_reader', 'fettle.targets', 'name', 'SELECT')", "t"},
        {"has_function_privilege('fettle_reader', 'fettle.calculate_roi_score(double precision, double "
         "precision, "
         "double precision)', 'EXECUTE')",
         "t"},
        {"has_function_privilege('fettle_writer', 'fettle.target_remove(bigint)', 'EXECUTE')", "f"},
        {"has_function_privilege('fettle_reader', 'fettle.audit_drop_before(timestamptz)', 'EXECUTE')", "f"},
        {"has_table_privilege('fettle_writer', 'fettle.optimization_recommendations', 'INSERT')", "t"},
        {"has_sequence_privilege('fettle_writer', 'fettle.optimization_recommendations_id_seq', 'USAGE')",
         "t"},
        {"has_table_privilege('fettle_writer', 'fettle.targets', 'UPDATE')", "f"},
        {"pg_has_role('fettle_store', 'fettle_writer', 'MEMBER') OR rolcanlogin FROM pg_roles WHERE rolname "
         "= "
         "'fettle_writer'",
         "f"},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const char *found =
            store_fixture_value(fixture, arena_printf(fixture->arena, "SELECT %s", cases[i].privilege));
        if (strcmp(found, cases[i].expected) != 0)
            fail_msg("%s is %s", cases[i].privilege, found);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urgency_and_roi_are_the_contracts_figures),
        cmocka_unit_test(pattern_metadata_rounds_to_four_digits),
        cmocka_unit_test_setup(top_recommendations_are_ranked_by_roi_then_confidence_without_dismissed_ones,
                               store_fixture_clear),
        cmocka_unit_test_setup(results_show_the_error_of_the_prediction_and_none_without_one,
                               store_fixture_clear),
        cmocka_unit_test_setup(patterns_are_summed_up_by_database_and_type, store_fixture_clear),
        cmocka_unit_test_setup(what_the_contract_forbids_is_refused, store_fixture_clear),
        cmocka_unit_test_setup(readers_read_views_and_calculate_but_see_no_secret_and_write_nothing,
                               store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}

// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "workload/anomaly_incident.h"
#include "workload/anomaly_past.h"

#include <math.h>
#include <string.h>

#define MINUTE_US (INT64_C(60) * 1000000)

typedef struct Fixture {
    Arena *arena;
    AnomalyScene scene;
    AnomalyAlerts alerts;
    IncidentList incidents;
} Fixture;

static int
setup(void **state)
{
    Arena *arena = arena_new("test", 1 << 24);
    Fixture *fixture = ARENA_NEW(arena, Fixture);
    *fixture = (Fixture){.arena = arena,
                         .scene = {.target_id = 1, .at_us = 100 * MINUTE_US, .step_us = 5 * MINUTE_US}};
    *state = fixture;
    return 0;
}

static int
teardown(void **state)
{
    arena_free(((Fixture *)*state)->arena);
    return 0;
}

static void
alert_add(Fixture *fixture, int64_t query_hash, AnomalyMetric metric, double value, double usual)
{
    AnomalyAlert alert = {.query_hash = query_hash,
                          .metric = metric,
                          .type = anomaly_metric_info(metric)->type,
                          .finding = {.z = 4,
                                      .severity = ANOMALY_CRITICAL,
                                      .matters = true,
                                      .is_alert = true,
                                      .since_us = fixture->scene.at_us - fixture->scene.step_us},
                          .value = value,
                          .usual = usual,
                          .calls_per_second = 10};
    vector_push(fixture->arena, &fixture->alerts, alert);
}

/* One look. */
static void
look(Fixture *fixture)
{
    anomaly_alerts_type(&fixture->scene, &fixture->alerts);
    anomaly_incidents_fold(fixture->arena, &fixture->scene, &fixture->alerts, &fixture->incidents);
    fixture->alerts.count = 0;
    fixture->scene.at_us += fixture->scene.step_us;
}

static void
bloat_stays_bloat_when_others_scan_more_later(void **state)
{
    Fixture *fixture = *state;
    fixture->scene.scanned_more = 0;
    alert_add(fixture, 7, ANOMALY_TOUCHED, 5000, 10);
    look(fixture);
    assert_string_equal(fixture->incidents.items[0].incident_type, "bloat");
    fixture->scene.scanned_more = 1e9;
    alert_add(fixture, 7, ANOMALY_TOUCHED, 5000, 10);
    look(fixture);
    assert_int_equal(fixture->incidents.count, 1);
    assert_string_equal(fixture->incidents.items[0].incident_type, "bloat");
    alert_add(fixture, 8, ANOMALY_TOUCHED, 5000, 10); /* another statement, told first now */
    look(fixture);
    assert_int_equal(fixture->incidents.count, 2);
    assert_string_equal(fixture->incidents.items[1].incident_type, "plan_change");
}

static void
one_fault_that_moves_many_series_is_one_incident(void **state)
{
    Fixture *fixture = *state;
    fixture->scene.scanned_more = 50000;
    alert_add(fixture, 7, ANOMALY_MEAN_MS, 40, 1);
    alert_add(fixture, 7, ANOMALY_TOUCHED, 5000, 10);
    alert_add(fixture, 8, ANOMALY_READ, 50, 0);
    alert_add(fixture, 0, ANOMALY_HIT_RATIO, 0.5, 0.99);
    look(fixture);
    assert_int_equal(fixture->incidents.count, 1);
    const Incident *incident = &fixture->incidents.items[0];
    assert_string_equal(incident->incident_type, "plan_change");
    assert_string_equal(incident->severity, "critical");
    assert_string_equal(incident->peak_metric, "blocks_touched");
    assert_int_equal(incident->peak_query_hash, 7);
    assert_int_equal(incident->query_hash_count, 2);
    assert_int_equal(incident->first_at_us, 95 * MINUTE_US);
    assert_non_null(strstr(incident->probable_cause, "5000 blocks a call, usually 10"));
}

static void
more_blocks_without_more_rows_scanned_are_bloat_and_with_more_rows_are_more_rows(void **state)
{
    Fixture *fixture = *state;
    fixture->scene.scanned_more = 3;
    alert_add(fixture, 7, ANOMALY_TOUCHED, 5000, 10);
    look(fixture);
    assert_string_equal(fixture->incidents.items[0].incident_type, "bloat");
    fixture->incidents.count = 0;
    alert_add(fixture, 7, ANOMALY_TOUCHED, 5000, 10);
    alert_add(fixture, 7, ANOMALY_ROWS, 500, 1);
    look(fixture);
    assert_string_equal(fixture->incidents.items[0].incident_type, "row_count_anomaly");
    fixture->incidents.count = 0;
    fixture->scene.scanned_more = NAN; /* not known: bloat is not said */
    alert_add(fixture, 7, ANOMALY_TOUCHED, 5000, 10);
    look(fixture);
    assert_string_equal(fixture->incidents.items[0].incident_type, "plan_change");
}

static void
what_an_open_incident_brings_about_joins_it_and_what_explains_it_is_another(void **state)
{
    Fixture *fixture = *state;
    alert_add(fixture, 0, ANOMALY_LOCKS, 9, 0);
    look(fixture);
    alert_add(fixture, 5, ANOMALY_MEAN_MS, 900, 1);
    look(fixture);
    assert_int_equal(fixture->incidents.count, 1);
    assert_string_equal(fixture->incidents.items[0].incident_type, "lock_wait");
    assert_int_equal(fixture->incidents.items[0].query_hashes[0], 5);
    fixture->incidents.count = 0;
    alert_add(fixture, 5, ANOMALY_MEAN_MS, 900, 1);
    look(fixture);
    alert_add(fixture, 0, ANOMALY_LOCKS, 9, 0);
    look(fixture);
    assert_int_equal(fixture->incidents.count, 2);
    /* of its own statement: the explanation takes over */
    fixture->incidents.count = 1;
    fixture->scene.scanned_more = 1e6;
    alert_add(fixture, 5, ANOMALY_TOUCHED, 900, 1);
    look(fixture);
    assert_int_equal(fixture->incidents.count, 1);
    assert_string_equal(fixture->incidents.items[0].incident_type, "plan_change");
}

static void
an_incident_is_over_after_two_looks_without_it_and_a_bad_point_keeps_it(void **state)
{
    Fixture *fixture = *state;
    alert_add(fixture, 5, ANOMALY_MEAN_MS, 900, 1);
    look(fixture);
    look(fixture);
    assert_false(fixture->incidents.items[0].resolved);
    alert_add(fixture, 5, ANOMALY_MEAN_MS, 900, 1);
    fixture->alerts.items[0].finding.is_alert = false;
    look(fixture);
    assert_int_equal(fixture->incidents.items[0].calm, 0);
    look(fixture);
    look(fixture);
    assert_true(fixture->incidents.items[0].resolved);
    assert_int_equal(fixture->incidents.items[0].resolved_at_us, fixture->scene.at_us - 5 * MINUTE_US);
    fixture->incidents.count = 0;
    alert_add(fixture, 6, ANOMALY_MEAN_MS, 900, 1);
    fixture->alerts.items[0].finding.is_alert = false;
    look(fixture);
    assert_int_equal(fixture->incidents.count, 0); /* and begins none */
}

static void
the_statements_of_an_incident_are_limited(void **state)
{
    Fixture *fixture = *state;
    for (int64_t hash = 1; hash <= INCIDENT_HASHES_MOST + 20; hash++)
        alert_add(fixture, hash, ANOMALY_CALLS, 50, 1);
    look(fixture);
    assert_int_equal(fixture->incidents.count, 1);
    assert_int_equal(fixture->incidents.items[0].query_hash_count, INCIDENT_HASHES_MOST);
}

static void
a_step_that_is_odd_in_all_is_told_by_the_forest_with_its_cause(void **state)
{
    Fixture *fixture = *state;
    StepFigures steps[300] = {0};
    for (size_t i = 0; i < 300; i++)
        for (size_t m = 0; m < ANOMALY_METRIC_COUNT; m++)
            steps[i].figures[m] = 10 + (double)((i * (m + 7)) % 13) / 10;
    StepList past = {.items = steps, .count = 300};
    StepFigures odd = steps[7];
    odd.figures[ANOMALY_WAL] = 1e9;
    odd.figures[ANOMALY_CALLS] = 1e5;
    odd.figures[ANOMALY_TEMP] = 1e12;
    AnomalyOddity oddity = anomaly_past_oddity(fixture->arena, &past, &odd);
    AnomalyOddity usual = anomaly_past_oddity(fixture->arena, &past, &steps[7]);
    assert_true(oddity.is_known && oddity.score > usual.score && oddity.score > oddity.quantile);
    assert_true(oddity.cause == ANOMALY_WAL || oddity.cause == ANOMALY_CALLS || oddity.cause == ANOMALY_TEMP);
    assert_false(usual.is_odd);
    past.count = ANOMALY_FOREST_ROWS_LEAST - 1;
    assert_false(anomaly_past_oddity(fixture->arena, &past, &odd).is_known);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bloat_stays_bloat_when_others_scan_more_later, setup, teardown),
        cmocka_unit_test_setup_teardown(one_fault_that_moves_many_series_is_one_incident, setup, teardown),
        cmocka_unit_test_setup_teardown(
            more_blocks_without_more_rows_scanned_are_bloat_and_with_more_rows_are_more_rows, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            what_an_open_incident_brings_about_joins_it_and_what_explains_it_is_another, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_incident_is_over_after_two_looks_without_it_and_a_bad_point_keeps_it, setup, teardown),
        cmocka_unit_test_setup_teardown(the_statements_of_an_incident_are_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(a_step_that_is_odd_in_all_is_told_by_the_forest_with_its_cause, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

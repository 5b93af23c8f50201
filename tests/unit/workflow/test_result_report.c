// SPDX-License-Identifier: PostgreSQL
/* How well recommendations did, against figures that were reckoned elsewhere. */
#include "place.h"

#include "pg/result.h"
#include "store/implementation.h"
#include "workflow/result_report.h"

#include <math.h>
#include <string.h>

static ImplementationOutcome
outcome(const char *kind, const char *status, double predicted, double actual, double confidence)
{
    return (ImplementationOutcome){.source_type = "index",
                                   .kind = kind,
                                   .target_id = 1,
                                   .status = status,
                                   .predicted_percent = predicted,
                                   .actual_percent = actual,
                                   .confidence = confidence,
                                   .accuracy = 0.5,
                                   .factor = 0.8};
}

static void
assert_near(double value, double expected)
{
    if (!(fabs(value - expected) < 0.0005))
        fail_msg("%.5f, not %.5f", value, expected);
}

static void
shares_and_means_have_the_intervals_of_wilson_and_student(void **state)
{
    StoreFixture *fixture = *state;
    ImplementationOutcome outcomes[] = {
        outcome("create", "implemented", 40, 50, 0.85), outcome("create", "implemented", 40, 30, 0.85),
        outcome("create", "implemented", 40, 40, 0.85), outcome("create", "no_improvement", 40, 0, 0.85),
        outcome("create", "reverted", 40, -20, 0.85),   outcome("create", "failed", 40, NAN, 0.85),
    };
    ResultReport report = result_report_of(fixture->arena, outcomes, FETTLE_COUNT_OF(outcomes));
    assert_int_equal(report.kind_count, 1);
    const ResultKind *kind = &report.kinds[0];
    assert_string_equal(kind->kind, "create");
    assert_true(kind->success.count == 5 && kind->success.held == 3 && kind->failed == 1);
    assert_false(kind->success.is_thin);
    /* Wilson's interval of 3 of 5 is .2307 to .8824; R: binom::binom.wilson(3, 5) */
    assert_near(kind->success.low, 0.2307);
    assert_near(kind->success.high, 0.8824);
    assert_near(kind->predicted_percent, 40);
    /* mean 20, sample deviation 29.15476, t(.975, 4) 2.776445: half 36.2000 */
    assert_near(kind->actual_percent, 20);
    assert_near(kind->actual_low, 20 - 36.2);
    assert_near(kind->actual_high, 20 + 36.2);
    assert_near(kind->accuracy, 0.5);
    assert_near(kind->factor, 0.8);
    assert_int_equal(report.all.success.count, 5);
    assert_true(isnan(report.all.factor));
}

static void
kinds_are_told_apart_and_few_results_are_said_to_be_few(void **state)
{
    StoreFixture *fixture = *state;
    ImplementationOutcome outcomes[] = {
        outcome("drop", "implemented", NAN, 1, 0.9), outcome("create", "regressed", 10, -5, 0.7),
        outcome("create", "implemented", 10, 12, 0.7), outcome("drop", "failed", NAN, NAN, 0.9)};
    outcomes[2].target_id = 2;
    ResultReport report = result_report_of(fixture->arena, outcomes, FETTLE_COUNT_OF(outcomes));
    assert_int_equal(report.kind_count, 2);
    assert_string_equal(report.kinds[0].kind, "create");
    assert_true(report.kinds[0].success.is_thin && report.kinds[0].success.count == 2);
    /* two targets have factors of their own */
    assert_true(isnan(report.kinds[0].factor) && !isnan(report.kinds[1].factor));
    assert_true(report.kinds[1].success.count == 1 && report.kinds[1].failed == 1);
    assert_true(isnan(report.kinds[1].predicted_percent) && isnan(report.kinds[1].actual_low));
    ResultReport nothing = result_report_of(fixture->arena, NULL, 0);
    assert_true(nothing.kind_count == 0 && nothing.all.success.is_thin);
    assert_true(isnan(nothing.all.success.share) && isnan(nothing.all.actual_percent));
}

static void
the_calibration_curve_sets_what_was_stated_against_what_held(void **state)
{
    StoreFixture *fixture = *state;
    ImplementationOutcome outcomes[30];
    for (size_t i = 0; i < 20; i++)
        outcomes[i] = outcome("create", i < 10 ? "implemented" : "no_improvement", 20, 20, 0.82);
    for (size_t i = 20; i < 28; i++)
        outcomes[i] = outcome("drop", "implemented", 20, 20, 1);
    outcomes[28] = outcome("drop", "implemented", 20, 20, NAN);
    outcomes[29] = outcome("drop", "failed", 20, NAN, 0.82);
    ResultReport report = result_report_of(fixture->arena, outcomes, FETTLE_COUNT_OF(outcomes));
    assert_true(report.bins[8].held.count == 20 && report.bins[8].held.held == 10);
    assert_near(report.bins[8].from, 0.8);
    assert_near(report.bins[8].stated, 0.82);
    assert_near(report.bins[8].held.share, 0.5);
    assert_near(report.bins[8].held.low, 0.2993);
    assert_near(report.bins[8].held.high, 0.7007);
    assert_true(report.bins[9].held.count == 8 && report.bins[9].held.share == 1);
    assert_true(report.bins[0].held.count == 0 && isnan(report.bins[0].stated));
}

static void
what_nobody_knows_is_null_in_json(void **state)
{
    Place place = place_of(state);
    ImplementationOutcome one = outcome("create", "implemented", 20, 15, 0.82);
    ResultReport report = result_report_of(place.arena, &one, 1);
    Text text = text_new(place.arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    result_report_json(&json, &report);
    json_object_end(&json);
    assert_non_null(strstr(text.data, "\"actual_low\":null"));
    assert_non_null(strstr(text.data, "\"all\":{\"source_type\":null,\"kind\":null,\"count\":1"));
    assert_non_null(strstr(text.data, "\"calibration\":[{\"from\":0"));
    assert_null(strstr(text.data, "nan"));
}

static void
the_store_gives_the_results_that_are_over(void **state)
{
    Place place = place_of(state);
    ResultReport report;
    Error error = {0};
    PgConnection *own = place.fixture->connection;
    assert_done(
        pg_execute_script(
            own,
            "INSERT INTO fettle.optimization_recommendations (id, source_type, kind, "
            "recommendation_text, estimated_improvement_percent, confidence_score) VALUES (9001, "
            "'rewrite', 'n_plus_one_detected', 'x', 90, 0.75); "
            "INSERT INTO fettle.optimization_implementations (recommendation_id, status, "
            "actual_improvement_percent, accuracy_score, measured_at) VALUES (9001, 'implemented', 60, "
            "0.67, now()), (9001, 'pending', NULL, NULL, NULL)",
            NULL, &error),
        &error);
    assert_done(result_report_read(own, place.arena, place.target_id, &report, &error), &error);
    assert_int_equal(report.kind_count, 1);
    assert_string_equal(report.kinds[0].source_type, "rewrite");
    assert_true(report.kinds[0].success.count == 1 && report.kinds[0].success.held == 1);
    assert_near(report.kinds[0].predicted_percent, 90);
    assert_int_equal(report.bins[7].held.count, 1);
    assert_done(result_report_read(own, place.arena, place.target_id + 1, &report, &error), &error);
    assert_int_equal(report.kind_count, 0);
    ImplementationOutcome *outcomes;
    size_t count;
    assert_done(implementation_outcomes(own, place.arena, 0, &outcomes, &count, &error), &error);
    assert_true(count == 1 && isnan(outcomes[0].factor));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_and_means_have_the_intervals_of_wilson_and_student),
        cmocka_unit_test(kinds_are_told_apart_and_few_results_are_said_to_be_few),
        cmocka_unit_test(the_calibration_curve_sets_what_was_stated_against_what_held),
        cmocka_unit_test_setup(what_nobody_knows_is_null_in_json, store_fixture_clear),
        cmocka_unit_test_setup(the_store_gives_the_results_that_are_over, store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}

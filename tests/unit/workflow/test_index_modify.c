// SPDX-License-Identifier: PostgreSQL
/* An index in the place of another one, as one change that can be undone. */
#include "place.h"

#include "pg/result.h"
#include "workflow/index_analysis.h"
#include "workflow/index_run.h"
#include "workflow/index_sent.h"

#include <math.h>
#include <string.h>

/* A plan to put an index on (a, id) in the place of the one on (a). */
static IndexPlan
replacement_of(const Place *place)
{
    static const char *const columns[] = {"a", "id"};
    IndexPlan plan;
    Error error = {0};
    IndexOrder order = order_of(place, "t_wide");
    order.columns = columns;
    order.column_count = 2;
    order.replaced = "t_narrow";
    assert_done(
        pg_execute(place->fixture->connection, "CREATE INDEX IF NOT EXISTS t_narrow ON own.t (a)", &error),
        &error);
    assert_done(index_plan_create(&place->manager, place->arena, &order, &plan, &error), &error);
    assert_done(index_plan_record(&place->manager, place->arena, &plan, &plan.change.id, &error), &error);
    return plan;
}

static void
an_index_is_replaced_and_put_back_as_one_change_each(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexPlan plan = replacement_of(&place);
    assert_string_equal(plan.change.action, "modify");
    assert_done(index_run(&place.manager, plan.change.id, &error), &error);
    IndexChange done = change_of(&place, plan.change.id);
    assert_string_equal(done.state, "completed");
    assert_string_equal(done.index_name, "t_wide");
    assert_true(exists(&place, "t_wide") && !exists(&place, "t_narrow"));
    for (int i = 0; i < 2; i++) { /* an undo is a change that can be undone */
        assert_done(index_plan_undo(&place.manager, place.arena, &done, "test", &plan, &error), &error);
        /* what takes an undo back is none: a pause stands against it */
        assert_int_equal(plan.change.is_undo, i == 0);
        assert_done(index_plan_record(&place.manager, place.arena, &plan, &plan.change.id, &error), &error);
        assert_done(index_run(&place.manager, plan.change.id, &error), &error);
        done = change_of(&place, plan.change.id);
        assert_string_equal(done.state, "completed");
        assert_true(exists(&place, "t_wide") == (i == 1) && exists(&place, "t_narrow") == (i == 0));
    }
    /* what is there already is not built, nor dropped by the undo */
    assert_done(pg_execute(place.fixture->connection, "CREATE INDEX t_narrow ON own.t (a)", &error), &error);
    plan = replacement_of(&place);
    assert_null(strstr(plan.change.undo_sql, "DROP"));
    assert_done(index_run(&place.manager, plan.change.id, &error), &error);
    assert_true(exists(&place, "t_wide") && !exists(&place, "t_narrow"));
}

static void
a_replacement_whose_process_died_is_finished_or_leaves_all_as_it_was(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    bool wants = false;
    bool is_found = false;
    IndexFacts narrow;
    PgConnection *own = place.fixture->connection;
    /* before anything was sent */
    IndexPlan plan = replacement_of(&place);
    assert_done(index_settle(&place.manager, plan.change.id, &error), &error);
    assert_string_equal(change_of(&place, plan.change.id).state, "failed");
    assert_true(!exists(&place, "t_wide") && exists(&place, "t_narrow"));
    /* between the two */
    plan = replacement_of(&place);
    assert_done(index_change_attempt(own, plan.change.id, 1, false, &wants, &error), &error);
    assert_done(index_sent_record(&place.manager, own, &plan.change, "create", 0, &error), &error);
    assert_done(pg_execute(own, "CREATE INDEX t_wide ON own.t (a, id)", &error), &error);
    assert_done(index_settle(&place.manager, plan.change.id, &error), &error);
    assert_string_equal(change_of(&place, plan.change.id).state, "completed");
    assert_true(exists(&place, "t_wide") && !exists(&place, "t_narrow"));
    /* after both */
    assert_done(pg_execute(own, "DROP INDEX own.t_wide", &error), &error);
    plan = replacement_of(&place);
    assert_done(index_change_attempt(own, plan.change.id, 1, false, &wants, &error), &error);
    assert_done(index_facts_find(own, place.arena, "own", "t_narrow", &is_found, &narrow, &error), &error);
    assert_done(index_sent_record(&place.manager, own, &plan.change, "drop", narrow.oid, &error), &error);
    assert_done(
        pg_execute_script(own, "CREATE INDEX t_wide ON own.t (a, id); DROP INDEX own.t_narrow", NULL, &error),
        &error);
    assert_done(index_settle(&place.manager, plan.change.id, &error), &error);
    assert_string_equal(change_of(&place, plan.change.id).state, "completed");
    assert_null(change_of(&place, plan.change.id).error_message);
}

/* Whoever makes the index anew wants it, also when its own drop was sent before. */
static void
what_was_made_anew_under_the_name_of_what_goes_stays(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    bool wants = false;
    bool is_found = false;
    IndexFacts narrow;
    PgConnection *own = place.fixture->connection;
    for (int is_left = 0; is_left < 2; is_left++) {
        IndexPlan plan = replacement_of(&place);
        run_sql(&place, "CREATE INDEX IF NOT EXISTS t_wide ON own.t (a, id)");
        assert_done(index_facts_find(own, place.arena, "own", "t_narrow", &is_found, &narrow, &error),
                    &error);
        assert_done(index_change_attempt(own, plan.change.id, 1, false, &wants, &error), &error);
        assert_done(index_sent_record(&place.manager, own, &plan.change, "drop", narrow.oid, &error), &error);
        run_sql(&place, "DROP INDEX own.t_narrow; CREATE INDEX t_narrow ON own.t (a)");
        assert_done((is_left ? index_settle : index_run)(&place.manager, plan.change.id, &error), &error);
        IndexChange ended = change_of(&place, plan.change.id);
        assert_string_equal(ended.state, "failed");
        assert_non_null(strstr(ended.error_message, "another one now, rebuilt or made anew"));
        assert_true(exists(&place, "t_wide") && exists(&place, "t_narrow"));
    }
}

/* With nothing sent, the wanted index is somebody else's: nothing is done that an undo would take back. */
static void
what_somebody_else_made_meanwhile_is_not_the_changes_own(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    for (int is_left = 0; is_left < 2; is_left++) {
        IndexPlan plan = replacement_of(&place);
        run_sql(&place, "CREATE INDEX t_wide ON own.t (a, id)");
        assert_done((is_left ? index_settle : index_run)(&place.manager, plan.change.id, &error), &error);
        IndexChange ended = change_of(&place, plan.change.id);
        assert_string_equal(ended.state, "failed");
        assert_non_null(strstr(ended.error_message, "somebody else made index t_wide meanwhile"));
        assert_true(exists(&place, "t_wide") && exists(&place, "t_narrow"));
        assert_false(index_plan_undo(&place.manager, place.arena, &ended, "test", &plan, &error));
        assert_int_equal(error.code, ERROR_CONFLICT);
        /* ordered once more it leaves out what is there, and so does its undo */
        plan = replacement_of(&place);
        assert_done(index_run(&place.manager, plan.change.id, &error), &error);
        ended = change_of(&place, plan.change.id);
        assert_string_equal(ended.state, "completed");
        assert_done(index_plan_undo(&place.manager, place.arena, &ended, "test", &plan, &error), &error);
        assert_done(index_plan_record(&place.manager, place.arena, &plan, &plan.change.id, &error), &error);
        assert_done(index_run(&place.manager, plan.change.id, &error), &error);
        assert_true(exists(&place, "t_wide") && exists(&place, "t_narrow"));
        run_sql(&place, "DROP INDEX own.t_wide");
    }
}

/* The history of a replacement of which a doubt is left ends before anything is dropped. */
static void
what_somebody_else_may_have_made_replaces_nothing(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    bool wants = false;
    PgConnection *own = place.fixture->connection;
    IndexPlan plan = replacement_of(&place);
    assert_done(index_change_attempt(own, plan.change.id, 1, false, &wants, &error), &error);
    assert_done(index_sent_record(&place.manager, own, &plan.change, "create", 0, &error), &error);
    run_sql(&place, "CREATE INDEX t_wide ON own.t (a, id); UPDATE fettle.index_changes SET sent_system = 1");
    assert_done(index_settle(&place.manager, plan.change.id, &error), &error);
    IndexChange ended = change_of(&place, plan.change.id);
    assert_string_equal(ended.state, "failed");
    assert_non_null(strstr(ended.error_message, "whether this change made it is not known"));
    assert_true(exists(&place, "t_wide") && exists(&place, "t_narrow"));
    assert_false(index_plan_undo(&place.manager, place.arena, &ended, "test", &plan, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
}

static void
what_came_to_be_needed_meanwhile_is_not_replaced_and_the_history_says_what_is_there(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    PgConnection *own = place.fixture->connection;
    IndexPlan plan = replacement_of(&place);
    assert_done(pg_execute_script(own,
                                  "DROP INDEX own.t_narrow; CREATE UNIQUE INDEX t_narrow ON own.t (a); ALTER "
                                  "TABLE own.t ADD CONSTRAINT t_narrow UNIQUE USING INDEX t_narrow",
                                  NULL, &error),
                &error);
    assert_done(index_run(&place.manager, plan.change.id, &error), &error);
    IndexChange ended = change_of(&place, plan.change.id);
    assert_string_equal(ended.state, "failed");
    assert_non_null(strstr(ended.error_message, "index t_wide is there, and t_narrow was not dropped"));
    assert_true(exists(&place, "t_wide") && exists(&place, "t_narrow"));
    IndexOrder order = order_of(&place, "t_other");
    order.replaced = "t_pkey";
    assert_false(index_plan_create(&place.manager, place.arena, &order, &plan, &error));
    assert_int_equal(error.code, ERROR_UNSUPPORTED);
    order.replaced = "nowhere";
    assert_false(index_plan_create(&place.manager, place.arena, &order, &plan, &error));
    assert_int_equal(error.code, ERROR_INPUT);
}

/* The only index that finds a foreign key's rows goes where its successor finds them, and nowhere else. */
static void
a_foreign_keys_index_is_replaced_by_one_that_finds_its_rows(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexPlan plan;
    static const char *const columns[] = {"id", "a"};
    assert_done(pg_execute_script(place.fixture->connection,
                                  "CREATE TABLE own.parents (id int PRIMARY KEY); INSERT INTO own.parents "
                                  "SELECT n FROM generate_series(1, 1000) n; ALTER TABLE own.t ADD FOREIGN "
                                  "KEY (a) REFERENCES own.parents; CREATE INDEX t_narrow ON own.t (a)",
                                  NULL, &error),
                &error);
    IndexOrder order = order_of(&place, "t_other");
    order.columns = columns;
    order.column_count = 2;
    order.replaced = "t_narrow";
    assert_false(index_plan_create(&place.manager, place.arena, &order, &plan, &error));
    assert_int_equal(error.code, ERROR_UNSUPPORTED);
    error_clear(&error);
    plan = replacement_of(&place);
    assert_done(index_run(&place.manager, plan.change.id, &error), &error);
    assert_string_equal(change_of(&place, plan.change.id).state, "completed");
}

/* Runs the undo of a change; what became of it. */
static IndexChange
undone(const Place *place, int64_t id)
{
    IndexChange change = change_of(place, id);
    IndexPlan plan;
    Error error = {0};
    assert_done(index_plan_undo(&place->manager, place->arena, &change, "test", &plan, &error), &error);
    assert_done(index_plan_record(&place->manager, place->arena, &plan, &id, &error), &error);
    assert_done(index_run(&place->manager, id, &error), &error);
    return change_of(place, id);
}

static void
what_was_made_for_a_foreign_keys_rows_is_taken_back_by_an_undo_alone(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexPlan plan;
    PgConnection *own = place.fixture->connection;
    assert_done(pg_execute_script(own,
                                  "CREATE TABLE own.parents (id int PRIMARY KEY); INSERT INTO own.parents "
                                  "SELECT n FROM generate_series(1, 1000) n; ALTER TABLE own.t ADD FOREIGN "
                                  "KEY (a) REFERENCES own.parents",
                                  NULL, &error),
                &error);
    IndexOrder order = order_of(&place, "t_narrow");
    int64_t id = recorded(&place, &order);
    assert_done(index_run(&place.manager, id, &error), &error);
    assert_false(index_plan_drop(&place.manager, place.arena, &order, &plan, &error));
    assert_int_equal(error.code, ERROR_UNSUPPORTED);
    assert_string_equal(undone(&place, id).state, "completed");
    assert_false(exists(&place, "t_narrow"));
    /* the other way round, one after the other in its place */
    plan = replacement_of(&place);
    assert_done(index_run(&place.manager, plan.change.id, &error), &error);
    assert_string_equal(undone(&place, plan.change.id).state, "completed");
    assert_true(exists(&place, "t_narrow") && !exists(&place, "t_wide"));
}

static void
an_undo_drops_only_what_was_made(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    PgConnection *own = place.fixture->connection;
    IndexPlan plan = replacement_of(&place);
    assert_done(index_run(&place.manager, plan.change.id, &error), &error);
    IndexChange made = change_of(&place, plan.change.id);
    assert_done(
        pg_execute_script(own, "DROP INDEX own.t_wide; CREATE INDEX t_wide ON own.t (id)", NULL, &error),
        &error);
    assert_false(index_plan_undo(&place.manager, place.arena, &made, "test", &plan, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_non_null(strstr(error.message, "replaced since"));
    /* that this is another predicate only the server can tell */
    error_clear(&error);
    IndexOrder order = order_of(&place, "t_part");
    order.definition = "CREATE INDEX t_part ON own.t (a) WHERE a > 5.0";
    int64_t id = recorded(&place, &order);
    assert_done(index_run(&place.manager, id, &error), &error);
    assert_done(pg_execute_script(own,
                                  "DROP INDEX own.t_part; CREATE INDEX t_part ON own.t (a) WHERE a > 6.0",
                                  NULL, &error),
                &error);
    assert_string_equal(undone(&place, id).state, "failed");
    assert_true(exists(&place, "t_part"));
    assert_done(pg_execute_script(own,
                                  "DROP INDEX own.t_part; CREATE INDEX t_part ON own.t (a) WHERE a > 5.0",
                                  NULL, &error),
                &error);
    assert_string_equal(undone(&place, id).state, "completed");
    assert_false(exists(&place, "t_part"));
}

static void
advice_to_replace_an_index_becomes_a_recommendation_to_modify_it(void **state)
{
    Place place = place_of(state);
    IndexRecommendation made;
    IndexReview review;
    IndexReviewOptions options = {.rare_scans = -1};
    Error error = {0};
    assert_done(index_review_take(&place.manager, place.arena, place.target_id, &options, &review, &error),
                &error);
    Recommendation advised = {.kind = "replace_index",
                              .statement =
                                  "CREATE INDEX CONCURRENTLY t_wide ON own.t (a, id) WHERE (a > 5);\n"
                                  "DROP INDEX CONCURRENTLY own.t_narrow;",
                              .replaced = "t_narrow",
                              .improvement_percent = 20,
                              .size_bytes = NAN,
                              .write_cost_percent = NAN};
    assert_true(index_recommendation_of_advice(place.arena, review.snapshot, &advised, &made));
    assert_string_equal(made.type, "modify");
    assert_string_equal(made.index_name, "t_narrow");
    assert_string_equal(made.predicate, "(a > 5)");
    assert_string_equal(made.create_statement, "CREATE INDEX CONCURRENTLY IF NOT EXISTS \"t_wide\" ON "
                                               "\"own\".\"t\" (a, id) WHERE (a > 5)");
    advised.replaced = NULL; /* two statements, and no word of why: not understood */
    assert_false(index_recommendation_of_advice(place.arena, review.snapshot, &advised, &made));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_index_is_replaced_and_put_back_as_one_change_each, store_fixture_clear),
        cmocka_unit_test_setup(a_replacement_whose_process_died_is_finished_or_leaves_all_as_it_was,
                               store_fixture_clear),
        cmocka_unit_test_setup(what_was_made_anew_under_the_name_of_what_goes_stays, store_fixture_clear),
        cmocka_unit_test_setup(what_somebody_else_made_meanwhile_is_not_the_changes_own, store_fixture_clear),
        cmocka_unit_test_setup(what_somebody_else_may_have_made_replaces_nothing, store_fixture_clear),
        cmocka_unit_test_setup(
            what_came_to_be_needed_meanwhile_is_not_replaced_and_the_history_says_what_is_there,
            store_fixture_clear),
        cmocka_unit_test_setup(a_foreign_keys_index_is_replaced_by_one_that_finds_its_rows,
                               store_fixture_clear),
        cmocka_unit_test_setup(what_was_made_for_a_foreign_keys_rows_is_taken_back_by_an_undo_alone,
                               store_fixture_clear),
        cmocka_unit_test_setup(an_undo_drops_only_what_was_made, store_fixture_clear),
        cmocka_unit_test_setup(advice_to_replace_an_index_becomes_a_recommendation_to_modify_it,
                               store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}

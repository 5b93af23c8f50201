// SPDX-License-Identifier: PostgreSQL
/* Carrying out and undoing: of two who approve the same one is told of the other, and what the service does
 * by itself has its audit line in the same transaction. */
#include "place.h"

#include "pg/result.h"
#include "store/index_recommendation.h"
#include "store/recommendation.h"
#include "workflow/index_run.h"
#include "workflow/recommendation_apply.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void
run_sql(const Place *place, const char *sql)
{
    Error error = {0};
    assert_done(pg_execute_script(place->fixture->connection, sql, NULL, &error), &error);
}

/* The number of a recommendation to create an index on own.t (a). */
static int64_t
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

static void
of_two_who_approve_the_same_the_later_one_is_told_of_the_other(void **state)
{
    Place place = place_of(state);
    RecommendationApply apply[3];
    Error error = {0};
    int64_t id = recommended(&place);
    for (int i = 0; i < 2; i++)
        assert_done(recommendation_apply_plan(&place.manager, place.arena, id, true, i == 0 ? "ann" : "bob",
                                              &apply[i], &error),
                    &error);
    assert_done(recommendation_apply_record(&place.manager, place.arena, &apply[0], &error), &error);
    const char *expected = arena_printf(place.arena,
                                        "recommendation %lld is being carried out already: implementation "
                                        "%lld is pending",
                                        (long long)id, (long long)apply[0].implementation_id);
    assert_false(recommendation_apply_record(&place.manager, place.arena, &apply[1], &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_string_equal(error.message, expected);
    assert_null(strstr(error.hint, "two changes"));
    /* the index is there by now: that is not what the next one is to know */
    error_clear(&error);
    assert_done(index_run(&place.manager, apply[0].plan.change.id, &error), &error);
    assert_true(exists(&place, "t_a"));
    assert_false(recommendation_apply_plan(&place.manager, place.arena, id, true, "eve", &apply[2], &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_string_equal(error.message, expected);
    assert_null(strstr(error.hint, "by hand"));
}

/* One that is carried out, and how it would be undone unasked. */
static RecommendationUndo
undo_of(const Place *place)
{
    RecommendationApply apply;
    RecommendationUndo undo;
    Error error = {0};
    int64_t id = recommended(place);
    assert_done(recommendation_apply_plan(&place->manager, place->arena, id, true, "ann", &apply, &error),
                &error);
    assert_done(recommendation_apply_record(&place->manager, place->arena, &apply, &error), &error);
    assert_done(index_run(&place->manager, apply.plan.change.id, &error), &error);
    assert_done(recommendation_undo_plan(&place->manager, place->arena, apply.implementation_id, "fettle",
                                         &undo, &error),
                &error);
    undo.unasked_by = "fettle";
    return undo;
}

static void
an_undo_that_nobody_asked_for_and_its_audit_line_are_recorded_together_or_not_at_all(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    RecommendationUndo undo = undo_of(&place);
    run_sql(&place, "ALTER TABLE fettle.audit_log ADD CONSTRAINT no_line CHECK (action <> 'result.revert') "
                    "NOT VALID");
    assert_false(recommendation_undo_record(&place.manager, place.arena, &undo, "much slower", &error));
    run_sql(&place, "ALTER TABLE fettle.audit_log DROP CONSTRAINT no_line");
    const char *recorded_undo =
        "SELECT count(*) || ' ' || (SELECT count(undo_change_id) FROM "
        "fettle.optimization_implementations) FROM fettle.index_changes WHERE is_undo";
    assert_string_equal(store_fixture_value(place.fixture, recorded_undo), "0 0");
    error_clear(&error);
    assert_done(recommendation_undo_record(&place.manager, place.arena, &undo, "much slower", &error),
                &error);
    assert_string_equal(store_fixture_value(place.fixture, recorded_undo), "1 1");
    const char *line = "SELECT actor || ': ' || (details ->> 'reason') || ': ' || (details ->> 'sql') FROM "
                       "fettle.audit_log WHERE action = 'result.revert' ORDER BY id DESC LIMIT 1";
    assert_string_equal(store_fixture_value(place.fixture, line),
                        "fettle: much slower: DROP INDEX CONCURRENTLY IF EXISTS own.t_a");
}

static void
a_dismissal_is_not_worded_like_what_fettle_does(void **state)
{
    Place place = place_of(state);
    PgConnection *own = place.fixture->connection;
    int64_t id = recommended(&place);
    int64_t target_id = 0;
    static const char *const words[] = {"implemented", "reverted"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(words); i++) {
        Error error = {0};
        assert_false(recommendation_dismiss(own, id, words[i], &target_id, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, words[i]));
    }
    Error error = {0};
    assert_done(recommendation_dismiss(own, id, "reverted by hand", &target_id, &error), &error);
    assert_int_equal(target_id, place.target_id);
}

/* Numbers are of the store, not of a target: what points at another target's row is not carried out. */
static void
the_row_of_another_target_is_not_taken_for_ours(void **state)
{
    Place place = place_of(state);
    RecommendationApply apply;
    Error error = {0};
    int64_t id = recommended(&place);
    run_sql(&place,
            "INSERT INTO fettle.targets (name, conninfo) SELECT 'twin of it', conninfo FROM fettle.targets; "
            "UPDATE fettle.index_recommendations SET target_id = (SELECT target_id FROM fettle.targets "
            "WHERE name = 'twin of it')");
    assert_false(recommendation_apply_plan(&place.manager, place.arena, id, true, "ann", &apply, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_non_null(strstr(error.message, "is of another target"));
}

typedef struct Waiter {
    const Place *place;
    bool (*act)(PgConnection *session, const Place *place, Error *error);
    bool is_good;
    Error error;
} Waiter;

static void *
waiter_run(void *argument)
{
    Waiter *waiter = argument;
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    waiter->is_good = store_session_take(waiter->place->fixture->store, 0, &session, &waiter->error) &&
                      waiter->act(session.connection, waiter->place, &waiter->error);
    return NULL;
}

/* Of the change of the later recommendation, whose index had an earlier one. */
static bool
change_ends(PgConnection *session, const Place *place, Error *error)
{
    (void)place;
    return index_change_end(session, 2, "completed", NULL, error);
}

static bool
analysis_writes(PgConnection *session, const Place *place, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("analysis", 1 << 20);
    static const char *const columns[][1] = {{"a"}, {"id"}};
    IndexRecommendation items[2];
    for (size_t i = 0; i < 2; i++)
        items[i] = (IndexRecommendation){.schema_name = "own",
                                         .table_name = "t",
                                         .index_name = "t_x",
                                         .columns = columns[i],
                                         .column_count = 1,
                                         .index_type = "btree",
                                         .type = "create",
                                         .estimated_benefit = 50};
    IndexRecommendations found = {.items = items, .count = 2};
    const char *database = pg_connection_database(place->fixture->connection);
    return index_recommendations_write(session, arena, &found, place->target_id, database, "{create}", error);
}

/* Somebody holds the earlier row; whoever waits for it must not hold the later one meanwhile. */
static void
waits_with_nothing_in_hand(const Place *place, bool (*act)(PgConnection *, const Place *, Error *))
{
    Waiter waiter = {.place = place, .act = act};
    pthread_t thread;
    Error error = {0};
    PgConnection *own = place->fixture->connection;
    assert_done(pg_execute_script(own,
                                  "BEGIN; SELECT FROM fettle.index_recommendations WHERE id = 1 FOR UPDATE",
                                  NULL, &error),
                &error);
    assert_int_equal(pthread_create(&thread, NULL, waiter_run, &waiter), 0);
    Deadline until = deadline_after_ms(20000);
    while (strcmp(store_fixture_value(place->fixture, "SELECT count(*) FROM pg_locks WHERE NOT granted"),
                  "0") == 0 &&
           !deadline_passed(until))
        run_sql(place, "SELECT pg_sleep(0.01)");
    bool is_free = pg_execute_script(
        own, "SELECT FROM fettle.index_recommendations WHERE id = 2 FOR UPDATE NOWAIT", NULL, &error);
    (void)!pg_execute_script(own, "COMMIT", NULL, &(Error){0});
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_done(is_free, &error);
    assert_done(waiter.is_good, &waiter.error);
}

static void
whoever_writes_index_recommendations_locks_them_by_number(void **state)
{
    Place place = place_of(state);
    const char *form =
        "INSERT INTO fettle.index_recommendations (id, target_id, database_name, schema_name, table_name, "
        "columns, index_type, recommendation_type, index_name) OVERRIDING SYSTEM VALUE VALUES (1, %lld, "
        "'%s', "
        "'own', 't', '{id}', 'btree', 'create', 't_x'), (2, %lld, '%s', 'own', 't', '{a}', 'btree', "
        "'create', "
        "'t_x'); INSERT INTO fettle.index_changes (id, recommendation_id, target_id, database_name, action, "
        "schema_name, table_name, index_name, columns, index_type, sql, undo_sql, performed_by, state, "
        "success) "
        "OVERRIDING SYSTEM VALUE SELECT v.id, v.id, target_id, database_name, 'create', 'own', 't', 't_x', "
        "columns, 'btree', 'x', 'y', 'ann', v.state, v.success FROM fettle.index_recommendations r JOIN "
        "(VALUES "
        "(1, 'completed', true), (2, 'running', NULL)) v (id, state, success) ON v.id = r.id";
    const char *database = pg_connection_database(place.fixture->connection);
    long long target_id = (long long)place.target_id;
    run_sql(&place, arena_printf(place.arena, form, target_id, database, target_id, database));
    waits_with_nothing_in_hand(&place, analysis_writes);
    waits_with_nothing_in_hand(&place, change_ends);
    assert_string_equal(
        store_fixture_value(place.fixture, "SELECT status FROM fettle.index_recommendations WHERE id = 2"),
        "created");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(of_two_who_approve_the_same_the_later_one_is_told_of_the_other,
                               store_fixture_clear),
        cmocka_unit_test_setup(
            an_undo_that_nobody_asked_for_and_its_audit_line_are_recorded_together_or_not_at_all,
            store_fixture_clear),
        cmocka_unit_test_setup(a_dismissal_is_not_worded_like_what_fettle_does, store_fixture_clear),
        cmocka_unit_test_setup(the_row_of_another_target_is_not_taken_for_ours, store_fixture_clear),
        cmocka_unit_test_setup(whoever_writes_index_recommendations_locks_them_by_number,
                               store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}

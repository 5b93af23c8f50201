// SPDX-License-Identifier: PostgreSQL
/* What was sent is recorded, and tells who dropped or made an index when a process was killed. */
#include "place.h"

#include "pg/result.h"
#include "workflow/index_run.h"
#include "workflow/index_sent.h"

#include <string.h>

/* A process that was killed when it had recorded what it sends. */
static void
killed_when_sent(const Place *place, int64_t id, const char *action, uint32_t index_oid)
{
    Error error = {0};
    bool wants = false;
    IndexChange change = change_of(place, id);
    assert_done(index_change_attempt(place->fixture->connection, id, 1, false, &wants, &error), &error);
    assert_done(
        index_sent_record(&place->manager, place->fixture->connection, &change, action, index_oid, &error),
        &error);
    IndexChange now = change_of(place, id);
    assert_string_equal(now.sent.action, action);
    assert_memory_equal(&now.sent.index_oid, &change.sent.index_oid, sizeof(IndexSent) - sizeof(char *));
    assert_true(now.sent.system_identifier != 0 && now.sent.server_start_us != 0 &&
                now.sent.backend_start_us > now.sent.server_start_us);
    assert_int_equal(now.sent.pid, pg_connection_backend_pid(place->fixture->connection));
    assert_true(index_sent_create(&now) && index_sent_drop(&now) == (action[0] == 'd'));
}

typedef enum Killed {
    KILLED_NEVER,
    KILLED_BEFORE_SENDING,
    KILLED_WHEN_SENT,
} Killed;

/* Plans to drop own.t_moved, has meanwhile done to the target, and runs, or settles what a killed process
 * left. */
static IndexChange
dropped_after(const Place *place, const char *meanwhile, Killed killed)
{
    Error error = {0};
    IndexPlan plan;
    IndexFacts facts;
    bool wants = false;
    bool is_found = false;
    int64_t id = 0;
    IndexOrder order = order_of(place, "t_moved");
    PgConnection *own = place->fixture->connection;
    run_sql(place, "CREATE INDEX IF NOT EXISTS t_moved ON own.t (a)");
    assert_done(index_plan_drop(&place->manager, place->arena, &order, &plan, &error), &error);
    assert_done(index_plan_record(&place->manager, place->arena, &plan, &id, &error), &error);
    assert_done(index_facts_find(own, place->arena, "own", "t_moved", &is_found, &facts, &error), &error);
    if (killed == KILLED_BEFORE_SENDING)
        assert_done(index_change_attempt(own, id, 1, false, &wants, &error), &error);
    if (killed == KILLED_WHEN_SENT)
        killed_when_sent(place, id, "drop", facts.oid);
    run_sql(place, meanwhile);
    assert_done((killed != KILLED_NEVER ? index_settle : index_run)(&place->manager, id, &error), &error);
    return change_of(place, id);
}

static void
assert_ends(const IndexChange *change, const char *state, const char *words)
{
    assert_string_equal(change->state, state);
    if (words == NULL)
        assert_null(change->error_message);
    else if (change->error_message == NULL || strstr(change->error_message, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", change->error_message, words);
}

static void
what_is_not_the_index_that_was_to_go_stays_and_the_history_says_so(void **state)
{
    Place place = place_of(state);
    IndexChange change = dropped_after(&place, "ALTER INDEX own.t_moved RENAME TO t_away", KILLED_NEVER);
    assert_ends(&change, "failed", "is gone");
    assert_true(exists(&place, "t_away"));
    run_sql(&place, "DROP INDEX own.t_away");
    change = dropped_after(&place, "ALTER INDEX own.t_moved SET (fillfactor = 50)", KILLED_NEVER);
    assert_ends(&change, "failed", "another definition now");
    assert_true(exists(&place, "t_moved"));
    run_sql(&place, "ALTER INDEX own.t_moved RESET (fillfactor)");
    change = dropped_after(&place, "ALTER INDEX own.t_moved SET (fillfactor = 50)", KILLED_WHEN_SENT);
    assert_ends(&change, "failed", "another definition now");
    assert_true(exists(&place, "t_moved"));
    run_sql(&place, "ALTER INDEX own.t_moved RESET (fillfactor)");
    /* rebuilt it is the same one */
    change = dropped_after(&place, "REINDEX INDEX CONCURRENTLY own.t_moved", KILLED_NEVER);
    assert_ends(&change, "completed", NULL);
    assert_false(exists(&place, "t_moved"));
}

/* Of a drop whose process was killed the history tells what the catalogs prove, and of the rest why not. */
static void
who_dropped_an_index_is_told_as_far_as_it_can_be_known(void **state)
{
    Place place = place_of(state);
    IndexChange change = dropped_after(&place, "DROP INDEX own.t_moved", KILLED_WHEN_SENT);
    assert_ends(&change, "completed", NULL);
    change = dropped_after(&place, "DROP INDEX own.t_moved", KILLED_BEFORE_SENDING);
    assert_ends(&change, "failed", "is gone: somebody else dropped or renamed it");
    change = dropped_after(&place, "ALTER INDEX own.t_moved RENAME TO t_away", KILLED_WHEN_SENT);
    assert_ends(&change, "failed", "was not dropped: somebody renamed it to own.t_away");
    run_sql(&place, "DROP INDEX own.t_away");
    change = dropped_after(&place, "REINDEX INDEX CONCURRENTLY own.t_moved", KILLED_WHEN_SENT);
    assert_ends(&change, "failed", "another one now, rebuilt or made anew");
    assert_true(exists(&place, "t_moved"));
    change = dropped_after(&place, "SELECT 1", KILLED_BEFORE_SENDING);
    assert_ends(&change, "failed", "before the drop was sent");
    /* the name is taken again, which is no sign of a drop that failed */
    change =
        dropped_after(&place, "DROP INDEX own.t_moved; CREATE INDEX t_moved ON own.t (id)", KILLED_WHEN_SENT);
    assert_ends(&change, "completed", "the name t_moved is another index now");
    run_sql(&place, "DROP INDEX own.t_moved");
    change =
        dropped_after(&place, "ALTER INDEX own.t_moved RENAME TO t_away; CREATE INDEX t_moved ON own.t (id)",
                      KILLED_WHEN_SENT);
    assert_ends(&change, "failed", "was not dropped: somebody renamed it to own.t_away");
    run_sql(&place, "DROP INDEX own.t_away, own.t_moved");
    change = dropped_after(&place,
                           "DROP INDEX own.t_moved; CREATE INDEX t_moved ON own.t (id); "
                           "UPDATE fettle.index_changes SET sent_system = 1",
                           KILLED_WHEN_SENT);
    assert_ends(&change, "failed", "another definition now");
    run_sql(&place, "DROP INDEX own.t_moved; CREATE INDEX t_moved ON own.t (a)");
    run_sql(&place, "DROP INDEX own.t_moved");
    static const char *const doubts[][2] = {
        {"sent_server_start = sent_server_start - interval '1 hour'", "started anew after"},
        {"sent_system = 1", "another server"},
        {"sent_index_oid = NULL", "kept no record"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(doubts); i++) {
        const char *meanwhile = arena_printf(
            place.arena, "DROP INDEX own.t_moved; UPDATE fettle.index_changes SET %s", doubts[i][0]);
        change = dropped_after(&place, meanwhile, KILLED_WHEN_SENT);
        assert_ends(&change, "completed", doubts[i][1]);
        assert_non_null(strstr(change.error_message, "whether this change dropped it is not known"));
    }
}

static void
what_nothing_was_sent_of_was_made_by_somebody_else(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    bool wants = false;
    PgConnection *own = place.fixture->connection;
    IndexOrder others = order_of(&place, "t_others");
    int64_t id = recorded(&place, &others);
    assert_done(index_change_attempt(own, id, 1, false, &wants, &error), &error);
    assert_done(pg_execute(own, change_of(&place, id).sql, &error), &error);
    assert_done(index_settle(&place.manager, id, &error), &error);
    assert_string_equal(change_of(&place, id).state, "failed"); /* it sent nothing */
    assert_non_null(strstr(change_of(&place, id).error_message, "somebody else made"));
    assert_true(exists(&place, "t_others"));
}

/* An index of the wanted definition, where what was sent may have been stopped before: no undo drops it. */
static void
what_somebody_else_may_have_made_is_not_dropped_by_the_undo(void **state)
{
    Place place = place_of(state);
    static const char *const doubts[][2] = {
        {"sent_server_start = sent_server_start - interval '1 hour'", "started anew after"},
        {"sent_system = 1", "another server"},
        {"sent_server_start = NULL", "kept no record"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(doubts); i++) {
        Error error = {0};
        IndexPlan plan;
        IndexOrder order = order_of(&place, "t_doubt");
        int64_t id = recorded(&place, &order);
        killed_when_sent(&place, id, "create", 0);
        run_sql(&place, arena_printf(place.arena, "%s; UPDATE fettle.index_changes SET %s",
                                     "CREATE INDEX t_doubt ON own.t (a)", doubts[i][0]));
        assert_done(index_settle(&place.manager, id, &error), &error);
        IndexChange change = change_of(&place, id);
        assert_ends(&change, "completed", doubts[i][1]);
        assert_non_null(strstr(change.error_message, "whether this change made it is not known"));
        assert_false(index_plan_undo(&place.manager, place.arena, &change, "test", &plan, &error));
        assert_int_equal(error.code, ERROR_CONFLICT);
        assert_non_null(strstr(error.message, "its undo does not drop it"));
        run_sql(&place, "DROP INDEX own.t_doubt");
    }
}

static void
a_build_that_failed_and_left_nothing_made_nothing(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexOrder order = order_of(&place, "t_unique");
    order.is_unique = true;
    run_sql(&place, "UPDATE own.t SET a = 7");
    int64_t id = recorded(&place, &order);
    assert_done(index_run(&place.manager, id, &error), &error);
    IndexChange change = change_of(&place, id);
    assert_ends(&change, "failed", "rows have equal values");
    assert_false(index_sent_create(&change));
}

/* An invalid index of the wanted definition that was there before is nobody's leftover. */
static void
of_what_was_not_sent_nothing_is_dropped(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    bool wants = false;
    PgConnection *own = place.fixture->connection;
    IndexOrder order = order_of(&place, "t_others");
    order.is_unique = true;
    run_sql(&place, "UPDATE own.t SET a = 7");
    int64_t id = recorded(&place, &order);
    assert_done(index_change_attempt(own, id, 1, false, &wants, &error), &error);
    assert_false(pg_execute(own, change_of(&place, id).sql, &error)); /* leaves it invalid */
    error_clear(&error);
    assert_done(index_settle(&place.manager, id, &error), &error);
    IndexChange change = change_of(&place, id);
    assert_ends(&change, "failed", "interrupted before the build was sent: nothing was begun");
    assert_true(exists(&place, "t_others"));
}

static void
what_was_not_sent_after_all_is_taken_back(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexGone gone;
    IndexOrder order = order_of(&place, "t_back");
    PgConnection *own = place.fixture->connection;
    int64_t id = recorded(&place, &order);
    killed_when_sent(&place, id, "create", 0);
    IndexChange change = change_of(&place, id);
    const IndexSent before = change.sent;
    assert_done(index_sent_record(&place.manager, own, &change, "drop", 4711, &error), &error);
    assert_done(index_sent_judge(own, place.arena, &change.sent, &gone, &error), &error);
    assert_true(gone.renamed == NULL && gone.doubt == NULL);
    const char *doubt = NULL;
    assert_done(index_sent_judge_made(own, &before, &doubt, &error), &error);
    assert_null(doubt);
    assert_false(index_sent_is_doubted(&change));
    index_sent_doubt(&place.manager, &change);
    change = change_of(&place, id);
    assert_true(index_sent_is_doubted(&change));
    assert_done(index_sent_judge_made(own, &change.sent, &doubt, &error), &error);
    assert_non_null(doubt);
    index_sent_take_back(&place.manager, &change, &before);
    change = change_of(&place, id);
    assert_true(index_sent_create(&change) && !index_sent_drop(&change) && change.sent.index_oid == 0);
    assert_done(index_change_sent(own, id, &(IndexSent){0}, &error), &error);
    change = change_of(&place, id);
    assert_false(index_sent_create(&change));
    assert_done(index_change_end(own, id, "failed", "by the test", &error), &error);
    assert_false(index_change_sent(own, id, &before, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_not_the_index_that_was_to_go_stays_and_the_history_says_so,
                               store_fixture_clear),
        cmocka_unit_test_setup(who_dropped_an_index_is_told_as_far_as_it_can_be_known, store_fixture_clear),
        cmocka_unit_test_setup(what_nothing_was_sent_of_was_made_by_somebody_else, store_fixture_clear),
        cmocka_unit_test_setup(what_somebody_else_may_have_made_is_not_dropped_by_the_undo,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_build_that_failed_and_left_nothing_made_nothing, store_fixture_clear),
        cmocka_unit_test_setup(of_what_was_not_sent_nothing_is_dropped, store_fixture_clear),
        cmocka_unit_test_setup(what_was_not_sent_after_all_is_taken_back, store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}

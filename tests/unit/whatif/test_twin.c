// SPDX-License-Identifier: PostgreSQL
/*
 * The twin of a real shop: built, found again, refreshed, as faithful as its report says.
 */
#include "shop_twin.h"

#include "base/text.h"
#include "whatif/explain.h"
#include "whatif/fidelity.h"

#include <math.h>
#include <string.h>

static const SnapshotRelation *
relation_named(const char *name)
{
    const SnapshotRelation *relation = snapshot_relation_named(shop_snapshot(), "public", name);
    assert_non_null(relation);
    return relation;
}

static void
the_twin_has_every_relation_and_no_rows(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    Twin *twin = shop_twin();
    assert_ptr_equal(twin_snapshot(twin), shop_snapshot());
    const TwinReport *report = twin_report(twin);
    assert_true(report->objects_made > 0 && !report->was_refreshed && report->losses.count == 0);
    assert_int_equal(report->twin_major, cluster_major(shop_cluster()));
    assert_string_equal(twin_cluster_directory(twin), cluster_data_directory(shop_cluster()));
    assert_string_equal(twin_method_word(TWIN_METHOD_MODULE), "module");
    assert_string_equal(twin_method_word(TWIN_METHOD_SPARSE_FILES), "sparse_files");
    static const char *const names[] = {"customers", "orders",   "events",
                                        "events_1",  "events_2", "open_orders"};
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    Error error = {0};
    assert_true(cluster_connect(shop_cluster(), twin_database(twin), NULL, &connection, &error));
    for (size_t i = 0; i < FETTLE_COUNT_OF(names); i++) {
        const SnapshotRelation *relation = relation_named(names[i]);
        uint32_t id = twin_relation_id(twin, relation->id);
        assert_true(id != 0);
        assert_null(twin_relation_loss(twin, relation));
        assert_string_equal(
            test_server_value(arena, connection, arena_printf(arena, "SELECT %u::regclass::text", id)),
            names[i]);
    }
    assert_int_equal(twin_relation_id(twin, 1), 0);
    if (report->method == TWIN_METHOD_MODULE)
        assert_string_equal(test_server_value(arena, connection, "SELECT count(*) FROM public.orders"), "0");
}

static void
a_session_on_the_twin_has_no_rights(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    Error error = {0};
    assert_true(twin_connect(shop_twin(), &connection, &error));
    assert_string_equal(
        test_server_value(arena, connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"),
        "f");
    static const char *const refused[] = {"COPY (SELECT 1) TO PROGRAM 'true'",
                                          "SELECT pg_read_file('/etc/passwd')", "CREATE ROLE intruder",
                                          "ALTER SYSTEM SET work_mem = '1GB'"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(refused); i++)
        assert_false(pg_execute(connection, refused[i], &error));
}

static void
the_twin_is_listed_and_refreshed_when_opened_again(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    TwinInfo *list = NULL;
    size_t count = 0;
    Error error = {0};
    assert_true(twin_list(arena, shop_cluster(), &list, &count, &error));
    assert_int_equal(count, 1);
    assert_string_equal(list[0].database, twin_database(shop_twin()));
    assert_contains(list[0].target, "postgres");
    assert_true(list[0].size_bytes > 1000000 && strlen(list[0].built_at) == strlen("2026-01-01T00:00:00Z"));
    FETTLE_CLEANUP(twin_close_at) Twin *again = NULL;
    if (!twin_open(arena, shop_cluster(), shop_snapshot(), &(TwinOptions){0}, &again, &error))
        fail_msg("%s", error.message);
    assert_true(twin_report(again)->was_refreshed);
    assert_int_equal(twin_report(again)->objects_changed, 0);
    assert_string_equal(twin_database(again), twin_database(shop_twin()));
}

static void
a_twin_can_be_dropped_and_only_a_twin(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    static const char *const others[] = {"postgres", "template1", "nosuch", "fettle_twin_nosuch"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(others); i++) {
        Error error = {0};
        assert_false(twin_drop(shop_cluster(), others[i], &error));
        assert_true(error.message[0] != '\0');
    }
    Snapshot other = *shop_snapshot();
    other.database = "other";
    Twin *twin = NULL;
    Error error = {0};
    if (!twin_open(arena, shop_cluster(), &other, &(TwinOptions){0}, &twin, &error))
        fail_msg("%s", error.message);
    const char *database = arena_strdup(arena, twin_database(twin));
    twin_close(twin);
    twin_close(NULL);
    assert_string_not_equal(database, twin_database(shop_twin()));
    assert_true(twin_drop(shop_cluster(), database, &error));
    TwinInfo *list = NULL;
    size_t count = 0;
    assert_true(twin_list(arena, shop_cluster(), &list, &count, &error));
    assert_int_equal(count, 1);
}

static void
plans_on_the_twin_are_those_of_the_target(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *target = test_server_connect();
    Fidelity fidelity = {0};
    Error error = {0};
    if (!fidelity_measure(arena, shop_twin(), target, 0, &fidelity, &error))
        fail_msg("%s", error.message);
    /* what names no table of ours, and what is no query, is passed over */
    assert_int_equal(fidelity.compared, 4);
    assert_int_equal(fidelity.not_explained, 0);
    assert_null(fidelity.not_explained_reason);
    assert_true(fidelity.target_ms > 0);
    for (size_t i = 0; i < fidelity.differences.count; i++)
        assert_true(fidelity.differences.items[i].cause[0] != '\0');
    assert_int_equal(fidelity.same_shape, fidelity.compared);
    if (twin_report(shop_twin())->method == TWIN_METHOD_MODULE)
        assert_int_equal(fidelity.identical, fidelity.compared);
    assert_int_equal(fidelity.identical + (int64_t)fidelity.differences.count, fidelity.compared);
    Fidelity one = {0};
    assert_true(fidelity_measure(arena, shop_twin(), target, 1, &one, &error));
    assert_int_equal(one.compared, 1);
    Fidelity less = {0};
    test_server_run("ALTER TABLE customers RENAME TO gone");
    bool measured = fidelity_measure(arena, shop_twin(), target, 0, &less, &error);
    test_server_run("ALTER TABLE gone RENAME TO customers");
    assert_true(measured);
    assert_true(less.compared == 3 && less.not_explained == 1);
    assert_contains(less.not_explained_reason, "customers");
}

static void
the_explainer_plans_statements_with_and_without_parameters(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    Error error = {0};
    assert_true(twin_connect(shop_twin(), &connection, &error));
    Explainer explainer = explainer_new(arena, connection);
    static const struct {
        const char *text;
        const char *reason; /* NULL: it has a plan */
    } cases[] = {{"select * from orders where customer_id = 5", NULL},
                 {"select * from orders where customer_id = $1", NULL},
                 {"select * from orders where customer_id = $1 and status = $2", NULL},
                 {"select * from events where day = $1", NULL},
                 {"update orders set total = $1 where id = $2", NULL},
                 {"select * from nosuch", "does not exist"},
                 {"select * form orders", "syntax error"},
                 {"select 1; drop table orders", "multiple commands"},
                 {"select nosuch($1)", "nosuch"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases) * 2; i++) {
        size_t which = i % FETTLE_COUNT_OF(cases); /* twice: what was prepared is used again */
        PgPlan *plan = NULL;
        const char *reason = NULL;
        if (!explainer_ask(&explainer, arena, cases[which].text, &plan, &reason, &error))
            fail_msg("%s", error.message);
        assert_true((plan != NULL) == (cases[which].reason == NULL));
        if (plan != NULL)
            assert_true(plan->root->total_cost > 0);
        else
            assert_contains(reason, cases[which].reason);
    }
    assert_true(explainer.count >= (int64_t)FETTLE_COUNT_OF(cases));
    /* both partitions stand in the generic plan, whatever the value would be */
    PgPlan *plan = NULL;
    const char *reason = NULL;
    assert_true(explainer_ask(&explainer, arena, cases[3].text, &plan, &reason, &error));
    assert_int_equal(plan->root->children.count, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_twin_has_every_relation_and_no_rows),
        cmocka_unit_test(a_session_on_the_twin_has_no_rights),
        cmocka_unit_test(the_twin_is_listed_and_refreshed_when_opened_again),
        cmocka_unit_test(a_twin_can_be_dropped_and_only_a_twin),
        cmocka_unit_test(plans_on_the_twin_are_those_of_the_target),
        cmocka_unit_test(the_explainer_plans_statements_with_and_without_parameters),
    };
    return cmocka_run_group_tests(tests, shop_twin_start, shop_twin_stop);
}

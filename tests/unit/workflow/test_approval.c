// SPDX-License-Identifier: PostgreSQL
/* How much of a kind of action is left to Fettle. */
#include "place.h"

#include "pg/result.h"
#include "workflow/approval.h"
#include "workflow/recommendation_apply.h"

#include <stdlib.h>
#include <string.h>

static void
set(StoreFixture *fixture, const char *name, const char *value)
{
    Error error = {0};
    assert_done(settings_set(fixture->settings, name, value, &error), &error);
}

static Approval
standard(StoreFixture *fixture)
{
    Approval approval;
    Error error = {0};
    assert_done(approval_standard(fixture->settings, &approval, &error), &error);
    return approval;
}

static void
a_class_is_what_is_stated_else_what_the_older_settings_make_of_it(void **state)
{
    StoreFixture *fixture = *state;
    static const struct {
        const char *create;
        const char *drop;
        const char *class;
        const char *stated; /* approval.create_index */
        ApprovalClass expected[CHANGE_ACTIONS];
    } cases[] = {
        {"off", "off", "low", "", {APPROVAL_ASK, APPROVAL_ASK, APPROVAL_ASK}},
        {"on", "off", "low", "", {APPROVAL_AUTO, APPROVAL_ASK, APPROVAL_ASK}},
        {"on", "on", "low", "", {APPROVAL_AUTO, APPROVAL_ASK, APPROVAL_ASK}},
        {"on", "on", "medium", "", {APPROVAL_AUTO, APPROVAL_AUTO, APPROVAL_AUTO}},
        {"off", "on", "medium", "", {APPROVAL_ASK, APPROVAL_AUTO, APPROVAL_ASK}},
        {"on", "off", "low", "advise", {APPROVAL_ADVISE, APPROVAL_ASK, APPROVAL_ASK}},
        {"off", "off", "low", "auto", {APPROVAL_AUTO, APPROVAL_ASK, APPROVAL_ASK}},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        set(fixture, "index.auto_create", cases[i].create);
        set(fixture, "index.auto_drop", cases[i].drop);
        set(fixture, "index.auto_class", cases[i].class);
        set(fixture, "approval.create_index", cases[i].stated);
        Approval approval = standard(fixture);
        for (int action = 0; action < CHANGE_ACTIONS; action++)
            if (approval.classes[action] != cases[i].expected[action])
                fail_msg("case %zu: %s is %s", i, change_action_word((ChangeAction)action),
                         approval_class_word(approval.classes[action]));
    }
    Error error = {0};
    assert_false(settings_set(fixture->settings, "approval.create_index", "Advise", &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "approval.create_index"));
    assert_non_null(strstr(error.hint, "advise, ask or auto"));
    assert_int_equal(standard(fixture).classes[CHANGE_CREATE_INDEX], APPROVAL_AUTO);
}

static void
a_targets_own_class_goes_before_the_servers(void **state)
{
    (void)state;
    Approval server = {.classes = {APPROVAL_AUTO, APPROVAL_ASK, APPROVAL_ASK}};
    ChangePolicy policy = {.classes = {"advise", NULL, "auto"}};
    Approval approval = approval_of_policy(&server, &policy);
    assert_true(approval.classes[CHANGE_CREATE_INDEX] == APPROVAL_ADVISE && approval.is_own[0]);
    assert_true(approval.classes[CHANGE_DROP_INDEX] == APPROVAL_ASK && !approval.is_own[1]);
    assert_int_equal(approval.classes[CHANGE_REPLACE_INDEX], APPROVAL_AUTO);
    /* of what cannot be read nothing is carried out */
    policy.classes[CHANGE_DROP_INDEX] = "perhaps";
    assert_int_equal(approval_of_policy(&server, &policy).classes[CHANGE_DROP_INDEX], APPROVAL_ADVISE);
}

static void
classes_have_words_and_actions_have_classes(void **state)
{
    (void)state;
    for (int class = APPROVAL_ADVISE; class <= APPROVAL_AUTO; class ++) {
        ApprovalClass parsed;
        assert_true(approval_class_parse(approval_class_word((ApprovalClass) class), &parsed));
        assert_int_equal(parsed, class);
    }
    ApprovalClass kept = APPROVAL_ASK;
    assert_false(approval_class_parse("AUTO", &kept));
    assert_int_equal(kept, APPROVAL_ASK);
    assert_int_equal(approval_action("create"), CHANGE_CREATE_INDEX);
    assert_int_equal(approval_action("drop"), CHANGE_DROP_INDEX);
    assert_int_equal(approval_action("modify"), CHANGE_REPLACE_INDEX);
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
what_is_only_advised_is_not_carried_out_and_the_refusal_names_the_rule(void **state)
{
    Place place = place_of(state);
    StoreFixture *fixture = place.fixture;
    RecommendationApply apply;
    Error error = {0};
    set(fixture, "index.auto_create", "off");
    set(fixture, "index.auto_drop", "off");
    set(fixture, "index.auto_class", "low");
    set(fixture, "approval.create_index", "advise");
    int64_t id = recommended(&place);
    assert_done(recommendation_apply_plan(&place.manager, place.arena, id, true, "ann", &apply, &error),
                &error);
    assert_false(recommendation_apply_check(&place.manager, place.arena, &apply, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    error_clear(&error);
    assert_false(recommendation_apply_record(&place.manager, place.arena, &apply, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_string_equal(error.hint, "its class is the setting approval.create_index");
    error_clear(&error);
    assert_false(index_plan_record(&place.manager, place.arena, &apply.plan, &apply.plan.change.id, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    /* the target's own rule allows it, and the older settings say nothing of what people approve */
    error_clear(&error);
    set(fixture, "index.auto_class", "unreadable");
    ChangePolicy policy = {.classes = {"ask"}};
    assert_done(
        change_policy_write(fixture->connection, place.arena, place.target_id, &policy, "ann", &error),
        &error);
    assert_done(recommendation_apply_check(&place.manager, place.arena, &apply, &error), &error);
    assert_done(recommendation_apply_record(&place.manager, place.arena, &apply, &error), &error);
    set(fixture, "approval.create_index", "");
}

/* The server writes a condition otherwise than Fettle did when it made the index. */
static void
what_did_not_earn_its_cost_is_dropped_also_where_the_server_words_it_otherwise(void **state)
{
    Place place = place_of(state);
    StoreFixture *fixture = place.fixture;
    RecommendationApply apply;
    Error error = {0};
#define MADE "CREATE INDEX t_p ON own.t (a) WHERE a > 5 AND id IS NOT NULL"
    const char *form =
        MADE "; INSERT INTO fettle.index_recommendations (target_id, database_name, schema_name, "
             "table_name, columns, index_type, recommendation_type, confidence_score, "
             "index_name, create_statement, unearned_id) VALUES (%lld, '%s', 'own', 't', '{a}', "
             "'btree', 'drop', 0.7, 't_p', '" MADE "', 1); INSERT INTO "
             "fettle.optimization_recommendations (target_id, source_type, source_id, kind, "
             "recommendation_text) SELECT target_id, 'index', id, 'drop', 'Drop' FROM "
             "fettle.index_recommendations";
    const char *script = arena_printf(place.arena, form, (long long)place.target_id,
                                      pg_connection_database(fixture->connection));
    assert_done(pg_execute_script(fixture->connection, script, NULL, &error), &error);
    int64_t id =
        strtoll(store_fixture_value(fixture, "SELECT id FROM fettle.optimization_recommendations"), NULL, 10);
    assert_done(recommendation_apply_plan(&place.manager, place.arena, id, true, "ann", &apply, &error),
                &error);
    assert_string_equal(apply.plan.change.action, "drop");
    /* another index of its name stays */
    assert_done(pg_execute_script(fixture->connection, "DROP INDEX own.t_p; CREATE INDEX t_p ON own.t (id)",
                                  NULL, &error),
                &error);
    assert_false(recommendation_apply_plan(&place.manager, place.arena, id, true, "ann", &apply, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
}

static void
what_was_ordered_without_a_recommendation_has_the_class_of_its_action_and_an_undo_has_none(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    IndexChange change = {.target_id = place.target_id, .action = "create"};
    set(place.fixture, "approval.create_index", "advise");
    PgConnection *own = place.fixture->connection;
    assert_false(approval_check(place.fixture->settings, own, place.arena, &change, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    error_clear(&error);
    change.action = "drop";
    assert_done(approval_check(place.fixture->settings, own, place.arena, &change, &error), &error);
    change.action = "create";
    change.recommendation_id = 1;
    assert_false(approval_check(place.fixture->settings, own, place.arena, &change, &error));
    change.is_undo = true;
    error_clear(&error);
    assert_done(approval_check(place.fixture->settings, own, place.arena, &change, &error), &error);
    set(place.fixture, "approval.create_index", "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_is_what_is_stated_else_what_the_older_settings_make_of_it),
        cmocka_unit_test(a_targets_own_class_goes_before_the_servers),
        cmocka_unit_test(classes_have_words_and_actions_have_classes),
        cmocka_unit_test_setup(what_is_only_advised_is_not_carried_out_and_the_refusal_names_the_rule,
                               store_fixture_clear),
        cmocka_unit_test_setup(what_did_not_earn_its_cost_is_dropped_also_where_the_server_words_it_otherwise,
                               store_fixture_clear),
        cmocka_unit_test_setup(
            what_was_ordered_without_a_recommendation_has_the_class_of_its_action_and_an_undo_has_none,
            store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}

// SPDX-License-Identifier: PostgreSQL
#include "place.h"

#include "pg/result.h"
#include "store/target.h"

#include <stdlib.h>
#include <string.h>

Place
place_of(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    Place place = {.fixture = fixture,
                   .manager = {.store = fixture->store, .settings = fixture->settings},
                   .arena = fixture->arena};
    const char *dsn =
        arena_printf(fixture->arena, "host=%s dbname=%s user=%s", store_fixture_socket(fixture),
                     pg_connection_database(fixture->connection), pg_connection_user(fixture->connection));
    TargetChange change = {.name = "self", .dsn = dsn, .enabled = 1, .interval_ms = -1};
    assert_done(settings_set(fixture->settings, "index.free_space_floor", "0", &error), &error);
    assert_done(target_create(fixture->store, fixture->connection, &change, &place.target_id, &error),
                &error);
    assert_done(pg_execute_script(fixture->connection,
                                  "DROP SCHEMA IF EXISTS own CASCADE; CREATE SCHEMA own; "
                                  "CREATE TABLE own.t (id int PRIMARY KEY, a int, \"B b\" text); "
                                  "INSERT INTO own.t SELECT n, n, n FROM generate_series(1, 1000) n",
                                  NULL, &error),
                &error);
    return place;
}

IndexOrder
order_of(const Place *place, const char *name)
{
    static const char *const columns[] = {"a"};
    return (IndexOrder){.target_id = place->target_id,
                        .schema = "own",
                        .table = "t",
                        .name = name,
                        .columns = columns,
                        .column_count = 1,
                        .method = "btree",
                        .performed_by = "test"};
}

int64_t
recorded(const Place *place, const IndexOrder *order)
{
    IndexPlan plan;
    Error error = {0};
    int64_t id = 0;
    assert_done(index_plan_create(&place->manager, place->arena, order, &plan, &error), &error);
    assert_false(plan.is_done);
    assert_done(index_plan_record(&place->manager, place->arena, &plan, &id, &error), &error);
    return id;
}

IndexChange
change_of(const Place *place, int64_t id)
{
    IndexChange change;
    Error error = {0};
    assert_done(index_change_get(place->fixture->connection, place->arena, id, &change, &error), &error);
    return change;
}

bool
exists(const Place *place, const char *name)
{
    return strcmp(store_fixture_value(
                      place->fixture,
                      arena_printf(place->arena, "SELECT to_regclass('own.%s') IS NOT NULL", name)),
                  "t") == 0;
}

void
run_sql(const Place *place, const char *sql)
{
    Error error = {0};
    assert_done(pg_execute_script(place->fixture->connection, sql, NULL, &error), &error);
}

int64_t
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

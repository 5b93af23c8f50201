// SPDX-License-Identifier: PostgreSQL
#include "shop_twin.h"

#include "../scratch.h"
#include "snapshot/read.h"
#include "snapshot/workload_file.h"

#include <string.h>
#include <sys/stat.h>

const char shop_statements[] =
    "-- calls: 5000, mean_ms: 4\nselect * from orders where customer_id = 7;\n"
    "-- calls: 100, mean_ms: 3\nselect status, count(*) from orders group by status;\n"
    "-- calls: 400, mean_ms: 2\nselect o.id from orders o join customers c on c.id = o.customer_id where "
    "c.name = 'name 5';\n"
    "-- calls: 10, mean_ms: 1\nselect * from events where kind = 3 and day = '2026-01-05';\n"
    "-- calls: 1\nselect * from nosuch where x = 1;\n"
    "-- calls: 1\nselect * form orders;\n"
    "-- calls: 20\ncreate index on orders (status);\n"
    "-- calls: 2\nselect relname from pg_class;\n";

static const char schema[] =
    "CREATE TABLE customers (id integer PRIMARY KEY, name text);"
    "INSERT INTO customers SELECT i, 'name ' || i FROM generate_series(1, 200) i;"
    "CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer REFERENCES customers, status text NOT "
    "NULL,"
    "                     total numeric(10, 2), note text);"
    "INSERT INTO orders SELECT i, i % 200 + 1, 'state ' || i % 5, i, repeat('x', 50) FROM generate_series(1, "
    "20000) i;"
    "CREATE TABLE events (day date, kind integer) PARTITION BY RANGE (day);"
    "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
    "CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');"
    "INSERT INTO events SELECT date '2026-01-01' + i % 59, i % 100 FROM generate_series(1, 10000) i;"
    "CREATE VIEW open_orders AS SELECT * FROM orders WHERE status = 'state 1';"
    "CREATE STATISTICS orders_state (dependencies) ON customer_id, status FROM orders;";

static struct {
    Arena *arena;
    const Snapshot *snapshot;
    Cluster *cluster;
    Twin *twin;
} shop;

static bool
shop_read(Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *own = test_server_connect();
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *target = NULL;
    const Snapshot *snapshot = NULL;
    return pg_execute_script(own, schema, NULL, error) && pg_execute(own, "ANALYZE", error) &&
           pg_connection_open(test_server_dsn(shop.arena, "postgres", "postgres", ""),
                              &(PgConnectOptions){.purpose = PG_PURPOSE_TARGET}, &target, error) &&
           snapshot_read(shop.arena, target, &(SnapshotReadOptions){0}, &snapshot, error) &&
           snapshot_with_workload(shop.arena, snapshot, shop_statements, strlen(shop_statements), "shop.sql",
                                  &shop.snapshot, error);
}

int
shop_twin_start(void **state)
{
    if (test_server_start(state) != 0 || scratch_make(state) != 0)
        return -1;
    if (test_server_process() == 0)
        return 0;
    shop.arena = arena_new("shop", (size_t)1 << 30);
    Error error = {0};
    if (chmod(scratch_path(""), 0755) == 0 && shop_read(&error) &&
        cluster_open(&(ClusterOptions){.data_directory = scratch_path("data")}, &shop.cluster, &error) &&
        twin_open(shop.arena, shop.cluster, shop.snapshot, &(TwinOptions){0}, &shop.twin, &error))
        return 0;
    print_error("%s (%s)\n", error.message, error.hint);
    return -1;
}

int
shop_twin_stop(void **state)
{
    twin_close(shop.twin);
    cluster_close(shop.cluster);
    arena_free(shop.arena);
    return scratch_remove(state) == 0 ? test_server_stop(state) : -1;
}

Arena *
shop_arena(void)
{
    (void)test_server_directory();
    return shop.arena;
}

const Snapshot *
shop_snapshot(void)
{
    (void)test_server_directory();
    return shop.snapshot;
}

Cluster *
shop_cluster(void)
{
    (void)test_server_directory();
    return shop.cluster;
}

Twin *
shop_twin(void)
{
    (void)test_server_directory();
    return shop.twin;
}

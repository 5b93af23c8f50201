# SPDX-License-Identifier: PostgreSQL
"""What-if indexes beside the same indexes really built: their size, and the cost of a query that uses them; and HypoPG's.

Each candidate is a definition and a query for it. The supposed index is tried on the twin as Fettle tries it, HypoPG's on the target,
then it is built there. The estimator's answers on these very candidates have led to four corrections of it (foreign keys, entries of
GIN, expressions computed for sampled values), so the figures are in-sample as those of twin_module/README.md are.
"""
import contextlib
import statistics

import psycopg2
from machine import PrivateCluster, Run, at_percentile, autocommit, bar
from workloads import load_shop, load_tpch

JUNE = "timestamptz '2026-06-10 00:00+00'"
# By database: (kind, definition after "CREATE INDEX ... ON", query). Where the planner may prefer another way, the cost compared is that way's.
CANDIDATES = {
    "shop": [
        ("btree", "orders (customer_id)", "SELECT * FROM orders WHERE customer_id = 77"),
        ("btree, two columns", "orders (customer_id, created_at)", "SELECT * FROM orders WHERE customer_id = 77 ORDER BY created_at DESC LIMIT 10"),
        ("btree, two columns", "orders (status, created_at)", f"SELECT id FROM orders WHERE status = 'new' AND created_at > {JUNE}"),
        ("btree", "orders (coupon)", "SELECT count(*), sum(total) FROM orders WHERE coupon = 'SAVE5'"),
        ("btree", "orders (total)", "SELECT * FROM orders WHERE total > 800"),
        ("btree", "orders (updated_at)", f"SELECT * FROM orders WHERE updated_at > {JUNE}"),
        ("btree", "order_items (product_id)", "SELECT * FROM order_items WHERE product_id = 55"),
        ("btree, two columns", "order_items (product_id, order_id)", "SELECT order_id FROM order_items WHERE product_id = 55"),
        ("include", "order_items (product_id) INCLUDE (quantity, price)", "SELECT sum(quantity * price) FROM order_items WHERE product_id = 55"),
        ("include", "orders (customer_id) INCLUDE (total, status)", "SELECT status, sum(total) FROM orders WHERE customer_id = 77 GROUP BY status"),
        ("include", "payments (order_id) INCLUDE (amount)", "SELECT sum(amount) FROM payments WHERE order_id BETWEEN 100 AND 300"),
        ("partial", "orders (created_at) WHERE status <> 'done'", "SELECT * FROM orders WHERE status <> 'done' AND created_at > " + JUNE),
        ("partial", "customers (email) WHERE deleted_at IS NULL", "SELECT * FROM customers WHERE email = 'user77@example.com' AND deleted_at IS NULL"),
        ("partial", "payments (order_id) WHERE paid_at IS NULL", "SELECT * FROM payments WHERE paid_at IS NULL AND order_id < 2000"),
        ("partial", "shipments (shipped_at) WHERE delivered_at IS NULL", "SELECT * FROM shipments WHERE delivered_at IS NULL ORDER BY shipped_at LIMIT 50"),
        ("expression", "customers (lower(email))", "SELECT * FROM customers WHERE lower(email) = 'user77@example.com'"),
        ("expression", "products ((attributes ->> 'brand'))", "SELECT * FROM products WHERE attributes ->> 'brand' = 'Brand 7'"),
        ("expression", "events ((payload ->> 'page'))", "SELECT * FROM events WHERE payload ->> 'page' = '/p/55'"),
        ("descending", "reviews (created_at DESC)", "SELECT * FROM reviews ORDER BY created_at DESC LIMIT 20"),
        ("descending", "reviews (product_id, created_at DESC)", "SELECT * FROM reviews WHERE product_id = 55 ORDER BY created_at DESC LIMIT 10"),
        ("descending", "products (category_id, price DESC NULLS LAST)", "SELECT id FROM products WHERE category_id = 7 ORDER BY price DESC NULLS LAST LIMIT 24"),
        ("gin, jsonb", "products USING gin (attributes)", "SELECT * FROM products WHERE attributes @> '{\"brand\": \"Brand 7\"}'"),
        ("gin, jsonb", "products USING gin (attributes jsonb_path_ops)", "SELECT * FROM products WHERE attributes @> '{\"brand\": \"Brand 7\"}'"),
        ("gin, array", "products USING gin (tags)", "SELECT * FROM products WHERE tags @> ARRAY['tag17']"),
        ("gin, tsvector", "reviews USING gin (to_tsvector('simple', body))", "SELECT * FROM reviews WHERE to_tsvector('simple', body) @@ to_tsquery('simple', 'word7')"),
        ("gist, range", "coupons USING gist (valid)", "SELECT * FROM coupons WHERE valid @> date '2026-01-05'"),
        ("brin", "orders USING brin (created_at)", f"SELECT count(*) FROM orders WHERE created_at > {JUNE}"),
        ("brin", "reviews USING brin (created_at)", f"SELECT count(*) FROM reviews WHERE created_at > {JUNE}"),
        ("hash", "customers USING hash (email)", "SELECT * FROM customers WHERE email = 'user77@example.com'"),
        ("hash", "shipments USING hash (tracking)", "SELECT * FROM shipments WHERE tracking = 'T77'"),
        ("partitioned", "events (customer_id, created_at)", "SELECT * FROM events WHERE customer_id = 77 AND created_at > " + JUNE),
        ("partitioned", "events (kind)", "SELECT count(*) FROM events WHERE kind = 'buy'"),
    ],
    "tpch": [
        ("btree", "lineitem (l_shipdate)", "SELECT sum(l_quantity) FROM lineitem WHERE l_shipdate BETWEEN '1994-01-01' AND '1994-01-20'"),
        ("btree", "lineitem (l_partkey)", "SELECT avg(l_quantity) FROM lineitem WHERE l_partkey = 1234"),
        ("btree, two columns", "lineitem (l_partkey, l_suppkey)", "SELECT * FROM lineitem WHERE l_partkey = 1234 AND l_suppkey < 100"),
        ("btree, two columns", "lineitem (l_suppkey, l_shipdate)", "SELECT * FROM lineitem WHERE l_suppkey = 17 AND l_shipdate > '1998-06-01'"),
        ("btree, three columns", "lineitem (l_returnflag, l_shipmode, l_shipdate)", "SELECT count(*) FROM lineitem WHERE l_returnflag = 'R' AND l_shipmode = 'AIR' AND l_shipdate < '1992-06-01'"),
        ("btree", "orders (o_custkey)", "SELECT * FROM orders WHERE o_custkey = 4"),
        ("btree", "orders (o_orderdate)", "SELECT count(*) FROM orders WHERE o_orderdate < '1992-03-01'"),
        ("btree", "orders (o_clerk)", "SELECT * FROM orders WHERE o_clerk = 'Clerk#000000007'"),
        ("btree", "part (p_name text_pattern_ops)", "SELECT * FROM part WHERE p_name LIKE 'forest%'"),
        ("btree", "customer (c_mktsegment)", "SELECT * FROM customer WHERE c_mktsegment = 'BUILDING'"),
        ("include", "lineitem (l_shipdate) INCLUDE (l_extendedprice, l_discount)", "SELECT sum(l_extendedprice * l_discount) FROM lineitem WHERE l_shipdate < '1992-03-01'"),
        ("include", "orders (o_orderdate) INCLUDE (o_orderkey, o_orderpriority)", "SELECT o_orderkey, o_orderpriority FROM orders WHERE o_orderdate < '1992-02-01'"),
        ("include", "partsupp (ps_suppkey) INCLUDE (ps_supplycost, ps_availqty)", "SELECT sum(ps_supplycost * ps_availqty) FROM partsupp WHERE ps_suppkey = 17"),
        ("partial", "lineitem (l_orderkey) WHERE l_commitdate < l_receiptdate", "SELECT * FROM lineitem WHERE l_orderkey = 77 AND l_commitdate < l_receiptdate"),
        ("partial", "orders (o_orderdate) WHERE o_orderstatus = 'P'", "SELECT * FROM orders WHERE o_orderstatus = 'P' AND o_orderdate < '1995-03-01'"),
        ("expression", "customer (substring(c_phone from 1 for 2))", "SELECT * FROM customer WHERE substring(c_phone from 1 for 2) = '13'"),
        ("expression", "lineitem (date_trunc('month', l_shipdate::timestamp))", "SELECT count(*) FROM lineitem WHERE date_trunc('month', l_shipdate::timestamp) = '1994-03-01'"),
        ("descending", "orders (o_totalprice DESC)", "SELECT * FROM orders ORDER BY o_totalprice DESC LIMIT 100"),
        ("brin", "lineitem USING brin (l_orderkey)", "SELECT sum(l_quantity) FROM lineitem WHERE l_orderkey BETWEEN 5000 AND 5500"),
        ("hash", "orders USING hash (o_clerk)", "SELECT * FROM orders WHERE o_clerk = 'Clerk#000000007'"),
    ],
    "kinds": [
        ("gin, tsvector", "papers USING gin (words)", "SELECT * FROM papers WHERE words @@ to_tsquery('simple', 'w77')"),
        ("gin, array", "papers USING gin (marks)", "SELECT * FROM papers WHERE marks @> ARRAY[77]"),
        ("gist, range", "papers USING gist (valid)", "SELECT * FROM papers WHERE valid @> 7777"),
    ],
}
SIZE = ("SELECT coalesce(sum((fettle_twin.index_estimate(relid)).blocks), (fettle_twin.index_estimate('w')).blocks) * 8192 "
        "FROM pg_partition_tree('w') WHERE isleaf AND relid <> 'w'::regclass")
SIZE_BUILT = "SELECT coalesce(sum(pg_relation_size(relid)), pg_relation_size('w')) FROM pg_partition_tree('w') WHERE isleaf"
KINDS = """CREATE TABLE papers AS SELECT n AS id, array_to_tsvector(ARRAY['w' || n % 331, 'x' || n % 57, 'y' || n]) AS words,
    ARRAY[n % 500, n % 77, n % 9] AS marks, int4range(n, n + n % 60) AS valid FROM generate_series(1, 60000) n; VACUUM ANALYZE papers"""


def cost(cursor, query):
    cursor.execute("EXPLAIN (FORMAT JSON) " + query)
    return cursor.fetchone()[0][0]["Plan"]["Total Cost"]


def supposed_on_twin(cursor, definition, query):
    """(cost, bytes) with the index made on the twin, and undone."""
    cursor.execute("BEGIN")
    cursor.execute("CREATE INDEX w ON " + definition)
    cursor.execute(SIZE)
    size = float(cursor.fetchone()[0])
    assumed = cost(cursor, query)
    cursor.execute("ROLLBACK")
    return assumed, size


def supposed_by_hypopg(cursor, definition, query):
    """The same by HypoPG on the target; None where it cannot."""
    cursor.execute("SELECT hypopg_reset()")
    try:
        cursor.execute("SELECT indexrelid FROM hypopg_create_index(%s)", ("CREATE INDEX ON " + definition,))
        if not cursor.rowcount:
            return None
        cursor.execute("SELECT sum(hypopg_relation_size(indexrelid)) FROM hypopg_list_indexes")
        size = float(cursor.fetchone()[0])
        return (cost(cursor, query), size) if size > 0 else None
    except psycopg2.Error:
        return None
    finally:
        cursor.execute("SELECT hypopg_reset()")


def really_built(cursor, definition, query):
    cursor.execute("CREATE INDEX w ON " + definition)
    cursor.execute(SIZE_BUILT)
    size = float(cursor.fetchone()[0])
    real = cost(cursor, query)
    cursor.execute("DROP INDEX w")
    return real, size


def factor(a, b):
    return max(a / b, b / a)


def report(name, pairs, count, is_bar):
    costs = [abs(assumed[0] - built[0]) / built[0] for assumed, built in pairs]
    sizes = [factor(assumed[1], built[1]) for assumed, built in pairs]
    near = sum(error <= 0.05 for error in costs) / len(costs)
    fitting = sum(size <= 1.5 for size in sizes) / len(sizes)
    print(f"  {name:7s} {len(pairs)} of {count} candidates: cost error median {100 * statistics.median(costs):.2f} %, 90th percentile "
          f"{100 * at_percentile(costs, 90):.1f} %, within 5 % {100 * near:.0f} %; size factor median {statistics.median(sizes):.2f}, 90th percentile "
          f"{at_percentile(sizes, 90):.2f}, within 1.5 {100 * fitting:.0f} %")
    if is_bar:
        bar("what-if index, cost", f"within 5 % of the built index's for {100 * near:.0f} % of {count}, bar 90 %", near >= 0.9)
        bar("what-if index, size", f"within 1.5 times for {100 * fitting:.0f} % of {count}, bar 90 %", fitting >= 0.9)


def measure(server, cluster, database, results):
    twin, target = cluster.connect(cluster.twin_of(database), "fettle"), autocommit(server.dsn(database))
    with contextlib.closing(twin), contextlib.closing(target), twin.cursor() as on_twin, target.cursor() as on_target:
        for cursor in (on_twin, on_target):
            cursor.execute("SET jit = off; SET max_parallel_workers_per_gather = 0")
        for kind, definition, query in CANDIDATES[database]:
            ours = supposed_on_twin(on_twin, definition, query)
            theirs = supposed_by_hypopg(on_target, definition, query)
            built = really_built(on_target, definition, query)
            results.append((ours, theirs, built))
            if abs(ours[0] - built[0]) > 0.05 * built[0] or factor(ours[1], built[1]) > 1.5:
                print(f"  off: {kind}: {definition}: cost {ours[0]:.1f} for {built[0]:.1f}, size {ours[1] / 1024:.0f} kB for {built[1] / 1024:.0f} kB")


def bench(server, home):
    count = sum(map(len, CANDIDATES.values()))
    print(f"== {count} what-if indexes beside the same indexes really built")
    load_shop(server, "0.1")
    load_tpch(server, "0.05")
    server.sql("CREATE DATABASE kinds")
    for statement in KINDS.split(";"):
        server.sql(statement, "kinds")
    for database in CANDIDATES:
        server.sql("CREATE EXTENSION hypopg", database)
        Run(home, server, "twin", "build", server.dsn(database))
    results = []
    with PrivateCluster(home, server) as cluster:
        for database in CANDIDATES:
            measure(server, cluster, database, results)
    report("twin", [(ours, built) for ours, _, built in results], count, True)
    both = [(ours, theirs, built) for ours, theirs, built in results if theirs]
    report("HypoPG", [(theirs, built) for _, theirs, built in both], count, False)
    report("twin*", [(ours, built) for ours, _, built in both], count, False)
    print("  (twin*: on the candidates that HypoPG supports)")

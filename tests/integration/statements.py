# SPDX-License-Identifier: PostgreSQL
"""Statements over the awkward schema: by hand, and generated from a seed."""
import random

ODD = '"Odd Schema"."Tab""le with a näme that has exactly sixty-three bytes, o"'

BY_HAND = f"""
select * from t_plain where id = 77
select * from t_plain where a = 7 and b > 500
select * from t_plain where a = 7 and b = 3
select b from t_plain where a = 12
select count(*) from t_plain where t like 'abc%'
select count(*) from t_plain where t like '%abc'
select * from t_plain order by b desc nulls last limit 10
select a, count(*), sum(b) from t_plain group by a
select distinct a from t_plain
select * from t_plain where id between 100 and 300 order by id
select * from t_plain where id > 19990
select * from t_plain where id in (1, 5, 9, 500)
select * from t_plain where a = any ('{{1,2,3}}') or b = 999
select a.id from t_plain a join t_plain b on a.id = b.b where b.a = 3
select * from t_enum where m = 'happy'
select m, count(*) from t_enum group by m
select * from t_domain where p = 33
select * from t_domain where p between 10 and 12
select * from t_domain where e = 'u77@x'
select * from t_citext where c = 'NAME33'
select * from t_array where a @> array[7]
select * from t_array where a && array[70, 71]
select * from t_array where tags @> array['t3']
select * from t_array where 5 = any (a)
select * from t_hstore where h ? 'k3'
select * from t_hstore where h @> 'k3=>v12'
select * from t_ltree where path <@ 'top.a3'
select * from t_ltree where path = 'top.a3.b33'
select * from t_jsonb where j @> '{{"k": 7}}'
select * from t_jsonb where j ->> 'k' = '7'
select * from t_jsonb where j ? 'tags'
select * from t_range where r && int4range(100, 120)
select * from t_range where r @> 400
select * from t_range where f @> 30.5::float8
select * from t_multi where m @> 300
select * from t_composite where p = row(3, 'y0')::pair
select * from t_text where v @@ to_tsquery('simple', 'word7')
select * from t_text where body like '%abc%'
select * from t_text where body ilike '%beef%'
select * from t_net where a << '10.0.7.0/24'
select * from t_net where a = '10.0.7.7'
select * from t_money where m = 33::money
select * from t_money where i < interval '2 hours'
select * from t_money where flag and m > 200::money
select count(*) from t_time where at >= '2025-05-01 00:00+00'
select count(*) from t_time where at between '2025-02-01 00:00+00' and '2025-02-02 00:00+00'
select * from t_time where at > '2025-05-19 00:00+00' order by at desc limit 5
select d, count(*) from t_time group by d order by d
select date_trunc('month', at), count(*) from t_time group by 1
select * from t_time where id = 900
select * from t_expression where lower(name) = 'mixed77'
select * from t_expression where twice(id) = 84
select * from t_expression where label(id) = 'L7'
select * from t_uuid where id = 'c4ca4238-a0b9-2382-0dcc-509a6f75849b'
select k, count(*) from t_uuid group by k
select * from t_wide where k = 7
select * from t_dropped where b = 7 and c = 'c7'
select count(*) from t_dropped where d = 5
select * from t_null where a is null
select * from t_null where a is not null order by a limit 5
select * from t_null where a = 500
select * from t_correlated where a = 33 and b = 3
select * from t_correlated where a = 33 and b = 5
select a, b, c, count(*) from t_correlated group by a, b, c
select a + b, count(*) from t_correlated group by a + b
select * from t_correlated where a + b = 40
select * from t_identity where id = 700
select * from t_identity where twice = 44
insert into t_identity (a) values (5)
select * from t_exclude where id = 7 and during && tsrange('2025-01-01', '2025-01-03')
select * from t_check where a > 200
select * from t_check where a = 7
select * from {ODD} where "Col umn" = 7
select * from {ODD} where "sélect" = 's7'
select * from p_range where at = '2025-01-15'
select * from p_range where at >= '2025-02-20' and id = 50
select * from p_range where id = 77
select k, count(*) from p_range group by k
select count(*) from p_range where at between '2025-03-02' and '2025-03-20' and k = 1
select a.id from p_range a join p_range b using (id, at)
select * from p_hash where id = 77
select * from p_hash where v = 'v7'
select * from i_parent where k = 7
select count(*) from i_parent
select * from only i_parent where k = 7
select * from i_child where k = 7
select c.id, p.n from f_child c join f_parent p on p.id = c.parent_id where p.id = 77
select p.n, count(*) from f_child c join f_parent p on p.id = c.parent_id group by p.n
select * from f_parent p where exists (select from f_child c where c.parent_id = p.id and c.q = 5)
select * from f_parent p where not exists (select from f_child c where c.parent_id = p.id)
select * from f_child where parent_id in (select id from f_parent where n like 'p1%')
select c.id from f_child c left join f_parent p on p.id = c.parent_id where p.n is null
select * from v_join where id = 77
select q, count(*) from v_join group by q
select * from m_sum where q = 3
select * from t_security where id = 7
select * from t_empty where id = 7
select count(*) from t_unlogged where id < 100
select k, count(*) from t_distinct group by k
select * from t_grown where id > 19000
select * from t_grown where k = 7
select * from t_shrunk where id < 100
select * from t_shrunk order by id limit 3
select * from t_never where k = 7
select count(*) from t_never
select * from t_bloated where k = 7
update t_plain set b = 0 where id = 77
update t_bloated set k = 1 where k = 9
delete from f_child where parent_id = 77
with w as (select a, count(*) as n from t_plain group by a) select * from w where n > 5
with recursive r as (select 1 as n union all select n + 1 from r where n < 10) select r.n, p.id from r join t_plain p on p.id = r.n
select id, row_number() over (partition by a order by b) from t_plain
select * from t_plain a, lateral (select * from f_child c where c.q = a.a limit 2) l where a.id < 50
select a from t_plain union select k from t_uuid
select a from t_plain intersect select k from t_grown
select * from t_plain tablesample system (10) where a = 3
select max(id), min(b) from t_plain
select percentile_cont(0.5) within group (order by b) from t_plain
select * from t_plain where (a, b) > (50, 500) order by a, b limit 20
select * from t_plain p join t_time t on t.id = p.id join t_uuid u on u.k = p.a where p.b < 3
select p.id from t_plain p join t_grown g on g.id = p.id join t_shrunk s on s.id = p.id
select * from t_plain where a = $1
select * from t_plain where a = $1 and b > $2 order by b limit $3
select * from f_child c join f_parent p on p.id = c.parent_id where p.n = $1
select * from p_range where at = $1
select * from p_range where id = $1 and at >= $2
select * from t_time where at >= $1 and at < $2
select * from t_plain where id = any ($1)
update t_plain set b = $1 where id = $2
""".strip().splitlines()

# For generated statements: each table's columns with the largest number to compare them with, and how a number becomes a value
# of the column's type ("{}": the number itself).
AWKWARD = {
    "t_plain": [("id", 20000), ("a", 100), ("b", 1000)], "t_grown": [("id", 20000), ("k", 30)], "t_shrunk": [("id", 2000), ("k", 30)],
    "t_correlated": [("a", 100), ("b", 10), ("c", 7)], "f_child": [("id", 16000), ("parent_id", 2000), ("q", 13)],
    "f_parent": [("id", 2000)], "p_range": [("id", 15000), ("k", 9)], "i_parent": [("id", 4000), ("k", 60)],
    "t_null": [("a", 9000), ("id", 9000)], "t_dropped": [("a", 7000), ("b", 90)], "t_wide": [("id", 4000), ("k", 20)],
    "t_distinct": [("id", 6000), ("k", 17)], "p_hash": [("id", 8000)], "t_never": [("id", 5000), ("k", 30)], "t_uuid": [("k", 50)],
}
TPCH = {
    "lineitem": [("l_orderkey", 120000), ("l_partkey", 4000), ("l_suppkey", 200), ("l_quantity", 50), ("l_shipdate", 2526, "date '1992-01-02' + {}"),
                 ("l_receiptdate", 2550, "date '1992-01-04' + {}"), ("l_discount", 10, "0.01 * {}")],
    "orders": [("o_orderkey", 120000), ("o_custkey", 3000), ("o_orderdate", 2406, "date '1992-01-01' + {}"), ("o_totalprice", 400000)],
    "customer": [("c_custkey", 3000), ("c_nationkey", 25), ("c_acctbal", 9999)],
    "part": [("p_partkey", 4000), ("p_size", 50), ("p_brand", 5, "'Brand#2{}'"), ("p_retailprice", 1100)],
    "partsupp": [("ps_partkey", 4000), ("ps_suppkey", 200), ("ps_availqty", 9999)],
    "supplier": [("s_suppkey", 200), ("s_nationkey", 25), ("s_acctbal", 9999)], "nation": [("n_nationkey", 25), ("n_regionkey", 5)],
}
TPCH_JOINS = ["l_orderkey = o_orderkey", "o_custkey = c_custkey", "l_partkey = p_partkey", "ps_partkey = p_partkey", "ps_suppkey = s_suppkey",
              "l_suppkey = s_suppkey", "c_nationkey = n_nationkey", "s_nationkey = n_nationkey", "l_partkey = ps_partkey"]
MAY = "timestamptz '2026-05-01 00:00+00' + {} * interval '1 hour'"
SHOP = {
    "orders": [("id", 50000), ("customer_id", 10000), ("total", 900), ("created_at", 1000, MAY), ("status", 1, "(array['paid', 'done'])[1 + {}]::order_status")],
    "order_items": [("order_id", 50000), ("product_id", 1000), ("quantity", 5)], "customers": [("id", 10000), ("created_at", 1000, MAY)],
    "products": [("id", 1000), ("category_id", 60), ("stock", 1000), ("price", 500)], "payments": [("order_id", 50000), ("amount", 900)],
    "reviews": [("product_id", 1000), ("customer_id", 10000), ("rating", 5)], "events": [("customer_id", 10000), ("created_at", 1000, MAY)],
    "shipments": [("order_id", 50000), ("shipped_at", 1000, MAY)], "addresses": [("customer_id", 10000)],
}
SHOP_JOINS = ["order_id = id", "customer_id = id", "product_id = id"]
PGBENCH = {"pgbench_accounts": [("aid", 100000), ("bid", 1), ("abalance", 5000)], "pgbench_tellers": [("tid", 10), ("bid", 1)],
           "pgbench_branches": [("bid", 1)], "pgbench_history": [("tid", 10), ("aid", 100000), ("delta", 5000)]}


def condition(rng, alias, columns):
    column, most, template = (*rng.choice(columns), "{}")[:3]
    kind = rng.randrange(5)
    number = rng.randrange(most + 1)
    value = lambda n: template.format(n)
    name = f"{alias}.{column}"
    return [f"{name} = {value(number)}", f"{name} < {value(number)}", f"{name} > {value(number)}",
            f"{name} between {value(number)} and {value(number + most // 20)}",
            f"{name} in ({value(number)}, {value(number // 2)}, {value(number // 3)})"][kind]


def join(rng, tables, at, columns, joins):
    """A condition between the table at a place and the one before it: one of the schema's own, or any two numbers."""
    left, right = tables[at - 1], tables[at]
    names = lambda table: [column[0] for column in columns[table]]
    for one, other in (text.split(" = ") for text in rng.sample(joins, len(joins))):
        if one in names(left) and other in names(right):
            return f"a{at - 1}.{one} = a{at}.{other}"
        if other in names(left) and one in names(right):
            return f"a{at - 1}.{other} = a{at}.{one}"
    numbers = lambda table: [column[0] for column in columns[table] if len(column) == 2]
    return f"a{at - 1}.{rng.choice(numbers(left))} = a{at}.{rng.choice(numbers(right))}"


def generated(count, columns=AWKWARD, joins=(), seed=1):
    """Statements over one to three tables: filters, joins, aggregates, the first rows in an order."""
    rng = random.Random(seed)
    for _ in range(count):
        tables = [rng.choice(list(columns)) for _ in range(rng.choice([1, 1, 2, 2, 3]))]
        parts = [f"{table} a{i}" for i, table in enumerate(tables)]
        where = [condition(rng, f"a{i}", columns[table]) for i, table in enumerate(tables) for _ in range(rng.choice([0, 1, 1, 2]))]
        where += [join(rng, tables, at, columns, list(joins)) for at in range(1, len(tables))]
        text = " from " + ", ".join(parts) + (" where " + " and ".join(where) if where else "")
        column = f"a0.{rng.choice(columns[tables[0]])[0]}"
        yield rng.choice([f"select count(*){text}", f"select *{text} order by {column} limit {rng.choice([1, 10, 100])}",
                          f"select {column}, count(*){text} group by {column}", f"select *{text}"])

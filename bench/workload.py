# SPDX-License-Identifier: PostgreSQL
"""Patterns and periods of workload: what is found and invented in generated loads of known truth; the time for a fleet and for minutes, beside the
same rule in SQL on the same rows."""
import json
import os
import pathlib
import subprocess
import time

from machine import FETTLE, bar
from servers import Server

DATABASES, DAYS, SQL_DATABASES = 1000, 30, 10
PROGRAM = pathlib.Path(FETTLE).resolve().parents[2] / "bench" / "workload_bench"
HOURS = "ARRAY(SELECT ({}) FROM generate_series(0, 23) h)"
FLEET = f"""
INSERT INTO fettle.targets (name, conninfo) VALUES ('fleet', 'host=nowhere');
INSERT INTO fettle.databases SELECT 1, n, n, 'db' || n FROM generate_series(1, {DATABASES}) n;
SELECT fettle.partition_make(name, now() - n * interval '28 days') FROM generate_series(0, 4) n, unnest('{{database_days,sample_day_times}}'::name[]) name;
INSERT INTO fettle.sample_day_times SELECT 1, n, now()::date - d, array_fill(3600000, ARRAY[24]), array_fill(0, ARRAY[24])
  FROM generate_series(1, {DATABASES}) n, generate_series(1, {DAYS}) d;
INSERT INTO fettle.database_days
SELECT 1, n, now()::date - d, array_fill(3600000, ARRAY[24]), l.calls, l.calls, l.exec_us, l.calls, l.calls, array_fill(0::bigint, ARRAY[24])
  FROM generate_series(1, {DATABASES}) n, generate_series(1, {DAYS}) d,
       LATERAL (SELECT array_agg((1000 * CASE WHEN (h + n) % 24 < n % 9 THEN 5 ELSE 1 END * (0.9 + 0.2 * random()))::bigint) AS calls,
                       array_agg((2e7 * (0.9 + 0.2 * random()))::bigint) AS exec_us FROM generate_series(0, 23) h WHERE d > 0) l;
INSERT INTO fettle.metrics_pg_stats_query (target_id, collected_at, interval_seconds, database_name, query_hash, calls)
SELECT 1, now(), 60, 'minutes', n, 1 FROM generate_series(1, 1000) n;
INSERT INTO fettle.sample_rows (target_id, statement_id, collected_at, database_id, interval_seconds, calls, total_exec_time_ms, mean_exec_time_ms)
SELECT 1, s.statement_id, now() - m * interval '1 minute', s.database_id, 60, c.calls, c.calls * c.ms, c.ms
  FROM generate_series(1, 129600) m
  JOIN (SELECT statement_id, database_id, row_number() OVER () AS number FROM fettle.statements) s ON s.number = 1 + m * 7919 % 1000,
       LATERAL (SELECT (1000 * random())::int AS calls, 500 * random() AS ms WHERE m > 0) c;
ANALYZE;
"""


def lines_of(*arguments):
    out = subprocess.run([str(PROGRAM), *arguments], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def peaks():
    print("== busy hours on generated loads (300 series each, odd seeds; noise beside that of Poisson)")
    rows = lines_of("peaks")
    for row in rows:
        recall = f"{row['found'] / row['busy']:7.1%} of {row['busy']:5} busy hours found" if row["busy"] else " " * 31
        print(f"  {row['load']:14} noise {row['noise']:.1f} {recall}  {row['invented'] / row['idle']:7.3%} of {row['idle']:5} others invented")
    for name, chosen in (("noise up to .2", [row for row in rows if row["noise"] <= 0.2]), ("all", rows)):
        recall = sum(row["found"] for row in chosen) / sum(row["busy"] for row in chosen)
        false = sum(row["invented"] for row in chosen) / sum(row["idle"] for row in chosen)
        bar(f"patterns, busy hours found, {name}", f"{recall:.1%}, bar 95 %", recall >= 0.95)
        bar(f"patterns, hours invented, {name}", f"{false:.3%}, bar 1 %", false <= 0.01)


def periods():
    print("== periods of generated series (150 each, odd seeds; trend, level shift, spikes and 10 % gaps in some)")
    rows = lines_of("periods")
    for row in rows:
        print(f"  {row['kind']:16} exact {row['exact'] / row['series']:6.1%}   {row['hits']:3} of {row['truth']:3} found, "
              f"{row['found'] - row['hits']:2} invented   {row['cpu_ms']:.1f} ms")
    truth, hits, found = (sum(row[name] for row in rows) for name in ("truth", "hits", "found"))
    without = [row for row in rows if row["truth"] == 0]
    alarms = sum(row["with_any"] for row in without) / sum(row["series"] for row in without)
    both = next(row for row in rows if row["kind"] == "daily and weekly")
    cost = sum(row["cpu_ms"] for row in rows) / len(rows)
    bar("periods, F1", f"{2 * hits / (truth + found):.3f}, bar .95", 2 * hits / (truth + found) >= 0.95)
    bar("periods, false alarms", f"{alarms:.2%} of {sum(row['series'] for row in without)} series without a period, bar 1 %", alarms <= 0.01)
    bar("periods, daily and weekly exact", f"{both['exact'] / both['series']:.1%}, bar 85 %", both["exact"] >= 0.85 * both["series"])
    bar("periods, CPU of a series", f"{cost:.1f} ms, bar 1 ms", cost <= 1)


def speed():
    print(f"== patterns of {DATABASES} databases over {DAYS} days of hours, of one over 90 days of minutes")
    with Server(15) as store:
        subprocess.run([FETTLE, "store", "migrate"], env={**os.environ, "FETTLE_STORE_URL": store.dsn()}, check=True, capture_output=True)
        store.sql(FLEET)
        fleet, minutes = lines_of("speed", store.dsn())[-2:]
        for name, row, limit in (("patterns, fleet", fleet, 2), ("patterns, minutes", minutes, 1)):
            cpu = (row["cpu_ms"] + row["backend_cpu_ms"]) / 1000
            bar(name, f"{cpu:.2f} s of CPU ({row['backend_cpu_ms'] / 1000:.2f} of the store), {row['wall_ms'] / 1000:.2f} s wall, "
                      f"{row['patterns']} patterns, bar {limit} s", cpu < limit)
        started = time.monotonic()
        for number in range(1, SQL_DATABASES + 1):
            store.sql(f"SELECT fettle.detect_workload_patterns('db{number}', {DAYS})")
        sql_ms = (time.monotonic() - started) * 1000 / SQL_DATABASES
        started = time.monotonic()
        store.sql("SELECT fettle.detect_workload_patterns('minutes', 90)")
        print(f"  the same rule in SQL: {sql_ms:.0f} ms a database, {sql_ms / (fleet['wall_ms'] / DATABASES):.0f} times as long; "
              f"minutes {time.monotonic() - started:.2f} s, {(time.monotonic() - started) * 1000 / minutes['wall_ms']:.1f} times")


def bench(_server, _home):
    peaks()
    periods()
    speed()

# SPDX-License-Identifier: PostgreSQL
"""Anomalies: what is found and invented in generated series of known truth, beside the best windowed Gaussian rule on the same series; what a look
costs at a target of 500 statements, and how often it is wrong in a day without faults."""
import json
import os
import pathlib
import subprocess
from collections import defaultdict

from machine import FETTLE, bar
from servers import Server

PROGRAMS = pathlib.Path(FETTLE).resolve().parents[2] / "bench"


def lines_of(program, *arguments):
    out = subprocess.run([str(PROGRAMS / program), *arguments], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def f1_of(rows):
    events, found, alarms = (sum(row[name] for row in rows) for name in ("events", "found", "alarms"))
    return 2 * found / (events + found + alarms)


def by_rule(rows):
    rules = defaultdict(list)
    for row in rows:
        rules[row["rule"]].append(row)
    return rules


def series():
    print("== anomalies in generated series (24 each, odd seeds, four weeks after one of history)")
    rules = by_rule(lines_of("workload_anomalies", "odd"))
    tuned = by_rule(lines_of("workload_anomalies", "even"))
    best = max((rule for rule in tuned if rule != "ours"), key=lambda rule: f1_of(tuned[rule]))
    for ours, theirs in zip(rules["ours"], rules[best]):
        print(f"  {ours['kind']:16} {ours['found']:3} of {ours['events']:3} found ({theirs['found']:3} by the Gaussian), "
              f"{ours['alarms']:3} incidents invented ({theirs['alarms']:4})   {ours['cpu_ms']:.0f} ms a series")
    f1, other = f1_of(rules["ours"]), f1_of(rules[best])
    weeks = sum(row["weeks"] for row in rules["ours"])
    a_week, other_week = (sum(row["alarms"] for row in rules[rule]) / weeks for rule in ("ours", best))
    bar("anomalies, F1", f"{f1:.3f}, bar .80; the best windowed Gaussian ({best}, chosen on even seeds) {other:.3f}, {f1 / other:.1f} times", f1 >= 0.8)
    bar("anomalies, invented a series and week", f"{a_week:.3f}, bar 1; the Gaussian {other_week:.3f}", a_week <= 1)


def look():
    print("== a look at a target of 500 statements, five minutes after the one before; a day of them")
    with Server(15) as store:
        subprocess.run([FETTLE, "store", "migrate"], env={**os.environ, "FETTLE_STORE_URL": store.dsn()}, check=True, capture_output=True)
        (row,) = lines_of("workload_look", store.dsn())
    cpu = row["client_ms"] + row["backend_ms"]
    cores = (cpu * 288 + row["refresh_ms"] * 4) * 1000 / 86400e3
    print(f"  {row['looks']} looks at {row['series']:.0f} series: {cpu:.1f} ms of CPU each ({row['backend_ms']:.1f} of the store's); baselines anew, four "
          f"times a day: {row['refresh_ms']:.0f} ms")
    bar("anomalies, 1,000 such targets", f"{cores:.2f} cores, bar .5", cores <= 0.5)
    bar("anomalies, invented a database and day without faults", f"{row['incidents']}, bar 0; {row['rows']} rows written", row["incidents"] == 0)


def bench(_server, _home):
    series()
    look()

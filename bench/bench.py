#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Runs the named measurements (all of them without a name), and lists the bars at the end. README.md says what each prints."""
import sys

import analyze
import anomalies
import candidates
import collect
import effect
import fidelity
import fleet
import improvement
import index_search
import isolation_forest
import study
import twin
import whatif
import workload
import workload_forecast
import write_cost
from machine import bars, bench_server

BENCHES = {"analyze": analyze.bench, "twin": twin.bench, "whatif": whatif.bench, "candidates": candidates.bench, "fidelity": fidelity.bench, "collect": collect.bench, "effect": effect.bench,
           "start": fleet.bench_start, "fleet": fleet.bench, "improvement": improvement.bench,
           "index_search": index_search.bench, "isolation_forest": isolation_forest.bench, "study": study.bench, "workload": workload.bench,
           "workload_anomalies": anomalies.bench, "workload_forecast": workload_forecast.bench, "write_cost": write_cost.bench}
BY_NAME_ONLY = ("write_cost",)  # slow, and no bar


def main():
    wanted = sys.argv[1:] or [name for name in BENCHES if name not in BY_NAME_ONLY]
    unknown = [name for name in wanted if name not in BENCHES]
    if unknown:
        sys.exit(f"bench: there is no \"{unknown[0]}\"; there are {', '.join(BENCHES)}")
    with bench_server() as (server, home):
        for name in wanted:
            BENCHES[name](server, home)
    print("== bars")
    for line, _ in bars:
        print("  " + line)
    print(f"{sum(is_met for _, is_met in bars)} of {len(bars)} bars met")


main()

# SPDX-License-Identifier: PostgreSQL
"""Forecasts of generated fleets beside "as the day before" in the same run, how often their bands hold, and the dates at which sizes reach a limit."""
import workload
from machine import bar

BANDS = (80, 90, 95)


def forecasts():
    print("== 48 hours of generated series, odd seeds; errors as ratios to those of the day before again")
    rows = workload.lines_of("forecast")
    for row in rows:
        held = ", ".join(f"{row[f'covered_{band}']:.1%} of {band}" for band in BANDS)
        print(f"  {row['kind']:16} {row['mase'] / row['naive']:.2f} times the error of the day before, {row['mase'] / row['week']:.2f} of the week before   held: {held} %   {row['cpu_ms']:.0f} ms")
    loads = [row for row in rows if row["kind"] != "sizes"]  # "as the day before" says nothing of what grows
    mase, naive, week = (sum(row[name] for row in loads) for name in ("mase", "naive", "week"))
    cost = sum(row["cpu_ms"] for row in rows) / len(rows)
    print(f"  all but sizes: {mase / naive:.3f} times the error of the day before, {mase / week:.3f} of the week before")
    bar("forecasts of load, scaled error", f"{mase / naive:.3f} times that of the day before, bar .75 ({sum(row['series'] for row in loads)} series)",
        mase <= 0.75 * naive)
    for band in BANDS:
        held = sum(row[f"covered_{band}"] for row in rows) / len(rows)
        bar(f"forecasts, {band} % band", f"held for {held:.1%} of the hours, bar within 2 points", abs(held - band / 100) <= 0.02)
    told = [row for row in rows if row["kind"] != "7 to 14 days"]  # few days hold more often than they say
    furthest, kind = max((abs(row[f"covered_{band}"] - band / 100), f"{row['kind']}, {band} %") for row in told for band in BANDS)
    bar("forecasts, the kind and band that is furthest off", f"{kind}: {100 * furthest:.1f} points, bar 2", furthest <= 0.02)
    bar("forecasts, CPU of a series", f"{cost:.0f} ms, bar 50 ms", cost <= 50)


def capacity():
    print("== the day on which a size reaches its limit, histories of 14 to 120 days")
    for row in workload.lines_of("capacity"):
        print(f"  {row['kind']:22} {row['dated']} of {row['series']} dated, off by {row['error']:.0%} of the days, {row['came_before']:.0%} came before   {row['cpu_ms']:.1f} ms")
        bar(f"capacity dates, {row['kind']}", f"{row['covered']:.1%} within the 95 % range, bar 93 %", row["covered"] >= 0.93)


def bench(_server, _home):
    forecasts()
    capacity()

# SPDX-License-Identifier: PostgreSQL
"""Effects of changes: what is said of simulated changes of known truth, beside other intervals and beside the rule of two means, in one run."""
import json
import pathlib
import subprocess

from machine import FETTLE, bar

PROGRAM = pathlib.Path(FETTLE).resolve().parents[2] / "bench" / "effect_bench"
CASES = 1000
BY_NOISE = ("nothing", "gain of 20 %", "harm of 20 %")
RULES = {"memory": "ours", "window": "Newey-West, lag as long", "lag_rule": "Newey-West by its rule", "bootstrap": "block bootstrap", "naive": "30 min before, 15 after"}


def lines_of(*arguments):
    out = subprocess.run([str(PROGRAM), *arguments], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def share(rows, value):
    return sum(value(row) for row in rows) / max(sum(row["cases"] for row in rows), 1)


def show_enough(rows):
    enough, foreseen = sum(row["enough"] for row in rows), sum(row["foreseen"] for row in rows)
    print(f"    enough data for a harm of 20 % in two days: {share(rows, lambda row: row['enough']):.1%}"
          + (f", after {sum(row['hours_to_enough'] for row in rows) / enough:.1f} h in the mean" if enough else "")
          + (f" (expected at the change, give or take {sum(row['hours_off'] for row in rows) / foreseen:.1f} h, of {foreseen} of {enough})" if foreseen else ""))


def show(name, rows):
    print(f"  {name}, {sum(row['cases'] for row in rows)} changes")
    for key, title in RULES.items():
        said = [f"{word} {share(rows, lambda row: row[key][word][0]):6.1%} after a day, {share(rows, lambda row: row[key][word][1]):6.1%} after two, "
                f"{share(rows, lambda row: row[key][word][2]):6.1%} at either" for word in ("implemented", "regressed")]
        print(f"    {title:24} {said[0]};  {said[1]}")
    held = [sum(row["covered"][look] for row in rows) / max(sum(row["bounded"][look] for row in rows), 1) for look in (0, 1)]
    print(f"    the truth is in our interval {held[0]:.1%} after a day, {held[1]:.1%} after two")
    undone = sum(row["undone"] for row in rows)
    print(f"    undone {share(rows, lambda row: row['undone']):6.1%} in two days for certain harm or called regressed, {share(rows, lambda row: row['undone_harm']):.1%} for certain harm alone (two means: {share(rows, lambda row: row['naive_undone']):.1%})"
          + (f", after {sum(row['hours_to_undo'] * row['undone'] for row in rows) / undone:.1f} h in the mean" if undone else ""))
    show_enough(rows)
    for row in rows if rows[0]["scenario"] in BY_NOISE else []:
        ours, cases = row["memory"], max(row["cases"], 1)
        print(f"      noise {row['noise_from']:.2f} to {row['noise_to']:.2f}: {row['cases']:4} changes; at either look implemented {ours['implemented'][2] / cases:6.1%}, "
              f"regressed {ours['regressed'][2] / cases:6.1%}; undone {row['undone_soon'] / cases:6.1%} within 2 h of 4 buckets, "
              f"{row['undone_day'] / cases:6.1%} in a day, {row['undone'] / cases:6.1%} in two")


def bench(_server, _home):
    print("== changes of known truth, simulated: seasons, AR(1) noise of 5 to 60 %, heavy tails, plan flips, deploys, growth, gaps (odd seeds)")
    lines = lines_of(str(CASES))
    rows = {name: [row for row in lines if row["scenario"] == name] for name in dict.fromkeys(row["scenario"] for row in lines)}
    for name, chosen in rows.items():
        show(name, chosen)
    for name in ("nothing", "drift of 30 %", "uneven drift of 30 %"):
        for word in ("implemented", "regressed"):
            false = share(rows[name], lambda row: row["memory"][word][2])
            bar(f"effects, {name}: falsely {word} at either look", f"{false:.1%}, bar 2.5 %", false <= 0.025)
        false = share(rows[name], lambda row: row["undone"])
        bar(f"effects, {name}: falsely undone, for certain harm or called regressed", f"{false:.1%}, bar 1 %", false <= 0.01)
    found = share(rows["gain of 20 %"], lambda row: row["memory"]["implemented"][2])
    known = share(rows["gain of 20 %"], lambda row: row["known_found"])
    bar("effects, gain of 20 % at 100 calls/h found in 48 h", f"{found:.1%}, bar 90 % (expected of one who knew noise, seasons, flips and drift beforehand, after two days: {known:.1%})", found >= 0.9)
    quiet = share(rows["gain of 20 %, quiet"], lambda row: row["memory"]["implemented"][2])
    bar("effects, the same of queries with noise up to 20 % and without plan flips", f"{quiet:.1%}, bar 90 %", quiet >= 0.9)
    harmed = rows["harm of 20 %"]
    soon = share(harmed, lambda row: row["undone_soon"])
    bar("effects, harm of 20 % at 100 calls/h undone within 2 h of 30 calls and 4 buckets", f"{soon:.1%}, bar 95 %", soon >= 0.95)
    enough, undone = sum(row["enough"] for row in harmed), sum(row["undone_enough"] for row in harmed)
    bar("effects, the same within 2 h of enough data",
        f"{undone / max(enough, 1):.1%} of {enough} of {sum(row['cases'] for row in harmed)} that have enough in two days, bar 95 %", undone >= 0.95 * max(enough, 1))
    cost = sum(row["cpu_ms"] * row["cases"] for row in lines) / sum(row["cases"] for row in lines)
    print(f"  CPU of a report (query, two others, total, 12 controls): {cost:.1f} ms")
    most = lines_of("cost")[0]
    bar(f"effects, CPU of the largest report ({most['others']} other queries, {most['controls']} controls, {most['days']} days)", f"{most['cpu_ms']} ms, bar 1 s", most["cpu_ms"] <= 1000)

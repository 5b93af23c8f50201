# SPDX-License-Identifier: PostgreSQL
"""Isolation forest beside scikit-learn's on the same rows: area under the ROC curve (mean over seeds), time of a fit and of a row. Generated sets of
known outliers, and those that scikit-learn ships, with a part of one class as what is odd."""
import json
import pathlib
import subprocess
import time

import numpy
from machine import FETTLE, bar
from sklearn import datasets
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

PROGRAM = pathlib.Path(FETTLE).resolve().parents[2] / "bench" / "isolation_forest_bench"
SEEDS = 20


def clouds(draw, columns, odd):
    centres = draw.normal(0, 4, (3, columns))
    usual = numpy.concatenate([draw.normal(centre, 1, (500, columns)) for centre in centres])
    low, high = usual.min(0), usual.max(0)
    count = 75
    if odd == "scattered":
        far = draw.uniform(low - 1, high + 1, (count, columns))
    elif odd == "clustered":
        far = draw.normal(high + 1, 0.5, (count, columns))
    else:  # each column alone looks as usual, but not together
        far = numpy.column_stack([draw.permutation(usual[:, column])[:count] for column in range(columns)])
    return numpy.vstack([usual, far]), numpy.r_[numpy.zeros(len(usual)), numpy.ones(count)]


def class_as_odd(load, odd_class, share, draw):
    values, classes = load(return_X_y=True)
    odd = numpy.flatnonzero(classes == odd_class)
    usual = numpy.flatnonzero(classes != odd_class)
    odd = draw.permutation(odd)[:max(5, int(share * len(usual)))]
    return values[numpy.r_[usual, odd]], numpy.r_[numpy.zeros(len(usual)), numpy.ones(len(odd))]


WIDE = "256 rows, 100 columns"


def sets():
    draw = numpy.random.default_rng(7)
    yield WIDE, numpy.vstack([draw.normal(0, 1, (236, 100)), draw.normal(0, 1.3, (20, 100))]), numpy.r_[numpy.zeros(236), numpy.ones(20)]
    for odd in ("scattered", "clustered", "dependent"):
        for columns in (2, 8, 40):
            yield f"{odd}, {columns} columns", *clouds(draw, columns, odd)
    yield "iris, setosa odd", *class_as_odd(datasets.load_iris, 0, 0.1, draw)
    yield "wine, third class odd", *class_as_odd(datasets.load_wine, 2, 0.1, draw)
    yield "breast cancer, malignant odd", *class_as_odd(datasets.load_breast_cancer, 0, 0.1, draw)
    yield "digits, ones odd", *class_as_odd(datasets.load_digits, 1, 0.1, draw)


def ours(values):
    text = f"{values.shape[0]} {values.shape[1]} {SEEDS}\n" + "\n".join(" ".join(f"{x:.9g}" for x in row) for row in values)
    out = subprocess.run([PROGRAM], input=text, capture_output=True, text=True, check=True).stdout.splitlines()
    return [numpy.array(line.split(), float) for line in out[:-1]], json.loads(out[-1])


def theirs(values, seed):
    started = time.process_time()
    forest = IsolationForest(n_estimators=100, max_samples=min(256, len(values)), random_state=seed, n_jobs=1).fit(values)
    fitted = time.process_time()
    scores = -forest.score_samples(values)
    return scores, (fitted - started) * 1000, (time.process_time() - fitted) * 1e6 / len(values)


def bench(_server, _home):
    print(f"== isolation forest beside scikit-learn (100 trees of 256 rows, {SEEDS} seeds each)")
    differences, rows, fit_ratios, fit_of = [], [], [], {}
    for name, values, odd in sets():
        scores, cost = ours(values)
        our = numpy.mean([roc_auc_score(odd, s) for s in scores])
        all_theirs = [theirs(values, seed) for seed in range(SEEDS)]
        areas = [roc_auc_score(odd, s) for s, _, _ in all_theirs]
        fit_ms, row_us = (numpy.median([entry[place] for entry in all_theirs]) for place in (1, 2))
        differences.append(our - numpy.mean(areas))
        fit_of[name] = cost["fit_ms"]
        rows.append(cost["row_us"])
        fit_ratios.append(fit_ms / cost["fit_ms"])
        print(f"  {name:30} {len(values):5} rows  AUC {our:.4f}, less theirs {differences[-1]:+.4f} (theirs from seed to seed ±{numpy.std(areas):.4f})   "
              f"fit {cost['fit_ms']:5.2f} ms, theirs {fit_ms / cost['fit_ms']:4.0f} times   row {cost['row_us']:5.2f} us, theirs {row_us / cost['row_us']:.1f} times")
    mean = float(numpy.mean(differences))
    bar("isolation forest, mean AUC less scikit-learn's", f"{mean:+.4f}, bar ±.005", abs(mean) <= 0.005)
    bar("isolation forest, fit", f"{fit_of[WIDE]:.2f} ms of {WIDE}, bar 5 ms; scikit-learn takes {numpy.median(fit_ratios):.0f} times as long", fit_of[WIDE] <= 5)
    bar("isolation forest, row", f"{max(rows):.2f} us at most, bar 8 us", max(rows) <= 8)

# SPDX-License-Identifier: PostgreSQL
"""Clustering beside scikit-learn on the same generated sets (labels compared by the adjusted Rand index, times as ratios of one run on one
processor), classes of a generated mix of known truth, hot tables of ten thousand statements of known weights."""
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from machine import FETTLE, bar

PROGRAM = pathlib.Path(FETTLE).resolve().parents[2] / "bench" / "study_bench"


def run(*arguments):
    return subprocess.run([str(PROGRAM), *map(str, arguments)], capture_output=True, text=True, check=True).stdout.splitlines()


def ours(directory, rows, mode, *arguments):
    path = pathlib.Path(directory) / "rows"
    rows.astype("float64").tofile(path)
    *labels, last = run(mode, path, *rows.shape, *arguments)
    return [int(label) for label in labels], json.loads(last)


def theirs(model, rows):
    started = time.process_time()
    labels = model.fit_predict(rows)
    return labels, (time.process_time() - started) * 1000


def sets(numpy, datasets):
    """Name, rows, true labels, true number of clusters, whether k-means can be asked for it, and DBSCAN's radius."""
    squeeze = numpy.array([[0.6, -0.6], [-0.4, 0.8]])
    for name, rows, truth, kmeans, radius in (
            ("blobs 2", *datasets.make_blobs(1000, 2, centers=3, cluster_std=0.5, random_state=1), True, 0.3),
            ("blobs 5", *datasets.make_blobs(3000, 5, centers=5, cluster_std=1.0, random_state=3), True, 1.5),
            ("blobs 8", *datasets.make_blobs(4000, 8, centers=8, cluster_std=1.0, random_state=5), True, 2.5),
            ("stretched", *(lambda r, t: (r @ squeeze, t))(*datasets.make_blobs(1500, 2, centers=3, cluster_std=0.5, random_state=7)), False, 0.2),
            ("unequal", *datasets.make_blobs(1500, 2, centers=[[0, 0], [8, 0], [0, 9]], cluster_std=[0.3, 1.0, 1.6], random_state=9), True, 0.5),
            ("moons", *datasets.make_moons(1500, noise=0.05, random_state=11), False, 0.12),
            ("rings", *datasets.make_circles(1500, factor=0.4, noise=0.04, random_state=13), False, 0.15),
            ("20 blobs 16", *datasets.make_blobs(50000, 16, centers=20, cluster_std=1.0, random_state=15), True, 4.5)):
        yield name, rows, truth, len(set(truth)), kmeans, radius


def cluster():
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    try:
        import numpy
        from sklearn import cluster as models
        from sklearn import datasets
        from sklearn.metrics import adjusted_rand_score
    except ImportError:
        print("  scikit-learn is not here (Debian: python3-sklearn): nothing to compare with")
        return
    print("== clustering, beside scikit-learn on the same rows (ARI: ours with theirs, ours and theirs with the truth; CPU of one processor)")
    worst, right, asked = {"kmeans": 1.0, "dbscan": 1.0}, 0, 0
    with tempfile.TemporaryDirectory() as directory:
        for name, rows, truth, count, is_for_kmeans, radius in sets(numpy, datasets):
            for mode, model, arguments, separable in (
                    ("kmeans", models.KMeans(count, n_init=10, random_state=1), [count], is_for_kmeans),
                    ("dbscan", models.DBSCAN(eps=radius, min_samples=5), [radius, 5], True)):
                large = mode == "dbscan" and len(rows) > 10000 # scikit-learn holds all neighbours at once: a part is compared
                if large:
                    _, whole = ours(directory, rows, mode, *arguments)
                    bar(f"cluster, dbscan {len(rows):,} × {rows.shape[1]}", f"{whole['cpu_ms'] / 1000:.2f} s of CPU, bar 5 s", whole["cpu_ms"] <= 5000)
                    rows, truth = rows[:5000], truth[:5000]
                labels, told = ours(directory, rows, mode, *arguments)
                reference, reference_ms = theirs(model, rows)
                both, own, other = (adjusted_rand_score(a, b) for a, b in ((labels, reference), (truth, labels), (truth, reference)))
                if separable:
                    worst[mode] = min(worst[mode], both)
                print(f"  {name:12} {len(rows):6} × {rows.shape[1]:2} {mode:7} both {both:.4f}  truth {own:.3f} / {other:.3f}  "
                      f"{told['cpu_ms']:8.1f} ms, scikit-learn {reference_ms / max(told['cpu_ms'], 0.1):5.1f} times as long")
                if name == "20 blobs 16" and mode == "kmeans":
                    bar(f"cluster, kmeans {len(rows):,} × 16", f"{told['cpu_ms'] / 1000:.2f} s of CPU, bar 1 s", told["cpu_ms"] <= 1000)
            if is_for_kmeans and count <= 15:
                _, told = ours(directory, rows, "choose")
                asked, right = asked + 1, right + (abs(told["clusters"] - count) <= 1)
                print(f"  {name:12} {told['clusters']} clusters by silhouette ({told['silhouette']:.2f}), {count} in truth, {told['cpu_ms']:.0f} ms")
    for mode, least in worst.items():
        bar(f"cluster, {mode} agrees with scikit-learn", f"ARI at least {least:.4f}, bar .99", least >= 0.99)
    bar("cluster, number of clusters within 1", f"{right} of {asked} sets of round clusters", right >= asked - 1)


def classify():
    print("== classes of a generated mix, ten seeds, thirty analyses each")
    rows = [json.loads(line) for line in run("classify")]
    all_ = sum(row["statements"] * row["analyses"] for row in rows)
    for field in ("class", "cadence"):
        share = sum(row[f"right_{field}"] for row in rows) / all_
        spread = statistics.stdev(row[f"right_{field}"] / row["statements"] / row["analyses"] for row in rows)
        bar(f"classify, {field} right", f"{share:.2%} (sd over seeds {spread:.2%}), bar 97 %", share >= 0.97)
    flips = sum(row["flips"] for row in rows)
    bar("classify, changed without cause", f"{flips} of {all_} analyses of a statement, bar 0", flips == 0)


def hot():
    print("== hot tables of 10,000 statements over 400 tables, five seeds")
    rows = [json.loads(line) for line in run("hot")]
    for with_plans, least in ((True, 19), (False, 15)):
        some = [row for row in rows if row["with_plans"] == with_plans]
        overlaps, cpu, parse = ([row[name] for row in some] for name in ("overlap", "cpu_ms", "parse_cpu_ms"))
        words = "with plans" if with_plans else "split evenly"
        bar(f"hot, of the 20 hottest tables found, {words}", f"{min(overlaps)} to {max(overlaps)}, bar {least}", min(overlaps) >= least)
        bar(f"hot, CPU, {words}", f"{statistics.median(cpu):.0f} ms (and {statistics.median(parse):.0f} ms to parse the texts), bar 200 ms",
            statistics.median(cpu) <= 200)


def bench(_server, _home):
    cluster()
    classify()
    hot()

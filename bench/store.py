#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""The store of samples: bytes, CPU and reads beside plain rows and arrays of an hour, on a server of its own.

    bench/store.py [--databases 3] [--days 30] [--plain-days 5]

The program that measures is bench/store_bench.c; its load is described in bench/store_load.h. CPU is the backend's, from /proc.
"""
import argparse
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from servers import Server  # noqa: E402  (the harness of the tests)

PROGRAM = os.environ.get("STORE_BENCH", str(ROOT / "build" / "bench" / "store_bench"))
CONF = ["shared_buffers = 256MB", "wal_level = minimal", "max_wal_senders = 0", "default_toast_compression = lz4", "jit = off",
        "max_parallel_workers_per_gather = 0", "autovacuum = on", "track_counts = on"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--databases", type=int, default=3)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--plain-days", type=int, default=5)
    options = parser.parse_args()
    with Server(15, conf=CONF) as server:
        run = subprocess.run([PROGRAM, server.dsn(), str(options.databases), str(options.days), str(options.plain_days)], check=False)
    sys.exit(run.returncode)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""The API under load: latencies of each kind of request at 1,000 a second with a million sample rows in the store, and of /health
while slow requests run. Latencies count from when a request was due (open loop)."""
import datetime
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("FETTLE_BINARY", str(ROOT / "build" / "src" / "cli" / "fettle"))
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from api import ApiServer  # noqa: E402  (the harness of the tests)
from servers import Server  # noqa: E402

STATEMENTS, ROUNDS = 500, 2000
RATE, SECONDS, CONNECTIONS = 1000, float(os.environ.get("BENCH_SECONDS", "10")), 64
BAR_MS = 10


def processor_seconds(api, store):
    """CPU of the API's process and of the store's server so far."""
    total = 0
    for entry in pathlib.Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if entry.name in (str(api.process.pid), str(store.process.pid)):
            total += sum(map(int, fields[11:15]))
        elif fields[1] == str(store.process.pid):
            total += sum(map(int, fields[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


class Load:
    def __init__(self, api, store):
        self.api, self.store = api, store

    def __call__(self, targets, rate=RATE, seconds=SECONDS, connections=CONNECTIONS):
        before = processor_seconds(self.api, self.store)
        program = ROOT / "build" / "bench" / "api_load"
        run = subprocess.run([program, str(self.api.port), self.api.tokens["viewer"], str(rate), str(seconds), str(connections), *targets],
                             capture_output=True, text=True, check=True)
        figures = json.loads(run.stdout)
        figures["cpu_ms"] = (processor_seconds(self.api, self.store) - before) * 1000 / figures["requests"]
        return figures


def show(name, figures, bar=None):
    met = bar is not None and figures["p99"] < bar and figures["failures"] == 0
    print(f"  {name:32s} p50 {figures['p50']:7.2f}  p99 {figures['p99']:7.2f}  p99.9 {figures['p999']:7.2f} ms  CPU {figures['cpu_ms']:6.2f} ms a request  "
          f"failures {figures['failures']}" + (f"   bar p99 < {bar} ms: {'met' if met else 'NOT MET'}" if bar else ""), flush=True)


def bench_rates(load):
    print(f"machine: {os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}; on a busy one quote CPU and ratios, not latencies")
    print(f"== {RATE} requests a second for {SECONDS:g} s over {CONNECTIONS} connections, {STATEMENTS * ROUNDS:,} sample rows")
    queries = [f"/api/v1/queries/{1000 + n * 7 % STATEMENTS}" for n in range(50)]
    show("/health (floor: no store)", load(["/health"]))
    show("who am I", load(["/api/v1/auth/me"]), BAR_MS)
    show("targets", load(["/api/v1/targets"]), BAR_MS)
    show("one query", load(queries), BAR_MS)
    show("one metric, a day", load(["/api/v1/targets/1/metrics?names=connections"]), BAR_MS)
    show("a mix of these", load(["/health", "/api/v1/auth/me", "/api/v1/targets", "/api/v1/targets/1", "/api/v1/jobs", *queries[:5],
                                 "/api/v1/targets/1/metrics?names=connections"]), BAR_MS)
    print("== what reads many samples, 10 a second")
    for name, targets in (("one query, a day by the hour", [query + "/history?step=3600" for query in queries]),
                          ("one query, a day by the minute", [query + "/history" for query in queries]),
                          ("top of the last hour", [top_of(60)]),
                          ("top of the last day", ["/api/v1/targets/1/queries"]),
                          ("top of an hour, each another", [top_of(60 + n, n) for n in range(200)]),
                          ("top of a day, each another", [top_of(1440 + n, n) for n in range(200)])):
        show(name, load(targets, rate=10, connections=8), BAR_MS)


def top_of(minutes_from, minutes_to=0):
    """The top from so many minutes ago until so many ago. Each another is never asked for twice: nothing is kept of it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    begins, ends = ((now - datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ") for minutes in (minutes_from, minutes_to))
    return f"/api/v1/targets/1/queries?from={begins}&to={ends}"


def bench_slow(load):
    """Eight connection tests of a server that never answers; each holds a worker for four seconds, again and again."""
    print("== /health and quick requests while 8 slow requests run")
    api = load.api
    alone = {target: load([target], rate=100, connections=8) for target in ("/health", "/api/v1/targets")}
    stop = threading.Event()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        dsn = f"host=127.0.0.1 port={silent.getsockname()[1]} dbname=x user=y connect_timeout=4"

        def hold():
            while not stop.is_set():
                api.request("POST", "/api/v1/targets/test", {"dsn": dsn})
        threads = [threading.Thread(target=hold) for _ in range(8)]
        for thread in threads:
            thread.start()
        for target, before in alone.items():
            figures = load([target], rate=100, connections=8)
            show(f"{target}, alone", before)
            show(f"{target}, beside the slow ones", figures, BAR_MS)
            print(f"  {'':34s} ratio of p99: {figures['p99'] / before['p99']:.2f}")
        stop.set()
        for thread in threads:
            thread.join()


def bench_idle(load):
    api = load.api
    print("== 10,000 idle connections")
    before = memory(api)
    alone = load(["/api/v1/targets"], rate=100, connections=8)
    idle = [api.connect() for _ in range(10_000)]
    show("targets, alone, 100 a second", alone)
    show("targets, beside the idle ones", load(["/api/v1/targets"], rate=100, connections=8), BAR_MS)
    print(f"  memory of the server {before / 1048576:.0f} MB before, {memory(api) / 1048576:.0f} MB with them")
    for connection in idle:
        connection.close()


def memory(api):
    return float(re.search(r"^process_resident_memory_bytes (\S+)", api.get("/metrics", token=None).body.decode(), re.M).group(1))


def main():
    import resource
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    store = Server(15, conf=["shared_buffers = 64MB", "max_connections = 60"], tcp=True)
    api = ApiServer(store.dsn()).prepare()
    try:
        api.tool("target", "bench", store.dsn())
        api.tool("fill", 1, STATEMENTS, ROUNDS)
        store.sql("ANALYZE")
        api.start()
        load = Load(api, store)
        for name, bench in (("rates", bench_rates), ("slow", bench_slow), ("idle", bench_idle)):
            if name in (sys.argv[1:] or ["rates", "slow", "idle"]):
                bench(load)
    finally:
        api.close()
        store.close()


main()

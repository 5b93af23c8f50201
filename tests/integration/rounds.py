# SPDX-License-Identifier: PostgreSQL
"""Drives one collector (tests/tools/collect_rounds.c) and looks at what it stored."""
import json
import os
import pathlib
import subprocess
import time

from conftest import BINARY, SANITIZER_SIGNS

TOOL = pathlib.Path(BINARY).resolve().parents[2] / "tests" / "tools" / "collect_rounds"
RESET, EVICTED, RESTART, THINNED, CUT = 1, 2, 4, 8, 16


class Rounds:
    """One target in a store. round() is a collection round and returns its report; it fails on an error unless told otherwise."""

    def __init__(self, store, database, home, dsn, *databases, name="target"):
        self.store = store
        self.database = database
        self.log = open(home / "stderr", "w+", encoding="utf-8")  # pylint: disable=consider-using-with
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "FETTLE_"))}
        self.process = subprocess.Popen([TOOL, store.dsn(database), home, name, dsn, *databases], stdin=subprocess.PIPE, cwd=home,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True, env={**environment, "HOME": str(home)})

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        status = self.process.wait(60)
        self.process.stdout.close()
        self.log.seek(0)
        words = self.log.read()
        self.log.close()
        for sign in SANITIZER_SIGNS:
            assert sign not in words, words
        assert status == 0 or kind, words

    def send(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(60)
            self.log.seek(0)
            raise AssertionError(self.log.read())
        return json.loads(line)

    def tell(self, *words):
        answer = self.send(*words)
        assert "error" not in answer, answer
        return answer

    def round(self):
        return self.tell("round")

    def set(self, name, value):
        self.tell("set", name, value)

    def sql(self, text):
        return self.store.sql(text, self.database)

    def value(self, text):
        return self.sql(text)[0][0]

    def calls(self, part):
        """Calls stored of statements whose text holds a part. A round more when texts are still to be read."""
        self.set("collect.texts_interval", "1s")
        if self.value("SELECT count(*) FROM fettle.statements WHERE query_text IS NULL"):
            time.sleep(1.1)
            self.round()
        return int(self.value(f"SELECT coalesce(sum(calls), 0) FROM fettle.metrics_pg_stats_query WHERE query_text LIKE '%{part}%'"))

    def metric(self, name):
        """The newest value of a metric."""
        return self.value(f"SELECT value FROM fettle.v_metrics WHERE metric = '{name}' ORDER BY collected_at DESC LIMIT 1")

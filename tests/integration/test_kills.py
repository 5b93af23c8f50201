# SPDX-License-Identifier: PostgreSQL
"""kill -9 at any moment of an apply or an undo, on a target under load: it is changed with its undo stored, or unchanged; no lie, no leftover.

FETTLE_SOAK_STEPS says how many moments (make soak: 30), FETTLE_SOAK_SEED which ones."""
import contextlib
import json
import os
import random
import signal
import subprocess
import threading
import time

import psycopg2
import pytest
from conftest import BINARY
from servers import Server, wait_until
from service import Service
from test_index_manager import background
from test_recommendation_apply import BASE, SCHEMA, World

OPEN = "state IN ('pending', 'running')"


class Writers:
    """Transactions on the table that is changed, of up to 150 ms: each build and each drop waits for some of them."""

    def __init__(self, server, count=3):
        self.server = server
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(number,)) for number in range(count)]

    def work(self, number):
        chance, connection = random.Random(number), None
        while not self.stopping.is_set():
            try:
                connection = connection or psycopg2.connect(self.server.dsn("shop"))
                with connection, connection.cursor() as cursor:
                    cursor.execute("UPDATE orders SET note = note WHERE id = %s", (chance.randrange(1, 5000),))
                    self.stopping.wait(chance.uniform(0, 0.15))
            except psycopg2.Error:  # the target is killed, too
                connection = None
                self.stopping.wait(0.05)
        if connection:
            connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class Killed(World):
    """A target under load, a store on another server, and who is killed: the service, or a verb of the command line."""

    def __init__(self, target, store, service, target_id, chance):
        super().__init__(target, service, target_id)
        self.store_server = store
        self.chance = chance
        self.took = {}  # the longest so far of each act and actor: moments are drawn within it

    def store(self, text):
        return self.store_server.sql(text, "store")

    def definitions(self):
        rows = self.target("""SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid
                                FROM pg_index WHERE indexrelid >= 16384 AND indrelid = 'orders'::regclass""")
        return {name: (definition, valid) for name, definition, valid in rows}

    def offer(self, kind):
        if kind == "create":
            return self.advise("orders", "note")
        fields = {"create": {}, "drop": {"index_name": "orders_total", "create_statement": "CREATE INDEX orders_total ON public.orders USING btree (total)"},
                  "modify": {"index_name": "orders_total", "create_statement": "CREATE INDEX orders_total_note ON public.orders (total, note)"}}[kind]
        return self.advise("orders", "total", recommendation_type=kind, **fields)

    def begin(self, act, actor, number):
        """(thread, whom to kill)"""
        if actor == "verb":
            verb = subprocess.Popen([BINARY, act, str(number), "--yes"], env=self.service.environment(), stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            return background(verb.wait), verb
        implementations = self.get(number)["implementations"]
        ask = (lambda: self.implement(number)) if act == "apply" else (lambda: self.revert(implementations[0]["implementation_id"]))
        return background(ask), None

    def step(self, kind, act, actor):
        before, number = self.definitions(), self.offer(kind)
        if act == "undo":
            assert self.implement(number).status == 200
            before = self.definitions()
        begun = time.monotonic()
        thread, verb = self.begin(act, actor, number)
        moment = self.chance.uniform(0, 1.1 * self.took.get((act, actor), 1.5))
        thread.join(moment)
        if not thread.is_alive():
            self.took[act, actor] = time.monotonic() - begun
        if verb:
            verb.kill()
        else:
            self.service.stop(signal.SIGKILL)
        thread.join()
        told = f"{act} of {kind} by the {actor}, killed after {moment:.3f} s{self.crash()}"
        self.check_undo_is_stored(before, told)
        if not verb:
            self.service.start()
        if not verb and self.chance.random() < 0.3:  # and in the midst of putting it right
            time.sleep(self.chance.uniform(0, 0.5))
            self.service.stop(signal.SIGKILL)
            self.service.start()
            told += ", and once more"
        # one that nobody has begun yet is left alone for a minute, in case its process is about to
        self.store("UPDATE fettle.index_changes SET performed_at = performed_at - interval '1 minute' WHERE state = 'pending'")
        assert wait_until(lambda: not self.store(f"SELECT id FROM fettle.index_changes WHERE {OPEN}") or self.settle(), 60), self.state(told, number)
        self.check_truth(number, told)
        return told

    def crash(self):
        """Now and then the servers die with the one that is killed."""
        words = ""
        for server, name, often in ((self.server, "target", 0.3), (self.store_server, "store", 0.2)):
            if self.chance.random() < often:
                server.kill9()
                server.start()
                words += f", the {name} too"
        return words

    def settle(self):
        """A verb that looks at changes settles them; the service does so every ten seconds."""
        self.fettle("index", "history", "shop")
        return not self.store(f"SELECT id FROM fettle.index_changes WHERE {OPEN}")

    def state(self, told, number=None):
        """All there is to see, for whoever reads of a failure."""
        seen = {"act": told, "indexes": self.definitions(), "results": self.get(number)["implementations"] if number else None,
                "changes": self.store("SELECT id, action, state, attempts, sql, undo_sql, error_message FROM fettle.index_changes ORDER BY id")}
        return json.dumps(seen, indent=1) + self.service.errors()[-2000:]

    def check_undo_is_stored(self, before, told):
        """At the moment of the kill: whatever differs is named by the last change, which holds its undo."""
        now = self.definitions()
        statements = " ".join(text for texts in self.store("SELECT sql, undo_sql FROM fettle.index_changes ORDER BY id DESC LIMIT 1") for text in texts)
        for name in before.keys() | now.keys():
            assert before.get(name) == now.get(name) or name in statements, self.state(told)

    def check_truth(self, number, told):
        assert all(valid for _, valid in self.definitions().values()), self.state(told, number)
        # who dropped what is known, but where the server's processes are others by now
        unknown = self.store("SELECT id FROM fettle.index_changes WHERE error_message LIKE '%not known%'")
        assert not unknown or "the target too" in told, self.state(told, number)
        ended = {}
        for change, state, success, undo in self.store("SELECT id, state, success, undo_sql FROM fettle.index_changes"):
            assert undo and success is (state == "completed"), self.state(told, number)
            ended[change] = success
        status = None
        for result in reversed(self.get(number)["implementations"]):
            is_made, is_undone = ended[result["index_change_id"]], ended.get(result["undo_change_id"], False)
            status = "reverted" if is_made and is_undone else "pending" if is_made else "failed"
            assert result["status"] == status, self.state(told, number)
        assert self.get(number)["is_dismissed"] is (status in ("pending", "reverted")), self.state(told, number)
        assert self.definitions() == (self.changed(number) if status == "pending" else self.original), self.state(told, number)

    def changed(self, number):
        """What a completed change leaves, by what it was to do."""
        (kind,), = self.store(f"SELECT kind FROM fettle.optimization_recommendations WHERE id = {number}")
        made = {"create": {"orders_note_idx": "(note)"}, "modify": {"orders_total_note": "(total, note)"}, "drop": {}}[kind]
        kept = {name: index for name, index in self.original.items() if kind == "create" or name != "orders_total"}
        return {**kept, **{name: (f"CREATE INDEX {name} ON public.orders USING btree {columns}", True) for name, columns in made.items()}}

    def take_back(self, number):
        """The stored undo is not only there, it undoes: also what a kill was in the midst of."""
        for result in self.get(number)["implementations"]:
            if result["status"] == "pending":
                reply = self.revert(result["implementation_id"])
                assert reply.status == 200 and reply.json["status"] == "reverted", reply
        assert self.definitions() == self.original


@contextlib.contextmanager
def killed_world(seed):
    with Server(15, tcp=True, conf=["max_connections = 60"]) as target, Server(15, tcp=True, conf=["max_connections = 60"]) as store:
        target.sql("CREATE DATABASE shop")
        store.sql("CREATE DATABASE store")
        target.sql(SCHEMA, "shop")
        service = Service(store_url=store.dsn("store"), collect__enabled="off")
        service.fettle("store", "migrate")
        with service, Writers(target):
            service.json("PUT", f"{BASE}/settings/index.free_space_floor", {"value": "0B"})
            target_id = service.add_target("shop", target.dsn("shop"))
            world = Killed(target, store, service, target_id, random.Random(seed))
            world.original = world.definitions()
            yield world


def test_killed_at_random_steps_a_target_is_changed_with_its_undo_stored_or_unchanged():
    steps, seed = int(os.environ.get("FETTLE_SOAK_STEPS", "3")), int(os.environ.get("FETTLE_SOAK_SEED", "6"))
    acts = [(kind, act, actor) for actor in ("verb", "service") for act in ("apply", "undo") for kind in ("create", "drop", "modify")]
    with killed_world(seed) as world:
        for number in range(steps):
            if number % len(acts) == 0:
                world.chance.shuffle(acts)
            told = world.step(*acts[number % len(acts)])
            (recommendation,), = world.store("SELECT max(id) FROM fettle.optimization_recommendations")
            (state,), = world.store("SELECT coalesce(string_agg(state, ', ' ORDER BY id), 'nothing') FROM fettle.index_changes")
            print(f"{number + 1}: {told}: {state}")
            world.take_back(recommendation)
            for table in ("optimization_recommendations", "index_recommendations", "index_changes"):
                world.store(f"DELETE FROM fettle.{table}")

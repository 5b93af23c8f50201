# SPDX-License-Identifier: PostgreSQL
"""The demonstration as a newcomer runs it, only smaller: it ends well, and leaves nothing behind however it ends."""
import glob
import os
import pathlib
import re
import signal
import subprocess
import time

from conftest import BINARY, ROOT
from servers import wait_until

SMALL = {"DEMO_SCALE": "0.02", "DEMO_SECONDS": "2", "FETTLE_BINARY": BINARY}


def demo(**environment):
    # As from a terminal: a test runner in the background may ignore Ctrl-C, and a shell hands that on.
    return subprocess.Popen([ROOT / "scripts" / "demo"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env={**os.environ, **SMALL, **environment}, start_new_session=True, stdin=subprocess.DEVNULL,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def nothing_is_left(directory):
    def is_gone():
        lines = []
        for file in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                lines.append(pathlib.Path(file).read_bytes())
            except OSError:
                continue
        return not os.path.exists(directory) and not [line for line in lines if directory.encode() in line]
    return wait_until(is_gone)


def test_the_demonstration_ends_with_advice_and_leaves_nothing():
    run = demo()
    out, _ = run.communicate(timeout=120)
    assert run.returncode == 0, out
    directory = re.search(r"/tmp/fettle-demo\.\w+", out).group()
    assert "CREATE INDEX CONCURRENTLY payments_order_id_idx ON public.payments" in out
    assert "statistics rights: full" in out and "\033" not in out
    assert nothing_is_left(directory)


def test_ctrl_c_at_any_step_leaves_nothing():
    for step in ("Starting", "Filling", "Running", "What Fettle advises"):
        run = demo(DEMO_SECONDS="20" if step == "Running" else "1")
        directory = None
        for line in run.stdout:
            directory = directory or re.search(r"/tmp/fettle-demo\.\w+", line).group()
            if line.startswith(f"== {step}"):
                break
        time.sleep(0.2)
        os.killpg(run.pid, signal.SIGINT)
        out, _ = run.communicate(timeout=30)
        assert run.returncode == 130, (step, out)
        assert nothing_is_left(directory), step


def test_words_it_does_not_know_are_told():
    bad = subprocess.run([ROOT / "scripts" / "demo", "--fast"], capture_output=True, text=True, check=False)
    assert bad.returncode == 2 and "usage:" in bad.stderr
    scale = subprocess.run([ROOT / "scripts" / "demo"], capture_output=True, text=True, check=False,
                           env={**os.environ, "DEMO_SCALE": "1; DROP"})
    assert scale.returncode == 2 and "DEMO_SCALE" in scale.stderr


def test_set_up_knows_what_is_missing_without_installing():
    here = subprocess.run([ROOT / "scripts" / "bootstrap", "--check", "build", "run"], capture_output=True, text=True, check=False)
    assert here.returncode == 0, here.stdout
    elsewhere = subprocess.run(["/bin/bash", ROOT / "scripts" / "bootstrap"], capture_output=True, text=True, check=False,
                               env={"PATH": "/nonexistent"})
    assert elsewhere.returncode == 1 and "no apt" in elsewhere.stderr and "libpg-query-dev" in elsewhere.stderr

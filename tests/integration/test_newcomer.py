# SPDX-License-Identifier: PostgreSQL
"""What a newcomer tries first: help, manual page, completion, reports to read, and slips of the hand."""
import re
import shutil
import subprocess

import pytest
from conftest import BINARY
from test_bad_input import is_clear

VERBS = ("advise", "snapshot", "twin", "doctor", "explain", "version", "help")


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_says_how_it_is_used(fettle, verb):
    by_option, by_topic = fettle(verb, "--help"), fettle("help", verb)
    assert by_option.status == by_topic.status == 0
    assert by_option.out == by_topic.out and by_option.out.startswith(f"Usage: fettle {verb}")
    assert ("TARGET is a connection string" in by_option.out) == ("TARGET" in by_option.out.splitlines()[0])
    assert max(map(len, by_option.out.splitlines())) <= 130


def test_the_manual_page_is_clean_roff_and_names_every_verb_and_option(fettle):
    page = fettle("help", "man").out
    for verb in VERBS:
        assert f".SS fettle {verb}" in page
    if shutil.which("groff"):
        run = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=page, capture_output=True, text=True, check=True)
        assert run.stderr == ""
        shown = re.sub(".\x08", "", run.stdout)
        assert "FETTLE_TARGET" in shown and "ENVIRONMENT" in shown


@pytest.mark.parametrize("words, expected", [
    (["fettle", "ad"], {"advise"}),
    (["fettle", "twin", "ver"], {"verify"}),
    (["fettle", "help", "comp"], {"completion"}),
    (["fettle", "advise", "--bud"], {"--budget"}),
])
def test_completion_completes(words, expected):
    script = f"source <({BINARY} help completion); COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _fettle;" \
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, cwd="/")
    assert set(run.stdout.split()) == expected, run.stderr


@pytest.fixture(scope="module")
def file(fettle, shop):
    path = fettle.home / "newcomer.fettle"
    assert fettle("snapshot", shop.dsn("shop"), "-o", path).status == 0
    return path


def test_plans_name_the_advised_index_as_the_statement_does(fettle, file):
    report = fettle("advise", "--json", file)
    assert "fettle_whatif" not in report.out
    with_plan = [(r["object_name"], gain["plan_after"]) for r in report.json["recommendations"] for gain in r["gains"][:1]]
    assert [name for name, plan in with_plan if f" {name} " in plan]


def test_the_markdown_report_has_clean_headings_and_closed_fences(fettle, file):
    report = fettle("advise", "--format", "markdown", "--plans", file)
    assert report.status == 10
    headings = [line for line in report.out.splitlines() if line.startswith("#")]
    assert headings[0].startswith("# Advice for shop") and headings[1].startswith("### 1. create an index on ")
    assert all(re.match(r"#{1,3} \S", line) for line in headings)
    assert report.out.count("```") % 2 == 0 and "fettle_whatif" not in report.out and "\033" not in report.out


def test_slips_of_the_hand_are_told(fettle, shop, file):
    is_clear(fettle("advise", "shop"), 4, 'there is no file "shop"', "a target of the store", "fettle index advise NAME")
    is_clear(fettle("twin", "drop", "twin_nope"), 4, 'there is no twin "twin_nope"', "fettle twin list")
    is_clear(fettle("advise", "--role", "nobody_here", shop.dsn("shop")), 4, 'no role "nobody_here"')
    is_clear(fettle("advise", "--role", "shop_app", file), 2, "settled when it is taken", "fettle snapshot --role")
    is_clear(fettle("explain", file), 2, "no statement was given", "--statement")
    is_clear(fettle("explain", file, "-s", "selec 1"), 3, "does not parse")
    is_clear(fettle("explain", file, "-s", "SELECT * FROM nope"), 3, 'relation "nope" does not exist')
    is_clear(fettle("explain", file, "-s", "SELECT 1", "-x", "nope"), 4, 'no index called "nope"')
    is_clear(fettle("doctor", file), 2, "needs a database")
    is_clear(fettle("advise", "-w", "/nowhere", file), 4, "could not open /nowhere", "check the path")
    is_clear(fettle("advise", "-w", "/dev/null", file), 3, "no statement in the workload file", "calls: N")
    is_clear(fettle("advise", "/"), 3, "/ is a directory")


@pytest.mark.parametrize("text", ["DROP TABLE orders", "CREATE TABLE x (y int)", "CREATE INDEX ON orders (id); DROP TABLE orders", "", "create"])
def test_only_a_create_index_can_be_supposed(fettle, file, text):
    is_clear(fettle("explain", file, "-s", "SELECT * FROM orders", "-i", text), 2, "takes one CREATE INDEX statement")


@pytest.mark.parametrize("text", ["CREATE INDEX CONCURRENTLY my_idx ON payments (order_id);", "create unique index on payments(order_id, id)"])
def test_an_index_is_supposed_as_it_stands_in_the_advice(fettle, file, text):
    result = fettle("explain", file, "-s", "SELECT * FROM payments WHERE order_id = $1", "-i", text)
    assert result.status == 0, result.err
    assert "Index Scan using" in result.out


def test_words_from_outside_stay_on_one_line_and_steer_no_terminal(fettle):
    is_clear(fettle("advise", "a\nb\033[31m"), 4, 'there is no file "a b [31m"')
    is_clear(fettle("ad\nvise"), 2, "a verb has to stand before the target")

"""CONTRIBUTING's *Adding something* is true: in a copy of the tree, one of each is found and missed in the docs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COPIED = ("bot", "commands", "jobs", "ops", "core", "docs", "tests/unit", "pyproject.toml")
FOUND_BY_ITSELF = {
    "commands/greet.py": """
from commands import Command
COMMAND = Command("greet", "say hello to the fleet", None)
""",
    "jobs/tidying.py": """
from datetime import timedelta
from jobs import Job
JOB = Job("tidying", print, every=timedelta(hours=1))
""",
    "ops/dns/backends/provider.py": """
from ops.dns import Backend
BACKEND = Backend("provider", print)
""",
    "ops/databases/engines/cockroach.py": """
from ops.databases.engine import DatabaseEngine
ENGINE = DatabaseEngine(names={"cockroach": "CockroachDB"}, dialect=print, first=lambda _: b"")
""",
    "ops/checks/moon.py": """
from ops.checks import Check
CHECK = Check("moon", lambda fleet: {}, print)
""",
    "ops/checks/_tides.py": "",
}
CHECK = """

def _moon(facts):
    yield Verdict("moon", Level.WARN, "it is full")
"""
SECTION = """yield from _section("The moon", iter(["full"]))"""
KEY = """moon: bool = setting("Whether the moon counts.")"""
NAMED_IN_ONE_PLACE = {
    "core/cutover/preflight_checks.py": [
        ("        *_recent(facts),\n", "        *_recent(facts),\n        *_moon(facts),\n"),
        ("\n\ndef _sources", f"{CHECK}\n\ndef _sources"),
    ],
    "core/page/html.py": [("    yield from _sites(page)\n", f"    yield from _sites(page)\n    {SECTION}\n")],
    "bot/settings.py": [("    url = environ.get(", '    environ.get("MOON")\n    url = environ.get(')],
    "core/fleet/watch.py": [("    up_after: int", "    moon: bool = False\n    up_after: int")],
    "ops/fleetfile/sections/watch.py": [("    up_after: f.Count", f"    {KEY}\n    up_after: f.Count")],
}
FILE = """
fleet: small
servers:
  a: {ipv4: 192.0.2.1, ssh: {user: ops, key: env:KEY, known_hosts: known_hosts}}
sites:
  shop: {home: a, mirrors: [], names: [example.org], root: /srv/shop, databases: [{engine: cockroach, name: shop}]}
dns: {backend: provider, update: [{address: 192.0.2.53}], nameservers: {n: {address: 192.0.2.53}}, zones: [example.org]}
watch: {moon: true}
"""
LOOK = """
import json, runpy
from pathlib import Path
from commands import all_commands
from core.cutover.preflight_checks import judge
from core.page.html import body_parts
from jobs import all_jobs
from ops.checks import all_checks
from ops.fleetfile import load_fleet
from ops.databases import all_engines
from ops.dns import all_backends

fleet = load_fleet(Path("app.yaml"), {"KEY": "x"})
print(json.dumps({
    "a command": list(all_commands()),
    "a job": list(all_jobs()),
    "a DNS backend": [*all_backends(), fleet.dns.backend],
    "a database engine": [*all_engines(), fleet.sites["shop"].databases[0].engine],
    "a check": list(all_checks()),
    "a preflight check": [
        one.check for one in judge(runpy.run_path("tests/unit/cutover/test_preflight.py")["GOOD"])
    ],
    "a page section": "".join(body_parts(runpy.run_path("tests/unit/page/test_page.py")["page"]())),
    "a key of app.yaml": [key for key in ("moon",) if getattr(fleet.watch, key, False)],
}))
"""
FOUND = {
    "a command": "greet",
    "a job": "tidying",
    "a DNS backend": "provider",
    "a database engine": "cockroach",
    "a check": "moon",
    "a preflight check": "moon",
    "a page section": "<h2>The moon</h2>",
    "a key of app.yaml": "moon",
}
MISSED = {
    "a command": "test_the_handbook_has_a_section_for_the_command_with_its_summary_and_options[greet]",
    "a DNS backend": "test_the_page_names_every_one_that_discovery_finds[backend]",
    "a database engine": "test_the_page_names_every_one_that_discovery_finds[engine]",
    "a preflight check": "test_the_handbook_explains_every_preflight_check",
    "an environment variable": "test_the_handbook_lists_the_environment_variables_that_are_read_and_no_others",
    "a key of app.yaml": "test_the_page_has_every_section_and_key_of_the_schema_and_no_other",
}
PRINTED_ANEW = "test_the_stored_schema_is_the_one_that_check_prints"


def run(tree: Path, *words: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    environ["PYTHONPATH"] = os.pathsep.join([str(tree), str(tree / "tests")])
    done = subprocess.run([sys.executable, *words], cwd=tree, env=environ, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the tree in which one of each has been added, and nothing else."""
    copy = tmp_path_factory.mktemp("tree")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "pictures"))
        else:
            shutil.copy(source, copy / name)
    for name, text in FOUND_BY_ITSELF.items():
        assert not (copy / name).exists()
        (copy / name).write_text(text)
    for name, edits in NAMED_IN_ONE_PLACE.items():
        text = (copy / name).read_text()
        for before, after in edits:
            assert text.count(before) == 1, f"{name} has no longer one {before!r}"
            text = text.replace(before, after)
        (copy / name).write_text(text)
    (copy / "app.yaml").write_text(FILE)
    return copy


@pytest.fixture(scope="module")
def found(tree: Path) -> dict[str, list[str]]:
    said = run(tree, "-c", LOOK)
    assert said.startswith("{"), said
    return json.loads(said)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def failures(tree: Path) -> set[str]:
    """Return which of the tests on the pages fail in the copy."""
    pages = ("tests/unit/project/test_docs.py", "tests/unit/fleet/test_page.py")
    names = " or ".join(sorted({name.partition("[")[0] for name in (*MISSED.values(), PRINTED_ANEW)}))
    said = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *pages, "-k", names)
    return set(re.findall(r"^FAILED \S+::(\S+)", said, re.MULTILINE))


def rows() -> set[str]:
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("## Adding something\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| (an? [\w. ]+?) \|", section, re.MULTILINE))


def test_every_row_of_the_table_is_tried_here() -> None:
    assert rows() == FOUND.keys() | MISSED.keys()


@pytest.mark.parametrize("kind", FOUND)
def test_one_that_is_added_is_found(found: dict[str, list[str]], kind: str) -> None:
    assert FOUND[kind] in found[kind]


def test_a_file_whose_name_begins_with_an_underscore_is_passed_over(found: dict[str, list[str]]) -> None:
    assert not [name for name in found["a check"] if "tides" in name]


@pytest.mark.parametrize("kind", MISSED)
def test_one_that_the_pages_do_not_know_is_missed(failures: set[str], kind: str) -> None:
    assert MISSED[kind] in failures


def test_the_schema_has_to_be_printed_anew(failures: set[str]) -> None:
    assert PRINTED_ANEW in failures


def test_nothing_else_is_missed(failures: set[str]) -> None:
    assert failures == {*MISSED.values(), PRINTED_ANEW}

"""What `make mutants` changes: each change means something else, and a statement keeps its parameters."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from mutants.python import Module
from mutants.sessions import put_in
from mutants.sql import changed, is_sql

from ops.store.sqlite.driver import sqlite3

CODE = '''
"""A docstring: 1 < 2."""
from enum import Enum

MOST = 3

class State(Enum):
    UP = "up"
    DOWN = "down"

def why_not(at: int, state: State, words: list[str]) -> str | None:
    if at < MOST and state is State.UP:
        return "early"
    words.append("late")
    return ", ".join(word for word in words if word != "no")

class Fleet:
    @property
    def size(self):
        return max(1, 2)
'''


# In none of the folders that coverage measures: it would look for the file.
PATH, MODULE = "nowhere/x.py", "nowhere.x"


def changes(code: str = CODE) -> set[tuple[str, str]]:
    return {(one.before, one.after) for one in Module(PATH, code, {"State": ["UP", "DOWN"]}).of_decisions()}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("MOST = 3", "MOST = 4"),
        ("MOST = 3", "MOST = 2"),
        ("if at < MOST and state is State.UP", "if at <= MOST and state is State.UP"),
        ("if at < MOST and state is State.UP", "if at >= MOST and state is State.UP"),
        ("if at < MOST and state is State.UP", "if at < MOST or state is State.UP"),
        ("if at < MOST and state is State.UP", "if state is State.UP"),
        ("if at < MOST and state is State.UP", "if at < MOST"),
        ("if at < MOST and state is State.UP", "if at < MOST and state is not State.UP"),
        ("if at < MOST and state is State.UP", "if at < MOST and state is State.DOWN"),
        ("if at < MOST and state is State.UP", "if True"),
        ("if at < MOST and state is State.UP", "if False"),
        ("words.append('late')", "(left out)"),
        ("return ', '.join((word for word in words if word != 'no'))", "return None"),
        ("oin((word for word in words if word != 'no'))", "oin((word for word in words if word == 'no'))"),
        ("return max(1, 2)", "return min(1, 2)"),
    ],
)
def test_a_decision_is_changed_in_every_way_that_a_test_could_see(before: str, after: str) -> None:
    assert (before, after) in changes() or any(
        one.endswith(before) and other.endswith(after) for one, other in changes()
    )


def test_what_means_nothing_when_it_runs_is_left_alone() -> None:
    assert not [pair for pair in changes() if "docstring" in pair[0] or "int" in pair[0] or pair[0].startswith("UP")]


def test_a_change_is_put_into_the_functions_that_are_there_and_the_module_itself_stays_as_it_is() -> None:
    module = ModuleType(MODULE)
    exec(compile(CODE, PATH, "exec", dont_inherit=True), vars(module))  # noqa: S102 - a literal above
    held = module.why_not
    of = Module(PATH, CODE, {})
    (late,) = [one for one in of.of_decisions() if one.after.endswith("at <= MOST and state is State.UP")]
    (size,) = [one for one in of.of_decisions() if "min(1, 2)" in one.after]
    assert (held(3, module.State.UP, []), module.Fleet().size) == ("late", 2)
    assert [put_in(module, one.code()) for one in (late, size)] == [1, 2]
    assert (held(3, module.State.UP, []), module.Fleet().size) == ("late", 1)
    assert put_in(module, late.code()) == 2
    assert held(3, module.State.UP, []) == "early"
    assert late.module == MODULE not in sys.modules


SQL = {
    "UPDATE t SET a = ?, b = NULL WHERE c = ? AND (d IS NULL OR e < ?)": {
        "UPDATE t SET a = ?, b = NULL WHERE (TRUE OR ? IS NULL) AND (d IS NULL OR e < ?)",
        "UPDATE t SET a = ?, b = NULL WHERE c = ? AND (TRUE OR ? IS NULL)",
        "UPDATE t SET a = ?, b = NULL WHERE c = ? AND ((FALSE) OR e < ?)",
        "UPDATE t SET a = ?, b = NULL WHERE c = ? AND (d IS NULL OR (FALSE AND ? IS NULL))",
        "UPDATE t SET a = ?, b = NULL WHERE c != ? AND (d IS NULL OR e < ?)",
        "UPDATE t SET a = ?, b = NULL WHERE c = ? OR (d IS NULL OR e < ?)",
        "UPDATE t SET a = ?, b = NULL WHERE c = ? AND (d IS NOT NULL OR e < ?)",
        "UPDATE t SET a = ?, b = NULL WHERE c = ? AND (d IS NULL AND e < ?)",
        "UPDATE t SET a = ?, b = NULL WHERE c = ? AND (d IS NULL OR e <= ?)",
        "UPDATE t SET a = CASE WHEN TRUE THEN a ELSE ? END, b = NULL WHERE c = ? AND (d IS NULL OR e < ?)",
        "UPDATE t SET a = ?, b = CASE WHEN TRUE THEN b ELSE NULL END WHERE c = ? AND (d IS NULL OR e < ?)",
    },
    "SELECT max(a) FROM t WHERE b = 'x' ORDER BY c, d DESC LIMIT ?": {
        "SELECT max(a) FROM t WHERE (TRUE) ORDER BY c, d DESC LIMIT ?",
        "SELECT min(a) FROM t WHERE b = 'x' ORDER BY c, d DESC LIMIT ?",
        "SELECT max(a) FROM t WHERE b != 'x' ORDER BY c, d DESC LIMIT ?",
        "SELECT max(a) FROM t WHERE b = 'x-' ORDER BY c, d DESC LIMIT ?",
        "SELECT max(a) FROM t WHERE b = 'x' LIMIT ?",
        "SELECT max(a) FROM t WHERE b = 'x' ORDER BY c LIMIT ?",
        "SELECT max(a) FROM t WHERE b = 'x' ORDER BY d DESC LIMIT ?",
        "SELECT max(a) FROM t WHERE b = 'x' ORDER BY c DESC, d DESC LIMIT ?",
        "SELECT max(a) FROM t WHERE b = 'x' ORDER BY c, d ASC LIMIT ?",
        "SELECT max(a) FROM t WHERE b = 'x' ORDER BY c, d DESC LIMIT max(?, 1000000)",
    },
    "INSERT INTO t VALUES (?, 1) ON CONFLICT DO NOTHING": {
        "INSERT OR REPLACE INTO t VALUES (?, 1)",
        "INSERT INTO t VALUES (?, 2) ON CONFLICT DO NOTHING",
    },
    "INSERT INTO t VALUES (?, ?) ON CONFLICT (a) DO UPDATE SET b = excluded.b": {
        "INSERT INTO t VALUES (?, ?) ON CONFLICT (a) DO NOTHING",
        "INSERT INTO t VALUES (?, ?) ON CONFLICT (a) DO UPDATE SET b = CASE WHEN TRUE THEN b ELSE excluded.b END",
    },
    "FROM t WHERE a = ? ORDER BY b LIMIT": {
        "FROM t WHERE (TRUE OR ? IS NULL) ORDER BY b LIMIT",
        "FROM t WHERE a != ? ORDER BY b LIMIT",
        "FROM t WHERE a = ? LIMIT",
        "FROM t WHERE a = ? ORDER BY b DESC LIMIT",
    },
    "a = ? AND b > ? LIMIT 1": {
        "(TRUE OR ? IS NULL) AND b > ? LIMIT 1",
        "a = ? AND (TRUE OR ? IS NULL) LIMIT 1",
        "a != ? AND b > ? LIMIT 1",
        "a = ? OR b > ? LIMIT 1",
        "a = ? AND b >= ? LIMIT 1",
    },
}


@pytest.mark.parametrize("text", SQL)
def test_sql_is_changed_in_every_way_that_a_test_could_see(text: str) -> None:
    assert is_sql(text)
    assert {" ".join(one.split()) for one in changed(text)} == SQL[text]


@pytest.mark.parametrize("text", [text for text in SQL if not text.startswith(("a =", "FROM"))])
def test_changed_sql_is_sql_of_as_many_parameters(text: str) -> None:
    with sqlite3.connect(":memory:") as database:
        columns = "a PRIMARY KEY, b" if text.startswith("INSERT") else "a, b, c, d, e"
        database.execute(f"CREATE TABLE t ({columns})")
        for one in changed(text):
            database.execute(one, list(range(text.count("?"))))
    database.close()


@pytest.mark.parametrize("text", ["the plan = ", "no SELECT here", "CREATE INDEX i ON t (a) WHERE b IS NULL"])
def test_what_is_no_question_to_the_database_is_left_alone(text: str) -> None:
    assert not is_sql(text)

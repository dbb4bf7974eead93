"""A database engine is one new file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import ops.databases.engines
from core.fleet import Database
from ops.databases import all_engines, label
from ops.fleetfile import examine, schema_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = """
fleet: small
servers:
  a: {ipv4: 192.0.2.1, ssh: {user: ops, key: env:KEY, known_hosts: known_hosts}}
sites:
  shop: {home: a, mirrors: [], names: [example.org], root: /srv/shop, databases: [{engine: sqlite, name: shop}]}
dns: {update: [{address: 192.0.2.53}], nameservers: {n: {address: 192.0.2.53}}, zones: [example.org]}
"""
ENGINE = """
from ops.databases.engine import DatabaseEngine
ENGINE = DatabaseEngine(names={"sqlite": "SQLite", "sqlite3": "SQLite"}, dialect=print, first=lambda _: b"")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(ops.databases.engines, "__path__", [*ops.databases.engines.__path__, str(tmp_path)])
    all_engines.cache_clear()
    yield tmp_path
    all_engines.cache_clear()
    sys.modules.pop("ops.databases.engines.made_up", None)


def test_the_engines_are_found_by_every_name_of_theirs() -> None:
    assert list(all_engines()) == ["mariadb", "mysql", "postgresql"]


def test_one_new_file_is_a_new_engine_that_the_fleet_file_takes(folder: Path) -> None:
    (folder / "app.yaml").write_text(FILE)
    refused = [problem.message for problem in examine(folder / "app.yaml", {"KEY": "x"})[1] if problem.serious]
    assert refused == ["must be one of 'mariadb', 'mysql', 'postgresql'"]
    (folder / "made_up.py").write_text(ENGINE)
    all_engines.cache_clear()
    fleet, _ = examine(folder / "app.yaml", {"KEY": "x"})
    assert fleet is not None
    (database,) = fleet.sites["shop"].databases
    assert database.engine == "sqlite"
    assert label(database) == "shop (SQLite)"
    assert '"sqlite3"' in schema_text()


def test_two_engines_of_one_name_are_refused(folder: Path) -> None:
    (folder / "made_up.py").write_text(ENGINE.replace("sqlite3", "mysql"))
    with pytest.raises(TypeError, match="two files hold the database engine mysql"):
        all_engines()


def test_a_database_is_named_with_its_engine() -> None:
    assert label(Database("postgresql", "shop")) == "shop (PostgreSQL)"

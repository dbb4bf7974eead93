"""What SQLite alone has: a file, its mode, and tables that versions before this one have made."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlite_utils import Database

from core.audit import first_broken
from core.errors import StoreError
from core.fleet.target import Target
from ops.store import Store
from ops.store.part import newest_by
from ops.store.sqlite.database import SqliteDb
from ops.store.sqlite.driver import sqlite3
from ops.store.sqlite.schema import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
OUTAGE = "INSERT INTO outages (target, opened_at, body) VALUES (?, '2026-06-14T13:02:07.000000Z', ?)"
SYNC = (
    "INSERT INTO syncs (id, site, source, mirror, begun_at, ended_at, outcome, body) "
    "VALUES (?, 'shop', 'north', 'south', '2026-06-14T13:02:07.000000Z', '2026-06-14T13:02:08.000000Z', 'good', ?)"
)
CLAIM = (
    "INSERT INTO claims (name, owner, purpose, taken_at, until_at) "
    "VALUES (?, 'K7Q2', 'a cutover', '2026-06-14T13:02:07.000000Z', ?)"
)
RUN = (
    "INSERT INTO runs (kind, subject, state, owner, lease_until, begun_at) VALUES "
    "('cutover', 'K7Q2', 'open', 'one', '2126-06-14T13:02:07.000000Z', '2026-06-14T13:02:07.000000Z')"
)


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    return tmp_path / "sharpnet.db"


@pytest.fixture
async def store(store_file: Path) -> AsyncIterator[Store]:
    """Open a store of its own in SQLite, whatever other databases there are."""
    one = Store(SqliteDb(store_file))
    await one.open()
    yield one
    await one.close()


async def test_a_tampered_record_is_found(store: Store, store_file: Path) -> None:
    for n in range(3):
        await store.record.add(NOW, "kind", str(n), "who")
    with closing(sqlite3.connect(store_file)) as connection, connection:
        connection.execute("DROP TRIGGER record_fixed")
        connection.execute("UPDATE record SET who = 'other' WHERE seq = 2")
    assert first_broken(await store.record.entries()) == 2


async def test_only_the_owner_can_read_the_file(store: Store, tmp_path: Path) -> None:
    await store.record.add(NOW, "kind", "subject", "who")
    assert (tmp_path / "sharpnet.db").stat().st_mode & 0o077 == 0


async def test_a_file_that_is_no_database_is_said_so(tmp_path: Path, store_file: Path) -> None:
    (tmp_path / "sharpnet.db").write_text("not a database, but long enough to be read as one" * 50)
    broken = Store(SqliteDb(store_file))
    with pytest.raises(StoreError, match=r"sharpnet\.db is damaged at its beginning, or no store"):
        await broken.open()
    await broken.close()


async def test_what_the_version_before_has_stored_is_found_by_what_its_json_says(store_file: Path) -> None:
    with closing(sqlite3.connect(store_file, isolation_level=None)) as connection:
        MIGRATIONS.apply(Database(connection), stop_before="what_json_says")
        for target, body in (("site:a", '{"card": "outage:7"}'), ("site:b", '{"card": "outage:9"}'), ("site:c", "{}")):
            connection.execute(OUTAGE, [target, body])
        for run, body in (("20260614T130207Z-a", '{"files": 3}'), ("20260614T130207Z-b", '{"files": 0, "deleted": 0}')):
            connection.execute(SYNC, [run, body])
    store = Store(SqliteDb(store_file))
    await store.open()
    assert [outage.target for outage in await store.outages.on_card("outage:7")] == [Target.site("a")]
    assert [run.id for run in await store.undos.since(NOW, 10)] == ["20260614T130207Z-a"]
    await store.close()


@pytest.mark.parametrize(
    ("key", "table", "at", "where"),
    [
        ("site, mirror", "syncs", "begun_at", "ended_at IS NOT NULL"),
        ("site, mirror", "syncs", "begun_at", "outcome = 'good'"),
        ("site", "backups", "begun_at", "kind = 'backup' AND outcome IN ('good', 'failed')"),
        ("site, mirror", "proofs", "at", "TRUE"),
        ("site, mirror", "proofs", "at", "outcome IN ('good', 'differs')"),
    ],
)
async def test_the_newest_of_each_is_found_without_reading_the_rows_of_the_others(
    store: Store, store_file: Path, key: str, table: str, at: str, where: str
) -> None:
    await store.record.add(NOW, "kind", "subject", "who")
    with closing(sqlite3.connect(store_file)) as connection:
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {newest_by(key, table, at, where)}")]
        inner = steps[steps.index("CO-ROUTINE newest") + 1]
        index = inner.split(" INDEX ")[1].split(" ")[0]
        held = {row[2] for row in connection.execute(f"PRAGMA index_info({index})")}
    asked = {one for one in ("site", "mirror", "begun_at", "at", "outcome", "kind", "ended_at") if one in where.split()}
    assert {*key.split(", "), at, *asked} <= held, steps


async def test_leases_that_the_version_before_has_taken_are_over_and_what_is_claimed_for_good_is_not(
    store_file: Path,
) -> None:
    with closing(sqlite3.connect(store_file, isolation_level=None)) as connection:
        MIGRATIONS.apply(Database(connection), stop_before="leases_by_boot_time")
        for name, until in (("site:a", "2126-06-14T13:02:07.000000Z"), ("site:b", None)):
            connection.execute(CLAIM, [name, until])
        connection.execute(RUN)
    store = Store(SqliteDb(store_file))
    await store.open()
    assert [claim.name for claim in await store.claims.held()] == ["site:b"]
    assert await store.runs.free() == (("cutover", "K7Q2"),)
    with closing(sqlite3.connect(store_file)) as connection:
        assert connection.execute("SELECT owner FROM runs").fetchall() == [(None,)]
    await store.close()


async def test_who_only_reads_leaves_no_file_and_the_first_thing_that_is_kept_makes_it(tmp_path: Path) -> None:
    store_file = tmp_path / "sharpnet.db"
    store = Store(SqliteDb(store_file, make=False))
    await store.open()
    assert await store.record.entries() == ()
    assert not (tmp_path / "sharpnet.db").exists()
    await store.record.add(NOW, "kind", "subject", "who")
    assert [entry.subject for entry in await store.record.entries()] == ["subject"]
    await store.close()
    again = Store(SqliteDb(store_file, make=False))
    await again.open()
    assert [entry.subject for entry in await again.record.entries()] == ["subject"]
    await again.close()


async def test_who_reads_where_nothing_was_kept_finds_what_another_process_keeps_meanwhile(store_file: Path) -> None:
    reader, writer = Store(SqliteDb(store_file, make=False)), Store(SqliteDb(store_file))
    await reader.open()
    assert await reader.record.entries() == ()
    await writer.open()
    await writer.record.add(NOW, "kind", "subject", "who")
    assert [entry.subject for entry in await reader.record.entries()] == ["subject"]
    await writer.close()
    await reader.close()


async def test_a_file_that_cannot_be_made_is_said_by_what_would_be_kept_and_can_still_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = Store(SqliteDb(tmp_path / "file" / "sharpnet.db", make=False))
    await store.open()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"could not be opened"):
            await store.record.add(NOW, "kind", "subject", "who")
        assert await store.record.entries() == ()
    await store.close()

"""The record is read a little at a time, however much is asked for: nobody waits for long, and nothing piles up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from store.harness import NOW

from core.errors import RefusedError
from ops.store import Store, audit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from ops.contracts import Db, Transaction

    T = TypeVar("T")

ENTRIES = 7


class CountedDb:
    """A database that notes how many rows each reading of the record took."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self.read_rows: list[int] = []

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Do it, and count."""
        return await self._db.read(lambda transaction: work(_Counted(transaction, self.read_rows)))  # type: ignore[arg-type]


class _Counted:
    def __init__(self, transaction: Transaction, read_rows: list[int]) -> None:
        self._transaction = transaction
        self._read_rows = read_rows

    def query(self, sql: str, parameters: Sequence[object] = (), **given: Any) -> list[dict[str, object]]:  # noqa: ANN401
        """Ask it, and count the rows that have a body."""
        rows = self._transaction.query(sql, parameters, **given)
        if rows and "body" in rows[0]:
            self._read_rows.append(len(rows))
        return rows


@pytest.fixture
def counted(empty_db: Db) -> CountedDb:
    """Count what is read of a database in which nobody has anything."""
    return CountedDb(empty_db)


async def fill(store: Store, *sizes: int) -> None:
    for number, size in enumerate(sizes or (1,) * ENTRIES, start=1):
        await store.record.add(NOW, "kind", "odd" if number % 2 else "even", "who", {"text": "x" * size})


async def put(db: Db, statement: str, *parameters: object) -> None:
    """Change the record as only who has the file can."""

    def work(transaction: Transaction) -> None:
        transaction.execute("DROP TRIGGER record_kept")
        transaction.execute("DROP TRIGGER record_fixed")
        transaction.execute(statement, parameters)

    await db.write(work)


@pytest.mark.parametrize(("piece", "expected"), [(3, [3, 3, 1]), (7, [7]), (8, [7])])
async def test_verifying_reads_no_more_at_once_than_a_piece(
    empty_store: Store, counted: CountedDb, monkeypatch: pytest.MonkeyPatch, piece: int, expected: list[int]
) -> None:
    await fill(empty_store)
    monkeypatch.setattr(audit, "PIECE", piece)
    seen: list[int] = []
    found = await Store(counted).record.verify(seen.append)  # type: ignore[arg-type]
    last = (await empty_store.record.entries())[-1]
    assert (found.entries, found.last_hash, found.broken) == (7, last.hash, None)
    assert counted.read_rows == expected
    assert seen == [sum(expected[: number + 1]) for number in range(len(expected))]


async def test_long_entries_make_short_pieces(
    empty_store: Store, counted: CountedDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(empty_store, 10, 10, 900, 10, 10, 10)
    monkeypatch.setattr(audit, "PIECE_BYTES", 100)
    assert (await Store(counted).record.verify()).broken is None  # type: ignore[arg-type]
    assert counted.read_rows == [2, 1, 3]


async def test_an_empty_record_is_whole_and_has_no_last_hash(empty_store: Store) -> None:
    found = await empty_store.record.verify()
    assert (found.entries, found.last_hash, found.broken) == (0, "", None)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE record SET who = 'other' WHERE seq = 1", 1),
        ("UPDATE record SET who = 'other' WHERE seq = 4", 4),
        ("UPDATE record SET who = 'other' WHERE seq = 7", 7),
        ("DELETE FROM record WHERE seq = 4", 4),
        ("UPDATE record SET seq = 0 WHERE seq = 1", 1),
        ("UPDATE record SET seq = -9223372036854775808 WHERE seq = 7", 1),
        ("UPDATE record SET body = '[1]' WHERE seq = 5", 5),
        ("UPDATE record SET at = 'some time' WHERE seq = 6", 6),
    ],
)
async def test_what_was_changed_is_found_whichever_piece_it_lies_in(
    empty_store: Store, empty_db: Db, monkeypatch: pytest.MonkeyPatch, statement: str, broken: int
) -> None:
    await fill(empty_store)
    monkeypatch.setattr(audit, "PIECE", 3)
    await put(empty_db, statement)
    found = await empty_store.record.verify()
    assert found.broken == broken
    assert found.entries == (6 if statement.startswith("DELETE") else 7)


async def test_only_one_at_a_time_is_verified_and_the_next_after_it(empty_store: Store) -> None:
    await fill(empty_store)
    first, second = await asyncio.gather(
        empty_store.record.verify(), empty_store.record.verify(), return_exceptions=True
    )
    assert isinstance(first, audit.Verification)
    assert isinstance(second, RefusedError)
    assert (await empty_store.record.verify()).broken is None


async def test_somebody_who_went_away_while_it_was_verified_stops_nobody_after_him(empty_store: Store) -> None:
    await fill(empty_store)
    gone = asyncio.create_task(empty_store.record.verify())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    assert (await empty_store.record.verify()).broken is None


async def test_no_more_entries_are_read_than_fit_the_newest_first(store: Store) -> None:
    for n in range(4):
        await store.record.add(NOW, "kind", "odd", "who", {"n": n, "text": "x" * (100 if n else 1000)})
    length = len('{"n": 0, "text": ""}') + 100
    for most_bytes, expected in ((2 * length, [2, 3]), (2 * length - 1, [3]), (1, [3])):
        found = await store.record.entries(last=9, subject="odd", most_bytes=most_bytes)
        assert [entry.body["n"] for entry in found] == expected


async def test_what_is_older_than_an_entry_ends_with_the_one_before_it(store: Store) -> None:
    numbers = [await store.record.add(NOW, "kind", "odd" if n % 2 else "even", "who", {"n": n}) for n in range(6)]
    found = await store.record.entries(last=2, subject="odd", before=numbers[5])
    assert [entry.body["n"] for entry in found] == [1, 3]
    assert [entry.body["n"] for entry in await store.record.entries(last=2, before=numbers[5])] == [3, 4]

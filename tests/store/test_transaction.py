"""What a transaction promises to the parts of the store, whichever database keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.contracts import Db, Transaction

ADD = "INSERT INTO fires (job, at) VALUES (?, ?) ON CONFLICT DO NOTHING"
ALL = "SELECT job, at FROM fires ORDER BY job, at"


async def test_it_says_how_many_rows_it_changed(empty_db: Db) -> None:
    def work(transaction: Transaction) -> list[int]:
        transaction.execute_many(ADD, [("a", "1"), ("a", "2"), ("b", "1")])
        return [
            transaction.execute(ADD, ["c", "1"]),
            transaction.execute(ADD, ["c", "1"]),
            transaction.execute("UPDATE fires SET at = at WHERE job = ?", ["a"]),
            transaction.execute("DELETE FROM fires WHERE at = ?", ["1"]),
            transaction.execute("DELETE FROM fires WHERE at = ?", ["1"]),
        ]

    assert await empty_db.write(work) == [1, 0, 2, 3, 0]


async def test_what_returning_says_of_a_row_is_kept_for_others(empty_db: Db, new_db: Callable[[], Db]) -> None:
    added = await empty_db.write(lambda transaction: transaction.query(f"{ADD} RETURNING job", ["a", "1"]))
    again = await empty_db.write(lambda transaction: transaction.query(f"{ADD} RETURNING job", ["a", "1"]))
    assert (added, again) == ([{"job": "a"}], [])
    other = new_db()
    await other.open()
    assert await other.write(lambda transaction: transaction.execute(ADD, ["b", "1"])) == 1
    assert await other.read(lambda transaction: transaction.query(ALL)) == [
        {"job": "a", "at": "1"},
        {"job": "b", "at": "1"},
    ]
    await other.close()


async def test_work_that_raises_leaves_nothing_behind_and_the_next_works(empty_db: Db) -> None:
    def work(transaction: Transaction) -> None:
        transaction.execute(ADD, ["a", "1"])
        raise KeyError

    with pytest.raises(KeyError):
        await empty_db.write(work)
    assert await empty_db.read(lambda transaction: transaction.query(ALL)) == []
    assert await empty_db.write(lambda transaction: transaction.execute(ADD, ["b", "1"])) == 1


async def test_sql_that_is_wrong_is_an_error_of_the_store(empty_db: Db) -> None:
    with pytest.raises(StoreError):
        await empty_db.read(lambda transaction: transaction.query("SELECT nothing FROM nowhere"))
    assert await empty_db.read(lambda transaction: transaction.query(ALL)) == []


async def test_given_rows_are_a_table_however_many_and_whatever_they_hold(empty_db: Db) -> None:
    odd = ["", "O'Neil", 'a "b"', "a\\b", "ä, \U0001f600", "%s ? :x", "null"]
    jobs = [*odd, *map(str, range(40_000))]
    await empty_db.write(
        lambda transaction: transaction.execute_many(ADD, [(job, "1") for job in [*odd, "17", "none"]])
    )

    def work(transaction: Transaction) -> list[dict[str, str]]:
        return transaction.query(
            "SELECT fires.job, word FROM given JOIN fires USING (job) WHERE at = ? AND word != ?",
            ["1", "no"],
            given={"job": jobs, "word": [f"{job}!" for job in jobs]},
        )

    found = await empty_db.read(work)
    assert {row["job"]: row["word"] for row in found} == {job: f"{job}!" for job in [*odd, "17"]}
    assert len(found) == len(odd) + 1


async def test_nothing_given_is_an_empty_table(empty_db: Db) -> None:
    asked: dict[str, list[str]] = {"job": [], "word": []}
    rows = await empty_db.read(lambda transaction: transaction.query("SELECT job, word FROM given", given=asked))
    assert rows == []


async def test_text_is_compared_byte_by_byte(empty_db: Db) -> None:
    jobs = ["site:b", "site:B", "site;a", "site:", "site:_", "site:é", "site"]
    await empty_db.write(lambda transaction: transaction.execute_many(ADD, [(job, "1") for job in jobs]))
    rows = await empty_db.read(
        lambda transaction: transaction.query(
            "SELECT job FROM fires WHERE job > ? AND job < ? ORDER BY job", ["site:", "site;"]
        )
    )
    assert [row["job"] for row in rows] == ["site:B", "site:_", "site:b", "site:é"]


async def test_true_false_and_none_come_back_as_they_were_meant(empty_db: Db) -> None:
    def work(transaction: Transaction) -> dict[str, object]:
        transaction.execute(
            "INSERT INTO routes (route, done, in_doubt, failing_since_at) VALUES (?, ?, ?, ?)", ["env:A", 7, True, None]
        )
        return transaction.query("SELECT done, in_doubt, failing_since_at FROM routes")[0]

    row = await empty_db.write(work)
    assert (row["done"], bool(row["in_doubt"]), row["failing_since_at"]) == (7, True, None)
    await empty_db.write(lambda transaction: transaction.execute("UPDATE routes SET in_doubt = ?", [False]))
    (row,) = await empty_db.read(lambda transaction: transaction.query("SELECT in_doubt FROM routes"))
    assert not row["in_doubt"]

"""What every store test is surrounded by: it is there in every table, and a change to it is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.others import OF_NOBODY, changed_since, rows_of

if TYPE_CHECKING:
    from ops.contracts import Db, Transaction


async def test_others_have_something_in_every_table(db: Db) -> None:
    assert {table for table, rows in (await rows_of(db)).items() if not rows} == OF_NOBODY


async def test_what_is_changed_or_gone_is_seen_and_what_is_new_is_not(empty_db: Db) -> None:
    add = "INSERT INTO fires (job, at) VALUES (?, ?)"
    await empty_db.write(lambda transaction: transaction.execute_many(add, [("a", "1"), ("b", "1"), ("c", "1")]))
    before = await rows_of(empty_db)

    def work(transaction: Transaction) -> None:
        transaction.execute("UPDATE fires SET at = '2' WHERE job = 'a'")
        transaction.execute("DELETE FROM fires WHERE job = 'b'")
        transaction.execute(add, ["d", "1"])

    await empty_db.write(work)
    assert changed_since(before, await rows_of(empty_db)) == {"fires": [("a", "1"), ("b", "1")]}

"""Leases that have passed without waiting for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from ops.store import Store

LAPSE = ("UPDATE claims SET until_s = 0 WHERE until_s > 0", "UPDATE runs SET until_s = 0 WHERE until_s > 0")


async def let_leases_pass(store: Store) -> None:
    """End every lease of a store: whoever had one was away for too long."""
    db = cast("Any", store)._db
    for sql in LAPSE:
        await db.write(lambda transaction, sql=sql: transaction.execute(sql))

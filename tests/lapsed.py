"""Leases that have passed without waiting for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from ops.contracts import Transaction
    from ops.store import Store


async def let_leases_pass(store: Store, name: str = "") -> None:
    """End the lease of the claim on `name`, or every lease of a store: whoever had it was away for too long."""

    def lapse(transaction: Transaction) -> None:
        transaction.execute("UPDATE claims SET until_s = 0 WHERE until_s > 0 AND ? IN (name, '')", [name])
        transaction.execute("UPDATE runs SET until_s = 0 WHERE until_s > 0 AND ? = ''", [name])

    await cast("Any", store)._db.write(lapse)

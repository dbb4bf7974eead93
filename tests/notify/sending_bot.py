"""A bot that does nothing but send alerts, to be killed: STORE ADDRESS."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from notify.harness import ports_of, relaying

from ops.store import Store
from ops.store.sqlite.database import SqliteDb


async def main(path: Path, address: str) -> None:
    store = Store(SqliteDb(path))
    await store.open()
    async with relaying(ports_of(store), {"HOOK": address}):
        await asyncio.Event().wait()


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))

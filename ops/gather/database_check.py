"""Trying the accounts that load copies of databases: that they get in, and that they may do no more than that."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from core.databases.accounts import why_not_load_as
from core.errors import SharpnetError
from core.failure import Failure
from core.status.findings import Finding
from core.wording import count, listing

if TYPE_CHECKING:
    from core.databases.accounts import DatabaseAccount
    from core.fleet import Database
    from ops.ports import Ports

AT_ONCE = 8
NAMED = 3
_OWN = "Give each site a database user of its own in app.yaml (docs/databases.md)."


async def database_findings(ports: Ports) -> tuple[Finding, ...]:
    """Ask on each server what each account that loads copies there may do; nothing is changed.

    Of servers that the bot cannot log in to nothing is said here: that is found elsewhere.
    """
    gate = asyncio.Semaphore(AT_ONCE)
    wanted = [
        (server, database)
        for site in ports.fleet.sites.values()
        for database in site.databases
        for server in site.servers
    ]

    async def one(server: str, database: Database) -> DatabaseAccount | Failure | None:
        async with gate:
            try:
                return await ports.databases.account(database, server)
            except SharpnetError:
                return None

    answers = await asyncio.gather(*(one(server, database) for server, database in wanted))
    found: list[Finding] = []
    fitting: dict[str, int] = defaultdict(int)
    sharing: dict[tuple[str, str], tuple[str, ...]] = {}
    for (server, database), account in zip(wanted, answers, strict=True):
        if account is None:
            continue
        trouble = account if isinstance(account, Failure) else why_not_load_as(account, database.name, server)
        if trouble is not None:
            what = f"loading of the database {database.name} on {server}"
            found.append(Finding(what, ok=False, why=trouble.message, hint=trouble.hint))
        else:
            fitting[server] += 1
        if not isinstance(account, Failure) and not account.powers and account.elsewhere:
            sharing.setdefault((server, account.name), account.elsewhere)
    for server, number in fitting.items():
        found.append(Finding(f"loading of {count(number, 'database')} on {server}", ok=True))
    for (server, name), elsewhere in sharing.items():
        why = f"a dump of one site could change databases of others there: {listing(elsewhere, NAMED)}"
        found.append(Finding(f"the database user {name} on {server}", ok=True, why=why, hint=_OWN, warning=True))
    return tuple(found)

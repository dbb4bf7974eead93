"""Mailboxes made alike by the clock, and at once when a server returns, until cancelled."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from core.errors import SharpnetError, StoreDoubtError
from core.fleet.target import Target
from core.mailboxes.pairs import Pairing, due_moments, mirrored_exchangers
from jobs.mailboxes.cards import tell
from jobs.mailboxes.many import PARALLEL, find_mailboxes, make_all_alike
from jobs.mailboxes.one import MirrorRequest
from jobs.watch.isolation import OwnLacks, isolate_failure

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from datetime import datetime

    from core.fleet import Mail, MailMirror
    from ops.ports import Ports

log = logging.getLogger(__name__)

BY_CLOCK = "bot:mailboxes"
# So soon after its return a server's mail is brought together.
LOOK_S = 5.0


async def keep_mailboxes_alike(ports: Ports) -> None:
    """Make mailboxes alike whenever it is time, where the fleet wants it, until cancelled."""
    mail = ports.fleet.mail
    if mail is None or mail.mirror is None or not mirrored_exchangers(mail):
        return
    async with asyncio.TaskGroup() as group:
        keeper = Keeper(ports, mail, mail.mirror, group)
        while True:
            await keeper.contained(keeper.look())
            await ports.clock.sleep(LOOK_S)


class Keeper:
    """Begins a round whenever one is due. A mailbox that takes long is left out of later rounds, and delays none."""

    def __init__(self, ports: Ports, mail: Mail, mirror: MailMirror, group: asyncio.TaskGroup) -> None:
        self._ports = ports
        self._mail = mail
        self._mirror = mirror
        self._group = group
        self._gate = asyncio.Semaphore(PARALLEL)
        self._busy: set[str] = set()
        self._looking = False
        self._known: frozenset[datetime] = frozenset()
        self._lacks = OwnLacks(ports)

    async def look(self) -> None:
        """Begin a round where one is due that no other bot has begun. Raises StoreError, StoreDoubtError."""
        ports = self._ports
        if self._looking:
            return
        down, returned = await self._servers()
        moments = list(due_moments(self._mirror.every, returned, ports.clock.now()))
        new = [at for at in moments if at not in self._known]
        if not new:
            return
        if ports.standing is not None:
            await ports.standing.ask()
        due = [at for at in new if await ports.store.claims.fire("mailboxes:mirror", at)]
        self._known = frozenset(moments)
        if due:
            self._looking = True
            self._group.create_task(self.contained(self._round(down)), name="mailboxes-round")

    async def contained(self, work: Coroutine[object, object, None]) -> None:
        """Do some work whose failure, foreseen or not, is only of this time: the next look tries again."""
        await isolate_failure(_or_log(work), "mailboxes", self._lacks)

    async def _servers(self) -> tuple[set[str], list[datetime]]:
        """Return which exchangers are down, and when the others came up again."""
        down, returned = set(), []
        servers = mirrored_exchangers(self._mail)
        states = await self._ports.store.states.states_of(Target.server(server) for server in servers)
        for server in servers:
            state = states.get(Target.server(server))
            if state is not None and state.state == "down":
                down.add(server)
            elif state is not None:
                returned.append(state.since_at)
        return down, returned

    async def _round(self, down: set[str]) -> None:
        try:
            found = await find_mailboxes(self._ports, self._mail, down)
        finally:
            self._looking = False
        wanted = found.pairing
        if not down and not found.silent:
            await self._ports.store.mailboxes.keep_only((*wanted.pairs, *wanted.alone))
        begun = Pairing(
            tuple(pair for pair in wanted.pairs if pair.login not in self._busy),
            tuple(pair for pair in wanted.alone if pair.login not in self._busy),
        )
        logins = {pair.login for pair in (*begun.pairs, *begun.alone)}
        self._busy |= logins
        try:
            results = await make_all_alike(self._ports, begun, MirrorRequest(BY_CLOCK, asked=False), gate=self._gate)
        finally:
            self._busy -= logins
        bad = sum(result.trouble is not None for result in results)
        log.info(
            "mailboxes=mirror users=%d not_alike=%d silent=%s", len(results), bad, ",".join(found.silent) or "none"
        )
        await tell(self._ports, found.silent)


async def _or_log(work: Coroutine[object, object, None]) -> None:
    try:
        await work
    except StoreDoubtError as error:
        log.warning("mailboxes=mirror left out: %s", error.message)
    except SharpnetError as error:
        log.error("mailboxes=mirror failed: %s", error.message)  # noqa: TRY400 - told in full

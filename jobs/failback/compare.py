"""Returned copies beside the served ones: which there are, and what each has that the other has not. Only looks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import RefusedError
from core.failback.compare import Comparison, DatabaseSides, FailbackState, failback_state, tally
from core.failure import Failure
from core.wording import listing
from jobs.sync.serving import serving_now
from ops.first_error import first_error
from ops.gather.silent import silent_servers
from ops.or_failure import or_failure
from ops.rsync.locate import located
from ops.rsync.reconcile import ReturnedSite, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from core.databases.copies import DatabaseState
    from core.failback.compare import ReturnedCopy
    from core.fleet import Database, Site
    from ops.ports import Ports


async def failback_state_now(
    ports: Ports, asked: Mapping[str, Collection[str]], who: str, *, to_choose: bool = False
) -> FailbackState:
    """Return how the sites stand that are `asked` about, with DNS asked first where each is served from.

    asked: by site, the servers whose copies are meant; empty: all of them. to_choose: somebody has chosen between
    copies; raises RefusedError where nobody can say which one is served. Raises StoreError.
    """
    sites = [ports.fleet.sites[name] for name in asked]
    serving = await serving_now(ports, sites, who)
    unheard = [site.name for site in sites if serving.is_unheard(site)]
    if to_choose and unheard:
        raise RefusedError(
            f"{listing(unheard)}: {serving.doubts[unheard[0]].why}. Nothing was changed.",
            hint="Choose again when name servers answer: until then the copy that returned may be the served one.",
        )
    quarantined = {pair: (one.since_at, one.why) for pair, one in serving.quarantined.items()}
    each = [failback_state([site], asked[site.name], serving.active, quarantined) for site in sites]
    return FailbackState(
        tuple(one for found in each for one in found.returned),
        tuple(site for found in each for site in found.away),
        tuple(site for found in each for site in found.at_home),
    )


async def sites_about(ports: Ports, server: str) -> tuple[Site, ...]:
    """Return the sites whose home `server` is, and those of which a quarantined copy lies there."""
    quarantined = await ports.store.copies.quarantined()
    return tuple(
        site for site in ports.fleet.sites.values() if site.home == server or (site.name, server) in quarantined
    )


async def compare_returned(
    ports: Ports,
    returned: Sequence[ReturnedCopy],
    *,
    every_byte: bool,
    on_step: Callable[[ReturnedCopy, str], None] = lambda _returned, _step: None,
) -> tuple[Comparison, ...]:
    """Compare each returned copy with the served one, `sync.parallel` at a time; results in order, trouble in them.

    on_step gets what is done with each, in a word.
    """
    doing = _Comparing(ports, every_byte, on_step, dict(await silent_servers(ports, _servers_of(returned))))
    gate = asyncio.Semaphore(ports.fleet.sync.parallel)

    async def one(copy: ReturnedCopy) -> Comparison:
        async with gate:
            return await doing.one(copy)

    for copy in returned:
        on_step(copy, "waiting")
    with first_error():
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(one(copy)) for copy in returned]
    return tuple(task.result() for task in working)


def _servers_of(returned: Sequence[ReturnedCopy]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(server for copy in returned for server in (copy.server, copy.active)))


@dataclass(slots=True)
class _Comparing:
    ports: Ports
    every_byte: bool
    on_step: Callable[[ReturnedCopy, str], None]
    silent: dict[str, Failure] = field(default_factory=dict)

    async def one(self, copy: ReturnedCopy) -> Comparison:
        """Compare one copy, unless one of its servers was found silent."""
        trouble = self._known(copy)
        if trouble is not None:
            self.on_step(copy, "done")
            return Comparison(copy, every_byte=self.every_byte, trouble=trouble)
        self.on_step(copy, "comparing")
        comparison = await or_failure(self._compared(copy))
        if isinstance(comparison, Failure):
            comparison = Comparison(copy, every_byte=self.every_byte, trouble=comparison)
            # It may have died meanwhile: then the sites that wait need not each find that out.
            self.silent |= await silent_servers(self.ports, (copy.server, copy.active))
        self.on_step(copy, "done")
        return comparison

    async def _compared(self, copy: ReturnedCopy) -> Comparison:
        sides = await sides_of(self.ports, copy)
        found = (
            sides
            if isinstance(sides, Failure)
            else await compare(self.ports.ssh, self.ports.clock, sides, every_byte=self.every_byte)
        )
        if isinstance(found, Failure):
            return Comparison(copy, every_byte=self.every_byte, trouble=found)
        files, tallies = tally(found.files)
        databases = tuple([await self._database(copy, database) for database in copy.site.databases])
        return Comparison(copy, files, tallies, found.more, found.returned_files, self.every_byte, databases)

    async def _database(self, copy: ReturnedCopy, database: Database) -> DatabaseSides:
        both = await asyncio.gather(*(self._look(database, server) for server in (copy.server, copy.active)))
        return DatabaseSides(database, both[0], both[1])

    async def _look(self, database: Database, server: str) -> DatabaseState | Failure:
        return await or_failure(self.ports.databases.look_only(database, server))

    def _known(self, copy: ReturnedCopy) -> Failure | None:
        return self.silent.get(copy.server) or self.silent.get(copy.active)


async def sides_of(ports: Ports, copy: ReturnedCopy) -> ReturnedSite | Failure:
    """Return the servers of a returned copy, and where its content is there, as those who work there need them.

    Raises NotInFleetError, UnreachableError, LoginRefusedError.
    """
    returned, active = ports.fleet.server(copy.server), ports.fleet.server(copy.active)
    site = await located(ports.ssh, ports.fleet, copy.site, (returned, active))
    return site if isinstance(site, Failure) else ReturnedSite(site, returned, active)

"""Proving copies: when somebody asks, and a share of them each time that the clock does."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from core.verify.rotation import whose_turn
from jobs import Job
from jobs.sync.serving import serving_now
from jobs.verify.cards import tell
from jobs.verify.one import VerifyRequest, prove
from ops.first_error import first_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from core.fleet import Fleet, Site
    from core.verify.compare import Proof
    from jobs.sync.serving import Serving
    from ops.ports import Ports

__all__ = ["JOB", "verify_sites"]

BY_CLOCK = "bot:verify"
# A nightly sync of a large site may still be under way.
PATIENCE = timedelta(hours=2)


async def verify_sites(
    ports: Ports,
    sites: Sequence[Site],
    who: str,
    *,
    to: str | None = None,
    on_step: Callable[[str, str, str], None] = lambda _site, _mirror, _step: None,
) -> tuple[Proof, ...]:
    """Prove each copy of `sites` (only those on the server `to` if given), and return the results in order.

    on_step gets site, mirror and what is done. Sites without such a copy have no result. Raises StoreError.
    """
    serving = await serving_now(ports, sites, who)
    pairs = [(site, mirror) for site in sites for mirror in _copies(site, serving) if to in (None, mirror)]
    return await _prove_all(ports, pairs, VerifyRequest(who), serving, on_step)


async def verify_by_clock(ports: Ports, _key: str, _at: datetime) -> None:
    """Prove those copies whose turn it is, less those never made, and those in quarantine.

    Left out as well are sites of which nobody says where they are served: which copy is the original is not known then.
    """
    fleet = ports.fleet
    with_copies = [site for site in fleet.sites.values() if site.mirrors]
    serving = await serving_now(ports, with_copies, BY_CLOCK)
    copied = await ports.store.copies.last_good()
    pairs = [
        (site.name, mirror)
        for site in with_copies
        if not serving.is_unheard(site)
        for mirror in _copies(site, serving)
        if not serving.is_quarantined(site.name, mirror) and (site.name, mirror) in copied
    ]
    tried = {pair: run.at for pair, run in (await ports.store.proofs.last()).items()}
    turn = [(fleet.sites[site], mirror) for site, mirror in whose_turn(pairs, tried, fleet.sync.verify)]
    await _prove_all(ports, turn, VerifyRequest(BY_CLOCK, PATIENCE), serving, lambda _site, _mirror, _step: None)


def _copies(site: Site, serving: Serving) -> tuple[str, ...]:
    source = serving.active.get(site.name) or site.home
    return tuple(server for server in site.servers if server != source)


async def _prove_all(
    ports: Ports,
    pairs: Sequence[tuple[Site, str]],
    request: VerifyRequest,
    serving: Serving,
    on_step: Callable[[str, str, str], None],
) -> tuple[Proof, ...]:
    """Prove each (site, mirror), as many at once as there may be syncs; each is told of as soon as it has ended."""
    gate = asyncio.Semaphore(ports.fleet.sync.parallel)

    async def one(site: Site, mirror: str) -> Proof:
        async with gate:
            proof = await prove(ports, site, mirror, request, serving, lambda step: on_step(site.name, mirror, step))
            await tell(ports, proof)
        on_step(site.name, mirror, "done")
        return proof

    for site, mirror in pairs:
        on_step(site.name, mirror, "waiting")
    with first_error():
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(one(site, mirror)) for site, mirror in pairs]
    return tuple(task.result() for task in working)


def _triggers(fleet: Fleet) -> Iterable[tuple[str, str]]:
    if (
        fleet.schedule.verify is not None
        and fleet.sync.verify > 0
        and any(site.mirrors for site in fleet.sites.values())
    ):
        yield "weekly", fleet.schedule.verify


JOB = Job(name="verify", run=verify_by_clock, triggers=_triggers, acts=True)

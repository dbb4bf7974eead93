"""A picture of the fleet: from what the bot has stored, or, where no bot watches, from a quick look of our own.

Reading the store touches no network and takes a few milliseconds, with ten sites as with ten thousand.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from core.fleet.target import Target
from core.monitor.detection import TargetState
from core.monitor.state import Condition, condition, stale_after, tally, tally_of, worst_first
from core.status.overview import ROWS, CopyAges, FleetPicture, InProgress, count_by_server
from core.wording import AHEAD
from ops.cooperative import in_turns
from ops.gather.pointing import ActiveServerReader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping
    from datetime import datetime, timedelta

    from core.fleet import Fleet, Site
    from ops.contracts import Look
    from ops.ports import Ports
    from ops.store import Store
    from ops.store.monitor.states import ObservedState

LOOKED_SITES = 200
AT_ONCE = 64
LOOK_S = 3.0
# Counting the ages of thousands of copies takes long: there, a bot counts them in the background each minute, so
# that nobody waits for it. Of fewer they are counted when they are asked for, and so include the sync just now.
COUNTED_AT_ONCE = 1000
AGES_KEPT_S = 120.0

_ages: WeakKeyDictionary[Store, CopyAges] = WeakKeyDictionary()


async def is_watched(ports: Ports) -> bool:
    """Return whether a bot watches: something was looked at lately."""
    at = await ports.store.states.last_look_at()
    return at is not None and abs(ports.clock.now() - at) <= stale_after(ports.fleet.watch)


async def stored_picture(ports: Ports) -> FleetPicture:
    """Return the picture that the store holds."""
    fleet, now, watching = ports.fleet, ports.clock.now(), ports.store.states
    machines = [*map(Target.server, fleet.servers), *(Target.nameserver(one.name) for one in fleet.dns.nameservers)]
    seen = await watching.states_of(machines)
    counts = await watching.counts(now - stale_after(fleet.watch))
    sites = {state: number for (kind, state), number in counts.items() if kind == "site"}
    worst = await watching.not_up("site", ROWS)
    names = [one.target.name for one in worst]
    active = await watching.served_from(names)
    return FleetPicture(
        fleet=fleet,
        now=now,
        servers={name: _condition(seen.get(Target.server(name)), now, fleet) for name in fleet.servers},
        nameservers={
            server.name: _condition(seen.get(Target.nameserver(server.name)), now, fleet)
            for server in fleet.dns.nameservers
        },
        sites=tally_of(sites, len(fleet.sites)),
        worst=tuple(
            (name, active.get(name, fleet.sites[name].home), _condition(one, now, fleet))
            for name, one in zip(names, worst, strict=True)
            if name in fleet.sites
        ),
        served=await sites_served(ports),
        ages=await copy_ages(ports),
        work=await running_work(ports),
        mailboxes=await ports.store.mailboxes.all(),
    )


async def site_conditions(ports: Ports, names: Iterable[str] | None = None) -> Mapping[str, Condition]:
    """Return how these sites are, from the store; None: all of them."""
    now, watching = ports.clock.now(), ports.store.states
    wanted = list(ports.fleet.sites if names is None else names)
    targets = [*map(Target.site, wanted)]
    seen = await watching.states() if names is None else await watching.states_of(targets)
    return {name: _condition(seen.get(target), now, ports.fleet) for name, target in zip(wanted, targets, strict=True)}


async def looked_picture(
    ports: Ports, first: str = ""
) -> tuple[FleetPicture, Mapping[str, Condition], Mapping[str, str]]:
    """Look at all servers and name servers, and at some sites (`first` is among them), once and now.

    Nothing of it is stored: one look from one place is no watch. Returns the picture, each looked-at site's
    condition, and where DNS points to now.
    """
    fleet, now = ports.fleet, ports.clock.now()
    timeout_s = min(LOOK_S, fleet.watch.timeout.total_seconds())
    ordered = sorted(fleet.sites.values(), key=lambda site: site.name != first)
    chosen = list(islice(ordered, LOOKED_SITES))
    active = dict(await ports.store.copies.active()) | dict(await ActiveServerReader(fleet, ports.dns).of(chosen))
    active = {name: active.get(name, site.home) for name, site in fleet.sites.items()}
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated(look: Awaitable[Look]) -> Look:
        async with gate:
            return await look

    probe, zone = ports.probe, fleet.dns.zones[0]
    banners, answers, named = await asyncio.gather(
        asyncio.gather(*(probe.ssh_banner(name, timeout_s=timeout_s) for name in fleet.servers)),
        asyncio.gather(*(gated(probe.site(site, active[site.name], timeout_s=timeout_s)) for site in chosen)),
        asyncio.gather(*(probe.nameserver(one.name, zone, timeout_s=timeout_s) for one in fleet.dns.nameservers)),
    )
    sites = {site.name: _looked(look, now) for site, look in zip(chosen, answers, strict=True)}
    serving = {active[name] for name, one in sites.items() if one.state is TargetState.UP}
    servers = {
        name: _looked(look, now, answers=name in serving) for name, look in zip(fleet.servers, banners, strict=True)
    }
    troubled = [(name, active[name], one) for name, one in sites.items() if one.state is not TargetState.UP]
    troubled.sort(key=lambda item: worst_first(item[2].state, item[0]))
    counted = tally(one.state for one in sites.values())
    picture = FleetPicture(
        fleet=fleet,
        now=now,
        servers=servers,
        nameservers={one.name: _looked(look, now) for one, look in zip(fleet.dns.nameservers, named, strict=True)},
        sites=tally_of({"up": counted.up, "down": counted.down}, len(fleet.sites)),
        worst=tuple(troubled[:ROWS]),
        served=Counter(active.values()),
        ages=await copy_ages(ports),
        work=await running_work(ports),
        mailboxes=await ports.store.mailboxes.all(),
        watched=False,
        unseen=len(fleet.sites) - len(sites),
    )
    return picture, sites, active


async def copy_ages(ports: Ports) -> CopyAges:
    """Return how old the copies are; of very many, as they were counted a moment ago."""
    kept = _ages.get(ports.store) if len(ports.fleet.sites) > COUNTED_AT_ONCE else None
    if kept is not None and abs((ports.clock.now() - kept.read_at).total_seconds()) < AGES_KEPT_S:
        return kept
    return await count_ages(ports)


async def count_ages(ports: Ports) -> CopyAges:
    """Count how old the copies are, and keep that for `copy_ages`; a quarantined one is told apart, as work to do."""
    now = ports.clock.now()
    fleet = ports.fleet
    active, quarantined = await ports.store.copies.active(), await ports.store.copies.quarantined()
    wanted: dict[timedelta, list[tuple[str, str]]] = {}
    async for some in in_turns(fleet.sites.values()):
        for site in some:
            pairs = ((site.name, server) for server in _mirrors(site, active))
            wanted.setdefault(site.max_age, []).extend(pair for pair in pairs if pair not in quarantined)
    oldest: list[tuple[datetime, str, str]] = []
    overdue = ahead = missing = 0
    for max_age, copies in wanted.items():
        async for asked in in_turns(copies, COUNTED_AT_ONCE):
            found = await ports.store.states.oldest_copies(asked, now - max_age, now + AHEAD)
            overdue, ahead, missing = overdue + found.overdue, ahead + found.ahead, missing + found.missing
            oldest += [found.oldest] if found.oldest is not None else []
    exceptions = sum(not site.mirrors for site in fleet.sites.values())
    backed_up = await ports.store.protection.backed_up()
    backups = [backed_up[name] for name in fleet.sites if name in backed_up]
    ages = CopyAges(
        min(oldest, default=None),
        overdue,
        missing,
        exceptions,
        now,
        ahead=ahead,
        nowhere=await ports.store.protection.kept_nowhere(fleet.sites),
        unbacked=len(fleet.sites) - len(backups) if fleet.offsite is not None else None,
        oldest_backup_at=min(backups, default=None) if fleet.offsite is not None else None,
    )
    _ages[ports.store] = ages
    return ages


async def running_work(ports: Ports) -> InProgress:
    """Return what is going on."""
    store = ports.store
    return InProgress(
        plans=tuple((plan.id, plan.state.value, plan.title) for plan in await store.plans.open()),
        syncs=tuple(f"{run.site} to {run.mirror}" for run in await store.copies.running_syncs()),
        outages=await store.outages.all_open(),
        quarantined=count_by_server(list(await store.copies.quarantined())),
        maintenance=await store.maintenance.now_and_planned(),
    )


async def sites_served(ports: Ports) -> Mapping[str, int]:
    """Return how many sites each server serves; a site whose DNS was never seen is served from its home."""
    counted, fleet = await ports.store.states.served_counts(), ports.fleet
    if sum(counted.values()) == len(fleet.sites):
        return counted
    active = await ports.store.copies.active()
    return Counter(active.get(name, site.home) for name, site in fleet.sites.items())


def _mirrors(site: Site, active: Mapping[str, str]) -> list[str]:
    serving = active.get(site.name, site.home)
    return [server for server in site.servers if server != serving]


def _condition(seen: ObservedState | None, now: datetime, fleet: Fleet) -> Condition:
    if seen is None:
        return Condition(why="never looked at")
    return condition(seen.state, seen.since_at, seen.seen_at, seen.why, now, fleet.watch)


def _looked(look: Look, now: datetime, *, answers: bool = False) -> Condition:
    if look.ok:
        return Condition(TargetState.UP, None, "", now)
    if answers:
        return Condition(TargetState.DEGRADED, None, f"SSH: {look.why}; its sites answer", now)
    return Condition(TargetState.DOWN, None, look.why, now)

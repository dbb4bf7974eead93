"""Gathering the facts that preflight judges: everything is looked at afresh, all at once, each look with a deadline."""

from __future__ import annotations

import asyncio
import re
import shlex
from typing import TYPE_CHECKING

from core.cutover.preflight_facts import Observation, PreflightFacts, TargetCopy
from core.dns.pointing import FAMILIES
from core.errors import SharpnetError
from core.fleet.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.plan.plan import Move, Plan, ZoneChange
    from ops.contracts import Look
    from ops.gather.zones import ZonesRead
    from ops.ports import Ports

AT_ONCE = 64
VANTAGES = 2
# A moving site that still answers at its source shows in a sample; ten thousand looks at a dead server would not end.
MOST_SERVING_LOOKS = 50
SSH_S = 10.0


async def gather_facts(ports: Ports, plan: Plan, unhandled_names: tuple[str, ...], read: ZonesRead) -> PreflightFacts:
    """Look at everything that matters for `plan` and return it."""
    fleet, moves = ports.fleet, plan.moves
    looking = _PreflightLooks(ports)
    zones = tuple(dict.fromkeys(zone.zone for zone in plan.zones))
    async with asyncio.TaskGroup() as group:
        seen = {source: group.create_task(looking.sightings(source, plan.targets)) for source in plan.sources}
        serving = {source: group.create_task(looking.serving(source, moves)) for source in plan.sources}
        logins = {target: group.create_task(looking.login(target, moves)) for target in plan.targets}
        answers = [group.create_task(looking.site(move.site, move.target)) for move in moves]
        updates = {zone.key: group.create_task(looking.update(zone)) for zone in plan.zones}
        servers = {ns.name: group.create_task(looking.nameserver(ns.name, zones)) for ns in fleet.dns.nameservers}
    last_good = await ports.store.copies.last_good()
    copies = tuple(
        TargetCopy(
            site=move.site,
            server=move.target,
            answers=answer.result(),
            last_good_at=good.begun_at if (good := last_good.get((move.site, move.target))) else None,
            max_age=fleet.sites[move.site].max_age,
        )
        for move, answer in zip(moves, answers, strict=True)
    )
    now = ports.clock.now()
    busy = {claim.name: claim.purpose for claim in await ports.store.claims.held()}
    last_moves = await ports.store.plans.last_moves()
    nameservers = {name: task.result() for name, task in servers.items()}
    login = {target: task.result() for target, task in logins.items()}
    records = [r for reading in read.readings.values() for r in reading.records if r.type in FAMILIES]
    moving_names = {name for move in moves for name in fleet.sites[move.site].names}
    return PreflightFacts(
        now=now,
        purpose=plan.purpose,
        sources={source: task.result() for source, task in seen.items()},
        serving={source: task.result() for source, task in serving.items()},
        own_link=any(sighting.ok for sighting, _ in login.values())
        or any(not isinstance(answer, str) for answer in nameservers.values()),
        targets={target: sighting for target, (sighting, _) in login.items()},
        copies=copies,
        updates={**{key: task.result() for key, task in updates.items()}, **read.silent},
        promises=ports.dns.promises,
        nameservers=nameservers,
        serials=_serials(read, zones),
        max_ttl_s=fleet.dns.max_ttl_s,
        disks={target: fullest for target, (_, fullest) in login.items() if fullest is not None},
        busy=tuple((move.site, busy[claim]) for move in moves if (claim := str(Target.site(move.site))) in busy),
        long_ttls=tuple(
            (record.owner, record.ttl_s)
            for record in records
            if record.owner in moving_names and record.ttl_s > fleet.dns.max_ttl_s
        ),
        recent=tuple((move.site, last_moves[move.site]) for move in moves if move.site in last_moves),
        unread=tuple(dict.fromkeys(zone for (_, zone), reading in read.readings.items() if not reading.complete)),
        unhandled_names=(*unhandled_names, *read.not_served),
        stray_records=plan.stray_records,
        backed_up=tuple(move.site for move in moves if f"backup:{move.site}" in busy),
    )


class _PreflightLooks:
    """Looks, a bounded number at a time."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._timeout_s = ports.fleet.watch.timeout.total_seconds()

    async def sightings(self, source: str, targets: tuple[str, ...]) -> Mapping[str, Observation | None]:
        """Look at a server that sites leave: from here, and from other servers, those that they go to first."""
        others = [*targets, *(name for name in self._ports.fleet.servers if name not in targets)]
        vantages = [name for name in dict.fromkeys(others) if name != source][:VANTAGES]
        here = self._ports.probe.ssh_banner(source, timeout_s=self._timeout_s)
        there = [
            self._ports.probe.second_look(vantage, Target.server(source), timeout_s=self._timeout_s)
            for vantage in vantages
        ]
        first, *second = await asyncio.gather(here, *there)
        return {"here": _sighting(first), **{v: _sighting(look) for v, look in zip(vantages, second, strict=True)}}

    async def serving(self, source: str, moves: tuple[Move, ...]) -> tuple[int, int]:
        """Return how many of the moving sites the source still serves, of how many that were looked at."""
        sites = [move.site for move in moves if move.source == source][:MOST_SERVING_LOOKS]
        looks = await asyncio.gather(*(self.site(site, source) for site in sites))
        return sum(sighting.ok for sighting in looks), len(sites)

    async def site(self, site: str, server: str) -> Observation:
        """Look at a site by name on one server."""
        async with self._gate:
            look = await self._ports.probe.site(self._ports.fleet.sites[site], server, timeout_s=self._timeout_s)
        return Observation(look.ok, look.why)

    async def login(self, target: str, moves: tuple[Move, ...]) -> tuple[Observation, float | None]:
        """Log in to a server that sites go to, and return the fullest share of the disks under their roots."""
        roots = dict.fromkeys(self._ports.fleet.sites[m.site].root_on(target) for m in moves if m.target == target)
        paths = " ".join(shlex.quote(root) for root in list(roots)[:MOST_SERVING_LOOKS])
        try:
            ran = await self._ports.ssh.run(
                target, f"df -P -- {paths} 2>/dev/null; df -P -i -- {paths} 2>/dev/null", timeout_s=SSH_S
            )
        except SharpnetError as error:
            return Observation(ok=False, why=error.message), None
        shares = [int(share) / 100 for share in re.findall(rb"\s(\d+)%\s", ran.out)]
        return Observation(ok=True), max(shares, default=None)

    async def update(self, zone: ZoneChange) -> str | None:
        """Return why the zone's update server would not take an update, or None."""
        async with self._gate:
            try:
                records = [(change.owner, change.type) for change in zone.changes]
                await self._ports.dns.try_update(zone.update, zone.zone, records)
            except SharpnetError as error:
                return error.message
        return None

    async def nameserver(self, name: str, zones: tuple[str, ...]) -> str | Mapping[str, int]:
        """Return the serials that a name server answers by zone, or why it does not answer."""
        endpoint = next(ns.endpoint for ns in self._ports.fleet.dns.nameservers if ns.name == name)
        serials: dict[str, int] = {}

        async def ask(zone: str) -> None:
            async with self._gate:
                serials[zone] = await self._ports.dns.serial(endpoint, zone, timeout_s=self._timeout_s)

        try:
            # The first zone alone: a dead server then costs one time-out, not one a zone.
            for zone in zones[:1]:
                await ask(zone)
            await asyncio.gather(*(ask(zone) for zone in zones[1:]))
        except SharpnetError as error:
            return error.message
        return serials


def _sighting(look: Look | None) -> Observation | None:
    return None if look is None else Observation(look.ok, look.why)


def _serials(read: ZonesRead, zones: tuple[str, ...]) -> Mapping[str, tuple[int, ...]]:
    return {zone: tuple(r.serial for (_, held), r in read.readings.items() if held == zone) for zone in zones}

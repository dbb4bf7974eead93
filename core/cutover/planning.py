"""Making a plan: which sites move where, and which records that changes.

`readings` are what the update servers hold now, by (update server, zone). Only records that hold an address of the
source change; a hand-made record that points elsewhere stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.dns.pointing import FAMILIES, spared_exchangers
from core.dns.records import RecordChange, RecordSet
from core.plan.hooks import hooks_of
from core.plan.plan import Failover, Move, Rollback, ZoneChange
from core.wording import listing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from core.dns.records import ZoneReading
    from core.fleet import Endpoint, Fleet, Server, Site
    from core.plan.plan import Plan

    Readings = Mapping[tuple[Endpoint, str], ZoneReading]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which sites move, and which stay although one might expect them to move, each with why."""

    moves: tuple[Move, ...]
    left_alone: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DnsChangeSet:
    """What moving takes in DNS.

    zones: the changes. unhandled_names: names of moving sites that do not simply follow, each with why not.
    stray_records: those that point at a source and are no site's (only from zones that were read whole).
    """

    zones: tuple[ZoneChange, ...]
    unhandled_names: tuple[str, ...] = ()
    stray_records: tuple[str, ...] = ()


def choose_moves(
    fleet: Fleet,
    active: Mapping[str, str],
    asked: Collection[str],
    to: str | None,
    quarantined: Collection[tuple[str, str]] = (),
    without: Collection[str] = (),
) -> Choice:
    """Choose what moves where: `asked` holds names of servers (all that is served there) and of sites.

    active: the server that serves each site now. to: the server to go to; None: the first of the site's servers that
    may serve it. Sites served elsewhere than on an asked server are not dragged along.
    """
    moves: list[Move] = []
    left_alone: list[tuple[str, str]] = []
    for site in fleet.sites.values():
        source = active.get(site.name, site.home)
        if site.name not in asked and source not in asked:
            continue
        if site.name in without:
            left_alone.append((site.name, "left out as asked"))
            continue
        if source not in fleet.servers:
            left_alone.append((site.name, f"it is served from {source}, which is no longer in the fleet file"))
            continue
        candidates = [to] if to is not None else [server for server in site.servers if server != source]
        reasons = {server: why_not_to(site, source, server, quarantined) for server in candidates}
        fitting = [server for server, why in reasons.items() if why is None]
        if fitting:
            moves.append(Move(site.name, source, fitting[0]))
        else:
            reason = "; ".join(why for why in reasons.values() if why is not None)
            left_alone.append((site.name, reason or "it has no mirror"))
    return Choice(tuple(moves), tuple(left_alone))


def in_waves(moves: tuple[Move, ...], size: int) -> tuple[Move, ...]:
    """Return `moves` as waves of at most `size` sites, in their order; size 0: all in one."""
    return tuple(replace(move, wave=number // size) for number, move in enumerate(moves)) if size else moves


def why_not_to(site: Site, source: str, target: str, quarantined: Collection[tuple[str, str]]) -> str | None:
    """Say why `site` cannot go from `source` to `target`, or None where it can."""
    if target == source:
        return f"it is served from {target} already"
    if target not in site.servers:
        return f"{target} keeps no copy of it" if site.mirrors else "it has no mirror"
    if (site.name, target) in quarantined:
        return f"its copy on {target} is quarantined until someone has chosen (`failback` shows how)"
    return None


def served_from(fleet: Fleet, site: Site, readings: Readings) -> str | None:
    """Return the one server that all of the site's address records point to; None where they disagree or are absent."""
    owners = {address: server.name for server in fleet.servers.values() for address in _addresses(server)}
    values = {
        value
        for name in site.names
        for (_, zone), reading in readings.items()
        if zone == fleet.zone_of(name)
        for record in reading.records
        if record.owner == name and record.type in FAMILIES
        for value in record.values
    }
    servers = {owners.get(value) for value in values}
    return servers.pop() if len(servers) == 1 else None


def draw_changes(fleet: Fleet, moves: tuple[Move, ...], readings: Readings) -> DnsChangeSet:
    """Return every record set that `moves` change, as each update server holds it now."""
    zones: list[ZoneChange] = []
    unhandled: list[str] = []
    stray: list[str] = []
    moving = {name: move for move in moves for name in fleet.sites[move.site].names}
    spared = spared_exchangers(fleet, [record for reading in readings.values() for record in reading.records])
    for (update, zone), reading in readings.items():
        here = {(record.owner, record.type): record for record in reading.records}
        by_wave: dict[int, list[RecordChange]] = {}
        for name, move in moving.items():
            if fleet.zone_of(name) == zone:
                source, target = fleet.servers[move.source], fleet.servers[move.target]
                found = _changes_of_name(name, source, target, here)
                if found:
                    by_wave.setdefault(move.wave, []).extend(found)
                else:
                    unhandled += _why_unhandled(name, source, target, here, moving)
        zones += [ZoneChange(update, zone, reading.serial, tuple(of), wave) for wave, of in by_wave.items()]
        stray += _stray_records(fleet, moves, reading, spared)
    zones.sort(key=lambda one: one.wave)
    return DnsChangeSet(tuple(zones), tuple(dict.fromkeys(unhandled)), tuple(dict.fromkeys(stray)))


def what_changed(plan: Plan, fleet: Fleet, readings: Readings) -> tuple[str, ...]:
    """Say what is no longer as `plan` shows it, one line a difference; empty: it may go on.

    For a failover the plan is drawn again from the live zones and the live fleet. A rollback is compared record by
    record with what the cutover left behind. Hooks are those of the live fleet either way.
    """
    if isinstance(plan.purpose, Failover):
        gone = [move.site for move in plan.moves if move.site not in fleet.sites]
        gone += [s for move in plan.moves for s in (move.source, move.target) if s not in fleet.servers]
        if gone:
            return tuple(f"{name} is no longer in the fleet file" for name in dict.fromkeys(gone))
        now = {zone.key: zone for zone in draw_changes(fleet, plan.moves, readings).zones}
    else:
        now = {zone.key: _as_it_is(zone, readings) for zone in plan.zones}
    then = {zone.key: zone for zone in plan.zones}
    lines: list[str] = []
    for key in sorted(then.keys() | now.keys()):
        before = {(c.owner, c.type): c for c in then[key].changes} if key in then else {}
        after = {(c.owner, c.type): c for c in now[key].changes} if key in now else {}
        for owner, rdtype in sorted(before.keys() | after.keys()):
            old, new = before.get((owner, rdtype)), after.get((owner, rdtype))
            if old != new:
                lines.append(_difference(owner, rdtype, old, new))
    return (*lines, *_hooks_changed(plan, fleet))


def quarantined_since(plan: Plan, quarantined: Mapping[tuple[str, str], tuple[datetime, str]]) -> tuple[str, ...]:
    """Say which copies that `plan` moves to were quarantined since it was made; the records may fit again by then.

    quarantined: by (site, server), since when and why. A rollback goes to what its cutover has left in quarantine.
    """
    undone = plan.purpose.of if isinstance(plan.purpose, Rollback) else None
    lines = []
    for move in plan.moves:
        since_at, why = quarantined.get((move.site, move.target), (None, ""))
        if since_at is None or (undone is not None and (why.endswith(f" {undone}") or since_at <= plan.asked_at)):
            continue
        lines.append(f"the copy of {move.site} on {move.target} is quarantined since: {why}")
    return tuple(lines)


def _hooks_changed(plan: Plan, fleet: Fleet) -> tuple[str, ...]:
    now = hooks_of(plan, fleet).runs
    if now == plan.hooks:
        return ()
    sites = sorted({hook.site for hook in {*plan.hooks} ^ {*now}}) or plan.sites
    return (f"the hooks of {listing(sites)} are no longer those of the plan",)


def _changes_of_name(
    name: str, source: Server, target: Server, here: Mapping[tuple[str, str], RecordSet]
) -> list[RecordChange]:
    changes: list[RecordChange] = []
    for rdtype, leaving, coming in zip(FAMILIES, _both(source), _both(target), strict=True):
        old = here.get((name, rdtype))
        if old is None or leaving is None or leaving not in old.values:
            continue
        values = tuple(sorted({value for value in old.values if value != leaving} | ({coming} if coming else set())))
        changes.append(RecordChange(old, RecordSet(name, rdtype, old.ttl_s, values) if values else None))
    if changes and not any(change.new is not None for change in changes):
        # The target speaks only the other family: without this the name would be left with no address at all.
        old = changes[0].old
        for rdtype, coming in zip(FAMILIES, _both(target), strict=True):
            if coming and old is not None and rdtype != old.type:
                there = here.get((name, rdtype))
                values = tuple(sorted({*(there.values if there else ()), coming}))
                changes.append(RecordChange(there, RecordSet(name, rdtype, old.ttl_s, values)))
    return changes


def _why_unhandled(
    name: str,
    source: Server,
    target: Server,
    here: Mapping[tuple[str, str], RecordSet],
    moving: Mapping[str, Move],
) -> list[str]:
    alias = here.get((name, "CNAME"))
    if alias is not None:
        return [] if alias.values[0] in moving else [f"{name} is an alias of {alias.values[0]}, which does not move"]
    values = [value for rdtype in FAMILIES if (name, rdtype) in here for value in here[name, rdtype].values]
    if not values:
        return [f"{name} has no address record of its own"]
    if set(values) <= _addresses(target):
        return [f"{name} points to {target.name} already"]
    return [f"{name} points to {', '.join(values)}, not to {source.name}, and stays so"]


def _stray_records(fleet: Fleet, moves: tuple[Move, ...], reading: ZoneReading, spared: frozenset[str]) -> list[str]:
    of_sites = {name for site in fleet.sites.values() for name in site.names}
    leaving = {
        address: source
        for source in dict.fromkeys(move.source for move in moves)
        for address in _addresses(fleet.servers[source])
    }
    return [
        f"{record.owner} {record.type} {value} ({leaving[value]})"
        for record in reading.records
        if record.type in FAMILIES and record.owner not in of_sites | spared
        for value in record.values
        if value in leaving
    ]


def _as_it_is(zone: ZoneChange, readings: Readings) -> ZoneChange:
    reading = readings.get((zone.update, zone.zone))
    here = {(record.owner, record.type): record for record in reading.records} if reading else {}
    changes = tuple(RecordChange(here.get((c.owner, c.type)), c.new) if reading else c for c in zone.changes)
    return ZoneChange(zone.update, zone.zone, zone.serial, tuple(c for c in changes if c.old != c.new), zone.wave)


def _difference(owner: str, rdtype: str, old: RecordChange | None, new: RecordChange | None) -> str:
    shown = _values(old.old) if old else "not in the plan"
    if new is None:
        return f"{owner} {rdtype}: the plan has {shown}; there is nothing to change any more"
    if old is not None and old.old == new.old:
        return f"{owner} {rdtype}: would become {_values(new.new)} instead of {_values(old.new)}"
    return f"{owner} {rdtype}: the plan has {shown}; now it is {_values(new.old)}"


def _values(record: RecordSet | None) -> str:
    return "nothing" if record is None else f"{', '.join(record.values)} (TTL {record.ttl_s})"


def _both(server: Server) -> tuple[str | None, str | None]:
    return server.ipv4, server.ipv6


def _addresses(server: Server) -> set[str]:
    return {address for address in _both(server) if address}

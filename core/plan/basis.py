"""What of the fleet file a plan rests on: kept and approved with it, and compared with the file whenever it is used.

A plan outlives the process that made it: whoever carries it out may have been started with another fleet file, and the
file may have changed since. What the plan itself holds suffices to ask its name servers, to say what has moved, and to
thaw; nothing is begun of it, and no zone changed, where the file no longer says what people approved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.fleet.dns import Endpoint, NameServer
from core.plan.restore import Restore
from core.wording import listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from core.fleet import Fleet, Server, Site
    from core.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class PlannedServer:
    """A server of a plan, with the addresses that it had in the fleet file."""

    name: str
    ipv4: str | None
    ipv6: str | None


@dataclass(frozen=True, slots=True)
class PlannedSite:
    """A site of a plan: its names, and by server of the plan that holds a copy of it, where that lies."""

    name: str
    names: tuple[str, ...]
    roots: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FleetBasis:
    """What the fleet file said, when a plan was made, of what it uses. nameservers: all those that are asked."""

    servers: tuple[PlannedServer, ...]
    sites: tuple[PlannedSite, ...]
    nameservers: tuple[NameServer, ...]


def basis_of(plan: Plan, fleet: Fleet) -> FleetBasis:
    """Return what `plan`, which was just drawn from `fleet`, rests on; each of its servers and sites is in it."""
    used: dict[str, tuple[str, ...]] = {move.site: (move.source, move.target) for move in plan.moves}
    if isinstance(plan.purpose, Restore):
        used[plan.purpose.site] = (plan.purpose.server,)
    hooked = [hook.server for hook in plan.hooks]
    servers = dict.fromkeys([*(server for pair in used.values() for server in pair), *hooked])
    return FleetBasis(
        servers=tuple(_planned(fleet.servers[server]) for server in servers),
        sites=tuple(_planned_site(fleet.sites[site], servers) for site, servers in used.items()),
        nameservers=fleet.dns.nameservers,
    )


def names_of_sites(plan: Plan, fleet: Fleet) -> Mapping[str, tuple[str, ...]]:
    """Return the names of each site of `plan`, as it was made; of one made before it held them, those of the fleet."""
    names = {site: fleet.sites[site].names for site in plan.sites if site in fleet.sites}
    return names | ({site.name: site.names for site in plan.basis.sites} if plan.basis is not None else {})


def fleet_differences(plan: Plan, fleet: Fleet, wave: int | None = None) -> tuple[str, ...]:
    """Say what `fleet` lacks, or has otherwise, of what `plan` needs, one line each; empty: it may go on.

    wave: only what this wave needs; None: all of it. Name servers are not among it: `name_servers_to_ask` says which
    of them count.
    """
    return tuple(dict.fromkeys(_differences(plan, fleet, wave)))


def name_servers_changed(plan: Plan, fleet: Fleet) -> tuple[str, ...]:
    """Say which name servers `plan` was made with and `fleet` has no longer, or the other way round.

    A plan that changes no zone needs none.
    """
    if plan.basis is None or not plan.zones:
        return ()
    then = {one.name: one.endpoint for one in plan.basis.nameservers}
    now = {one.name: one.endpoint for one in fleet.dns.nameservers}
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    return (f"the name servers are no longer those of the plan: {listing(changed)}",) if changed else ()


@dataclass(frozen=True, slots=True)
class NameServersToAsk:
    """Who has to agree with a plan's changes. gone: those it was approved with and the fleet file has no longer."""

    asked: tuple[NameServer, ...]
    gone: tuple[str, ...] = ()


def name_servers_to_ask(plan: Plan, own: Fleet, now: Fleet | None) -> NameServersToAsk:
    """Say who has to agree before `plan` is confirmed: the name servers of the fleet file of `now`.

    own: the fleet as this process was started with it; it counts only for a plan that was made before plans held their
    name servers. now: None where the fleet file cannot be used; then all those of the plan count.
    """
    approved = plan.basis.nameservers if plan.basis is not None else own.dns.nameservers
    if now is None:
        return NameServersToAsk(approved)
    there = {one.name for one in now.dns.nameservers}
    return NameServersToAsk(now.dns.nameservers, tuple(one.name for one in approved if one.name not in there))


def basis_from_json(plain: Mapping[str, Any] | None) -> FleetBasis | None:
    """Return the basis as `dataclasses.asdict` gave it, after JSON; None: the plan is older than that."""
    if plain is None:
        return None
    return FleetBasis(
        servers=tuple(PlannedServer(**server) for server in plain["servers"]),
        sites=tuple(
            PlannedSite(site["name"], tuple(site["names"]), tuple((server, root) for server, root in site["roots"]))
            for site in plain["sites"]
        ),
        nameservers=tuple(
            NameServer(one["name"], Endpoint(**one["endpoint"]), one["location"]) for one in plain["nameservers"]
        ),
    )


def _planned(server: Server) -> PlannedServer:
    return PlannedServer(server.name, server.ipv4, server.ipv6)


def _planned_site(site: Site, servers: tuple[str, ...]) -> PlannedSite:
    roots = tuple((server, site.root_on(server)) for server in servers if server in site.servers)
    return PlannedSite(site.name, site.names, roots)


def _differences(plan: Plan, fleet: Fleet, wave: int | None) -> Iterator[str]:
    moves = [move for move in plan.moves if wave in (None, move.wave)]
    zones = [zone for zone in plan.zones if wave in (None, zone.wave)]
    if isinstance(plan.purpose, Restore):
        sites, servers = {plan.purpose.site}, {plan.purpose.server}
    else:
        sites = {move.site for move in moves}
        servers = {server for move in moves for server in (move.source, move.target)}
    servers |= {hook.server for hook in plan.hooks if hook.site in sites}
    yield from (f"{name} is no longer in the fleet file" for name in sorted(sites - fleet.sites.keys()))
    yield from (f"{name} is no longer in the fleet file" for name in sorted(servers - fleet.servers.keys()))
    yield from (
        f"zone {zone.zone} is no longer in the fleet file" for zone in zones if zone.zone not in fleet.dns.zone_set
    )
    yield from (
        f"{zone.update} is no longer an update server in the fleet file"
        for zone in zones
        if zone.update not in fleet.dns.update
    )
    if plan.basis is None:
        return
    for server in plan.basis.servers:
        there = fleet.servers.get(server.name)
        if server.name in servers and there is not None and _planned(there) != server:
            addresses = listing([address for address in (there.ipv4, there.ipv6) if address])
            yield f"{server.name} has another address in the fleet file now: {addresses}"
    for site in plan.basis.sites:
        known = fleet.sites.get(site.name)
        if site.name in sites and known is not None:
            yield from _site_differences(site, known)


def _site_differences(site: PlannedSite, known: Site) -> Iterator[str]:
    if {*site.names} != {*known.names}:
        yield f"{site.name} has other names in the fleet file now: {listing(known.names)}"
    for server, root in site.roots:
        if server not in known.servers:
            yield f"{site.name} is no longer kept on {server}, says the fleet file"
        elif known.root_on(server) != root:
            yield f"{site.name} lies elsewhere on {server} in the fleet file now: {known.root_on(server)}"

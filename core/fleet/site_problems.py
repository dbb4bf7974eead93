"""What is wrong between the sites of a fleet file and its other parts. Tolerant, as `core.fleet.problems` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.fleet import zone_of
from core.fleet.raw_tree import Inconsistency, at, entries_at, mapping_at, no_such_server, texts_at
from core.fleet.servers import ROOTS
from core.units import shown
from core.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from core.fleet.raw_tree import HostName

HOOK_SIDES = ("source", "target")


def site_troubles(tree: object, host_name: HostName) -> Iterator[Inconsistency]:
    """Yield everything about sites that does not fit; see `core.fleet.problems.fleet_troubles`."""
    yield from _sites(tree)
    yield from _names(tree, host_name)
    yield from _roots(tree)
    yield from _peers(tree)
    yield from _hooks_and_owners(tree)
    yield from _databases(tree)


def _sites(tree: object) -> Iterator[Inconsistency]:
    servers = mapping_at(tree, "servers")
    for name, site in mapping_at(tree, "sites").items():
        home = at(site, "home")
        if isinstance(home, str):
            yield from no_such_server(("sites", name, "home"), home, servers)
        seen: set[str] = set()
        for index, mirror in texts_at(site, "mirrors"):
            where = ("sites", name, "mirrors", index)
            yield from no_such_server(where, mirror, servers)
            if mirror == home:
                yield Inconsistency(
                    where, f"{shown(mirror)} is its home as well", "A mirror is another server; [] for none."
                )
            elif mirror in seen:
                yield Inconsistency(where, f"{shown(mirror)} is listed twice", "Keep the first.")
            seen.add(mirror)


def _names(tree: object, host_name: HostName) -> Iterator[Inconsistency]:
    written = [(index, host_name(zone)) for index, zone in texts_at(tree, "dns", "zones")]
    # A zone that cannot be read may hold any name: then no name can be said to lie outside.
    readable = [zone for _, zone in written if zone is not None]
    zones = set(readable)
    all_known = bool(readable) and len(readable) == len(entries_at(tree, "dns", "zones"))
    owners: dict[str, str] = {}
    used: set[str] = set()
    for site_name, site in mapping_at(tree, "sites").items():
        for index, text in texts_at(site, "names"):
            name = host_name(text)
            if name is None:
                continue
            where = ("sites", site_name, "names", index)
            if name in owners:
                whose = (
                    "listed twice" if owners[name] == site_name else f"a name of the site {shown(owners[name])} as well"
                )
                yield Inconsistency(where, f"{name} is {whose}", "A name belongs to one site.")
            owners.setdefault(name, site_name)
            try:
                used.add(zone_of(name, zones))
            except LookupError:
                if all_known:
                    yield Inconsistency(where, f"{name} lies in none of the zones", "Add its zone under dns.zones.")
    yield from _zones(written, used, mapping_at(tree, "mail", "domains"), host_name)


def _zones(
    written: list[tuple[int, str | None]], used: set[str], mail_domains: Iterable[str], host_name: HostName
) -> Iterator[Inconsistency]:
    seen: set[str] = set()
    mail = {host_name(domain) for domain in mail_domains}
    for index, zone in written:
        if zone is None:
            continue
        if zone in seen:
            yield Inconsistency(("dns", "zones", index), f"{zone} is listed twice", "Keep the first.")
        elif zone not in used and zone not in mail:
            hint = "Remove it, or list its names under a site."
            yield Inconsistency(("dns", "zones", index), f"no site has a name in {zone}", hint, serious=False)
        seen.add(zone)


def _holders(site: object) -> list[str]:
    home = at(site, "home")
    return list(
        dict.fromkeys(
            [*([home] if isinstance(home, str) else []), *(mirror for _, mirror in texts_at(site, "mirrors"))]
        )
    )


def _roots(tree: object) -> Iterator[Inconsistency]:
    """Sites whose directories lie in one another: a copy of the outer would replace the inner."""
    servers = mapping_at(tree, "servers")
    limits = {name: at(server, "peer", "limited_to") for name, server in servers.items()}
    roots: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for name, site in mapping_at(tree, "sites").items():
        root = at(site, "root")
        if not isinstance(root, str) or not root.startswith("/") or "{" in root.replace("{server}", ""):
            continue
        for server in _holders(site):
            parts = _parts(root.replace("{server}", server))
            if not parts:
                continue
            roots.setdefault(server, []).append((parts, name))
            limit = limits.get(server)
            if isinstance(limit, str) and limit != ROOTS and parts[: len(_parts(limit))] != _parts(limit):
                message = f"on {server} it lies outside of {limit}, where others may read"
                yield Inconsistency(
                    ("sites", name, "root"), message, f"Move it, or widen servers.{server}.peer.limited_to."
                )
    told: set[str] = set()
    for server, placed in roots.items():
        placed.sort()
        open_ones: list[tuple[tuple[str, ...], str]] = []
        for parts, name in placed:
            while open_ones and parts[: len(open_ones[-1][0])] != open_ones[-1][0]:
                open_ones.pop()
            if open_ones and name not in told:
                told.add(name)
                outer = open_ones[-1][1]
                how = "is the directory of" if open_ones[-1][0] == parts else "lies in the directory of"
                message = f"on {server} it {how} the site {shown(outer)}"
                yield Inconsistency(
                    ("sites", name, "root"), message, "Give each its own directory, or make them one site."
                )
            open_ones.append((parts, name))
    yield from _work_folders(tree, roots)


def _work_folders(tree: object, roots: Mapping[str, Sequence[tuple[tuple[str, ...], str]]]) -> Iterator[Inconsistency]:
    """Work folders that lie in a site's directory."""
    named: list[tuple[tuple[str, ...], str, object]] = [
        (("servers", name, "work"), name, at(server, "work")) for name, server in mapping_at(tree, "servers").items()
    ]
    for name, site in mapping_at(tree, "sites").items():
        named += [(("sites", name, "work", server), server, work) for server, work in mapping_at(site, "work").items()]
    for where, server, work in named:
        parts = _parts(work) if isinstance(work, str) else ()
        inside = next((site for root, site in roots.get(server, ()) if parts[: len(root)] == root), None)
        if inside is not None:
            message = f"on {server} it lies in the directory of the site {shown(inside)}, where it would be served"
            yield Inconsistency(where, message, "Name a folder outside of every site, on the same disk.")


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part not in {"", "."})


def _peers(tree: object) -> Iterator[Inconsistency]:
    servers = mapping_at(tree, "servers")
    copies: dict[str, int] = {}
    for site in mapping_at(tree, "sites").values():
        holders = _holders(site)
        if len(holders) > 1 and at(site, "sync") != "off":
            for server in holders:
                copies[server] = copies.get(server, 0) + 1
    for name, number in copies.items():
        if isinstance(servers.get(name), dict) and at(servers, name, "peer") is None:
            message = f"has no peer key, so it cannot copy {count(number, 'site')} from the others"
            hint = "Add peer: {key: …, known_hosts: …}."
            yield Inconsistency(("servers", name), message, hint, serious=False)


def _hooks_and_owners(tree: object) -> Iterator[Inconsistency]:
    servers = mapping_at(tree, "servers")
    for name, site in mapping_at(tree, "sites").items():
        for moment in mapping_at(site, "hooks"):
            for index, hook in enumerate(entries_at(site, "hooks", moment)):
                on = at(hook, "on")
                if isinstance(on, str) and on not in HOOK_SIDES:
                    yield from no_such_server(("sites", name, "hooks", moment, index, "on"), on, servers)
        for key in ("owner", "work"):
            for server in mapping_at(site, key):
                yield from no_such_server(("sites", name, key, server), server, servers)


def _databases(tree: object) -> Iterator[Inconsistency]:
    """Two sites that name the same database on one server would replace each other's."""
    owners: dict[tuple[object, ...], str] = {}
    for name, site in mapping_at(tree, "sites").items():
        for index, database in enumerate(entries_at(site, "databases")):
            if at(database, "socket") is not None and at(database, "port") is not None:
                where = ("sites", name, "databases", index, "port")
                yield Inconsistency(where, "a socket is set as well", "Keep one of the two.")
            which = (at(database, "engine"), at(database, "name"), at(database, "socket"), at(database, "port"))
            if not isinstance(which[1], str):
                continue
            for server in _holders(site):
                if (*which, server) in owners:
                    message = f"on {server} it is a database of the site {shown(owners[*which, server])} as well"
                    yield Inconsistency(("sites", name, "databases", index), message, "A database belongs to one site.")
                    break
                owners[*which, server] = name

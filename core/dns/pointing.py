"""Which names point at which server, held against where each site is served from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.dns.records import RecordSet
    from core.fleet import Fleet

FAMILIES = ("A", "AAAA")


@dataclass(frozen=True, slots=True)
class PointingRecord:
    """One address record that points at a server of the fleet.

    site: whose name it is; None: a name of no site. served_from: the server that serves that site now.
    """

    owner: str
    type: str
    value: str
    server: str
    site: str | None = None
    served_from: str | None = None

    @property
    def left_behind(self) -> bool:
        """Whether it is a site's name that points elsewhere than where the site is served."""
        return self.site is not None and self.server != self.served_from


def names_pointing(fleet: Fleet, records: Iterable[RecordSet], active: Mapping[str, str]) -> tuple[PointingRecord, ...]:
    """Return every address record that points at a server of the fleet, in the order of `records`.

    active: the server that serves each site now, by site; a site that is not in it is served from its home.
    """
    servers = {
        address: server.name
        for server in fleet.servers.values()
        for address in (server.ipv4, server.ipv6)
        if address is not None
    }
    sites = {name: site for site in fleet.sites.values() for name in site.names}
    found: list[PointingRecord] = []
    for record in records:
        if record.type not in FAMILIES:
            continue
        site = sites.get(record.owner)
        whose = (site.name, active.get(site.name, site.home)) if site is not None else (None, None)
        found += [
            PointingRecord(record.owner, record.type, value, servers[value], *whose)
            for value in record.values
            if value in servers
        ]
    return tuple(found)


def living_too_long(fleet: Fleet, records: Iterable[RecordSet]) -> tuple[RecordSet, ...]:
    """Return the records of sites' names that resolvers may cache for longer than the fleet wants (`max_ttl`)."""
    names = {name for site in fleet.sites.values() for name in site.names}
    kinds = (*FAMILIES, "CNAME")
    return tuple(
        record
        for record in records
        if record.owner in names and record.type in kinds and record.ttl_s > fleet.dns.max_ttl_s
    )

"""Which names point at which server, held against where each site is served from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.dns.records import RecordSet
    from core.fleet import Fleet

FAMILIES = ("A", "AAAA")
_MX = re.compile(r"([0-9]{1,5}) (\S+)", re.ASCII)


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


def spared_exchangers(fleet: Fleet, records: Iterable[RecordSet]) -> frozenset[str]:
    """Return the names in MX records of mail domains that have another exchanger: they stay where they point.

    Whoever sends mail goes on to the next one by itself (RFC 5321, section 5.1).
    """
    domains = fleet.mail.domains.values() if fleet.mail is not None else ()
    doubled = {domain.name for domain in domains if len(domain.exchangers) > 1}
    return frozenset(
        exchanger.name
        for record in records
        if record.type == "MX" and record.owner in doubled
        for exchanger in exchangers_of(record.values)
    )


class Exchanger(NamedTuple):
    """One MX record: lower preference first."""

    preference: int
    name: str


def exchangers_of(values: Iterable[str]) -> tuple[Exchanger, ...]:
    """Read the values of MX records, in the order in which senders try them; what is no such value is left out."""
    found = [_MX.fullmatch(value) for value in values]
    return tuple(sorted(Exchanger(int(one[1]), one[2].lower()) for one in found if one is not None))


def living_too_long(fleet: Fleet, records: Iterable[RecordSet]) -> tuple[RecordSet, ...]:
    """Return the records of sites' names that resolvers may cache for longer than the fleet wants (`max_ttl`)."""
    names = {name for site in fleet.sites.values() for name in site.names}
    kinds = (*FAMILIES, "CNAME")
    return tuple(
        record
        for record in records
        if record.owner in names and record.type in kinds and record.ttl_s > fleet.dns.max_ttl_s
    )

"""Where DNS points each site to, as the update server says it, so that a change made by hand is noticed too."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from core.errors import SharpnetError
from core.monitor.site_limits import points_wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.fleet import Endpoint, Fleet, Site
    from ops.contracts import Dns

AT_ONCE = 16


class ActiveServerReader:
    """Asks where sites are served from; from the second time on, only for sites whose zone has changed since.

    wrong: by site, what is wrong with where its records point, as they were last answered.
    """

    def __init__(self, fleet: Fleet, dns: Dns) -> None:
        self._dns = dns
        self._servers = fleet.servers
        self._endpoints = (*fleet.dns.update, *(server.endpoint for server in fleet.dns.nameservers))
        self._by_address = {
            address: server.name
            for server in fleet.servers.values()
            for address in (server.ipv4, server.ipv6)
            if address is not None
        }
        self._types = [
            rdtype
            for rdtype, used in (
                ("A", any(server.ipv4 for server in fleet.servers.values())),
                ("AAAA", any(server.ipv6 for server in fleet.servers.values())),
            )
            if used
        ]
        self._sites = _by_zone(fleet)
        self._serials: dict[str, int] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.wrong: dict[str, str] = {}

    async def changes(self) -> Mapping[str, str]:
        """Return the server of each site whose zone changed since it was last asked for; all of them at first.

        A site is left out where DNS points to no server of the fleet, to several, or nobody answers.
        """
        source = await self._source()
        if source is None:
            return {}
        found = await asyncio.gather(*(self._zone(source, zone) for zone in self._sites))
        return {site: server for part in found for site, server in part.items()}

    async def of(self, sites: Iterable[Site]) -> Mapping[str, str]:
        """Return the server of each of these sites as it is right now; see `changes` for what is left out."""
        source = await self._source()
        if source is None:
            return {}
        found = await asyncio.gather(*(self._site(source, site) for site in sites))
        return {site: server for answered, site, server in found if answered and server is not None}

    async def _source(self) -> Endpoint | None:
        """Return the first server that answers: an update server, else one of the public ones."""
        zone = next(iter(self._sites), None)
        for endpoint in self._endpoints if zone is not None else ():
            try:
                await self._dns.serial(endpoint, zone or "")
            except SharpnetError:
                continue
            return endpoint
        return None

    async def _zone(self, source: Endpoint, zone: str) -> Mapping[str, str]:
        try:
            async with self._gate:
                serial = await self._dns.serial(source, zone)
        except SharpnetError:
            return {}
        if self._serials.get(zone) == serial:
            return {}
        found = await asyncio.gather(*(self._site(source, site) for site in self._sites[zone]))
        if all(answered for answered, _, _ in found):
            self._serials[zone] = serial
        return {site: server for _, site, server in found if server is not None}

    async def _site(self, source: Endpoint, site: Site) -> tuple[bool, str, str | None]:
        """Return whether it was answered, the site's name, and the one server that it points to."""
        addresses: set[str] = set()
        aliases = False
        try:
            for rdtype in self._types:
                async with self._gate:
                    answer = await self._dns.ask(source, site.names[0], rdtype)
                addresses |= set(answer.values)
                aliases = aliases or bool(answer.aliases)
        except SharpnetError:
            return False, site.name, None
        self._judge(site, addresses, aliases=aliases)
        servers = {self._by_address.get(address) for address in addresses}
        return True, site.name, servers.pop() if len(servers) == 1 else None

    def _judge(self, site: Site, addresses: set[str], *, aliases: bool) -> None:
        holders = [self._servers[name] for name in site.servers]
        held_at = {address for server in holders for address in (server.ipv4, server.ipv6) if address is not None}
        self.wrong.pop(site.name, None)
        if words := points_wrong(addresses, held_at, elsewhere=aliases):
            self.wrong[site.name] = words


def _by_zone(fleet: Fleet) -> Mapping[str, list[Site]]:
    """Return the sites of each zone. Walks up the names: with thousands of zones, trying each would take minutes."""
    zones = frozenset(fleet.dns.zones)
    found: dict[str, list[Site]] = defaultdict(list)
    for site in fleet.sites.values():
        name = site.names[0]
        while name and name not in zones:
            name = name.partition(".")[2]
        if name:
            found[name].append(site)
    return found

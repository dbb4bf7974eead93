"""Where DNS points each site to, as the update servers say it, so that a change made by hand is noticed too."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import SharpnetError, UnreachableError
from core.monitor.site_limits import points_wrong
from core.sync.served import AddressAnswer, Doubt, must_ask_public, where_served

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from core.fleet import Endpoint, Fleet, Site
    from ops.contracts import Dns

AT_ONCE = 16


class ActiveServerReader:
    """Asks where sites are served from; from the second time on, only for sites whose zone has changed since.

    wrong: by site, what is wrong with where its records point. doubts: by site, why it is not known where it is served.
    Both as they were last asked about.
    """

    def __init__(self, fleet: Fleet, dns: Dns) -> None:
        self._dns = dns
        self._servers = fleet.servers
        self._updates = fleet.dns.update
        self._public = tuple(server.endpoint for server in fleet.dns.nameservers)
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
        self._zones = {site.name: zone for zone, sites in self._sites.items() for site in sites}
        self._serials: dict[str, tuple[int | None, ...]] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.wrong: dict[str, str] = {}
        self.doubts: dict[str, Doubt] = {}

    async def changes(self) -> Mapping[str, str]:
        """Return the server of each site whose zone changed since it was last asked for; all of them at first.

        A site is left out where DNS does not tell: `doubts` says why.
        """
        heard = _Heard(self._dns)
        found = await asyncio.gather(*(self._zone(heard, zone) for zone in self._sites))
        return {site: server for part in found for site, server in part.items()}

    async def of(self, sites: Iterable[Site]) -> Mapping[str, str]:
        """Return the server of each of these sites as it is right now; see `changes` for what is left out."""
        heard = _Heard(self._dns)
        found = await asyncio.gather(*(self._site(heard, site) for site in sites))
        return {site: server for site, server in found if isinstance(server, str)}

    async def _zone(self, heard: _Heard, zone: str) -> Mapping[str, str]:
        serials = await self._serials_of(heard, self._updates, zone)
        if not serials or None in serials:
            serials += await self._serials_of(heard, self._public, zone)
        if self._serials.get(zone) == serials:
            return {}
        found = await asyncio.gather(*(self._site(heard, site) for site in self._sites[zone]))
        self._serials.pop(zone, None)
        if not any(isinstance(server, Doubt) and server.unheard for _, server in found):
            self._serials[zone] = serials
        return {site: server for site, server in found if isinstance(server, str)}

    async def _serials_of(self, heard: _Heard, servers: Sequence[Endpoint], zone: str) -> tuple[int | None, ...]:
        return tuple(await asyncio.gather(*(self._serial(heard, server, zone) for server in servers)))

    async def _serial(self, heard: _Heard, server: Endpoint, zone: str) -> int | None:
        if not await heard.answers(server, zone):
            return None
        try:
            async with self._gate:
                return await self._dns.serial(server, zone)
        except SharpnetError:
            return None

    async def _site(self, heard: _Heard, site: Site) -> tuple[str, str | Doubt]:
        """Return the site's name, and the one server that it points to or why that is not known."""
        updates = await self._ask_all(heard, self._updates, site)
        public = await self._ask_all(heard, self._public, site) if must_ask_public(updates) else ()
        found = where_served(updates, public, self._by_address)
        self.doubts.pop(site.name, None)
        if isinstance(found, Doubt):
            self.doubts[site.name] = found
        if first := next((answer for answer in (*updates, *public) if answer is not None), None):
            self._judge(site, first)
        return site.name, found

    async def _ask_all(
        self, heard: _Heard, servers: Sequence[Endpoint], site: Site
    ) -> tuple[AddressAnswer | None, ...]:
        return tuple(await asyncio.gather(*(self._ask(heard, server, site) for server in servers)))

    async def _ask(self, heard: _Heard, server: Endpoint, site: Site) -> AddressAnswer | None:
        """Return what a name server answers with authority; None: nothing, or what it has from others."""
        if not await heard.answers(server, self._zones.get(site.name, site.names[0])):
            return None
        addresses: set[str] = set()
        aliases = False
        try:
            for rdtype in self._types:
                async with self._gate:
                    answer = await self._dns.ask(server, site.names[0], rdtype)
                if not answer.authoritative:
                    return None
                addresses |= set(answer.values)
                aliases = aliases or bool(answer.aliases)
        except SharpnetError:
            return None
        return AddressAnswer(frozenset(addresses), aliases)

    def _judge(self, site: Site, answer: AddressAnswer) -> None:
        holders = [self._servers[name] for name in site.servers]
        held_at = {address for server in holders for address in (server.ipv4, server.ipv6) if address is not None}
        self.wrong.pop(site.name, None)
        if words := points_wrong(answer.addresses, held_at, elsewhere=answer.elsewhere):
            self.wrong[site.name] = words


@dataclass(slots=True)
class _Heard:
    """Which name servers answer at all, found out once: a dead one then costs one time-out, not one a site."""

    dns: Dns
    asking: dict[Endpoint, asyncio.Task[bool]] = field(default_factory=dict)

    async def answers(self, server: Endpoint, zone: str) -> bool:
        """Return whether it answers anything, asked for the serial of the first zone that somebody wants."""
        if server not in self.asking:
            self.asking[server] = asyncio.create_task(self._answers(server, zone))
        return await asyncio.shield(self.asking[server])

    async def _answers(self, server: Endpoint, zone: str) -> bool:
        try:
            await self.dns.serial(server, zone)
        except UnreachableError:
            return False
        except SharpnetError:
            # It answers: what it says of another zone may be better.
            return True
        return True


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

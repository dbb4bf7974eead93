"""Looking at the fleet from outside: SSH banners, sites by name, name servers; and from a second place."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from core.errors import DnsError, OwnLackError, SharpnetError, TimedOutError
from core.wording import duration
from ops.contracts import Look
from ops.dns.wire import soa_query_tcp
from ops.probe.expect import BannerListener, SiteListener, request_for
from ops.probe.from_server import dns_command, dns_look, line_command, line_look
from ops.probe.tcp import talk
from ops.probe.trust import verifying_context

if TYPE_CHECKING:
    import ssl

    from core.fleet import Fleet, Server, Site
    from core.fleet.target import Target
    from ops.contracts import Dns, Ssh

# What a second look may take beyond its own time-out: a new SSH connection to the vantage point.
MARGIN_S = 3.0
# What is kept may name a server that the fleet file has no longer.
GONE = "it is no longer in the fleet file"


class NetProbe:
    """Implements `ops.contracts.Probe`. Every look is a new connection: a kept one would outlive what it should notice.

    It logs in nowhere; only second looks do, through `ssh`.
    """

    def __init__(self, fleet: Fleet, ssh: Ssh, dns: Dns) -> None:
        self._fleet = fleet
        self._ssh = ssh
        self._dns = dns
        self._nameservers = {one.name: one for one in fleet.dns.nameservers}

    async def ssh_banner(self, server: str, *, timeout_s: float) -> Look:
        """Look whether the server's SSH port says `SSH-2.0-…`."""
        there = self._fleet.servers.get(server)
        if there is None:
            return Look(ok=False, why=GONE)
        return await talk(there.address, there.ssh.port, BannerListener(), timeout_s=timeout_s)

    async def site(self, site: Site, server: str, *, timeout_s: float) -> Look:
        """Ask `server` for the site by its first name, over HTTPS where the server has it.

        The certificate must be valid for the name, by this machine's authorities. A redirect is not followed: its
        status is compared.
        """
        there, name = self._fleet.servers.get(server), site.names[0]
        if there is None:
            return Look(ok=False, why=GONE)
        listener = SiteListener(name, site.check)
        if there.web.https is None:
            return await talk(there.address, there.web.http, listener, timeout_s=timeout_s)
        tls = (self._tls, name)
        return await talk(there.address, there.web.https, listener, timeout_s=timeout_s, tls=tls)

    async def nameserver(self, nameserver: str, zone: str, *, timeout_s: float) -> Look:
        """Look whether the name server answers the zone's SOA with authority, or at least another zone's.

        One that has lost a zone serves the others: what it lacks is found by comparing all
        (`ops.gather.name_server_lag`).
        """
        endpoint, begun_s = self._nameservers[nameserver].endpoint, time.monotonic()
        try:
            try:
                await self._dns.serial(endpoint, zone, timeout_s=timeout_s)
            except DnsError:
                await self._dns.serial(endpoint, self._zone_after(zone), timeout_s=timeout_s)
        except OwnLackError:
            raise
        except TimedOutError:
            why = f"no answer within {duration(timedelta(seconds=timeout_s))}"
            return Look(ok=False, why=why, took_s=time.monotonic() - begun_s)
        except SharpnetError as error:
            return Look(ok=False, why=error.message.rstrip("."), took_s=time.monotonic() - begun_s)
        return Look(ok=True, took_s=time.monotonic() - begun_s)

    def _zone_after(self, zone: str) -> str:
        zones = self._fleet.dns.zones
        return zones[(zones.index(zone) + 1) % len(zones)]

    async def second_look(self, vantage: str, target: Target, *, timeout_s: float) -> Look | None:
        """Look at a server or name server from the server `vantage`; see `ops.contracts.Probe`."""
        kind, name = target
        try:
            async with asyncio.timeout(timeout_s + MARGIN_S):
                if kind == "nameserver":
                    return await self._nameserver_from(vantage, name, timeout_s)
                return await self._server_from(vantage, self._fleet.server(name), timeout_s)
        except (SharpnetError, TimeoutError):
            return None

    async def _server_from(self, vantage: str, server: Server, timeout_s: float) -> Look | None:
        commands = [line_command(server.address, server.ssh.port, b"", timeout_s=timeout_s)]
        site = self._some_site_on(server.name)
        if site is not None:
            asking = request_for(site.names[0], site.check.path)
            commands.append(line_command(server.address, server.web.http, asking, timeout_s=timeout_s))
        runs = [self._ssh.run(vantage, command, timeout_s=timeout_s + 1) for command in commands]
        looks = [line_look(ran, vantage) for ran in await asyncio.gather(*runs)]
        usable = [look for look in looks if look is not None]
        return next((look for look in usable if look.ok), usable[0] if usable else None)

    async def _nameserver_from(self, vantage: str, name: str, timeout_s: float) -> Look | None:
        endpoint = self._nameservers[name].endpoint
        query = soa_query_tcp(self._fleet.dns.zones[0])
        command = dns_command(endpoint.address, endpoint.port, query, timeout_s=timeout_s)
        return dns_look(await self._ssh.run(vantage, command, timeout_s=timeout_s + 1), vantage)

    def _some_site_on(self, server: str) -> Site | None:
        """Return a site that the server holds: one that lives there, else one that it mirrors."""
        here = [site for site in self._fleet.sites.values() if server in site.servers]
        return next((site for site in here if site.home == server), here[0] if here else None)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return verifying_context()

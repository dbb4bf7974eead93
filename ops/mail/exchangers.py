"""Asks each name server which exchangers a domain has, and finds out which servers of the fleet they are."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from core.dns.pointing import FAMILIES, exchangers_of
from core.errors import DnsError, UnreachableError
from core.mail.mx import MxAnswer, names_of
from ops.own_lack import within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.fleet import Fleet, NameServer
    from ops.contracts import Dns

TIMEOUT_S = 3.0
MOST_NAMES = 20


async def mx_answers(dns: Dns, fleet: Fleet, domain: str) -> tuple[MxAnswer, ...]:
    """Return what each name server says of a domain's exchangers; empty where it lies in none of the fleet's zones.

    Raises OwnLackError.
    """
    if not in_zones(fleet, domain):
        return ()
    return tuple(await asyncio.gather(*(mx_answer(dns, server, domain) for server in fleet.dns.nameservers)))


async def mx_answer(dns: Dns, server: NameServer, domain: str) -> MxAnswer:
    """Return what one of them says. Raises OwnLackError."""
    try:
        answer = await dns.ask(server.endpoint, domain, "MX", timeout_s=TIMEOUT_S)
    except (UnreachableError, DnsError) as error:
        return MxAnswer(server.name, why=error.message)
    return MxAnswer(server.name, exchangers_of(answer.values)[:MOST_NAMES])


async def name_of(dns: Dns, fleet: Fleet, domain: str, server: str) -> str | None:
    """Return the name by which a domain's MX records lead to a server, as the first name server that answers has it.

    None where none does. Raises OwnLackError.
    """
    for nameserver in fleet.dns.nameservers if in_zones(fleet, domain) else ():
        answer = await mx_answer(dns, nameserver, domain)
        if not answer.why:
            names = names_of(server, [answer], await servers_behind(dns, fleet, [answer]))
            return names[0] if names else None
    return None


async def servers_behind(dns: Dns, fleet: Fleet, answers: Iterable[MxAnswer]) -> dict[str, str]:
    """Return the server that each name in these answers leads to, by name; what leads elsewhere is left out.

    Raises OwnLackError.
    """
    names = list(dict.fromkeys(one.name for answer in answers for one in answer.exchangers))
    found = await asyncio.gather(*(_addresses(dns, fleet, name) for name in names))
    by_address = {
        address: server.name for server in fleet.servers.values() for address in (server.ipv4, server.ipv6) if address
    }
    pairs = zip(names, found, strict=True)
    led = {name: [by_address[one] for one in addresses if one in by_address] for name, addresses in pairs}
    return {name: servers[0] for name, servers in led.items() if servers}


async def _addresses(dns: Dns, fleet: Fleet, name: str) -> list[str]:
    """Return a name's addresses: from the name servers where it is in our zones, else as this machine finds them."""
    if not in_zones(fleet, name):
        return await _resolved(name)
    for server in fleet.dns.nameservers:
        try:
            answers = [await dns.ask(server.endpoint, name, kind, timeout_s=TIMEOUT_S) for kind in FAMILIES]
        except (UnreachableError, DnsError):
            continue
        return [value for answer in answers for value in answer.values]
    return []


async def _resolved(name: str) -> list[str]:
    try:
        async with within(TIMEOUT_S):
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return []
    return [str(end[0]) for *_, end in found]


def in_zones(fleet: Fleet, name: str) -> bool:
    """Return whether a name lies in one of the zones, whose name servers answer for it."""
    try:
        fleet.zone_of(name)
    except LookupError:
        return False
    return True

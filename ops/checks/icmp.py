"""Pings (RFC 792, RFC 4443): over an unprivileged socket where the system allows it, else over a raw one.

Where it allows neither (`net.ipv4.ping_group_range`, CAP_NET_RAW), that is logged once, and nothing is known.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import struct
from datetime import timedelta
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.wording import duration
from ops.checks import Check
from ops.own_lack import own_lack, within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet import Fleet
    from ops.ports import Ports

log = logging.getLogger(__name__)

# One lost packet is no trouble: so many are sent within the time, one after the other.
TRIES = 3
REQUEST = {4: 8, 6: 128}
REPLY = {4: 0, 6: 129}
HEAD = struct.Struct("!BBHHH")
LONGEST_ANSWER_BYTES = 2048


def open_socket(version: int) -> tuple[socket.socket, bool] | None:
    """Return a socket for pings and whether it is a raw one; None where this process may have none.

    Raises OwnLackError.
    """
    family = socket.AF_INET if version == 4 else socket.AF_INET6  # noqa: PLR2004 - of IP
    protocol = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6  # noqa: PLR2004
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol), kind == socket.SOCK_RAW
        except OSError as error:
            if lack := own_lack(error):
                raise lack from error
            # Not permitted, or the system knows no such protocol.
            continue
    return None


def request(version: int, identifier: int, sequence: int, payload: bytes) -> bytes:
    """Return an echo request, with its checksum."""
    body = HEAD.pack(REQUEST[version], 0, 0, identifier, sequence) + payload
    # Over IPv6 the kernel writes the checksum: it covers the addresses, which only the kernel knows.
    checksum = _checksum(body) if version == 4 else 0  # noqa: PLR2004
    return body[:2] + struct.pack("!H", checksum) + body[4:]


def is_reply(datagram: bytes, version: int, payload: bytes, *, raw: bool) -> bool:
    """Return whether a datagram answers the request with this payload."""
    if raw and version == 4 and datagram:  # noqa: PLR2004
        # A raw IPv4 socket also shows the IP header, whose length is its second half byte, in words of four bytes.
        datagram = datagram[(datagram[0] & 0x0F) * 4 :]
    return len(datagram) >= HEAD.size and datagram[0] == REPLY[version] and datagram[HEAD.size :] == payload


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


async def ping(address: str, *, timeout_s: float) -> str | None:
    """Return why `address` answers no ping, empty where it does; None where this process may send none.

    Raises OwnLackError.
    """
    version = ip_address(address).version
    opened = open_socket(version)
    if opened is None:
        _say_that_it_cannot()
        return None
    endpoint, raw = opened
    loop, payload = asyncio.get_running_loop(), secrets.token_bytes(16)
    with endpoint:
        for sequence in range(1, TRIES + 1):
            try:
                async with within(timeout_s / TRIES):
                    endpoint.connect((address, 0))
                    await loop.sock_sendall(endpoint, request(version, secrets.randbits(16), sequence, payload))
                    while not is_reply(await loop.sock_recv(endpoint, LONGEST_ANSWER_BYTES), version, payload, raw=raw):
                        pass
            except TimeoutError:
                continue
            except OSError as error:
                if lack := own_lack(error, address):
                    raise lack from error
                return f"ping: {(error.strerror or str(error)).lower()}"
            return ""
    return f"no answer to {TRIES} pings within {duration(timedelta(seconds=timeout_s))}"


@cache
def _say_that_it_cannot() -> None:
    log.warning(
        "check=icmp cannot send pings: let net.ipv4.ping_group_range include this process's group, or give it "
        "CAP_NET_RAW. What it should look at is unknown."
    )


def _targets(fleet: Fleet) -> Mapping[Target, timedelta]:
    return {Target.server(name): fleet.watch.every for name, server in fleet.servers.items() if server.checks.icmp}


async def _look(ports: Ports, server: str) -> tuple[str, ...] | None:
    timeout_s = ports.fleet.watch.timeout.total_seconds()
    why = await ping(ports.fleet.servers[server].address, timeout_s=timeout_s)
    return None if why is None else (why,) if why else ()


CHECK = Check("icmp", _targets, _look)

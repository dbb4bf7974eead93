"""Looks from a network of its own in which no port is free, and says what came of it."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

from core.errors import OwnLackError
from core.fleet import Endpoint
from ops.checks.tcp import ConnectListener
from ops.dns.wire import over_udp
from ops.probe.tcp import talk

PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
ONLY_PORT = 40000
LOOPBACK = "127.0.0.1"


async def look() -> list[str]:
    endpoint = Endpoint(LOOPBACK, 2222)
    said = []
    for asking in (
        talk(LOOPBACK, 2222, ConnectListener(), timeout_s=1),
        over_udp(endpoint, "ns1", "the SOA", b"x", lambda _answer: None, timeout_s=1),
    ):
        try:
            said.append(str(await asking))
        except OwnLackError as error:
            said.append(error.lack)
    return said


def main() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with socket.socket() as there, socket.socket() as taken, socket.socket(type=socket.SOCK_DGRAM) as taken_udp:
        there.bind((LOOPBACK, 2222))
        there.listen()
        PORT_RANGE.write_text(f"{ONLY_PORT} {ONLY_PORT}")
        taken.connect((LOOPBACK, 2222))
        taken_udp.connect((LOOPBACK, 2222))
        sys.stdout.write("\n".join(asyncio.run(look())) + "\n")


main()

"""A process to which the system denies one call (seccomp(2)), and what it says that it lacks.

Arguments: the call, and the port of something at 127.0.0.1 that answers. It writes a line an attempt.
"""

from __future__ import annotations

import asyncio
import ctypes
import platform
import struct
import sys

from core.errors import SharpnetError
from core.fleet import Endpoint, SecretRef
from core.incident.notification import AlertKind, Message
from ops.checks.tcp import ConnectListener
from ops.dns.wire import Connections, over_udp
from ops.notify.routes import NotificationRoutes
from ops.probe.tcp import talk

NUMBERS = {
    "x86_64": {"connect": 42, "socket": 41, "execve": 59},
    "aarch64": {"connect": 203, "socket": 198, "execve": 221},
}
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2


def deny(call: str) -> None:
    """Have the kernel answer EPERM to a call, for good."""
    load, equal, back = 0x20, 0x15, 0x06
    number = NUMBERS[platform.machine()][call]
    steps = ((load, 0, 0, 0), (equal, 0, 1, number), (back, 0, 0, 0x00050001), (back, 0, 0, 0x7FFF0000))
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or prctl(SECCOMP, FILTER, head):
        raise OSError(ctypes.get_errno(), "prctl")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


async def look(port: int) -> None:
    endpoint, route = Endpoint("127.0.0.1", port), SecretRef("env", "HOOK")
    for asking in (
        talk("127.0.0.1", port, ConnectListener(), timeout_s=5),
        over_udp(endpoint, "ns1", "the SOA", b"x", lambda _answer: None, timeout_s=1),
        Connections(endpoint, 1).lend("ns1", "the SOA", connect_s=5, timeout_s=5).__aenter__(),
    ):
        try:
            await asking
            say("answered")
        except SharpnetError as error:
            say(getattr(error, "lack", "theirs"))
    attempt = await NotificationRoutes(lambda _route: "json://127.0.0.1:9/").send(
        route, Message("a", "b", AlertKind.FAILURE)
    )
    say(attempt.why)


async def main() -> None:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, str)
    deny(sys.argv[1])
    await look(int(sys.argv[2]))


asyncio.run(main())

"""The floor of a cutover: one nsupdate for all zones, and as little asking as shows that all name servers agree.

It has no plan, no prerequisite, no record and no card, keeps nothing, and reads of an answer only whether the address
is in it. Nothing that does the work of a cutover can be faster on the same name servers.
"""

import itertools
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address

import dns.message

from core.fleet import Endpoint
from lab import Lab

AT_ONCE = 64
ANSWER_S = 0.5
PAUSE_S = 0.02
GIVE_UP_S = 120.0
ID_AT = slice(0, 2)
LARGEST = 4096


def change_all(lab: Lab, names: Sequence[str], address: str, servers: Sequence[Endpoint], ttl_s: int) -> float:
    """Give each name (the apex of its zone) one address, and return after how many seconds all servers answer it."""
    began = time.perf_counter()
    head, *rest = [_commands(name, address, ttl_s) for name in names]
    lab.nsupdate(
        names[0],
        [*head, *(word for name, one in zip(names[1:], rest, strict=True) for word in ("send", f"zone {name}", *one))],
    )
    wait_until_all_answer(names, address, servers)
    return time.perf_counter() - began


def wait_until_all_answer(names: Sequence[str], address: str, servers: Sequence[Endpoint]) -> None:
    """Ask all servers for all names until each has answered `address`. TimeoutError after two minutes."""
    packed = IPv4Address(address).packed
    wanted = struct.pack("!H", len(packed)) + packed
    queries = {name: dns.message.make_query(name, "A", flags=0, use_edns=False).to_wire() for name in names}
    lagging = {server: list(names) for server in servers}
    give_up = time.monotonic() + GIVE_UP_S
    while lagging:
        for server, pending in list(lagging.items()):
            lagging[server] = _still_wrong(server, pending, queries, wanted)
        lagging = {server: pending for server, pending in lagging.items() if pending}
        if lagging and time.monotonic() > give_up:
            raise TimeoutError(f"{len(lagging)} name servers do not agree after {GIVE_UP_S:.0f} s")
        if lagging:
            time.sleep(PAUSE_S)


def _commands(name: str, address: str, ttl_s: int) -> list[str]:
    return [f"update delete {name}. A", f"update add {name}. {ttl_s} A {address}"]


def _still_wrong(server: Endpoint, names: list[str], queries: dict[str, bytes], wanted: bytes) -> list[str]:
    """Ask for names a few at a time, and return those that are not right yet; the first wrong batch ends the round."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect((server.address, server.port))
        udp.settimeout(ANSWER_S)
        left = iter(names)
        wrong: list[str] = []
        while not wrong and (batch := list(itertools.islice(left, AT_ONCE))):
            wrong = _wrong_in(batch, udp, queries, wanted)
        return [*wrong, *left]


def _wrong_in(batch: list[str], udp: socket.socket, queries: dict[str, bytes], wanted: bytes) -> list[str]:
    pending = dict(enumerate(batch))
    for number, name in pending.items():
        udp.send(struct.pack("!H", number) + queries[name][2:])
    for answer in _answers(udp, len(batch)):
        number = struct.unpack("!H", answer[ID_AT])[0]
        if wanted in answer:
            pending.pop(number, None)
    return list(pending.values())


def _answers(udp: socket.socket, count: int) -> Iterator[bytes]:
    try:
        for _ in range(count):
            yield udp.recv(LARGEST)
    except TimeoutError:
        return

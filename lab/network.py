"""Addresses on the loopback interface, and hosts that nothing reaches any more."""

import ipaddress
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lab import programs
from lab.errors import NotTheLabsError

_MARK = "0x1ab"


def namespace() -> str:
    """Name the network namespace that this process is in."""
    return str(Path("/proc/self/ns/net").readlink())


def present_addresses() -> set[str]:
    """List the addresses of the loopback interface."""
    interfaces: list[dict[str, Any]] = json.loads(programs.run(["ip", "-json", "address", "show", "dev", "lo"]))
    return {entry["local"] for interface in interfaces for entry in interface.get("addr_info", [])}


def why_not_addable(address: str) -> str | None:
    """Say why an address must not be put on this machine's loopback, or None."""
    is_loopback: bool = ipaddress.ip_address(address).is_loopback
    if not is_loopback and _leads_anywhere():
        return f"{address} is no loopback address: on this machine it would hide whoever has it"
    return None


def add_addresses(addresses: Iterable[str]) -> None:
    """Put addresses on the loopback interface; NotTheLabsError where one could hide the real thing."""
    for address in addresses:
        reason = why_not_addable(address)
        if reason:
            raise NotTheLabsError(reason, "Use 127.x.y.z, or `lab isolated -- COMMAND`, where it can do no harm.")
        programs.run(["ip", "address", "add", _alone(address), "dev", "lo", *_at_once(address)])


def remove_addresses(addresses: Iterable[str]) -> None:
    """Take addresses off the loopback interface, those that are still there."""
    present = present_addresses()
    for address in addresses:
        if address in present:
            programs.run(["ip", "address", "del", _alone(address), "dev", "lo"])


def cut_off(table: str, addresses: Iterable[str], uids: Iterable[int]) -> None:
    """Let nothing reach these addresses and nothing come from them, nor from these users; empty lets all pass.

    Packets are dropped on their way in. Dropped on their way out, the sender of a datagram would be told (EPERM), and
    a black hole tells nobody. What a user of the host sends without binding its own address is marked on its way out.
    """
    by_family = _by_family(addresses)
    drops = [f"{family} {side} {members} drop" for family, members in by_family for side in ("saddr", "daddr")]
    commands = [f"table inet {table} {{ }}", f"delete table inet {table}"]
    if drops:
        users = ", ".join(map(str, sorted(set(uids) - {0})))
        marks = [f"meta skuid {{ {users} }} meta mark set {_MARK}"] if users else []
        incoming = ["type filter hook input priority -300;", *drops, f"meta mark {_MARK} drop"]
        outgoing = ["type filter hook output priority -300;", *marks]
        commands += [f"table inet {table} {{", *_chain("incoming", incoming), *_chain("outgoing", outgoing), "}"]
    programs.run(["nft", "-f", "-"], "\n".join(commands) + "\n")


def lose(table: str, addresses: Iterable[str], percent: int) -> None:
    """Lose that share of the packets to these addresses and from them, by chance; empty loses none."""
    beside = f"{table}_loss"
    commands = [f"table inet {beside} {{ }}", f"delete table inet {beside}"]
    by_chance = f"numgen random mod 100 < {percent} counter drop"
    drops = []
    for family, members in _by_family(addresses):
        drops.append(f"{family} daddr {members} {by_chance}")
        # What goes from one to the other had its chance already.
        drops.append(f"{family} saddr {members} {family} daddr != {members} {by_chance}")
    if drops:
        incoming = ["type filter hook input priority -299;", *drops]
        commands += [f"table inet {beside} {{", *_chain("incoming", incoming), "}"]
    programs.run(["nft", "-f", "-"], "\n".join(commands) + "\n")


def lost(table: str) -> int:
    """Count the packets that `lose` has lost so far."""
    listed = json.loads(programs.run(["nft", "--json", "list", "table", "inet", f"{table}_loss"]))["nftables"]
    parts = [part for one in listed if "rule" in one for part in one["rule"]["expr"]]
    return sum(part["counter"]["packets"] for part in parts if "counter" in part)


def _by_family(addresses: Iterable[str]) -> list[tuple[str, str]]:
    """Return the families that these addresses are of, and the set of each as nft writes it."""
    given = list(addresses)
    sets = {"ip": [one for one in given if ":" not in one], "ip6": [one for one in given if ":" in one]}
    return [(family, f"{{ {', '.join(members)} }}") for family, members in sets.items() if members]


def _leads_anywhere() -> bool:
    links: list[dict[str, Any]] = json.loads(programs.run(["ip", "-json", "link", "show", "up"]))
    return any(link.get("ifname") != "lo" for link in links)


def _chain(name: str, rules: list[str]) -> list[str]:
    return [f"  chain {name} {{", *(f"    {rule}" for rule in rules), "  }"]


def _alone(address: str) -> str:
    return f"{address}/{ipaddress.ip_address(address).max_prefixlen}"


def _at_once(address: str) -> list[str]:
    return ["nodad"] if ":" in address else []

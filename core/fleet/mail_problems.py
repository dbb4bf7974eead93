"""What does not fit together in the mail of a fleet file, as `core.fleet.problems` says it of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.fleet import MailPorts, zone_of
from core.fleet.raw_tree import Inconsistency, at, entries_at, mapping_at, no_such_server, texts_at
from core.units import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from core.fleet.raw_tree import HostName, Where


def mail_troubles(tree: object, host_name: HostName) -> Iterator[Inconsistency]:
    """Yield everything that does not fit together in the mail of `tree`, as `fleet_troubles` has it."""
    servers = mapping_at(tree, "servers")
    domains = mapping_at(tree, "mail", "domains")
    seen: dict[str, str] = {}
    for domain, entry in domains.items():
        where: Where = ("mail", "domains", domain)
        name = host_name(domain)
        if name is not None and name in seen:
            yield Inconsistency(where, f"is {shown(seen[name])} once more", "Keep one of them.")
        elif name is not None:
            seen[name] = domain
            yield from _zone(tree, where, name, host_name)
            yield from _strangers(entry, where, name, host_name)
        yield from _exchangers(entry, where, servers)
    yield from _ports(tree)
    mirrored = mapping_at(tree, "mail").get("mirror") is not None
    if mirrored and domains and not any(len(entries_at(entry, "exchangers")) > 1 for entry in domains.values()):
        hint = "A mailbox is kept alike on all exchangers of its domain: list a second one."
        yield Inconsistency(("mail", "mirror"), "no mail domain has two exchangers", hint, serious=False)


def _exchangers(entry: object, where: Where, servers: Mapping[str, object]) -> Iterator[Inconsistency]:
    listed: set[str] = set()
    for index, exchanger in texts_at(entry, "exchangers"):
        place = (*where, "exchangers", index)
        yield from no_such_server(place, exchanger, servers)
        if exchanger in listed:
            yield Inconsistency(place, f"{shown(exchanger)} is listed twice", "Keep the first.")
        listed.add(exchanger)


def _zone(tree: object, where: Where, name: str, host_name: HostName) -> Iterator[Inconsistency]:
    zones = [host_name(zone) for _, zone in texts_at(tree, "dns", "zones")]
    readable = {zone for zone in zones if zone is not None}
    # A zone that cannot be read may hold any name.
    if not readable or len(zones) < len(entries_at(tree, "dns", "zones")) or None in zones:
        return
    try:
        zone_of(name, readable)
    except LookupError:
        message = f"{name} lies in none of the zones: its MX records are looked at nowhere"
        yield Inconsistency(where, message, "Add its zone under dns.zones.", serious=False)


def _strangers(entry: object, where: Where, name: str, host_name: HostName) -> Iterator[Inconsistency]:
    """Yield each address to which a probe would go that is not of this domain."""
    for keys in (("probe",), ("mailbox", "user")):
        address = at(entry, *keys)
        if not isinstance(address, str) or "@" not in address:
            continue
        other = host_name(address.rpartition("@")[2])
        if other is not None and other != name:
            hint = f"Probes go to the domain itself and nowhere else: write an address of {name}."
            yield Inconsistency((*where, *keys), f"{shown(address)} is no address of {name}", hint)


def _ports(tree: object) -> Iterator[Inconsistency]:
    ports = mapping_at(tree, "mail", "ports")
    written = {"smtp": ports.get("smtp") or MailPorts().smtp, "imap": ports.get("imap") or MailPorts().imap}
    if ports and written["smtp"] == written["imap"]:
        key = "imap" if ports.get("imap") else "smtp"
        message = f"{written['smtp']} is the port for both SMTP and IMAP"
        yield Inconsistency(("mail", "ports", key), message, "Write the port of each.")

"""The one message that changes a zone: every change with a prerequisite that its old value still stands (RFC 2136)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.exception
import dns.name
import dns.rdatatype
import dns.update

from core.dns.records import RecordSet
from core.errors import DnsRefusedError
from ops.dns.presentation import to_name, to_rdataset, to_type

# Reserved for documentation (RFC 5737, RFC 3849) and for names that never are (RFC 6761).
NOBODYS = {"A": "192.0.2.0", "AAAA": "2001:db8::", "NS": "nobody.invalid.", "MX": "0 nobody.invalid."}
NOBODY = "nobody-uses-this-name"

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.dns.records import RecordChange


def update_message(zone: str, changes: tuple[RecordChange, ...], soa: str = "") -> dns.update.UpdateMessage:
    """Return the unsigned UPDATE that makes `changes` in `zone`, all or none, and only while its SOA record is `soa`.

    Prerequisites (section 2.4): a record set that changes or goes still has exactly its old values; one that is new
    is not there yet, and neither is what would make the server ignore it in silence (section 3.4.2.2): a CNAME beside
    other records. TTLs are not compared, as the protocol has no way to: a hand edit of a TTL alone is overwritten.
    Raises DnsError where a name or value is none.
    """
    message = dns.update.UpdateMessage(to_name(zone))
    if soa:
        message.present(to_name(zone), to_rdataset(RecordSet(zone, "SOA", 0, (soa,))))
    for change in changes:
        owner, rdtype = to_name(change.owner), to_type(change.type)
        if change.old is None:
            message.absent(owner, rdtype)
        else:
            expected = to_rdataset(change.old)
            expected.update_ttl(0)
            message.present(owner, expected)
    _forbid_what_would_be_ignored(message, changes)
    # Deletions first: an A record that takes a CNAME's place would otherwise be ignored for the CNAME still there.
    for change in changes:
        if change.old is not None:
            message.delete(to_name(change.owner), to_type(change.type))
    for change in changes:
        if change.new is not None:
            message.add(to_name(change.owner), to_rdataset(change.new))
    return message


def _forbid_what_would_be_ignored(message: dns.update.UpdateMessage, changes: tuple[RecordChange, ...]) -> None:
    by_owner: dict[dns.name.Name, list[RecordChange]] = {}
    for change in changes:
        by_owner.setdefault(to_name(change.owner), []).append(change)
    for owner, here in by_owner.items():
        if any(change.old is not None for change in here):
            continue
        if any(change.type == "CNAME" for change in here):
            message.absent(owner)
        else:
            message.absent(owner, dns.rdatatype.CNAME)


def probing_message(zone: str, records: Sequence[tuple[str, str]] = ()) -> dns.update.UpdateMessage:
    """Return the unsigned UPDATE that changes nothing: it only requires that the zone has an SOA record.

    records: owners and types whose change is asked for, so that the server judges whether the key may; it is asked to
    take away what nobody has, and requires besides that there is no SOA record, so that it can never be carried out.
    """
    message = dns.update.UpdateMessage(to_name(zone))
    message.present(to_name(zone), dns.rdatatype.SOA)
    if records:
        message.absent(to_name(zone), dns.rdatatype.SOA)
    for owner, rdtype in records:
        message.delete(to_name(owner), rdtype, NOBODYS[rdtype])
    return message


def beyond_addresses(zone: str) -> tuple[tuple[str, str, str], ...]:
    """Return what a key for the addresses of sites need not change: in words, and an owner and a type to ask for."""
    return (
        ("NS records", zone, "NS"),
        ("MX records", zone, "MX"),
        ("addresses of other names", f"{NOBODY}.{zone}", "A"),
    )


def whole_message(message: dns.update.UpdateMessage, zone: str) -> bytes:
    """Return what is sent, signed where the message has a key. Raises DnsRefusedError where it does not fit."""
    try:
        return message.to_wire()
    except dns.exception.TooBig as error:
        raise DnsRefusedError(
            f"So many changes to {zone} do not fit into one message of 64 KiB, and a zone changes whole or not "
            "at all. Nothing was sent.",
            hint="Move fewer of this zone's sites at once.",
        ) from error

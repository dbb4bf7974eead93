"""The one message that changes a zone: every change with a prerequisite that its old value still stands (RFC 2136)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.name
import dns.rdatatype
import dns.update

from core.dns.records import RecordSet
from ops.dns.presentation import to_name, to_rdataset, to_type

if TYPE_CHECKING:
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


def probing_message(zone: str) -> dns.update.UpdateMessage:
    """Return the unsigned UPDATE that changes nothing: it only requires that the zone has an SOA record."""
    message = dns.update.UpdateMessage(to_name(zone))
    message.present(to_name(zone), dns.rdatatype.SOA)
    return message

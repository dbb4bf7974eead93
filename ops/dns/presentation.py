"""Between dnspython's records and ours: names, values and record sets as `core.dns.records` writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype

from core.dns.records import RecordSet
from core.errors import DnsError

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLAIN = dns.rdata.RdataStyle(omit_final_dot=True)

# Types whose values are names and numbers only: DNS compares these without regard to case (RFC 4034, section 6.2).
_NAMES_AND_NUMBERS = frozenset(
    map(dns.rdatatype.from_text, ("AFSDB", "CNAME", "DNAME", "KX", "MX", "NS", "PTR", "RP", "SOA", "SRV"))
)


def to_name(text: str) -> dns.name.Name:
    """Return `text` as an absolute name. Raises DnsError where DNS cannot hold it."""
    try:
        return dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise DnsError(f"{text!r} cannot be a name in DNS: {error}.", hint="Mend it in app.yaml.") from error


def from_name(name: dns.name.Name) -> str:
    """Return an absolute name in lower case without the final dot; the root itself stays a dot."""
    return name.canonicalize().to_text(omit_final_dot=True)


def to_type(text: str) -> dns.rdatatype.RdataType:
    """Return a record type by its name. Raises DnsError for an unknown one."""
    try:
        return dns.rdatatype.from_text(text)
    except (dns.exception.DNSException, ValueError) as error:
        raise DnsError(f"{text!r} is no record type.", hint="A, AAAA, CNAME, MX, TXT, …") from error


def values_of(records: Iterable[dns.rdata.Rdata]) -> tuple[str, ...]:
    """Return the values of records, sorted, without duplicates, names in them in lower case without the final dot."""
    return tuple(sorted({_value(record) for record in records}))


def _value(record: dns.rdata.Rdata) -> str:
    text = record.to_styled_text(_PLAIN)
    return text.lower() if record.rdtype in _NAMES_AND_NUMBERS else text


def record_sets(found: Iterable[tuple[dns.name.Name, dns.rdataset.Rdataset]]) -> tuple[RecordSet, ...]:
    """Return record sets in order. Signatures over different types of one owner become one set, as DNS has them."""
    merged: dict[tuple[str, str], RecordSet] = {}
    for name, rdataset in found:
        owner, rdtype = from_name(name), dns.rdatatype.to_text(rdataset.rdtype)
        before = merged.get((owner, rdtype))
        values, ttl_s = values_of(rdataset), rdataset.ttl
        if before is not None:
            values, ttl_s = tuple(sorted({*before.values, *values})), min(before.ttl_s, ttl_s)
        merged[owner, rdtype] = RecordSet(owner, rdtype, ttl_s, values)
    return tuple(sorted(merged.values()))


def to_rdataset(record_set: RecordSet) -> dns.rdataset.Rdataset:
    """Return a record set as dnspython sends it. Raises DnsError where a value is none of its type."""
    rdtype = to_type(record_set.type)
    try:
        records = [
            dns.rdata.from_text(dns.rdataclass.IN, rdtype, value, origin=dns.name.root, relativize=False)
            for value in record_set.values
        ]
        return dns.rdataset.from_rdata_list(record_set.ttl_s, records)
    except (dns.exception.DNSException, ValueError) as error:
        raise DnsError(f"{record_set} is no proper record set: {error}.") from error

"""Names and values between dnspython and core."""

from __future__ import annotations

import dns.name
import dns.rdata
import dns.rdataset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dns.records import RecordSet
from core.errors import DnsError
from ops.dns.presentation import from_name, record_sets, to_name, to_rdataset, to_type, values_of


def value(kind: str, text: str) -> str:
    (found,) = values_of([dns.rdata.from_text("IN", kind, text, origin=dns.name.root, relativize=False)])
    return found


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("WWW.Garden.Example.", "www.garden.example"),
        ("garden.example", "garden.example"),
        ("*.garden.example.", "*.garden.example"),
        (".", "."),
        ("two\\032words.example.", "two\\032words.example"),
    ],
)
def test_names_are_lower_case_without_the_final_dot(name: str, written: str) -> None:
    assert from_name(to_name(name)) == written


@pytest.mark.parametrize("name", ["a..b", f"{'x' * 64}.example", ".".join(["x" * 60] * 5), "bad\\25"])
def test_what_cannot_be_a_name_is_an_error_that_shows_it(name: str) -> None:
    with pytest.raises(DnsError, match="cannot be a name"):
        to_name(name)


def test_an_unknown_type_is_an_error() -> None:
    with pytest.raises(DnsError, match="no record type"):
        to_type("ADDRESS")


@pytest.mark.parametrize(
    ("kind", "text", "written"),
    [
        ("A", "192.0.2.1", "192.0.2.1"),
        ("AAAA", "2001:0DB8:0:0::1", "2001:db8::1"),
        ("CNAME", "WWW.Garden.Example.", "www.garden.example"),
        ("MX", "10 Mail.Garden.Example.", "10 mail.garden.example"),
        ("MX", "0 .", "0 ."),
        ("NS", "NS1.Example.", "ns1.example"),
        ("TXT", '"Keep Case." "and dots."', '"Keep Case." "and dots."'),
        ("SRV", "0 5 443 Host.Example.", "0 5 443 host.example"),
        ("SOA", "NS.example. Host.example. 7 1 2 3 4", "ns.example host.example 7 1 2 3 4"),
        ("CAA", '0 issue "CA.example"', '0 issue "CA.example"'),
        ("TYPE65280", "\\# 3 abcdef", "\\# 3 abcdef"),
    ],
)
def test_values_are_written_without_final_dots_and_case_only_where_it_matters(
    kind: str, text: str, written: str
) -> None:
    assert value(kind, text) == written


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("A", ("192.0.2.1", "192.0.2.2")),
        ("AAAA", ("2001:db8::1",)),
        ("CNAME", ("www.garden.example",)),
        ("MX", ("0 .",)),
        ("MX", ("10 mail.garden.example", "20 mail2.garden.example")),
        ("TXT", ('"two" "strings"', '"v=spf1 a -all"')),
    ],
)
def test_a_record_set_survives_the_way_there_and_back(kind: str, values: tuple[str, ...]) -> None:
    before = RecordSet("garden.example", kind, 300, values)
    assert record_sets([(to_name("garden.example"), to_rdataset(before))]) == (before,)


@given(st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=8))
def test_values_come_sorted_and_once_in_whatever_order_they_arrived(addresses: list[str]) -> None:
    rdataset = dns.rdataset.from_text_list("IN", "A", 300, addresses)
    assert values_of(rdataset) == tuple(sorted(set(addresses)))


@pytest.mark.parametrize(("kind", "values"), [("A", ("not an address",)), ("A", ()), ("MX", ("mail.example",))])
def test_a_value_that_is_none_of_its_type_is_an_error(kind: str, values: tuple[str, ...]) -> None:
    with pytest.raises(DnsError, match="no proper record set"):
        to_rdataset(RecordSet("garden.example", kind, 300, values))


def test_signatures_over_several_types_are_one_record_set_with_the_shortest_life() -> None:
    signature = "8 2 300 20300101000000 20200101000000 1 garden.example. AAAA"
    sets = [
        (to_name("garden.example"), dns.rdataset.from_text("IN", "RRSIG", ttl_s, f"{covered} {signature}"))
        for covered, ttl_s in (("A", 300), ("MX", 60))
    ]
    (merged,) = record_sets(sets)
    assert merged.ttl_s == 60
    assert [one.split()[0] for one in merged.values] == ["A", "MX"]

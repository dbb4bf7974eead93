"""Which names point where."""

from __future__ import annotations

from core.dns.pointing import PointingRecord, exchangers_of, living_too_long, names_pointing
from core.dns.records import RecordSet
from core.fleet import DnsSettings, Fleet, SecretRef, Server, Site, SshLogin

SSH = SshLogin("web", 22, SecretRef("file", "/k"), "/known")
FLEET = Fleet(
    "test",
    "UTC",
    {
        "east": Server("east", "East", SSH, "192.0.2.1", "2001:db8::1"),
        "west": Server("west", "West", SSH, ipv6="2001:db8::2"),
    },
    {"garden": Site("garden", "east", ("west",), ("garden.example", "www.garden.example"), "/srv")},
    DnsSettings((), (), ("garden.example",), max_ttl_s=300),
)


def record(owner: str, kind: str, *values: str, ttl_s: int = 300) -> RecordSet:
    return RecordSet(owner, kind, ttl_s, values)


def test_every_address_of_a_server_is_found_and_nothing_else() -> None:
    records = (
        record("garden.example", "A", "192.0.2.1", "198.51.100.7"),
        record("garden.example", "MX", "10 192.0.2.1"),
        record("ftp.garden.example", "AAAA", "2001:db8::2"),
    )
    assert names_pointing(FLEET, records, {}) == (
        PointingRecord("garden.example", "A", "192.0.2.1", "east", "garden", "east"),
        PointingRecord("ftp.garden.example", "AAAA", "2001:db8::2", "west"),
    )


def test_a_sites_name_is_left_behind_where_the_site_is_served_from_elsewhere() -> None:
    records = (record("www.garden.example", "A", "192.0.2.1"), record("garden.example", "AAAA", "2001:db8::2"))
    found = names_pointing(FLEET, records, {"garden": "west"})
    assert [(one.owner, one.left_behind) for one in found] == [("www.garden.example", True), ("garden.example", False)]


def test_a_name_of_no_site_is_never_called_left_behind() -> None:
    (found,) = names_pointing(FLEET, (record("ftp.garden.example", "A", "192.0.2.1"),), {"garden": "west"})
    assert not found.left_behind


def test_only_sites_records_that_live_longer_than_the_fleet_wants_live_too_long() -> None:
    records = (
        record("garden.example", "A", "192.0.2.1", ttl_s=301),
        record("garden.example", "MX", "10 mail.garden.example", ttl_s=86400),
        record("www.garden.example", "CNAME", "garden.example", ttl_s=3600),
        record("www.garden.example", "A", "192.0.2.1", ttl_s=300),
        record("ftp.garden.example", "A", "192.0.2.1", ttl_s=86400),
    )
    assert [one.ttl_s for one in living_too_long(FLEET, records)] == [301, 3600]


def test_exchangers_are_read_in_the_order_in_which_senders_try_them() -> None:
    values = ("20 mx.two.test", "5 MX.one.test", "100 mx.last.test", "ten mx.test", "", "10 two words", "1")
    assert exchangers_of(values) == ((5, "mx.one.test"), (20, "mx.two.test"), (100, "mx.last.test"))

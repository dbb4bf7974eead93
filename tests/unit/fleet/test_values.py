from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fleet import Database, DnsSettings, Endpoint, Fleet, Hook, SecretRef, Server, Site, SshLogin, zone_of

LOGIN = SshLogin("ops", 22, SecretRef("file", "/keys/bot"), "/keys/known_hosts")
LABELS = st.lists(st.sampled_from(["a", "b", "www", "example"]), min_size=1, max_size=5).map(".".join)


def test_a_secret_is_written_as_where_it_is() -> None:
    assert str(SecretRef("env", "KEY")) == "env:KEY"
    assert str(SecretRef("file", "/keys/bot")) == "file:/keys/bot"


@pytest.mark.parametrize(
    ("ipv4", "ipv6", "address"),
    [("192.0.2.1", "2001:db8::1", "192.0.2.1"), (None, "2001:db8::1", "2001:db8::1"), (None, None, "")],
)
def test_a_server_is_reached_at_its_ipv4_address_where_it_has_one(
    ipv4: str | None, ipv6: str | None, address: str
) -> None:
    assert Server("a", "there", LOGIN, ipv4, ipv6).address == address


def test_a_sites_directory_is_the_servers_own() -> None:
    site = Site("shop", "a", ("b", "c"), ("shop.test",), "/srv/{server}/www/{server}")
    assert site.root_on("b") == "/srv/b/www/b"
    assert site.servers == ("a", "b", "c")


def test_an_endpoint_with_an_ipv6_address_is_written_with_brackets() -> None:
    assert str(Endpoint("192.0.2.1")) == "192.0.2.1:53"
    assert str(Endpoint("2001:db8::1", 5300)) == "[2001:db8::1]:5300"


def test_a_name_lies_in_its_longest_zone() -> None:
    zones = ("test", "shop.test", "op.test")
    assert zone_of("www.shop.test", zones) == "shop.test"
    assert zone_of("shop.test", zones) == "shop.test"
    assert zone_of("other.test", zones) == "test"
    with pytest.raises(LookupError):
        zone_of("www.example", zones)


@given(LABELS, st.lists(LABELS, max_size=5))
def test_the_zone_of_a_name_is_a_suffix_of_it_that_no_other_zone_exceeds(name: str, zones: list[str]) -> None:
    fitting = [zone for zone in zones if ("." + name).endswith("." + zone)]
    if not fitting:
        with pytest.raises(LookupError):
            zone_of(name, zones)
        return
    assert len(zone_of(name, zones)) == max(map(len, fitting))


def test_a_fleet_finds_the_zone_of_its_names(fleet: Fleet) -> None:
    fleet = replace(fleet, dns=DnsSettings((Endpoint("192.0.2.53"),), (), ("test", "shop.test")))
    assert fleet.zone_of("www.shop.test") == "shop.test"
    assert fleet.dns.zone_set == {"test", "shop.test"}


def test_a_hook_runs_on_a_side_or_on_a_named_server() -> None:
    assert [Hook(on, "true").server("uk", "us") for on in ("source", "target", "de")] == ["uk", "us", "de"]


def test_a_databases_socket_is_filled_in_for_each_server() -> None:
    assert Database("mariadb", "x", "/run/{server}.sock").socket_on("uk") == "/run/uk.sock"
    assert Database("mariadb", "x", port=3306).socket_on("uk") is None

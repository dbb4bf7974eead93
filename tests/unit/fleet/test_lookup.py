from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.errors import NotInFleetError, UsageError
from core.fleet.lookup import server_or_site_named, site_named, target_named, zone_named

if TYPE_CHECKING:
    from core.fleet import Fleet


@pytest.mark.parametrize(
    ("text", "name"), [("north", "north"), ("shop", "shop"), ("www.shop.test", "shop"), ("WWW.Shop.Test.", "shop")]
)
def test_a_server_or_site_is_known_by_its_name_and_a_site_by_each_of_its_names(
    fleet: Fleet, text: str, name: str
) -> None:
    assert server_or_site_named(text, fleet) == name


@pytest.mark.parametrize(("text", "hint"), [("nort", "Did you mean north?"), ("shopp", "Did you mean shop?")])
def test_a_typing_error_in_a_server_or_site_gets_the_nearest(fleet: Fleet, text: str, hint: str) -> None:
    with pytest.raises(UsageError, match="There is no server or site") as refused:
        server_or_site_named(text, fleet)
    assert refused.value.hint == hint


@pytest.mark.parametrize(
    ("text", "found"),
    [("north", ("server", "north")), ("WWW.Shop.Test.", ("site", "shop")), ("ns1", ("nameserver", "ns1"))],
)
def test_anything_that_is_watched_is_known_by_its_name(fleet: Fleet, text: str, found: tuple[str, str]) -> None:
    assert target_named(text, fleet) == found


def test_a_name_that_several_things_have_means_a_server_then_a_site_then_a_name_server(fleet: Fleet) -> None:
    servers = tuple(replace(fleet.dns.nameservers[0], name=name) for name in ("north", "shop", "ns1"))
    fleet = replace(fleet, dns=replace(fleet.dns, nameservers=servers))
    assert [target_named(name, fleet) for name in ("north", "shop", "ns1")] == [
        ("server", "north"),
        ("site", "shop"),
        ("nameserver", "ns1"),
    ]


@pytest.mark.parametrize(("text", "near"), [("nss1", "ns1"), ("sout", "south"), ("ww.shop.test", "www.shop.test")])
def test_a_typing_error_in_what_is_watched_gets_the_nearest_of_all(fleet: Fleet, text: str, near: str) -> None:
    with pytest.raises(UsageError, match="There is no server, site or name server") as refused:
        target_named(text, fleet)
    assert refused.value.hint == f"Did you mean {near}?"


def test_a_zone_is_meant_by_any_name_in_it(fleet: Fleet) -> None:
    assert zone_named("A.Shop.Test.", fleet) == "shop.test"
    with pytest.raises(UsageError, match=r"'shop\.tost' is in no zone") as refused:
        zone_named("shop.tost", fleet)
    assert refused.value.hint == "Did you mean shop.test?"


@pytest.mark.parametrize(
    "text", ["bücher.shop.test", "BÜCHER.shop.test.", "bu\u0308cher.shop.test", "xn--bcher-kva.shop.test"]
)
def test_a_host_name_in_another_script_is_known_as_it_is_written(fleet: Fleet, text: str) -> None:
    books = replace(fleet.sites["shop"], name="books", names=("xn--bcher-kva.shop.test",))
    fleet = replace(fleet, sites={**fleet.sites, "books": books})
    assert site_named(text, fleet).name == "books"
    assert zone_named(text, fleet) == "shop.test"


def test_an_endless_name_is_not_said_back_whole(fleet: Fleet) -> None:
    with pytest.raises(UsageError) as refused:
        target_named("x" * 3000, fleet)
    assert len(str(refused.value)) < 120


def test_what_a_record_names_and_the_file_has_no_longer_is_said_with_its_name(fleet: Fleet) -> None:
    assert (fleet.site("shop").name, fleet.server("north").name) == ("shop", "north")
    with pytest.raises(NotInFleetError, match=r"^gone is no longer in the fleet file\.$"):
        fleet.site("gone")
    with pytest.raises(NotInFleetError, match=r"^gone is no longer in the fleet file\.$"):
        fleet.server("gone")

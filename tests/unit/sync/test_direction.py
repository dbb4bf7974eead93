"""Content flows from the active copy to its mirrors, never the other way, and never to or from a quarantined one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.fleet import Site
from core.sync.direction import which_way, why_not_source, why_not_target

SERVERS = ("north", "south", "east", "west")
SHOP = Site("shop", "north", ("south", "east"), ("shop.test",), "/srv/shop")

actives = st.none() | st.sampled_from(SERVERS)
quarantines = st.frozensets(st.sampled_from(SERVERS))


def test_a_site_that_was_never_seen_flows_from_its_home_to_its_mirrors() -> None:
    way = which_way(SHOP, None)
    assert (way.source, way.mirrors, way.left_out) == ("north", ("south", "east"), {})


def test_after_a_failover_the_direction_is_reversed_and_the_home_is_filled() -> None:
    assert which_way(SHOP, "south").mirrors == ("north", "east")
    assert which_way(SHOP, "south").source == "south"


def test_a_quarantined_copy_is_left_out_and_the_others_are_filled() -> None:
    way = which_way(SHOP, "south", {"north"})
    assert way.mirrors == ("east",)
    assert way.left_out == {"north": "the copy on north is quarantined until someone has chosen"}


def test_nothing_flows_from_a_quarantined_copy_even_where_dns_points_to_it() -> None:
    way = which_way(SHOP, "north", {"north"})
    assert (way.source, way.mirrors) == (None, ())
    assert way.why == "the copy on north is quarantined until someone has chosen"
    assert set(way.left_out) == {"south", "east"}


def test_nothing_flows_where_dns_points_to_a_server_without_a_copy() -> None:
    way = which_way(SHOP, "west")
    assert (way.source, way.why) == (None, "west holds no copy of it")


@given(active=actives, quarantined=quarantines)
def test_the_source_is_what_is_served_and_nothing_is_ever_copied_over_it(
    active: str | None, quarantined: frozenset[str]
) -> None:
    way = which_way(SHOP, active, quarantined)
    served = active or SHOP.home
    assert way.source in (None, served)
    assert served not in way.mirrors
    assert not quarantined & {way.source, *way.mirrors}


@given(active=actives, quarantined=quarantines)
def test_every_other_server_that_holds_the_site_is_filled_or_named_with_a_reason(
    active: str | None, quarantined: frozenset[str]
) -> None:
    way = which_way(SHOP, active, quarantined)
    served = active or SHOP.home
    assert {*way.mirrors, *way.left_out} == {*SHOP.servers} - {served}
    assert all(way.left_out.values())
    assert not set(way.mirrors) & set(way.left_out)


@given(active=actives, quarantined=quarantines, server=st.sampled_from(SERVERS))
def test_a_server_is_never_both_source_and_target(active: str | None, quarantined: frozenset[str], server: str) -> None:
    reasons = why_not_source(SHOP, server, active, quarantined), why_not_target(SHOP, server, active, quarantined)
    assert reasons != (None, None)


def test_a_server_without_the_site_is_no_target() -> None:
    assert why_not_target(SHOP, "west", None) == "west is neither its home nor a mirror"


def test_what_is_served_is_no_target() -> None:
    assert (why_not_target(SHOP, "north", None) or "").startswith("it is served from north")


def test_a_mirror_is_no_source_while_another_copy_is_served() -> None:
    assert why_not_source(SHOP, "south", None) == "it is served from north, and content flows from there"

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.fleet import Endpoint, NameServer
from core.fleet.hook_runs import HookRun
from core.plan.basis import (
    FleetBasis,
    NameServersToAsk,
    PlannedServer,
    PlannedSite,
    basis_of,
    fleet_differences,
    name_servers_changed,
    name_servers_to_ask,
    names_of_sites,
)
from core.plan.plan import plan_from_json, plan_to_json
from core.plan.restore import Restore

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.fleet import DnsSettings, Fleet
    from core.plan.plan import Plan

same_fleet = settings(suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture])
RESTORE = Restore("shop", "south", "abcd", datetime(2026, 6, 1, tzinfo=UTC), "north", "/srv/north/shop")


@pytest.fixture
def based(plan: Plan, fleet: Fleet) -> Plan:
    return replace(plan, basis=basis_of(plan, fleet))


def without(fleet: Fleet, name: str) -> Fleet:
    sites = {key: site for key, site in fleet.sites.items() if key != name}
    return replace(fleet, sites=sites, servers={key: one for key, one in fleet.servers.items() if key != name})


def with_site(fleet: Fleet, name: str, **changes: object) -> Fleet:
    return replace(fleet, sites={**fleet.sites, name: replace(fleet.sites[name], **changes)})  # type: ignore[arg-type]


def with_server(fleet: Fleet, name: str, **changes: object) -> Fleet:
    return replace(fleet, servers={**fleet.servers, name: replace(fleet.servers[name], **changes)})  # type: ignore[arg-type]


def with_dns(fleet: Fleet, change: Callable[[DnsSettings], DnsSettings]) -> Fleet:
    return replace(fleet, dns=change(fleet.dns))


def test_a_plan_rests_on_its_servers_its_sites_and_all_name_servers(plan: Plan, fleet: Fleet) -> None:
    assert basis_of(plan, fleet) == FleetBasis(
        servers=(
            PlannedServer("north", "192.0.2.1", "2001:db8::1"),
            PlannedServer("south", "192.0.2.2", "2001:db8::2"),
            PlannedServer("east", "192.0.2.3", None),
        ),
        sites=(
            PlannedSite(
                "shop", ("shop.test", "www.shop.test"), (("north", "/srv/north/shop"), ("south", "/srv/south/shop"))
            ),
            PlannedSite("blog", ("blog.test",), (("north", "/srv/north/blog"), ("east", "/srv/east/blog"))),
        ),
        nameservers=(
            NameServer("ns1", Endpoint("192.0.2.61"), "Oslo"),
            NameServer("ns2", Endpoint("192.0.2.62"), "Rome"),
        ),
    )


def test_what_differs_of_another_wave_keeps_none_from_going_on(plan: Plan, fleet: Fleet) -> None:
    moves = tuple(replace(move, wave=number) for number, move in enumerate(plan.moves))
    zones = tuple(replace(zone, wave=number) for number, zone in enumerate(plan.zones))
    waves = replace(plan, moves=moves, zones=zones, wave_size=1)
    waves = replace(waves, basis=basis_of(waves, fleet))
    now = with_server(with_site(fleet, "blog", names=("blog.test", "b.test")), "east", ipv4="192.0.2.9")
    said = (
        "east has another address in the fleet file now: 192.0.2.9",
        "blog has other names in the fleet file now: blog.test, b.test",
    )
    assert [fleet_differences(waves, now, wave) for wave in (0, 1, None)] == [(), said, said]
    smaller = with_dns(without(fleet, "blog"), lambda dns: replace(dns, zones=("shop.test",)))
    gone = ("blog is no longer in the fleet file", "zone blog.test is no longer in the fleet file")
    assert [fleet_differences(waves, smaller, wave) for wave in (0, 1, None)] == [(), gone, gone]


def test_a_restore_rests_on_its_one_site_and_server(plan: Plan, fleet: Fleet) -> None:
    restore = replace(plan, purpose=RESTORE, moves=(), zones=())
    basis = basis_of(restore, fleet)
    assert [server.name for server in basis.servers] == ["south"]
    assert [(site.name, site.roots) for site in basis.sites] == [("shop", (("south", "/srv/south/shop"),))]
    assert fleet_differences(replace(restore, basis=basis), fleet) == ()
    assert fleet_differences(replace(restore, basis=basis), without(fleet, "shop")) == (
        "shop is no longer in the fleet file",
    )


def test_a_basis_survives_json_and_is_what_is_approved(based: Plan, plan: Plan) -> None:
    again = plan_from_json(json.loads(json.dumps(plan_to_json(based))))
    assert again == based
    assert again.digest == based.digest != plan.digest
    assert "basis" not in plan_to_json(plan)


def test_the_fleet_that_it_was_drawn_from_holds_all_that_a_plan_needs(based: Plan, plan: Plan, fleet: Fleet) -> None:
    assert fleet_differences(based, fleet) == fleet_differences(plan, fleet) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: without(f, "shop"), ("shop is no longer in the fleet file",)),
        (lambda f: without(f, "north"), ("north is no longer in the fleet file",)),
        (lambda f: without(f, "south"), ("south is no longer in the fleet file",)),
        (
            lambda f: with_dns(f, lambda dns: replace(dns, zones=("shop.test",))),
            ("zone blog.test is no longer in the fleet file",),
        ),
        (
            lambda f: with_dns(f, lambda dns: replace(dns, update=(Endpoint("192.0.2.54"),))),
            ("192.0.2.53:53 is no longer an update server in the fleet file",),
        ),
        (
            lambda f: with_server(f, "south", ipv4="192.0.2.9"),
            ("south has another address in the fleet file now: 192.0.2.9, 2001:db8::2",),
        ),
        (
            lambda f: with_server(f, "south", ipv6=None),
            ("south has another address in the fleet file now: 192.0.2.2",),
        ),
        (
            lambda f: with_site(f, "blog", names=("blog.test", "b.blog.test")),
            ("blog has other names in the fleet file now: blog.test, b.blog.test",),
        ),
        (
            lambda f: with_site(f, "blog", root="/var/{server}/blog"),
            (
                "blog lies elsewhere on north in the fleet file now: /var/north/blog",
                "blog lies elsewhere on east in the fleet file now: /var/east/blog",
            ),
        ),
        (lambda f: with_site(f, "blog", mirrors=()), ("blog is no longer kept on east, says the fleet file",)),
    ],
)
def test_what_the_file_has_otherwise_is_said(
    based: Plan, fleet: Fleet, change: Callable[[Fleet], Fleet], said: tuple[str, ...]
) -> None:
    assert fleet_differences(based, change(fleet)) == said


@pytest.mark.parametrize(
    "change",
    [
        lambda f: without(f, "far"),
        lambda f: with_site(f, "far", root="/elsewhere"),
        lambda f: with_site(f, "shop", sync="off", names=("www.shop.test", "shop.test")),
        lambda f: with_server(f, "south", location="Elsewhere"),
        lambda f: with_dns(f, lambda dns: replace(dns, nameservers=dns.nameservers[:1])),
    ],
)
def test_what_a_plan_does_not_use_may_change(based: Plan, fleet: Fleet, change: Callable[[Fleet], Fleet]) -> None:
    assert fleet_differences(based, change(fleet)) == ()


def test_a_wave_is_asked_about_what_it_needs_itself(based: Plan, fleet: Fleet) -> None:
    moves = (based.moves[0], replace(based.moves[1], wave=1))
    zones = tuple(replace(zone, wave=int(zone.zone == "blog.test")) for zone in based.zones)
    waves = replace(based, moves=moves, zones=zones, wave_size=1)
    gone = with_dns(without(fleet, "blog"), lambda dns: replace(dns, zones=("shop.test",)))
    assert fleet_differences(waves, gone, 0) == ()
    both = ("blog is no longer in the fleet file", "zone blog.test is no longer in the fleet file")
    assert fleet_differences(waves, gone, 1) == fleet_differences(waves, gone) == both
    east = with_server(fleet, "east", ipv4="192.0.2.9")
    assert (fleet_differences(waves, east, 0), len(fleet_differences(waves, east, 1))) == ((), 1)


def test_a_server_that_only_a_hook_runs_on_is_needed_too(plan: Plan, fleet: Fleet) -> None:
    hook = HookRun("blog", "before_cutover", "west", "true", 1.0, "north", "east", "/srv")
    assert fleet_differences(replace(plan, hooks=(hook,)), fleet) == ("west is no longer in the fleet file",)


def test_of_a_plan_that_is_older_than_its_basis_only_what_is_gone_is_said(plan: Plan, fleet: Fleet) -> None:
    assert fleet_differences(plan, with_server(fleet, "south", ipv4="192.0.2.9")) == ()
    assert fleet_differences(plan, without(fleet, "shop")) == ("shop is no longer in the fleet file",)
    assert names_of_sites(plan, without(fleet, "shop")) == {"blog": ("blog.test",)}
    assert name_servers_changed(plan, with_dns(fleet, lambda dns: replace(dns, nameservers=()))) == ()
    assert name_servers_to_ask(plan, fleet, None).asked == fleet.dns.nameservers


def test_a_plan_knows_the_names_of_a_site_that_left_the_file(based: Plan, fleet: Fleet) -> None:
    assert names_of_sites(based, without(fleet, "shop"))["shop"] == ("shop.test", "www.shop.test")


def test_name_servers_that_came_went_or_moved_are_named(based: Plan, fleet: Fleet) -> None:
    first, second = fleet.dns.nameservers
    third = NameServer("ns3", Endpoint("192.0.2.63"), "Kyoto")
    moved = replace(first, endpoint=Endpoint("192.0.2.99"))

    def said(*nameservers: NameServer) -> tuple[str, ...]:
        return name_servers_changed(based, with_dns(fleet, lambda dns: replace(dns, nameservers=nameservers)))

    assert said(second, first) == ()
    no_zones = replace(based, zones=())
    assert name_servers_changed(no_zones, with_dns(fleet, lambda dns: replace(dns, nameservers=(first,)))) == ()
    assert said(first) == ("the name servers are no longer those of the plan: ns2",)
    assert said(moved, second, third) == ("the name servers are no longer those of the plan: ns1, ns3",)


@same_fleet
@given(st.sets(st.sampled_from("abcdef"), min_size=1), st.none() | st.sets(st.sampled_from("abcdef"), min_size=1))
def test_all_name_servers_of_a_plan_are_asked_but_those_that_the_file_of_now_has_no_longer(
    based: Plan, fleet: Fleet, approved: set[str], now: set[str] | None
) -> None:
    def servers(names: set[str]) -> tuple[NameServer, ...]:
        return tuple(NameServer(name, Endpoint(f"192.0.2.{ord(name)}"), name) for name in sorted(names))

    assert based.basis is not None
    plan = replace(based, basis=replace(based.basis, nameservers=servers(approved)))
    later = None if now is None else with_dns(fleet, lambda dns: replace(dns, nameservers=servers(now)))
    found = name_servers_to_ask(plan, fleet, later)
    asked = {one.name for one in found.asked}
    assert asked | {*found.gone} >= approved
    assert asked.isdisjoint(found.gone)
    assert asked == (approved if now is None else now)
    assert found == NameServersToAsk(servers(asked), tuple(sorted(approved - asked)))

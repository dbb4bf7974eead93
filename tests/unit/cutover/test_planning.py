from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from core.cutover.planning import (
    choose_moves,
    draw_changes,
    in_waves,
    quarantined_since,
    served_from,
    what_changed,
    why_not_to,
)
from core.dns.records import RecordSet, ZoneReading
from core.fleet import Endpoint, Hook, Hooks, Mail, MailDomain
from core.plan.hooks import hooks_of
from core.plan.plan import Failover, Move, Plan, Rollback, inverse

if TYPE_CHECKING:
    from core.fleet import Fleet

Readings = dict[tuple[Endpoint, str], ZoneReading]
UPDATE = Endpoint("192.0.2.53", 53)
NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)


def with_record(readings: Readings, zone: str, record: RecordSet | None, *, without: tuple[str, str]) -> Readings:
    reading = readings[UPDATE, zone]
    kept = tuple(one for one in reading.records if (one.owner, one.type) != without)
    new = replace(reading, records=(*kept, record) if record else kept)
    return {**readings, (UPDATE, zone): new}


def moves_in(plan: Plan) -> set[tuple[str, str, tuple[str, ...] | None]]:
    return {(c.owner, c.type, c.new.values if c.new else None) for z in plan.zones for c in z.changes}


def test_a_server_moves_all_that_it_serves_and_nothing_else(fleet: Fleet) -> None:
    choice = choose_moves(fleet, {}, ["north"], None)
    assert choice.moves == (Move("shop", "north", "south"), Move("blog", "north", "east"))
    assert choice.left_alone == (("alone", "it has no mirror"),)


def test_a_site_that_was_moved_away_earlier_is_not_dragged_along(fleet: Fleet) -> None:
    choice = choose_moves(fleet, {"shop": "south"}, ["north"], None)
    assert [move.site for move in choice.moves] == ["blog"]


def test_a_site_goes_home_when_its_mirror_fails(fleet: Fleet) -> None:
    choice = choose_moves(fleet, {"shop": "south"}, ["shop"], None)
    assert choice.moves == (Move("shop", "south", "north"),)


def test_a_quarantined_copy_is_passed_over_for_the_next_mirror(fleet: Fleet) -> None:
    choice = choose_moves(fleet, {}, ["shop"], None, quarantined={("shop", "south")})
    assert choice.moves == (Move("shop", "north", "east"),)


def test_a_site_that_is_served_from_a_server_that_left_the_file_stays_and_says_so(fleet: Fleet) -> None:
    choice = choose_moves(fleet, {"shop": "west"}, ["shop", "blog"], None)
    assert [move.site for move in choice.moves] == ["blog"]
    assert choice.left_alone == (("shop", "it is served from west, which is no longer in the fleet file"),)


def test_a_site_left_out_by_hand_says_so(fleet: Fleet) -> None:
    choice = choose_moves(fleet, {}, ["north"], None, without=["blog"])
    assert choice.left_alone == (("blog", "left out as asked"), ("alone", "it has no mirror"))
    assert choice.moves == (Move("shop", "north", "south"),)


def test_sites_without_a_copy_on_the_wanted_server_stay_with_a_reason(fleet: Fleet) -> None:
    choice = choose_moves(fleet, {}, ["north"], "south")
    assert choice.moves == (Move("shop", "north", "south"),)
    assert dict(choice.left_alone)["blog"] == "south keeps no copy of it"


@pytest.mark.parametrize(
    ("site", "source", "target", "quarantined", "why"),
    [
        ("shop", "north", "south", [], None),
        ("shop", "north", "north", [], "it is served from north already"),
        ("blog", "north", "south", [], "south keeps no copy of it"),
        ("alone", "north", "south", [], "it has no mirror"),
        ("shop", "north", "south", [("shop", "south")], "its copy on south is quarantined"),
    ],
)
def test_why_a_site_cannot_go_somewhere(
    fleet: Fleet, site: str, source: str, target: str, quarantined: list[tuple[str, str]], why: str | None
) -> None:
    said = why_not_to(fleet.sites[site], source, target, quarantined)
    assert said is None if why is None else said is not None and said.startswith(why)


def test_a_site_is_served_from_where_all_its_names_point(fleet: Fleet, readings: Readings) -> None:
    assert served_from(fleet, fleet.sites["shop"], readings) == "north"
    assert served_from(fleet, fleet.sites["far"], readings) == "south"


def test_a_site_whose_names_disagree_is_served_from_no_one_server(fleet: Fleet, readings: Readings) -> None:
    split = with_record(
        readings, "shop.test", RecordSet("www.shop.test", "A", 60, ("192.0.2.2",)), without=("www.shop.test", "A")
    )
    assert served_from(fleet, fleet.sites["shop"], split) is None


def test_a_site_at_an_unknown_address_is_served_from_no_server(fleet: Fleet, readings: Readings) -> None:
    away = with_record(
        readings, "blog.test", RecordSet("blog.test", "A", 60, ("203.0.113.9",)), without=("blog.test", "A")
    )
    away = with_record(away, "blog.test", None, without=("blog.test", "AAAA"))
    assert served_from(fleet, fleet.sites["blog"], away) is None


def test_only_the_addresses_of_its_own_names_in_their_own_zones_say_where_a_site_is_served(
    fleet: Fleet, readings: Readings
) -> None:
    beside = with_record(
        readings, "shop.test", RecordSet("www.shop.test", "TXT", 60, ("192.0.2.2",)), without=("www.shop.test", "TXT")
    )
    beside = with_record(
        beside, "shop.test", RecordSet("ftp.shop.test", "A", 60, ("192.0.2.2",)), without=("ftp.shop.test", "A")
    )
    beside = with_record(
        beside, "blog.test", RecordSet("www.shop.test", "A", 60, ("192.0.2.2",)), without=("www.shop.test", "A")
    )
    assert served_from(fleet, fleet.sites["shop"], beside) == "north"


def test_every_address_of_the_source_becomes_the_targets(fleet: Fleet, readings: Readings) -> None:
    drawn = draw_changes(fleet, (Move("shop", "north", "south"),), readings)
    (zone,) = drawn.zones
    assert [(str(c.old), str(c.new)) for c in zone.changes] == [
        ("shop.test 300 A 192.0.2.1", "shop.test 300 A 192.0.2.2"),
        ("shop.test 300 AAAA 2001:db8::1", "shop.test 300 AAAA 2001:db8::2"),
        ("www.shop.test 60 A 192.0.2.1", "www.shop.test 60 A 192.0.2.2"),
    ]
    assert zone.serial == 10


def test_an_address_family_that_the_target_lacks_goes_away(plan: Plan) -> None:
    assert ("blog.test", "AAAA", None) in moves_in(plan)
    assert ("blog.test", "A", ("192.0.2.3",)) in moves_in(plan)


def test_a_name_is_never_left_without_an_address(fleet: Fleet, readings: Readings) -> None:
    only_six = with_record(readings, "blog.test", None, without=("blog.test", "A"))
    (zone,) = draw_changes(fleet, (Move("blog", "north", "east"),), only_six).zones
    assert [(c.type, c.old is None, c.new.values if c.new else None) for c in zone.changes] == [
        ("AAAA", False, None),
        ("A", True, ("192.0.2.3",)),
    ]


def test_a_name_of_both_families_goes_on_with_the_one_that_the_target_speaks(fleet: Fleet, readings: Readings) -> None:
    only_six = replace(fleet.servers["east"], ipv4=None, ipv6="2001:db8::3")
    (zone,) = draw_changes(
        replace(fleet, servers={**fleet.servers, "east": only_six}), (Move("blog", "north", "east"),), readings
    ).zones
    assert [(c.type, c.old is None, c.new.values if c.new else None) for c in zone.changes] == [
        ("A", False, None),
        ("AAAA", False, ("2001:db8::3",)),
    ]


def test_an_address_of_a_third_party_beside_the_source_stays(fleet: Fleet, readings: Readings) -> None:
    both = RecordSet("shop.test", "A", 300, ("192.0.2.1", "203.0.113.9"))
    drawn = draw_changes(
        fleet, (Move("shop", "north", "south"),), with_record(readings, "shop.test", both, without=("shop.test", "A"))
    )
    assert drawn.zones[0].changes[0].new == RecordSet("shop.test", "A", 300, ("192.0.2.2", "203.0.113.9"))


def test_the_only_address_left_by_a_third_party_is_joined_by_the_targets(fleet: Fleet, readings: Readings) -> None:
    six = RecordSet("blog.test", "AAAA", 300, ("2001:db8::1",))
    strange = RecordSet("blog.test", "A", 300, ("203.0.113.9",))
    mixed = with_record(readings, "blog.test", strange, without=("blog.test", "A"))
    mixed = with_record(mixed, "blog.test", six, without=("blog.test", "AAAA"))
    (zone,) = draw_changes(fleet, (Move("blog", "north", "east"),), mixed).zones
    assert ("A", ("192.0.2.3", "203.0.113.9")) in [(c.type, c.new.values) for c in zone.changes if c.new]


def test_other_records_that_point_at_the_source_are_listed(fleet: Fleet, readings: Readings) -> None:
    drawn = draw_changes(fleet, (Move("shop", "north", "south"),), readings)
    assert drawn.stray_records == ("ftp.shop.test A 192.0.2.1 (north)",)


def test_an_exchanger_beside_which_another_takes_mail_is_not_listed(fleet: Fleet, readings: Readings) -> None:
    exchangers = RecordSet("shop.test", "MX", 300, ("10 ftp.shop.test", "20 mail.south.test"))
    changed = with_record(readings, "shop.test", exchangers, without=("shop.test", "MX"))
    moves = (Move("shop", "north", "south"),)
    both, one = MailDomain("shop.test", ("north", "south")), MailDomain("shop.test", ("north",))
    stray = {
        domain: draw_changes(replace(fleet, mail=Mail({"shop.test": domain})), moves, changed).stray_records
        for domain in (both, one)
    }
    assert stray == {both: (), one: ("ftp.shop.test A 192.0.2.1 (north)",)}


def test_only_addresses_of_the_source_are_listed_once_and_without_those_beside_them(
    fleet: Fleet, readings: Readings
) -> None:
    several = RecordSet("ftp.shop.test", "A", 300, ("203.0.113.9", "192.0.2.1", "192.0.2.2"))
    told = RecordSet("ftp.shop.test", "TXT", 300, ("192.0.2.1",))
    changed = with_record(readings, "shop.test", several, without=("ftp.shop.test", "A"))
    changed = with_record(changed, "shop.test", told, without=("ftp.shop.test", "TXT"))
    drawn = draw_changes(fleet, (Move("shop", "north", "south"),), changed)
    assert drawn.stray_records == ("ftp.shop.test A 192.0.2.1 (north)",)


def test_a_name_with_all_the_addresses_of_the_target_points_there_already(fleet: Fleet, readings: Readings) -> None:
    there = with_record(
        readings, "shop.test", RecordSet("www.shop.test", "A", 60, ("192.0.2.2",)), without=("www.shop.test", "A")
    )
    there = with_record(
        there, "shop.test", RecordSet("www.shop.test", "AAAA", 60, ("2001:db8::2",)), without=("www.shop.test", "AAAA")
    )
    drawn = draw_changes(fleet, (Move("shop", "north", "south"),), there)
    assert drawn.unhandled_names == ("www.shop.test points to south already",)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (RecordSet("www.shop.test", "CNAME", 60, ("shop.test",)), ()),
        (
            RecordSet("www.shop.test", "CNAME", 60, ("cdn.test",)),
            ("www.shop.test is an alias of cdn.test, which does not move",),
        ),
        (None, ("www.shop.test has no address record of its own",)),
        (RecordSet("www.shop.test", "A", 60, ("192.0.2.2",)), ("www.shop.test points to south already",)),
        (
            RecordSet("www.shop.test", "A", 60, ("203.0.113.9",)),
            ("www.shop.test points to 203.0.113.9, not to north, and stays so",),
        ),
    ],
)
def test_a_name_that_does_not_simply_follow_is_told(
    fleet: Fleet, readings: Readings, record: RecordSet | None, said: tuple[str, ...]
) -> None:
    changed = with_record(readings, "shop.test", record, without=("www.shop.test", "A"))
    assert draw_changes(fleet, (Move("shop", "north", "south"),), changed).unhandled_names == said


def test_zones_that_nothing_changes_in_are_not_in_the_plan(fleet: Fleet, readings: Readings) -> None:
    drawn = draw_changes(fleet, (Move("blog", "north", "east"),), readings)
    assert [zone.zone for zone in drawn.zones] == ["blog.test"]


def test_a_plan_still_fits_while_nothing_has_changed(fleet: Fleet, readings: Readings, plan: Plan) -> None:
    assert what_changed(plan, fleet, readings) == ()


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            RecordSet("www.shop.test", "A", 60, ("203.0.113.9",)),
            "www.shop.test A: the plan has 192.0.2.1 (TTL 60); there is nothing to change any more",
        ),
        (
            RecordSet("www.shop.test", "A", 30, ("192.0.2.1",)),
            "www.shop.test A: the plan has 192.0.2.1 (TTL 60); now it is 192.0.2.1 (TTL 30)",
        ),
        (
            RecordSet("www.shop.test", "AAAA", 30, ("2001:db8::1",)),
            "www.shop.test AAAA: the plan has not in the plan; now it is 2001:db8::1 (TTL 30)",
        ),
    ],
)
def test_a_hand_edit_since_is_named(fleet: Fleet, readings: Readings, plan: Plan, record: RecordSet, said: str) -> None:
    edited = with_record(readings, "shop.test", record, without=("www.shop.test", record.type))
    assert what_changed(plan, fleet, edited) == (said,)


def test_a_zone_that_came_or_went_since_is_named(fleet: Fleet, readings: Readings, plan: Plan) -> None:
    shop_alone = replace(plan, zones=plan.zones[:1])
    assert what_changed(shop_alone, fleet, readings) == (
        "blog.test A: the plan has not in the plan; now it is 192.0.2.1 (TTL 300)",
        "blog.test AAAA: the plan has not in the plan; now it is 2001:db8::1 (TTL 300)",
    )
    gone = {key: reading for key, reading in readings.items() if key[1] != "blog.test"}
    assert what_changed(plan, fleet, gone) == (
        "blog.test A: the plan has 192.0.2.1 (TTL 300); there is nothing to change any more",
        "blog.test AAAA: the plan has 2001:db8::1 (TTL 300); there is nothing to change any more",
    )


def test_a_record_that_is_to_come_and_is_there_since_is_named(fleet: Fleet, readings: Readings) -> None:
    moves = (Move("blog", "north", "east"),)
    only_six = with_record(readings, "blog.test", None, without=("blog.test", "A"))
    plan = Plan(
        id="K7Q2",
        purpose=Failover(),
        moves=moves,
        zones=draw_changes(fleet, moves, only_six).zones,
        asked_by="slack:U1",
        asked_at=NOW,
        expires_at=NOW,
    )
    assert what_changed(plan, fleet, only_six) == ()
    assert what_changed(plan, fleet, readings) == ("blog.test A: the plan has nothing; now it is 192.0.2.1 (TTL 300)",)


def test_a_server_with_a_new_address_since_is_named(fleet: Fleet, readings: Readings, plan: Plan) -> None:
    moved = replace(fleet, servers={**fleet.servers, "east": replace(fleet.servers["east"], ipv4="192.0.2.33")})
    assert what_changed(plan, moved, readings) == (
        "blog.test A: would become 192.0.2.33 (TTL 300) instead of 192.0.2.3 (TTL 300)",
    )


def test_a_site_or_server_that_left_the_fleet_since_is_named(fleet: Fleet, readings: Readings, plan: Plan) -> None:
    smaller = replace(
        fleet,
        sites={name: site for name, site in fleet.sites.items() if name != "blog"},
        servers={name: one for name, one in fleet.servers.items() if name != "east"},
    )
    assert what_changed(plan, smaller, readings) == (
        "blog is no longer in the fleet file",
        "east is no longer in the fleet file",
    )


def after(plan: Plan, readings: Readings) -> Readings:
    result = dict(readings)
    for zone in plan.zones:
        gone = {(c.owner, c.type) for c in zone.changes}
        reading = result[zone.update, zone.zone]
        kept = [r for r in reading.records if (r.owner, r.type) not in gone]
        new = [c.new for c in zone.changes if c.new is not None]
        result[zone.update, zone.zone] = replace(reading, serial=reading.serial + 1, records=(*kept, *new))
    return result


def rollback_of(plan: Plan, now: datetime) -> Plan:
    return inverse(plan, "R2D2", [zone.key for zone in plan.zones], {}, "slack:U2", now)


def test_a_rollback_undoes_every_change_and_fits_right_after_the_cutover(
    fleet: Fleet, readings: Readings, plan: Plan, now: datetime
) -> None:
    back = rollback_of(plan, now)
    done = after(plan, readings)
    assert what_changed(back, fleet, done) == ()
    undone = after(back, done)
    assert {key: set(reading.records) for key, reading in undone.items()} == {
        key: set(reading.records) for key, reading in readings.items()
    }


def test_a_rollback_does_not_fit_once_a_record_was_edited(
    fleet: Fleet, readings: Readings, plan: Plan, now: datetime
) -> None:
    done = with_record(
        after(plan, readings),
        "blog.test",
        RecordSet("blog.test", "A", 300, ("203.0.113.9",)),
        without=("blog.test", "A"),
    )
    assert what_changed(rollback_of(plan, now), fleet, done) == (
        "blog.test A: the plan has 192.0.2.3 (TTL 300); now it is 203.0.113.9 (TTL 300)",
    )


def test_a_rollback_of_what_somebody_has_turned_back_already_has_nothing_to_change(
    fleet: Fleet, readings: Readings, plan: Plan, now: datetime
) -> None:
    said = "there is nothing to change any more"
    assert what_changed(rollback_of(plan, now), fleet, readings) == (
        f"blog.test A: the plan has 192.0.2.3 (TTL 300); {said}",
        f"blog.test AAAA: the plan has nothing; {said}",
        f"shop.test A: the plan has 192.0.2.2 (TTL 300); {said}",
        f"shop.test AAAA: the plan has 2001:db8::2 (TTL 300); {said}",
        f"www.shop.test A: the plan has 192.0.2.2 (TTL 60); {said}",
    )


def test_a_rollback_whose_zone_could_not_be_read_shows_no_made_up_difference(
    fleet: Fleet, plan: Plan, now: datetime
) -> None:
    assert what_changed(rollback_of(plan, now), fleet, {}) == ()


HOOKED = Hooks(before_cutover=(Hook("source", "warn"),), freeze=(Hook("source", "stop"),))


def with_hooks(fleet: Fleet, hooks: Hooks) -> Fleet:
    return replace(fleet, sites={**fleet.sites, "shop": replace(fleet.sites["shop"], hooks=hooks)})


def test_waves_hold_at_most_so_many_sites_in_their_order() -> None:
    moves = tuple(Move(f"site{number}", "north", "south") for number in range(5))
    assert [move.wave for move in in_waves(moves, 2)] == [0, 0, 1, 1, 2]
    assert in_waves(moves, 0) == moves


def test_each_wave_changes_its_own_records_also_of_one_zone(fleet: Fleet, readings: Readings) -> None:
    moves = (Move("shop", "north", "south", wave=1), Move("far", "south", "north"))
    drawn = draw_changes(fleet, moves, readings)
    assert [(zone.wave, zone.zone, {c.owner for c in zone.changes}) for zone in drawn.zones] == [
        (0, "shop.test", {"far.shop.test"}),
        (1, "shop.test", {"shop.test", "www.shop.test"}),
    ]
    assert len({zone.key for zone in drawn.zones}) == 2
    assert not any("shop.test A 192.0.2.1" in stray for stray in drawn.stray_records if not stray.startswith("ftp."))


def test_hooks_that_were_changed_since_are_named(fleet: Fleet, readings: Readings, plan: Plan) -> None:
    fleet = with_hooks(fleet, HOOKED)
    hooked = replace(plan, hooks=hooks_of(plan, fleet).runs)
    assert what_changed(hooked, fleet, readings) == ()
    said = ("the hooks of shop are no longer those of the plan",)
    assert what_changed(hooked, with_hooks(fleet, Hooks()), readings) == said
    two = Hooks(before_cutover=(Hook("source", "a"), Hook("source", "b")))
    swapped = Hooks(before_cutover=two.before_cutover[::-1])
    hooked = replace(plan, hooks=hooks_of(plan, with_hooks(fleet, two)).runs)
    assert what_changed(hooked, with_hooks(fleet, swapped), readings) == (
        "the hooks of shop, blog are no longer those of the plan",
    )


def test_a_failover_goes_to_no_copy_that_is_quarantined_whenever_that_began(plan: Plan) -> None:
    shop, blog = plan.moves
    others = {(shop.site, shop.source): (NOW, "left"), ("other", shop.target): (NOW, "left")}
    assert quarantined_since(plan, others) == ()
    since = {**others, (blog.site, blog.target): (plan.asked_at - timedelta(hours=1), "left by rollback AAAA")}
    told = f"the copy of {blog.site} on {blog.target} is quarantined since: left by rollback AAAA"
    assert quarantined_since(plan, since) == (told,)


def test_a_rollback_goes_to_what_its_cutover_left_and_to_what_was_quarantined_when_it_was_made(plan: Plan) -> None:
    back = replace(plan, purpose=Rollback("AAAA"))
    copy, later = (plan.moves[0].site, plan.moves[0].target), plan.asked_at + timedelta(seconds=1)
    assert quarantined_since(back, {copy: (later, "left by failover AAAA")}) == ()
    assert quarantined_since(back, {copy: (plan.asked_at, "left by failover BBBB")}) == ()
    told = f"the copy of {copy[0]} on {copy[1]} is quarantined since: left by failover BBBB"
    assert quarantined_since(back, {copy: (later, "left by failover BBBB")}) == (told,)

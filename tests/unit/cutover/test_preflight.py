from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING

import pytest

from core.cutover.preflight_checks import judge, no_hooks_on
from core.cutover.preflight_facts import Observation, PreflightFacts, TargetCopy
from core.dns.promises import Promises
from core.plan.plan import Failover, Rollback
from core.plan.verdict import Level, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.plan.plan import Plan, Purpose

NOW = datetime(2026, 6, 14, 13, 2, tzinfo=UTC)
UP, DOWN = Observation(ok=True), Observation(ok=False, why="refused")
COPY = TargetCopy("shop", "south", UP, NOW - timedelta(hours=3), timedelta(hours=26))

GOOD = PreflightFacts(
    now=NOW,
    purpose=Failover(),
    sources={"north": {"here": DOWN, "south": DOWN}},
    serving={"north": (0, 1)},
    own_link=True,
    targets={"south": UP},
    copies=(COPY,),
    updates={"shop.test@192.0.2.53:53": None},
    promises=Promises(atomic=True, conditional=True, provable=True),
    nameservers={"ns1": {"shop.test": 10}, "ns2": {"shop.test": 10}},
    serials={"shop.test": (10,)},
    max_ttl_s=300,
)


def verdict(facts: PreflightFacts, check: str, level: Level) -> Verdict:
    (found,) = [one for one in judge(facts) if one.check == check and one.level == level]
    return found


def test_a_dead_source_and_a_fresh_copy_pass_everything() -> None:
    assert {one.level for one in judge(GOOD)} == {Level.PASS}
    assert [(one.check, one.text) for one in judge(GOOD)] == [
        ("source", "north is down, seen from 2 places"),
        ("own link", "the bot's own link is up"),
        ("target", "south answers SSH"),
        ("copy", "1 site on the target: ok"),
        ("data age", "the oldest copy is from 3 h ago"),
        ("other work", "nothing else runs on these sites"),
        ("update server", "a signed update that changes nothing is taken for 1 zone"),
        ("name servers", "all 2 name servers answer, in step"),
        ("TTL", "no record lives longer than 300 s in caches"),
    ]


@pytest.mark.parametrize(
    ("change", "check", "level", "text"),
    [
        (
            lambda f: replace(f, sources={"north": {"here": DOWN, "south": UP}}, serving={}),
            "source",
            Level.BLOCK,
            "north is up, seen from south",
        ),
        (
            lambda f: replace(f, sources={"north": {"here": UP, "south": None}}, serving={"north": (1, 1)}),
            "source",
            Level.BLOCK,
            "north is up, seen from here",
        ),
        (
            lambda f: replace(f, sources={"north": {"here": UP, "south": UP}}),
            "source",
            Level.WARN,
            "north answers SSH, but none of the 1 site on it answers",
        ),
        (
            lambda f: replace(f, serving={"north": (2, 3)}),
            "source",
            Level.BLOCK,
            "north does not answer SSH, but still serves 2 of 3 sites",
        ),
        (
            lambda f: replace(f, sources={"north": {"here": DOWN, "south": None}}),
            "source",
            Level.WARN,
            "north is down, but seen from one place only",
        ),
        (
            lambda f: replace(f, purpose=Failover(planned=True)),
            "source",
            Level.BLOCK,
            "north does not answer, so this cannot be a planned move",
        ),
        (
            lambda f: replace(f, purpose=Failover(planned=True), sources={"north": {"here": UP}}),
            "source",
            Level.PASS,
            "north is up, as a planned move wants it",
        ),
        (
            lambda f: replace(f, own_link=False),
            "own link",
            Level.BLOCK,
            "nothing at all answers: the bot's own link may be down",
        ),
        (
            lambda f: replace(f, targets={"south": DOWN}),
            "target",
            Level.BLOCK,
            "south does not answer SSH: refused",
        ),
        (lambda f: replace(f, disks={"south": 0.96}), "disk", Level.WARN, "south has 96% of its disk or inodes used"),
        (
            lambda f: replace(f, copies=(replace(COPY, answers=Observation(ok=False, why="status 500")),)),
            "copy",
            Level.BLOCK,
            "shop does not answer properly on south: status 500",
        ),
        (
            lambda f: replace(f, copies=(replace(COPY, last_good_at=None),)),
            "data age",
            Level.WARN,
            "no good copy on record of shop",
        ),
        (
            lambda f: replace(f, copies=(replace(COPY, last_good_at=NOW - timedelta(hours=33, minutes=12)),)),
            "data age",
            Level.WARN,
            "too old: shop (last good copy 1 d 9 h ago, limit 1 d 2 h)",
        ),
        (
            lambda f: replace(f, copies=(replace(COPY, last_good_at=NOW + timedelta(hours=2)),)),
            "data age",
            Level.WARN,
            "of unknown age: shop (last good copy 2 h in the future, if no clock was put back)",
        ),
        (lambda f: replace(f, busy=(("shop", "a sync"),)), "other work", Level.WARN, "busy: shop (a sync)"),
        (lambda f: replace(f, busy=(("shop", "a cutover"),)), "other work", Level.BLOCK, "busy: shop (a cutover)"),
        (
            lambda f: replace(f, backed_up=("shop",)),
            "other work",
            Level.WARN,
            "a backup reads shop",
        ),
        (
            lambda f: replace(f, unfrozen=("shop",)),
            "databases",
            Level.WARN,
            "rows written at north between the last copy and the switch stay there: shop",
        ),
        (
            lambda f: replace(f, hooks_left_out=("before_cutover of shop on north",)),
            "hooks",
            Level.WARN,
            "1 hook left out on servers that cannot be counted on now: before_cutover of shop on north",
        ),
        (
            lambda f: replace(f, hooks_left_out=("before_cutover of shop on south",), without_hooks=True),
            "hooks",
            Level.WARN,
            "1 hook left out as asked: before_cutover of shop on south",
        ),
        (
            lambda f: replace(f, updates={"shop.test@a": "REFUSED", "b": None}),
            "update server",
            Level.BLOCK,
            "shop.test@a would not take the update: REFUSED",
        ),
        (
            lambda f: replace(f, unread=("shop.test",)),
            "transfer",
            Level.WARN,
            "transfers are refused (shop.test), so other names that point there could not be listed",
        ),
        (
            lambda f: replace(f, nameservers={"ns1": "ns1 did not answer", "ns2": {"shop.test": 10}}),
            "name servers",
            Level.WARN,
            "1 of 2 name servers not answering: ns1 did not answer",
        ),
        (
            lambda f: replace(f, nameservers={"ns1": "timed out", "ns2": "timed out"}),
            "name servers",
            Level.BLOCK,
            "none of 2 name servers answers",
        ),
        (
            lambda f: replace(f, nameservers={"ns1": {"shop.test": 9}, "ns2": {"shop.test": 10}}),
            "name servers",
            Level.WARN,
            "not in step with the update server: ns1",
        ),
        (
            lambda f: replace(f, long_ttls=(("shop.test", 86400), ("www.shop.test", 3600))),
            "TTL",
            Level.WARN,
            "2 records over 300 s (longest 86,400 s): shop.test, www.shop.test",
        ),
        (
            lambda f: replace(f, unhandled_names=("www.shop.test is an alias of cdn.test, which does not move",)),
            "records",
            Level.WARN,
            "does not simply follow: www.shop.test is an alias of cdn.test, which does not move",
        ),
        (
            lambda f: replace(f, stray_records=("ftp.shop.test A 192.0.2.1 (north)",)),
            "other names",
            Level.WARN,
            "1 other record also point there and stay: ftp.shop.test A 192.0.2.1 (north)",
        ),
        (
            lambda f: replace(f, recent=(("shop", NOW - timedelta(minutes=14)),)),
            "last move",
            Level.WARN,
            "moved less than 15 min ago: shop 14 min ago",
        ),
        (
            lambda f: replace(f, purpose=Rollback("K7Q2")),
            "data age",
            Level.WARN,
            "south shows what it had when it was left; what was written since stays where it is now",
        ),
    ],
)
def test_a_trouble_is_told_with_its_figures(
    change: Callable[[PreflightFacts], PreflightFacts], check: str, level: Level, text: str
) -> None:
    facts = change(GOOD)
    found = verdict(facts, check, level)
    assert found.text == text
    assert found.hint or level == Level.PASS
    # Nothing says at once that all is well with it, and of all else the same is said as before.
    assert {one.level for one in judge(facts) if one.check == check} == {level}
    if not isinstance(facts.purpose, Rollback):
        assert [one for one in judge(facts) if one.check != check] == [one for one in judge(GOOD) if one.check != check]


@pytest.mark.parametrize("at_fault", [0, 1, 2])
def test_one_of_several_is_enough_to_be_told_and_the_others_are_not(at_fault: int) -> None:
    names = ("a", "b", "c")
    copies = [replace(COPY, site=name) for name in names]
    for change, said in (
        ({"answers": DOWN}, {"copy": f"{names[at_fault]} does not answer properly on south: refused"}),
        ({"last_good_at": None}, {"data age": f"no good copy on record of {names[at_fault]}"}),
        (
            {"last_good_at": NOW - timedelta(days=2)},
            {"data age": f"too old: {names[at_fault]} (last good copy 2 d ago, limit 1 d 2 h)"},
        ),
    ):
        spoilt = [replace(one, **change) if number == at_fault else one for number, one in enumerate(copies)]
        judged = judge(replace(GOOD, copies=tuple(spoilt)))
        assert {one.check: one.text for one in judged if one.level != Level.PASS} == said
        assert not [one for one in judged if one.check in said and one.level == Level.PASS]
    zones = dict.fromkeys(names, (10,))
    behind = {**dict.fromkeys(names, 10), names[at_fault]: 9}
    facts = replace(GOOD, serials=zones, nameservers={"ns1": dict.fromkeys(names, 10), "ns2": behind})
    assert verdict(facts, "name servers", Level.WARN).text == "not in step with the update server: ns2"


def test_one_name_server_that_is_silent_and_one_that_is_behind_are_both_told() -> None:
    facts = replace(GOOD, nameservers={"ns1": "ns1 did not answer", "ns2": {"shop.test": 9}, "ns3": {"shop.test": 10}})
    assert [one.text for one in judge(facts) if one.check == "name servers"] == [
        "1 of 3 name servers not answering: ns1 did not answer",
        "not in step with the update server: ns2",
    ]


def test_the_age_of_the_oldest_copy_is_told() -> None:
    copies = [replace(COPY, site=f"s{hours}", last_good_at=NOW - timedelta(hours=hours)) for hours in (1, 7, 3)]
    facts = replace(GOOD, copies=tuple(copies))
    assert verdict(facts, "data age", Level.PASS).text == "the oldest copy is from 7 h ago"


def test_a_copy_just_as_old_as_it_may_be_is_not_too_old() -> None:
    at_limit = replace(GOOD, copies=(replace(COPY, last_good_at=NOW - COPY.max_age),))
    assert verdict(at_limit, "data age", Level.PASS).text == "the oldest copy is from 1 d 2 h ago"
    over = replace(COPY, last_good_at=NOW - COPY.max_age - timedelta(microseconds=1))
    assert verdict(replace(GOOD, copies=(over,)), "data age", Level.WARN)


def test_a_server_that_nobody_could_look_at_is_not_up() -> None:
    for sightings in ({}, {"here": None}):
        facts = replace(GOOD, purpose=Failover(planned=True), sources={"north": sightings})
        assert verdict(facts, "source", Level.BLOCK).text == "north does not answer, so this cannot be a planned move"


def test_one_name_server_is_not_several() -> None:
    facts = replace(GOOD, nameservers={"ns1": {"shop.test": 10}})
    assert verdict(facts, "name servers", Level.PASS).text == "the only name server answers, in step"


@pytest.mark.parametrize(
    ("sighting", "text"), [(UP, "south is up"), (DOWN, "south does not answer; going back leaves it")]
)
def test_going_back_is_right_whether_the_server_that_is_left_lives_or_not(sighting: Observation, text: str) -> None:
    facts = replace(GOOD, purpose=Rollback("K7Q2"), sources={"south": {"here": sighting}})
    assert verdict(facts, "source", Level.PASS).text == text


@pytest.mark.parametrize("purpose", [Failover(planned=True), Rollback("K7Q2")])
def test_what_is_not_an_emergency_waits_for_other_work_and_says_how_to_end_it(purpose: Failover | Rollback) -> None:
    facts = replace(GOOD, purpose=purpose, busy=(("shop", "a sync to south"), ("my blog", "an undo on east")))
    found = verdict(facts, "other work", Level.BLOCK)
    assert found.text == "busy: shop (a sync to south), my blog (an undo on east)"
    assert found.hint == "Wait until it has ended, or end it: `cancel shop`, `cancel 'my blog'`."


def test_a_move_a_quarter_of_an_hour_ago_is_no_warning() -> None:
    facts = replace(GOOD, recent=(("shop", NOW - timedelta(minutes=15)),))
    assert "last move" not in {one.check for one in judge(facts)}


def test_a_rollback_right_after_its_cutover_is_no_warning() -> None:
    facts = replace(GOOD, purpose=Rollback("K7Q2"), recent=(("shop", NOW),))
    assert "last move" not in {one.check for one in judge(facts)}


def test_a_plan_without_copies_says_nothing_about_their_age() -> None:
    assert not {"copy", "data age"} & {one.check for one in judge(replace(GOOD, copies=()))}


def test_without_update_servers_nothing_is_said_to_be_taken() -> None:
    assert "update server" not in {one.check for one in judge(replace(GOOD, updates={}))}


def test_a_name_server_in_step_with_either_of_two_update_servers_is_in_step() -> None:
    facts = replace(GOOD, serials={"shop.test": (2026, 10)})
    assert verdict(facts, "name servers", Level.PASS).text == "all 2 name servers answer, in step"


def test_a_full_disk_just_under_the_limit_is_no_warning() -> None:
    assert "disk" not in {one.check for one in judge(replace(GOOD, disks={"south": 0.94}))}
    assert verdict(replace(GOOD, disks={"south": 0.95}), "disk", Level.WARN)


@pytest.mark.parametrize(
    ("purpose", "here", "left_out"),
    [
        (Failover(), UP, ("north",)),
        (Failover(), DOWN, ("north",)),
        (Failover(planned=True), UP, ()),
        (Failover(planned=True), DOWN, ()),
        (Rollback("K7Q2"), UP, ()),
        (Rollback("K7Q2"), DOWN, ("north",)),
        (Rollback("K7Q2"), None, ("north",)),
    ],
)
def test_hooks_are_left_out_where_the_server_that_is_left_cannot_be_counted_on(
    plan: Plan, purpose: Purpose, here: Observation | None, left_out: tuple[str, ...]
) -> None:
    facts = replace(GOOD, sources={"north": {"here": here}})
    assert no_hooks_on(replace(plan, purpose=purpose), facts) == left_out


@pytest.mark.parametrize(
    ("purpose", "left_out"),
    [(Failover(), ("north", "far")), (Failover(planned=True), ()), (Rollback("K7Q2"), ("far",))],
)
def test_hooks_on_another_silent_server_stand_in_the_way_of_a_planned_move_only(
    plan: Plan, purpose: Purpose, left_out: tuple[str, ...]
) -> None:
    facts = replace(GOOD, sources={"north": {"here": UP}})
    assert no_hooks_on(replace(plan, purpose=purpose), facts, ["north", "far"]) == left_out


CANNOT = {
    "atomic": "this way of changing DNS makes one change after another: if it breaks off, some names moved, others not",
    "conditional": "this way of changing DNS cannot refuse a change made in the last second: it would be overwritten",
    "provable": "this way of changing DNS cannot ask each name server: some may go on giving the old address, unseen",
}


@pytest.mark.parametrize("kept", list(product((True, False), repeat=3)))
def test_what_the_way_of_changing_dns_cannot_promise_is_said_with_its_consequence(kept: tuple[bool, ...]) -> None:
    promises = dict(zip(CANNOT, kept, strict=True))
    judged = judge(replace(GOOD, promises=Promises(**promises)))
    warned = [one for one in judged if one.check == "DNS backend"]
    assert [one.text for one in warned] == [text for name, text in CANNOT.items() if not promises[name]]
    assert {one.level for one in warned} <= {Level.WARN}
    assert all(one.hint for one in warned)
    assert [one for one in judged if one not in warned] == list(judge(GOOD))

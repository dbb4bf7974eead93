from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from core.fleet import Endpoint
from core.plan import Move, inverse, plan_from_json, plan_to_json
from core.preflight import Level, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.plan import Plan, ZoneChange

BLOCK = Verdict("target", Level.BLOCK, "down", "mend it")
WARN = Verdict("TTL", Level.WARN, "long")
PASS = Verdict("own link", Level.PASS, "up")


def first_zone(plan: Plan, **changes: object) -> Plan:
    return replace(plan, zones=(replace(plan.zones[0], **changes), *plan.zones[1:]))


def first_change(plan: Plan, change: Callable[[ZoneChange], ZoneChange]) -> Plan:
    return replace(plan, zones=(change(plan.zones[0]), *plan.zones[1:]))


def other_ttl(zone: ZoneChange) -> ZoneChange:
    first, *rest = zone.changes
    assert first.new is not None
    return replace(zone, changes=(replace(first, new=replace(first.new, ttl_s=999)), *rest))


def other_value(zone: ZoneChange) -> ZoneChange:
    first, *rest = zone.changes
    assert first.new is not None
    return replace(zone, changes=(replace(first, new=replace(first.new, values=("192.0.2.99",))), *rest))


@pytest.mark.parametrize(
    "tamper",
    [
        lambda plan: first_zone(plan, update=Endpoint("192.0.2.54")),
        lambda plan: first_zone(plan, zone="other.test"),
        lambda plan: first_zone(plan, serial=11),
        lambda plan: first_change(plan, other_ttl),
        lambda plan: first_change(plan, other_value),
        lambda plan: replace(plan, zones=plan.zones[:1]),
        lambda plan: replace(plan, moves=plan.moves[:1]),
        lambda plan: replace(plan, moves=(Move("shop", "north", "east"), *plan.moves[1:])),
        lambda plan: replace(plan, moves=(Move("shop", "south", "south"), *plan.moves[1:])),
        lambda plan: replace(plan, expires_at=plan.expires_at + timedelta(seconds=1)),
        lambda plan: replace(plan, force="because"),
        lambda plan: replace(plan, planned=True),
    ],
)
def test_the_digest_covers_everything_that_is_approved(plan: Plan, tamper: Callable[[Plan], Plan]) -> None:
    assert tamper(plan).digest != plan.digest


def test_a_plan_survives_json(plan: Plan) -> None:
    full = replace(plan, verdicts=(BLOCK, PASS), left_alone=(("alone", "it has no mirror"),), undoes="AAAA")
    again = plan_from_json(json.loads(json.dumps(plan_to_json(full))))
    assert again == full
    assert again.digest == full.digest


def test_a_blocked_plan_may_be_approved_only_with_a_reason(plan: Plan) -> None:
    blocked = replace(plan, verdicts=(PASS, WARN, BLOCK))
    assert (blocked.blocks, blocked.warnings) == ((BLOCK,), (WARN,))
    assert not blocked.may_be_approved
    assert replace(blocked, force="the house burns").may_be_approved
    assert plan.may_be_approved
    assert not replace(plan, zones=()).may_be_approved


def test_the_title_names_one_site_or_counts_several(plan: Plan) -> None:
    assert plan.title == "failover of 2 sites from north to south, east"
    assert replace(plan, moves=plan.moves[:1]).title == "failover of shop from north to south"


def test_the_longest_old_ttl_counts(plan: Plan) -> None:
    assert plan.longest_ttl_s == 300
    assert replace(plan, zones=()).longest_ttl_s == 0


def test_undoing_takes_back_only_the_zones_and_sites_that_were_changed(plan: Plan) -> None:
    names = {"shop": ("shop.test", "www.shop.test"), "blog": ("blog.test",)}
    later = plan.asked_at + timedelta(hours=1)
    back = inverse(plan, "R2D2", [plan.zones[1].key], names, "slack:U2", later)
    assert [zone.key for zone in back.zones] == [plan.zones[1].key]
    assert back.moves == (Move("blog", "east", "north"),)
    assert (back.undoes, back.expires_at - later) == (plan.id, plan.expires_at - plan.asked_at)
    assert [c.old for c in back.zones[0].changes] == [c.new for c in plan.zones[1].changes]

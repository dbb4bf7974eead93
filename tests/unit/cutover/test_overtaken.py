from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.cutover.overtaken import is_overtaken, left_to_ask, moved_on, under_way_since
from core.plan.plan import PlanState
from core.plan.progress import CutoverProgress, ZoneDone
from core.plan.stored import StoredPlan

if TYPE_CHECKING:
    from datetime import datetime

    from core.plan.plan import Plan

same_plan = settings(suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture])
SHOP, BLOG = ("shop.test", "www.shop.test"), ("blog.test",)


def carried_out(
    plan: Plan, id_: str, at: datetime, serials: dict[str, int], state: PlanState = PlanState.CONFIRMED
) -> StoredPlan:
    """Return a plan that has changed the zones in `serials`, to such a serial, at that time."""
    zones = {zone.key: ZoneDone(at, serials[zone.zone]) for zone in plan.zones if zone.zone in serials}
    return StoredPlan(replace(plan, id=id_), state, progress=CutoverProgress(zones=zones))


def test_what_a_later_plan_changed_is_named_with_that_plan(plan: Plan, now: datetime) -> None:
    first = carried_out(plan, "AAAA", now, {"shop.test": 11, "blog.test": 21})
    later = now + timedelta(minutes=1)
    one = carried_out(plan, "BBBB", later, {"blog.test": 22})
    assert moved_on(first, [one]) == {"blog.test": "BBBB"}
    assert not is_overtaken(first, moved_on(first, [one]))
    both = [one, carried_out(plan, "CCCC", later, {"shop.test": 12, "blog.test": 23})]
    assert moved_on(first, both) == dict.fromkeys([*SHOP, *BLOG], "CCCC")
    assert is_overtaken(first, moved_on(first, both))


def test_neither_itself_nor_an_earlier_plan_moved_it_on_whatever_the_clock_says(plan: Plan, now: datetime) -> None:
    first = carried_out(plan, "AAAA", now, {"shop.test": 11, "blog.test": 21})
    earlier = carried_out(plan, "BBBB", now + timedelta(hours=1), {"shop.test": 10, "blog.test": 20})
    assert moved_on(first, [first, earlier]) == {}
    assert not is_overtaken(first, {})
    assert moved_on(earlier, [first]) == dict.fromkeys([*SHOP, *BLOG], "AAAA")


def test_where_serials_are_the_same_the_clock_tells(plan: Plan, now: datetime) -> None:
    first = carried_out(plan, "AAAA", now, {"blog.test": 21})
    assert moved_on(first, [carried_out(plan, "BBBB", now + timedelta(seconds=1), {"blog.test": 21})]) != {}
    assert moved_on(first, [carried_out(plan, "BBBB", now, {"blog.test": 21})]) == {}


def test_another_name_of_the_same_zone_moves_nothing_on(plan: Plan, now: datetime) -> None:
    first = carried_out(plan, "AAAA", now, {"shop.test": 11})
    zones = tuple(replace(zone, changes=zone.changes[:1]) for zone in plan.zones)
    other = carried_out(replace(plan, zones=zones), "BBBB", now, {"shop.test": 12})
    assert moved_on(first, [other]) == {"shop.test": "BBBB"}
    assert not is_overtaken(first, moved_on(first, [other]))


@pytest.mark.parametrize("state", PlanState)
def test_a_plan_that_is_carried_out_just_now_is_waited_for(plan: Plan, now: datetime, state: PlanState) -> None:
    first = carried_out(plan, "AAAA", now, {"blog.test": 21})
    other = carried_out(plan, "BBBB", now, {"blog.test": 22}, state)
    assert under_way_since(first, [other]) == (state == PlanState.APPROVED)
    assert not under_way_since(first, [carried_out(plan, "BBBB", now, {"shop.test": 12}, PlanState.APPROVED)])


def test_nothing_that_was_changed_is_not_overtaken(plan: Plan) -> None:
    assert not is_overtaken(StoredPlan(plan, PlanState.UNFINISHED), SHOP)


@same_plan
@given(st.sets(st.sampled_from([*SHOP, *BLOG])))
def test_what_was_moved_on_is_not_asked_about_and_all_else_is(plan: Plan, names: set[str]) -> None:
    left = left_to_ask(plan.zones, dict.fromkeys(names, "BBBB"))
    asked = [change for zone in left for change in zone.changes]
    assert asked == [change for zone in plan.zones for change in zone.changes if change.owner not in names]
    assert all(zone.changes for zone in left)
    assert [zone.key for zone in left] == [zone.key for zone in plan.zones if {c.owner for c in zone.changes} - names]

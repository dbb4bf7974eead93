from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.cutover import (
    BATCH,
    END,
    HOLD,
    SWITCH,
    VERIFY,
    Heard,
    Outcome,
    Standing,
    Step,
    how_it_ended,
    moved_sites,
    moved_zones,
    next_steps,
    standing,
    steps_of,
    stopped_before_dns,
)
from core.fleet import Endpoint
from core.plan import Plan, State, ZoneChange
from core.records import RecordChange, RecordSet

if TYPE_CHECKING:
    from core.fleet import Fleet

DONE, REFUSED, UNKNOWN, LATE = Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.LATE
POSSIBLE = {
    "hold": [DONE, REFUSED],
    "sync": [DONE, REFUSED],
    "update": [DONE, REFUSED, UNKNOWN],
    "verify": [DONE, LATE],
    "switch": [DONE],
}
same_plan = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def updates(plan: Plan) -> list[str]:
    return [f"update {zone.key}" for zone in plan.zones]


def test_an_emergency_goes_hold_update_verify_switch_end(plan: Plan) -> None:
    outcomes: dict[str, Outcome] = {}
    order = []
    while (steps := next_steps(plan, outcomes)) != (END,):
        order.append([step.key for step in steps])
        outcomes |= {step.key: DONE for step in steps}
    assert order == [["hold"], updates(plan), ["verify"], ["switch"]]


def test_a_planned_move_copies_each_site_once_more_before_any_zone(planned: Plan) -> None:
    assert [step.key for step in steps_of(planned)] == [
        "hold",
        "sync shop",
        "sync blog",
        *updates(planned),
        "verify",
        "switch",
        "end",
    ]


def test_a_rollback_copies_nothing(planned: Plan) -> None:
    assert "sync" not in {step.name for step in steps_of(replace(planned, kind="rollback"))}


def test_a_failed_final_sync_ends_it_before_any_zone(planned: Plan) -> None:
    outcomes = {"hold": DONE, "sync shop": REFUSED}
    assert stopped_before_dns(outcomes)
    assert next_steps(planned, outcomes) == (END,)
    assert how_it_ended(planned, outcomes) == State.STALE


def test_a_refused_hold_ends_it_before_any_zone(plan: Plan) -> None:
    assert next_steps(plan, {"hold": REFUSED}) == (END,)


def test_zone_updates_go_out_in_batches(plan: Plan) -> None:
    zones = tuple(replace(plan.zones[0], zone=f"z{i}.test") for i in range(BATCH + 5))
    many = replace(plan, zones=zones)
    first = next_steps(many, {"hold": DONE})
    assert len(first) == BATCH
    second = next_steps(many, {"hold": DONE, **{step.key: DONE for step in first}})
    assert len(second) == 5
    assert not {step.key for step in first} & {step.key for step in second}


@pytest.mark.parametrize(
    ("first", "second", "verified", "state"),
    [
        (DONE, DONE, DONE, State.CONFIRMED),
        (DONE, DONE, LATE, State.UNFINISHED),
        (DONE, REFUSED, DONE, State.PARTIAL),
        (DONE, UNKNOWN, LATE, State.PARTIAL),
        (UNKNOWN, REFUSED, None, State.PARTIAL),
        (REFUSED, REFUSED, None, State.STALE),
    ],
)
def test_how_a_cutover_ends(
    plan: Plan, first: Outcome, second: Outcome, verified: Outcome | None, state: State
) -> None:
    outcomes = {"hold": DONE, **dict(zip(updates(plan), (first, second), strict=True))}
    if verified is not None:
        outcomes |= {"verify": verified, "switch": DONE}
    assert next_steps(plan, outcomes) == (END,)
    assert how_it_ended(plan, outcomes) == state


def test_a_site_has_moved_only_when_all_its_zones_have(plan: Plan, fleet: Fleet) -> None:
    names = {site.name: site.names for site in fleet.sites.values()}
    shop, blog = updates(plan)
    assert moved_sites(plan, {shop: DONE, blog: REFUSED}, names) == ("shop",)
    assert moved_sites(plan, {shop: DONE, blog: DONE}, names) == ("shop", "blog")
    assert moved_sites(plan, {shop: REFUSED, blog: REFUSED}, names) == ()


@same_plan
@given(st.integers(0, 2**32), st.booleans())
def test_interrupted_after_any_step_the_rest_is_the_same_and_nothing_is_taken_twice(
    plan: Plan, seed: int, in_a_planned_move: bool
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's chance
    plan = replace(plan, planned=in_a_planned_move)
    fate = {step.key: chance.choice(POSSIBLE[step.name]) for step in steps_of(plan) if step != END}
    outcomes: dict[str, Outcome] = {}
    taken: list[str] = []
    while (steps := next_steps(plan, outcomes)) != (END,):
        # The process dies after some of a batch, and another begins from what is on record.
        recorded = steps[: chance.randint(0, len(steps))]
        for step in recorded:
            assert step.key not in outcomes
            if step.name == "update":
                assert outcomes.get(HOLD.key) == DONE
                assert all(outcomes.get(f"sync {site}") == DONE for site in plan.sites) or not in_a_planned_move
            taken.append(step.key)
            outcomes[step.key] = fate[step.key]
    assert len(taken) == len(set(taken))
    made = moved_zones(plan, outcomes)
    assert (VERIFY.key in outcomes) == bool(made)
    assert (SWITCH.key in outcomes) == bool(made)
    if how_it_ended(plan, outcomes) == State.STALE:
        assert not made
        assert UNKNOWN not in outcomes.values()


def test_no_step_is_left_after_the_end(plan: Plan) -> None:
    outcomes = {step.key: DONE for step in steps_of(plan)}
    assert next_steps(plan, outcomes) == ()
    assert Step("end") == END


def heard(zone: ZoneChange, serial: int | None, *, new: bool, why: str = "") -> dict[str, Heard]:
    sides = [(change, change.new if new else change.old) for change in zone.changes]
    values = {(change.owner, change.type): side.values if side else () for change, side in sides}
    return {zone.zone: Heard(serial, values, why)}


def test_a_name_server_agrees_with_every_new_value_at_the_new_serial(zone_change: ZoneChange) -> None:
    said = standing("ns1", [(zone_change, (11,))], heard(zone_change, 11, new=True))
    assert said == Standing("ns1", agrees=True, serial=11)


def test_a_later_serial_agrees_too(zone_change: ZoneChange) -> None:
    assert standing("ns1", [(zone_change, (11,))], heard(zone_change, 12, new=True)).agrees


def test_new_values_at_an_old_serial_do_not_agree(zone_change: ZoneChange) -> None:
    said = standing("ns1", [(zone_change, (11,))], heard(zone_change, 10, new=True))
    assert (said.agrees, said.old, said.serial) == (False, 0, 10)


def test_old_values_are_counted(zone_change: ZoneChange) -> None:
    said = standing("ns1", [(zone_change, (11,))], heard(zone_change, 10, new=False))
    assert (said.agrees, said.old, said.wrong) == (False, len(zone_change.changes), 0)


def test_values_that_are_neither_old_nor_new_are_counted(zone_change: ZoneChange) -> None:
    said = standing("ns1", [(zone_change, (11,))], {zone_change.zone: Heard(11, {})})
    assert (said.agrees, said.wrong) == (False, len(zone_change.changes))


def test_a_silent_name_server_does_not_agree_and_says_why(zone_change: ZoneChange) -> None:
    said = standing("ns1", [(zone_change, (11,))], heard(zone_change, None, new=True, why="timed out"))
    assert (said.agrees, said.why) == (False, "timed out")
    assert standing("ns1", [(zone_change, (11,))], {}).why == "not asked"
    assert standing("ns1", [(zone_change, (11,))], heard(zone_change, None, new=True)).why == "no serial"


def test_a_record_that_came_or_went_is_compared_as_absent() -> None:
    gone = RecordChange(RecordSet("a.test", "AAAA", 60, ("2001:db8::1",)), None)
    come = RecordChange(None, RecordSet("b.test", "A", 60, ("192.0.2.1",)))
    zone = ZoneChange(Endpoint("192.0.2.53"), "test", 1, (gone, come))
    new = {("b.test", "A"): ("192.0.2.1",)}
    old = {("a.test", "AAAA"): ("2001:db8::1",)}
    assert standing("ns1", [(zone, (2,))], {"test": Heard(2, new)}).agrees
    assert standing("ns1", [(zone, (2,))], {"test": Heard(2, old)}).old == 2


def test_the_serial_shown_is_that_of_the_zone_furthest_behind(plan: Plan) -> None:
    first, second = plan.zones
    said = {**heard(first, 10, new=False), **heard(second, 21, new=True)}
    assert standing("ns1", [(first, (11,)), (second, (21,))], said).serial == 10
    assert standing("ns1", [(second, (21,)), (first, (11,))], said).serial == 10


def test_a_name_server_follows_one_of_several_update_servers(zone_change: ZoneChange) -> None:
    said = heard(zone_change, 500, new=True)
    assert standing("ns1", [(zone_change, (2_000_000_000, 500))], said).agrees

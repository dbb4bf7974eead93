from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.cutover.steps import (
    BATCH,
    BEFORE_DNS,
    END,
    CopySwitch,
    Outcome,
    Step,
    does_something,
    how_it_ended,
    moved_sites,
    moved_zones,
    next_steps,
    switched,
    when_it_failed,
)
from core.fleet.hook_runs import HookRun
from core.plan.plan import Failover, Plan, PlanState, Rollback

if TYPE_CHECKING:
    from core.fleet import Fleet

DONE, REFUSED, UNKNOWN, LATE = Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN, Outcome.LATE
NOT_BEGUN = Outcome.NOT_BEGUN
POSSIBLE = {
    "hold": [DONE, REFUSED, NOT_BEGUN],
    "before": [DONE, REFUSED, NOT_BEGUN],
    "sync": [DONE, REFUSED, NOT_BEGUN],
    "freeze": [DONE, REFUSED, NOT_BEGUN],
    "resync": [DONE, REFUSED, NOT_BEGUN],
    "update": [DONE, REFUSED, NOT_BEGUN, UNKNOWN],
    "verify": [DONE, LATE],
    "check": [DONE, REFUSED],
    "switch": [DONE],
    "catch-up": [DONE, REFUSED],
    "after": [DONE, REFUSED],
    "thaw": [DONE, REFUSED],
}
EVERY_MOMENT = ("before_cutover", "freeze", "after_cutover", "thaw")
same_plan = settings(suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture])


def updates(plan: Plan) -> list[str]:
    return [f"update {zone.key}" for zone in plan.zones]


def hooked(plan: Plan, *moments: str, sites: tuple[str, ...] = ("shop", "blog")) -> Plan:
    hooks = [
        HookRun(site, moment, "north", "true", 1.0, "north", "south", "/srv")  # type: ignore[arg-type]
        for site in sites
        for moment in moments
    ]
    return replace(plan, hooks=tuple(hooks))


def in_two_waves(plan: Plan) -> Plan:
    waves = [replace(move, wave=number) for number, move in enumerate(plan.moves)]
    zones = [replace(zone, wave=number) for number, zone in enumerate(plan.zones)]
    return replace(plan, moves=tuple(waves), zones=tuple(zones), wave_size=1)


def every_step(plan: Plan) -> tuple[Step, ...]:
    """Return the steps of a cutover in which everything goes well."""
    taken: tuple[Step, ...] = ()
    while steps := next_steps(plan, dict.fromkeys(keys(taken), DONE)):
        taken += steps
    return taken


def keys(steps: tuple[Step, ...]) -> list[str]:
    return [step.key for step in steps]


def went_well(plan: Plan, before: str) -> dict[str, Outcome]:
    """Return a good outcome of every step that comes before one."""
    order = keys(every_step(plan))
    return dict.fromkeys(order[: order.index(before)], DONE)


def test_an_emergency_goes_hold_update_verify_switch_end(plan: Plan) -> None:
    outcomes: dict[str, Outcome] = {}
    order = []
    while (steps := next_steps(plan, outcomes)) != (END,):
        order.append([step.key for step in steps])
        outcomes |= {step.key: DONE for step in steps}
    assert order == [["hold"], updates(plan), ["verify"], ["switch"]]


def test_a_planned_move_copies_each_site_once_more_before_any_zone(planned: Plan) -> None:
    assert [step.key for step in every_step(planned)] == [
        "hold",
        "sync shop",
        "sync blog",
        *updates(planned),
        "verify",
        "switch",
        "catch-up shop",
        "catch-up blog",
        "end",
    ]


def test_a_rollback_copies_nothing(planned: Plan) -> None:
    assert "sync" not in {step.name for step in every_step(replace(planned, purpose=Rollback("AAAA")))}


def test_a_failed_final_sync_ends_it_before_any_zone(planned: Plan) -> None:
    outcomes = {"hold": DONE, "sync shop": REFUSED}
    assert next_steps(planned, outcomes) == (END,)
    assert how_it_ended(planned, outcomes) == PlanState.STALE


@pytest.mark.parametrize("failed", ["before shop", "sync shop", "freeze shop", "resync shop"])
def test_one_that_fails_before_the_zones_is_enough_though_those_beside_it_went_well(planned: Plan, failed: str) -> None:
    plan = hooked(planned, *EVERY_MOMENT)
    beside = failed.replace("shop", "blog")
    for order in ((failed, beside), (beside, failed)):
        outcomes = {**went_well(plan, min(order, key=keys(every_step(plan)).index)), beside: DONE, failed: REFUSED}
        while (steps := next_steps(plan, outcomes, at_once=4)) != (END,):
            assert {step.name for step in steps} == {"thaw"}
            outcomes |= {step.key: DONE for step in steps}
        assert how_it_ended(plan, outcomes) == PlanState.STALE


@pytest.mark.parametrize("outcome", [REFUSED, UNKNOWN])
def test_each_zone_is_asked_for_whatever_came_of_another(plan: Plan, outcome: Outcome) -> None:
    first, second = updates(plan)
    assert keys(next_steps(plan, {"hold": DONE, first: outcome})) == [second]
    assert keys(next_steps(plan, {"hold": DONE, second: outcome})) == [first]


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
        (DONE, DONE, DONE, PlanState.CONFIRMED),
        (DONE, DONE, LATE, PlanState.UNFINISHED),
        (DONE, REFUSED, DONE, PlanState.PARTIAL),
        (DONE, UNKNOWN, LATE, PlanState.PARTIAL),
        (UNKNOWN, REFUSED, None, PlanState.PARTIAL),
        (REFUSED, REFUSED, None, PlanState.STALE),
    ],
)
def test_how_a_cutover_ends(
    plan: Plan, first: Outcome, second: Outcome, verified: Outcome | None, state: PlanState
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
    # Of names that nothing is known of, none has moved where nothing was changed.
    assert moved_sites(plan, {shop: REFUSED, blog: REFUSED}, {}) == ()
    assert moved_sites(plan, {}, names) == ()


def test_hooks_and_freezing_stand_around_the_copies_and_the_switch(planned: Plan) -> None:
    plan = hooked(planned, *EVERY_MOMENT, sites=("shop",))
    assert keys(every_step(plan)) == [
        "hold",
        "before shop",
        "sync shop",
        "sync blog",
        "freeze shop",
        "resync shop",
        *updates(plan),
        "verify",
        "switch",
        "catch-up shop",
        "catch-up blog",
        "after shop",
        "thaw shop",
        "end",
    ]


def test_what_is_done_site_by_site_is_done_some_at_once(planned: Plan) -> None:
    plan = hooked(planned, *EVERY_MOMENT)
    assert keys(next_steps(plan, {"hold": DONE}, at_once=4)) == ["before shop", "before blog"]
    assert keys(next_steps(plan, {"hold": DONE}, at_once=1)) == ["before shop"]
    assert keys(next_steps(plan, went_well(plan, "sync blog"), at_once=4)) == ["sync blog"]
    assert keys(next_steps(plan, went_well(plan, "verify"), at_once=4)) == ["verify"]


@pytest.mark.parametrize("step", ["before shop", "freeze shop", "resync shop"])
def test_what_fails_before_the_zones_ends_it_there_and_thaws_what_was_frozen(planned: Plan, step: str) -> None:
    plan = hooked(planned, *EVERY_MOMENT)
    outcomes = {**went_well(plan, step), step: REFUSED}
    frozen = [name for name in ("thaw shop", "thaw blog") if name.replace("thaw", "freeze") in outcomes]
    for thaw in frozen:
        assert keys(next_steps(plan, outcomes)) == [thaw]
        outcomes[thaw] = DONE
    assert next_steps(plan, outcomes) == (END,)
    assert how_it_ended(plan, outcomes) == PlanState.STALE


@pytest.mark.parametrize("step", ["catch-up shop", "after shop", "thaw shop"])
def test_what_fails_once_the_zones_have_changed_ends_nothing(planned: Plan, step: str) -> None:
    plan = hooked(planned, *EVERY_MOMENT)
    outcomes = {**went_well(plan, "end"), step: REFUSED}
    assert next_steps(plan, outcomes) == (END,)
    assert how_it_ended(plan, outcomes) == PlanState.CONFIRMED


def test_a_wave_is_held_moved_and_checked_before_the_next_begins(planned: Plan) -> None:
    plan = in_two_waves(planned)
    first, second = updates(plan)
    assert second.endswith(" wave 2")
    assert keys(every_step(plan)) == [
        "hold",
        "sync shop",
        first,
        "verify",
        "check",
        "switch",
        "catch-up shop",
        "hold wave 2",
        "sync blog",
        second,
        "verify wave 2",
        "check wave 2",
        "switch wave 2",
        "catch-up blog",
        "end",
    ]


@pytest.mark.parametrize("step", ["hold", "sync shop", "verify", "check", "catch-up shop", "after shop", "thaw shop"])
def test_after_any_trouble_in_a_wave_the_next_stays(planned: Plan, step: str) -> None:
    plan = in_two_waves(hooked(planned, *EVERY_MOMENT))
    outcomes = {**went_well(plan, step), step: LATE if step == "verify" else REFUSED}
    while (steps := next_steps(plan, outcomes)) != (END,):
        outcomes |= {one.key: DONE for one in steps}
    assert "hold wave 2" not in outcomes
    before_dns = step in {"hold", "sync shop"}
    assert how_it_ended(plan, outcomes) == (PlanState.STALE if before_dns else PlanState.PARTIAL)
    assert ("thaw shop" in outcomes) == ("freeze shop" in outcomes)


def test_sites_of_a_wave_move_with_that_wave(planned: Plan, fleet: Fleet) -> None:
    plan = in_two_waves(planned)
    names = {site.name: site.names for site in fleet.sites.values()}
    outcomes = {updates(plan)[0]: DONE}
    assert moved_sites(plan, outcomes, names, 0) == ("shop",)
    assert moved_sites(plan, outcomes, names, 1) == ()


def test_what_another_wave_leaves_undone_holds_no_site_back(planned: Plan) -> None:
    plan = in_two_waves(planned)
    first, second = updates(plan)
    names = {"shop": ("shop.test", "blog.test"), "blog": ("blog.test", "shop.test")}
    assert moved_sites(plan, {first: DONE, second: REFUSED}, names, 0) == ("shop",)
    assert moved_sites(plan, {first: REFUSED, second: DONE}, names, 1) == ("blog",)
    assert moved_sites(plan, {first: DONE, second: DONE}, names, 0) == ("shop",)


def test_an_emergency_quarantines_the_copies_that_were_left(plan: Plan) -> None:
    assert switched(plan, ["shop"]) == CopySwitch({"shop": "south"}, quarantined=(("shop", "north"),))


def test_a_planned_move_quarantines_nothing(planned: Plan) -> None:
    assert switched(planned, ["shop", "blog"]) == CopySwitch({"shop": "south", "blog": "east"})


def test_a_rollback_frees_the_copy_that_serves_again_and_quarantines_the_other(planned: Plan) -> None:
    back = replace(planned, purpose=Rollback("AAAA"))
    assert switched(back, ["shop"]) == CopySwitch({"shop": "south"}, (("shop", "north"),), (("shop", "south"),))


@same_plan
@given(st.integers(0, 2**32), st.booleans(), st.booleans(), st.booleans())
def test_interrupted_after_any_step_the_rest_is_the_same_and_nothing_is_taken_twice(
    plan: Plan, seed: int, in_a_planned_move: bool, with_hooks: bool, in_waves: bool
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's chance
    plan = replace(plan, purpose=Failover(planned=in_a_planned_move))
    if with_hooks:
        plan = hooked(plan, *(EVERY_MOMENT if in_a_planned_move else ("before_cutover", "after_cutover")))
    if in_waves:
        plan = in_two_waves(plan)
    all_steps = every_step(plan)
    # Now and then something goes wrong; if each step did, nothing would ever come far.
    fate = {
        step.key: chance.choice(POSSIBLE[step.name]) if chance.random() < 0.2 else DONE
        for step in all_steps
        if step != END
    }
    outcomes: dict[str, Outcome] = {}
    taken: list[Step] = []
    while (steps := next_steps(plan, outcomes, at_once=chance.randint(1, 3))) != (END,):
        assert len({(step.name, step.wave) for step in steps}) == 1
        # The process dies after some of a batch, and another begins from what is on record.
        recorded = steps[: chance.randint(0, len(steps))]
        for step in recorded:
            assert step.key not in outcomes
            earlier = [one for one in all_steps if one.wave < step.wave and one.key in outcomes]
            assert all(outcomes[one.key] == DONE for one in earlier)
            if step.name == "update":
                before = [one for one in all_steps if one.wave == step.wave and one.name in BEFORE_DNS]
                assert all(outcomes.get(one.key) == DONE for one in before)
            taken.append(step)
            outcomes[step.key] = fate[step.key]
    keys_taken = keys(tuple(taken))
    assert len(keys_taken) == len(set(keys_taken))
    order = keys(all_steps)
    assert keys_taken == sorted(keys_taken, key=order.index)
    made = moved_zones(plan, outcomes)
    for wave in range(plan.waves):
        of_wave = any(zone.wave == wave for zone in made)
        assert (Step("verify", wave=wave).key in outcomes) == of_wave
        assert (Step("switch", wave=wave).key in outcomes) == of_wave
    if plan.copies_first:
        begun = {key for key, outcome in outcomes.items() if outcome != NOT_BEGUN}
        frozen = {key.removeprefix("freeze ") for key in begun if key.startswith("freeze ")}
        assert {key.removeprefix("thaw ") for key in outcomes if key.startswith("thaw ")} == frozen
    if how_it_ended(plan, outcomes) == PlanState.STALE:
        assert not made
        assert UNKNOWN not in outcomes.values()


@pytest.mark.parametrize(
    ("done", "begun", "then", "state"),
    [
        ("", "", [], PlanState.CANCELLED),
        ("", "hold", ["hold"], PlanState.CANCELLED),
        ("hold", "", [], PlanState.CANCELLED),
        ("freeze shop", "", ["thaw shop"], PlanState.CANCELLED),
        ("freeze shop", "freeze blog", ["freeze blog", "thaw shop", "thaw blog"], PlanState.CANCELLED),
        (
            "resync blog",
            "update shop.test@192.0.2.53:53",
            ["update shop.test@192.0.2.53:53", "verify", "switch", "catch-up", "after", "thaw"],
            PlanState.PARTIAL,
        ),
        (
            "update blog.test@192.0.2.53:53",
            "",
            ["verify", "switch", "catch-up", "after", "thaw"],
            PlanState.CONFIRMED,
        ),
        ("thaw blog", "", [], PlanState.CONFIRMED),
    ],
)
def test_a_cancelled_cutover_takes_only_what_was_done_before_makes_necessary(
    planned: Plan, done: str, begun: str, then: list[str], state: PlanState
) -> None:
    plan = hooked(planned, *EVERY_MOMENT)
    order = keys(every_step(plan))
    assert updates(plan) == ["update shop.test@192.0.2.53:53", "update blog.test@192.0.2.53:53"]
    outcomes = dict.fromkeys(order[: order.index(done) + 1] if done else [], DONE)
    taken: list[Step] = []
    while (steps := next_steps(plan, outcomes, cancelled={*outcomes, begun})) != (END,):
        taken += steps
        outcomes |= {step.key: DONE for step in steps}
    assert [step.key for step in taken if step.key in then or step.name not in then] == [
        key for key in then if " " in key or key in order
    ]
    assert list(dict.fromkeys(step.name for step in taken)) == list(dict.fromkeys(key.split()[0] for key in then))
    assert how_it_ended(plan, outcomes, cancelled=True) == state


def test_a_cancelled_wave_ends_whole_and_the_next_stays(planned: Plan) -> None:
    plan = in_two_waves(planned)
    first, second = updates(plan)
    outcomes = went_well(plan, "verify")
    while (steps := next_steps(plan, outcomes, cancelled={*outcomes})) != (END,):
        outcomes |= {step.key: DONE for step in steps}
    assert {first, "verify", "check", "switch", "catch-up shop"} < set(outcomes)
    assert not {second, "hold wave 2"} & set(outcomes)
    assert how_it_ended(plan, outcomes, cancelled=True) == PlanState.PARTIAL


@same_plan
@given(st.integers(0, 2**32), st.booleans(), st.booleans())
def test_cancelled_at_any_moment_it_begins_no_zone_and_leaves_nothing_frozen(
    plan: Plan, seed: int, with_hooks: bool, in_waves: bool
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's chance
    plan = replace(plan, purpose=Failover(planned=True))
    plan = hooked(plan, *EVERY_MOMENT) if with_hooks else plan
    plan = in_two_waves(plan) if in_waves else plan
    outcomes: dict[str, Outcome] = {}
    begun: set[str] = set()
    cancelled = None
    while (steps := next_steps(plan, outcomes, at_once=chance.randint(1, 3), cancelled=cancelled)) != (END,):
        if cancelled is not None:
            new = {step.key for step in steps} - begun
            assert not [key for key in new if key.split()[0] in BEFORE_DNS | {"update"}]
        elif chance.random() < 0.1:
            # Somebody cancels it when these have begun, and its process dies after some of them.
            cancelled = begun | {step.key for step in steps}
        begun |= {step.key for step in steps}
        for step in steps[: chance.randint(0, len(steps))]:
            outcomes[step.key] = DONE if chance.random() < 0.9 else chance.choice(POSSIBLE[step.name])
    made = moved_zones(plan, outcomes)
    for wave in range(plan.waves):
        of_wave = any(zone.wave == wave for zone in made)
        assert (Step("switch", wave=wave).key in outcomes) == of_wave
    begun_to_freeze = {key for key, how in outcomes.items() if key.startswith("freeze ") and how != Outcome.NOT_BEGUN}
    frozen = {key.removeprefix("freeze ") for key in begun_to_freeze}
    assert {key.removeprefix("thaw ") for key in outcomes if key.startswith("thaw ")} == frozen
    assert {key for key in begun if key.startswith("update")} <= set(outcomes)
    unchanged = not made and UNKNOWN not in outcomes.values()
    assert (how_it_ended(plan, outcomes, cancelled=True) == PlanState.CANCELLED) == unchanged


def test_no_step_is_left_after_the_end(plan: Plan) -> None:
    outcomes = {step.key: DONE for step in every_step(plan)}
    assert next_steps(plan, outcomes) == ()
    assert Step("end") == END


@pytest.mark.parametrize(
    ("keys", "does"),
    [
        ((), False),
        (("hold",), False),
        (("hold", "hold wave 2"), False),
        (("hold", "update ski.example"), True),
        (("holding-hook shop",), True),
        (("restore shop",), True),
        (("end",), True),
    ],
)
def test_a_cutover_does_something_once_a_step_that_does_more_than_hold_has_begun(
    keys: tuple[str, ...], does: bool
) -> None:
    assert does_something(keys) is does


@pytest.mark.parametrize("step", POSSIBLE)
def test_a_step_that_failed_by_itself_is_never_taken_for_done_nor_for_certainly_undone(step: str) -> None:
    expected = {"update": UNKNOWN, "verify": LATE}.get(step, REFUSED)
    assert when_it_failed(Step(step, "shop")) == expected
    assert when_it_failed(Step("restore", "shop")) == UNKNOWN


def test_a_site_whose_freeze_was_not_begun_is_not_thawed(planned: Plan) -> None:
    plan = hooked(planned, *EVERY_MOMENT)
    outcomes = {**went_well(plan, "freeze shop"), "freeze shop": REFUSED, "freeze blog": NOT_BEGUN}
    assert keys(next_steps(plan, outcomes)) == ["thaw shop"]
    assert keys(next_steps(plan, {**outcomes, "thaw shop": DONE})) == ["end"]

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from core.fleet import Database, Hook, Hooks
from core.plan.hooks import hooks_of, without_freeze

if TYPE_CHECKING:
    from core.fleet import Fleet
    from core.plan.plan import Plan

STOP = Hook("source", "stop writing", timedelta(seconds=9))
WARM = Hook("target", "warm")
HOOKED = Hooks(before_cutover=(Hook("source", "warn"),), freeze=(Hook("source", "stop"),))


def with_hooks(fleet: Fleet, hooks: Hooks) -> Fleet:
    return replace(fleet, sites={**fleet.sites, "shop": replace(fleet.sites["shop"], hooks=hooks)})


def test_hooks_on_a_server_that_is_left_out_are_told_apart(fleet: Fleet, plan: Plan) -> None:
    fleet = with_hooks(fleet, Hooks(before_cutover=(STOP, WARM), after_cutover=(WARM,), freeze=(STOP,)))
    found = hooks_of(replace(plan, no_hooks_on=("north",)), fleet)
    assert [(one.moment, one.server) for one in found.runs] == [("before_cutover", "south"), ("after_cutover", "south")]
    assert [(one.moment, one.server) for one in found.left_out] == [("before_cutover", "north")]


def test_nothing_is_thawed_that_nothing_froze(fleet: Fleet, planned: Plan) -> None:
    assert hooks_of(planned, with_hooks(fleet, Hooks(thaw=(WARM,)))).runs == ()
    fleet = with_hooks(fleet, Hooks(freeze=(STOP,), thaw=(WARM,)))
    assert [one.moment for one in hooks_of(planned, fleet).runs] == ["freeze", "thaw"]


def test_a_site_that_has_left_the_fleet_has_no_hooks(fleet: Fleet, planned: Plan) -> None:
    fleet = with_hooks(fleet, HOOKED)
    assert hooks_of(planned, fleet).runs
    assert hooks_of(planned, replace(fleet, sites={"blog": fleet.sites["blog"]})).runs == ()


def test_an_emergency_freezes_nothing(fleet: Fleet, plan: Plan, planned: Plan) -> None:
    fleet = with_hooks(fleet, HOOKED)
    assert [hook.moment for hook in hooks_of(plan, fleet).runs] == ["before_cutover"]
    assert [hook.moment for hook in hooks_of(planned, fleet).runs] == [
        "before_cutover",
        "freeze",
    ]


def test_a_database_that_nothing_freezes_is_named_in_a_planned_move(fleet: Fleet, plan: Plan, planned: Plan) -> None:
    database = Database("mariadb", "shop")
    fleet = replace(fleet, sites={**fleet.sites, "shop": replace(fleet.sites["shop"], databases=(database,))})
    assert without_freeze(plan, fleet) == ()
    assert without_freeze(planned, fleet) == ("shop",)
    frozen = replace(planned, hooks=hooks_of(planned, with_hooks(fleet, HOOKED)).runs)
    assert without_freeze(frozen, fleet) == ()

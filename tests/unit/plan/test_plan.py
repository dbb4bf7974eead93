from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.fleet import Endpoint
from core.fleet.hook_runs import HookRun
from core.plan.basis import FleetBasis
from core.plan.plan import Failover, Move, PlanState, Rollback, inverse, plan_from_json, plan_to_json
from core.plan.progress import progress_from_json, progress_to_json
from core.plan.stored import StoredPlan
from core.plan.verdict import Level, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.plan.plan import Plan, ZoneChange

BLOCK = Verdict("target", Level.BLOCK, "down", "mend it")
WARN = Verdict("TTL", Level.WARN, "long")
PASS = Verdict("own link", Level.PASS, "up")


HOOK = HookRun("shop", "freeze", "north", "stop", 9.0, "north", "south", "/srv/north/shop")
# Plans of each kind, and how far a cutover is, as a store holds them.
STORED = Path(__file__).with_name("stored")
# As it was kept before plans had hooks and waves.
OLD = {
    "id": "K7Q2",
    "kind": "failover",
    "moves": [{"site": "shop", "source": "north", "target": "south"}],
    "zones": [
        {
            "update": {"address": "192.0.2.53", "port": 53},
            "zone": "shop.test",
            "serial": 10,
            "changes": [
                {
                    "old": {"owner": "shop.test", "type": "A", "ttl_s": 300, "values": ["192.0.2.1"]},
                    "new": {"owner": "shop.test", "type": "A", "ttl_s": 300, "values": ["192.0.2.2"]},
                }
            ],
        }
    ],
    "asked_by": "slack:U1",
    "asked_at": "2026-06-14T13:02:07.000000Z",
    "expires_at": "2026-06-14T13:12:07.000000Z",
    "planned": False,
    "force": None,
    "verdicts": [],
    "left_alone": [],
    "mentions": [],
    "undoes": None,
    "line": "failover north",
}
OLD_DIGEST = "967d0197de7283abb471a79571e3d6019259cdb1076b5526c8f90944ab989c8c"


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
        lambda plan: replace(plan, purpose=Failover(planned=True)),
        lambda plan: replace(plan, hooks=(HOOK,)),
        lambda plan: replace(plan, no_hooks_on=("north",)),
        lambda plan: replace(plan, wave_size=1),
        lambda plan: replace(plan, moves=(plan.moves[0], replace(plan.moves[1], wave=1))),
        lambda plan: first_zone(plan, wave=1),
        lambda plan: replace(plan, basis=FleetBasis((), (), ())),
    ],
)
def test_the_digest_covers_everything_that_is_approved(plan: Plan, tamper: Callable[[Plan], Plan]) -> None:
    assert tamper(plan).digest != plan.digest


def test_a_plan_survives_json(plan: Plan) -> None:
    full = replace(plan, verdicts=(BLOCK, PASS), left_alone=(("alone", "it has no mirror"),))
    again = plan_from_json(json.loads(json.dumps(plan_to_json(full))))
    assert again == full
    assert again.digest == full.digest


def test_a_plan_with_hooks_and_waves_survives_json(plan: Plan) -> None:
    moves = (plan.moves[0], replace(plan.moves[1], wave=1))
    zones = (plan.zones[0], replace(plan.zones[1], wave=1))
    full = replace(plan, moves=moves, zones=zones, hooks=(HOOK,), no_hooks_on=("east",), wave_size=1)
    assert plan_from_json(json.loads(json.dumps(plan_to_json(full)))) == full
    assert (full.waves, plan.waves) == (2, 1)


def test_a_plan_that_was_kept_before_there_were_hooks_and_waves_is_the_same_plan_still() -> None:
    old = plan_from_json(OLD)
    assert (old.digest, old.hooks, old.wave_size, old.waves) == (OLD_DIGEST, (), 0, 1)
    assert json.loads(json.dumps(plan_to_json(old))).items() >= OLD.items()


@pytest.mark.parametrize("kind", ["emergency", "planned", "rollback", "restore"])
def test_a_plan_of_each_kind_reads_and_writes_as_a_store_holds_it_and_keeps_its_digest(kind: str) -> None:
    kept = json.loads((STORED / f"{kind}.json").read_text())
    plan = plan_from_json(kept["body"])
    assert (plan.digest, plan.title) == (kept["digest"], kept["title"])
    assert json.loads(json.dumps(plan_to_json(plan))) == kept["body"]


def test_how_far_a_cutover_is_reads_and_writes_as_a_store_holds_it() -> None:
    kept = json.loads((STORED / "progress.json").read_text())
    assert json.loads(json.dumps(progress_to_json(progress_from_json(kept)))) == kept
    later = ("gave_way", "cancelled_by")
    before = progress_from_json({key: value for key, value in kept.items() if key not in later})
    assert before == replace(progress_from_json(kept), gave_way={}, cancelled_by="")


def test_a_plan_of_a_kind_that_is_not_known_is_not_taken_for_another() -> None:
    with pytest.raises(ValueError, match="drill"):
        plan_from_json({**OLD, "kind": "drill"})


def test_only_a_planned_failover_copies_first(plan: Plan) -> None:
    assert not plan.copies_first
    assert replace(plan, purpose=Failover(planned=True)).copies_first
    assert not replace(plan, purpose=Rollback("AAAA")).copies_first


def test_only_sites_of_waves_that_changed_something_count_as_touched(plan: Plan) -> None:
    moves = (plan.moves[0], replace(plan.moves[1], wave=1))
    waves = replace(plan, moves=moves, zones=(plan.zones[0], replace(plan.zones[1], wave=1)))
    assert waves.sites_touched([plan.zones[0].key]) == ("shop",)
    assert waves.sites_touched([]) == ("shop", "blog")


def test_what_two_waves_changed_in_one_zone_goes_back_in_one_message(plan: Plan) -> None:
    first, second = plan.zones
    again = replace(second, zone=first.zone, update=first.update, wave=1)
    waves = replace(plan, zones=(first, again), wave_size=1)
    assert first.key != again.key
    back = inverse(waves, "R2D2", [first.key, again.key], {}, "slack:U2", plan.asked_at)
    (zone,) = back.zones
    assert len(zone.changes) == len(first.changes) + len(second.changes)
    assert (back.waves, back.wave_size, zone.key) == (1, 0, first.key)


def test_a_blocked_plan_may_be_approved_only_with_a_reason(plan: Plan) -> None:
    blocked = replace(plan, verdicts=(PASS, WARN, BLOCK))
    assert (blocked.blocks, blocked.warnings) == ((BLOCK,), (WARN,))
    assert not blocked.may_be_approved
    assert replace(blocked, force="the house burns").may_be_approved
    assert plan.may_be_approved
    assert not replace(plan, zones=()).may_be_approved
    assert (plan.first_state, blocked.first_state) == (PlanState.PLANNED, PlanState.BLOCKED)


def test_a_plan_that_has_ended_is_still_the_one_that_was_approved(plan: Plan) -> None:
    later = plan.asked_at + timedelta(hours=1)
    approved = StoredPlan(plan, PlanState.APPROVED, ("slack:U2",), plan.asked_at)
    assert approved.ended(PlanState.CONFIRMED, later) == StoredPlan(
        plan, PlanState.CONFIRMED, ("slack:U2",), plan.asked_at, later
    )
    assert (approved.id, approved.title, approved.card) == (plan.id, plan.title, "plan:K7Q2")


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
    assert (back.purpose, back.expires_at - later) == (Rollback(plan.id), plan.expires_at - plan.asked_at)
    assert [c.old for c in back.zones[0].changes] == [c.new for c in plan.zones[1].changes]

"""Plans, their approvals and their steps, each beside those of other plans."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from store.harness import CARD, LEASE, NOW, a_plan
from store.others import PLAN, THEN, WAITING_PLAN

from core.cutover.steps import Outcome
from core.errors import RefusedError
from core.plan.plan import PlanState
from core.plan.progress import CutoverProgress, ZoneDone
from core.reply import Reply

if TYPE_CHECKING:
    from ops.store import Store

MADE = CutoverProgress(zones={"shop.test": ZoneDone(NOW, 11)})


async def test_approvals_of_other_plans_do_not_count(store: Store) -> None:
    plan = a_plan()
    await store.plans.add(plan, CARD)
    assert await store.plans.approve(plan, "slack:U2", 2, lambda: NOW) == PlanState.PLANNED
    other = await store.plans.get(WAITING_PLAN)
    assert other is not None
    assert (other.state, other.approved_by) == (PlanState.PLANNED, ("slack:U8",))


async def test_who_approves_twice_has_approved_once_at_the_first_time(store: Store) -> None:
    plan = a_plan()
    await store.plans.add(plan, CARD)
    for number, who in enumerate(["slack:U2", "slack:U3", "slack:U2"]):
        state = await store.plans.approve(plan, who, 3, lambda number=number: NOW + timedelta(seconds=number))
        assert state == PlanState.PLANNED
    stored = await store.plans.get("K7Q2")
    assert stored is not None
    assert stored.approved_by == ("slack:U2", "slack:U3")
    entries = await store.record.entries(subject="K7Q2")
    assert [(one.kind, one.who) for one in entries[1:]] == [
        ("plan.approved", "slack:U2"),
        ("plan.approved", "slack:U3"),
    ]


async def test_one_plan_is_read_with_the_people_who_approved_it_in_the_order_in_which_they_did(store: Store) -> None:
    plan, other = a_plan(), a_plan("AAAA", "blog")
    for one in (plan, other):
        await store.plans.add(one, CARD)
    for number, who in enumerate(["slack:U4", "slack:U2", "slack:U3"]):
        await store.plans.approve(plan, who, 3, lambda number=number: NOW + timedelta(seconds=number))
    stored = await store.plans.get("K7Q2")
    assert stored is not None
    assert stored.plan == plan
    assert stored.approved_by == ("slack:U4", "slack:U2", "slack:U3")
    assert (stored.state, stored.approved_at, stored.ended_at) == (
        PlanState.APPROVED,
        NOW + timedelta(seconds=2),
        None,
    )
    beside = await store.plans.get("AAAA")
    assert beside is not None
    assert (beside.state, beside.approved_by, beside.approved_at) == (PlanState.PLANNED, (), None)
    assert await store.plans.get("none") is None


async def test_the_last_approval_takes_the_sites_and_begins_the_run(store: Store) -> None:
    plan = a_plan("K7Q2", "shop", "blog")
    await store.plans.add(plan, CARD)
    await store.plans.approve(plan, "slack:U2", 1, lambda: NOW)
    assert await store.runs.free() == (("cutover", "K7Q2"),)
    other = a_plan("AAAA", "blog")
    await store.plans.add(other, CARD)
    with pytest.raises(RefusedError, match="blog in plan K7Q2"):
        await store.plans.approve(other, "slack:U2", 1, lambda: NOW)
    assert await store.runs.free() == (("cutover", "K7Q2"),)


async def test_a_plan_that_ends_leaves_the_sites_of_all_others_taken(store: Store) -> None:
    first, second, third = a_plan(), a_plan("AAAA", "blog"), a_plan("BBBB", "blog")
    for plan in (first, second, third):
        await store.plans.add(plan, CARD)
    for plan in (first, second):
        await store.plans.approve(plan, "slack:U2", 1, lambda: NOW)
    await store.plans.move("K7Q2", {PlanState.APPROVED}, PlanState.CONFIRMED, NOW, "bot", "done", CARD)
    with pytest.raises(RefusedError, match="blog in plan AAAA"):
        await store.plans.approve(third, "slack:U2", 1, lambda: NOW)
    ended = await store.plans.get("K7Q2")
    assert ended is not None
    assert (ended.state, ended.ended_at) == (PlanState.CONFIRMED, NOW)


async def test_a_plan_that_is_approved_by_a_move_keeps_its_sites(store: Store) -> None:
    first, second = a_plan(), a_plan("AAAA")
    for plan in (first, second):
        await store.plans.add(plan, CARD)
    await store.plans.approve(first, "slack:U2", 1, lambda: NOW)
    await store.plans.move("K7Q2", {PlanState.APPROVED}, PlanState.APPROVED, NOW, "bot", "again", CARD)
    with pytest.raises(RefusedError, match="shop in plan K7Q2"):
        await store.plans.approve(second, "slack:U2", 1, lambda: NOW)


async def test_a_move_puts_the_plan_the_record_and_the_card_together(store: Store) -> None:
    await store.plans.add(a_plan(), CARD)
    card = Reply("cancelled")
    assert await store.plans.move("K7Q2", {PlanState.PLANNED}, PlanState.CANCELLED, NOW, "slack:U3", "why", card)
    entry = (await store.record.entries(last=1))[0]
    assert (entry.kind, entry.subject, entry.who, entry.body) == ("plan.cancelled", "K7Q2", "slack:U3", {"why": "why"})
    shown = await store.cards.get("plan:K7Q2")
    assert shown is not None
    assert (shown.reply, shown.revision) == (card, 2)


async def test_steps_and_their_outcomes_are_each_plans_own(store: Store) -> None:
    for plan in (a_plan(), a_plan("AAAA", "blog")):
        await store.plans.add(plan, CARD)
    for plan_id in ("K7Q2", "AAAA"):
        assert await store.plans.begin_steps(plan_id, ["hold", "verify"], NOW, "bot") == frozenset()
    await store.plans.end_steps("K7Q2", [("hold", Outcome.DONE, "held")], MADE, NOW + LEASE, "bot")
    assert await store.plans.outcomes("K7Q2") == {"hold": Outcome.DONE}
    assert await store.plans.outcomes("AAAA") == {}
    assert await store.plans.outcomes(PLAN) == {"hold": Outcome.DONE}
    beside = await store.plans.get("AAAA")
    assert beside is not None
    assert beside.progress == CutoverProgress()


async def test_a_step_that_ended_keeps_when_it_began_when_it_ended_and_what_came_of_it(store: Store) -> None:
    await store.plans.add(a_plan(), CARD)
    await store.plans.begin_steps("K7Q2", ["hold"], NOW, "bot")
    await store.plans.begin_steps("K7Q2", ["hold"], NOW + LEASE, "bot")
    ended = [("hold", Outcome.DONE, "held")]
    await store.plans.end_steps("K7Q2", ended, MADE, NOW + 2 * LEASE, "bot")
    await store.plans.end_steps("K7Q2", [("hold", Outcome.REFUSED, "late")], MADE, NOW + 3 * LEASE, "bot")
    asked = "SELECT * FROM steps WHERE plan = 'K7Q2'"
    assert await store._db.read(lambda transaction: transaction.query(asked)) == [
        {
            "plan": "K7Q2",
            "step": "hold",
            "begun_at": "2026-06-14T13:02:07.000000Z",
            "ended_at": "2026-06-14T13:02:37.000000Z",
            "outcome": "done",
            "detail": "held",
        }
    ]


async def test_how_far_a_cutover_is_and_its_card_are_kept_together(store: Store) -> None:
    for plan in (a_plan(), a_plan("AAAA", "blog")):
        await store.plans.add(plan, CARD)
    await store.plans.approve(a_plan(), "slack:U2", 1, lambda: NOW)
    await store.plans.show("K7Q2", MADE, Reply("moving"), NOW)
    stored, beside, card = (
        await store.plans.get("K7Q2"),
        await store.plans.get("AAAA"),
        await store.cards.get("plan:K7Q2"),
    )
    assert stored is not None
    assert beside is not None
    assert card is not None
    assert (stored.progress, beside.progress, card.reply) == (MADE, CutoverProgress(), Reply("moving"))


async def test_plans_are_listed_by_state_and_in_the_order_in_which_they_were_asked_for(store: Store) -> None:
    for number, plan_id in enumerate(["CCCC", "AAAA", "BBBB"]):
        await store.plans.add(replace(a_plan(plan_id, plan_id), asked_at=NOW + number * LEASE), CARD)
    for plan_id in ("DDDD", "DDDA"):
        await store.plans.add(replace(a_plan(plan_id, plan_id), asked_at=NOW + 3 * LEASE), CARD)
    await store.plans.move("AAAA", {PlanState.PLANNED}, PlanState.EXPIRED, NOW, "bot", "late", CARD)
    waiting = ["CCCC", "BBBB", "DDDA", "DDDD", WAITING_PLAN]
    assert [stored.id for stored in await store.plans.in_state(PlanState.PLANNED)] == waiting
    assert [stored.id for stored in await store.plans.in_state(PlanState.EXPIRED)] == ["AAAA"]
    assert [stored.id for stored in await store.plans.open()] == ["CCCC", "BBBB", "DDDA", "DDDD", PLAN, WAITING_PLAN]


async def test_a_site_was_last_moved_by_a_plan_that_was_carried_out(store: Store) -> None:
    ends = [
        ("AAAA", "early", PlanState.CONFIRMED),
        ("BBBB", "stale", PlanState.STALE),
        ("CCCC", "moving", None),
        ("DDDD", "open", PlanState.UNFINISHED),
    ]
    for plan_id, site, end in ends:
        plan = replace(a_plan(plan_id, site), expires_at=THEN)
        await store.plans.add(plan, CARD)
        await store.plans.approve(plan, "slack:U2", 1, lambda: NOW)
        await store.plans.show(plan_id, MADE, CARD, NOW)
        if end is not None:
            await store.plans.move(plan_id, {PlanState.APPROVED}, end, NOW + LEASE, "bot", "so", CARD)
    await store.plans.add(a_plan("EEEE", "asked"), CARD)
    assert await store.plans.last_moves() == {"early": NOW, "open": NOW}

"""Carrying out an approved plan step by step: nothing is lost or done twice, however often it is interrupted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from core.cutover.card import card_of
from core.cutover.steps import END, Outcome, does_something, how_it_ended, next_steps
from core.plan.approval import CARRIED_OUT, is_to_be_compared, why_not_begin
from core.plan.approvers import groups_to_ask, why_too_few
from core.plan.basis import name_servers_changed
from core.plan.plan import PlanState, Rollback
from core.plan.progress import merged
from jobs import Job
from jobs.cutover.step_context import StepContext
from jobs.cutover.steps import STEP_WORDS
from jobs.cutover.taken import taken
from jobs.pages import publish_now
from jobs.plans.basis import fleet_now, why_not_with_this_fleet
from jobs.plans.prepare import changed_since
from ops.store.plans import RUN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from core.cutover.steps import Step
    from core.fleet import Fleet
    from core.plan.approvers import Members
    from core.plan.plan import Plan
    from core.plan.progress import CutoverProgress
    from core.plan.stored import StoredPlan
    from ops.ports import Ports

BOT = "bot:cutover"


async def carry_out(ports: Ports, plan_id: str, _at: datetime) -> None:
    """Carry out an approved plan from its first step without an outcome to its end; any other plan is left as it is."""
    stored = await ports.store.plans.get(plan_id)
    if stored is None or stored.state != PlanState.APPROVED:
        return
    begun, cancelled = await ports.store.plans.begun(plan_id), await ports.store.cancellations.of_plan(plan_id)
    progress = stored.progress
    if not does_something(begun) and cancelled is None:
        fleet = await fleet_now(ports)
        groups = groups_to_ask(stored, (fleet or ports.fleet).slack)
        members = await ports.groups.members(groups)
        if why := await _why_not_begin(ports, stored, fleet, members):
            await _end_unbegun(ports, stored, why)
            return
        progress = await _noting_unknown(ports, stored, tuple(one for one in groups if one not in members))
    outcomes = dict(await ports.store.plans.outcomes(plan_id))
    while True:
        cancelled = await ports.store.cancellations.of_plan(plan_id)
        if cancelled is not None and not progress.cancelled_by:
            progress = replace(progress, cancelled_by=cancelled.who)
            await _show(ports, stored, progress)
        at_once, before = ports.fleet.sync.parallel, begun if cancelled is not None else None
        steps = next_steps(stored.plan, outcomes, at_once, cancelled=before)
        if steps in {(), (END,)}:
            await _end(ports, stored, outcomes, progress)
            return
        progress = replace(progress, doing=_in_words(stored.plan, steps[0]), wave=steps[0].wave)
        await _show(ports, stored, progress)
        ended = await _take(ports, stored, steps, outcomes, progress)
        for step, (outcome, _detail, _progress) in zip(steps, ended, strict=True):
            outcomes[step.key] = outcome
        progress = merged(progress, tuple(part for _, _, part in ended))


async def _noting_unknown(ports: Ports, stored: StoredPlan, groups: tuple[str, ...]) -> CutoverProgress:
    """Put on record, and into what the card shows, of which groups nobody could say who is in them now."""
    if groups and groups != stored.progress.members_unknown:
        about = {"groups": list(groups)}
        await ports.store.record.add(ports.clock.now(), "plan.members-unknown", stored.id, BOT, about)
    return replace(stored.progress, members_unknown=groups)


async def _why_not_begin(ports: Ports, stored: StoredPlan, fleet: Fleet | None, members: Members) -> tuple[str, ...]:
    """Say why a plan of which nothing was done yet is not carried out any more: whoever takes it up judges it again."""
    now = ports.clock.now()
    why = why_not_begin(stored, now)
    if why is not None:
        return (why,)
    people = fleet or ports.fleet
    too_few = why_too_few(stored, people.slack, people.approval, members)
    if too_few is not None:
        return (too_few,)
    changed = await why_not_with_this_fleet(ports, stored.plan)
    changed += name_servers_changed(stored.plan, fleet) if fleet is not None else ()
    if changed:
        return changed
    return await changed_since(ports, stored) if is_to_be_compared(stored, now) else ()


async def _end_unbegun(ports: Ports, stored: StoredPlan, why: tuple[str, ...]) -> None:
    now = ports.clock.now()
    card = card_of(stored.ended(PlanState.STALE, now), ports.fleet, why=why)
    await ports.store.claims.release(stored.id)
    await ports.store.plans.move(stored.id, {PlanState.APPROVED}, PlanState.STALE, now, BOT, "; ".join(why), card)


def _in_words(plan: Plan, step: Step) -> str:
    words = STEP_WORDS[step.name]
    return words if plan.waves == 1 else f"Wave {step.wave + 1} of {plan.waves}: {words[0].lower()}{words[1:]}"


async def _take(
    ports: Ports,
    stored: StoredPlan,
    steps: tuple[Step, ...],
    outcomes: Mapping[str, Outcome],
    progress: CutoverProgress,
) -> list[tuple[Outcome, str, CutoverProgress]]:
    """Take `steps` at once, each with its intent on record before and its outcome after."""
    plans, clock = ports.store.plans, ports.clock
    begun_before = await plans.begin_steps(stored.id, [step.key for step in steps], clock.now(), BOT)

    async def show(progress: CutoverProgress) -> None:
        await _show(ports, stored, progress)

    changed = await why_not_with_this_fleet(ports, stored.plan, steps[0].wave)
    context = StepContext(ports, stored.plan, BOT, outcomes, progress, show, begun_before, changed)
    ended = await asyncio.gather(*(taken(context, step) for step in steps))
    after = merged(progress, tuple(part for _, _, part in ended))
    outcomes_now = [(step.key, outcome, detail) for step, (outcome, detail, _) in zip(steps, ended, strict=True)]
    await plans.end_steps(stored.id, outcomes_now, after, clock.now(), BOT)
    return ended


async def _show(ports: Ports, stored: StoredPlan, progress: CutoverProgress) -> None:
    card = card_of(replace(stored, progress=progress), ports.fleet)
    await ports.store.plans.show(stored.id, progress, card, ports.clock.now())


async def _end(ports: Ports, stored: StoredPlan, outcomes: Mapping[str, Outcome], progress: CutoverProgress) -> None:
    now = ports.clock.now()
    state = how_it_ended(stored.plan, outcomes, cancelled=bool(progress.cancelled_by))
    card = card_of(replace(stored, progress=progress).ended(state, now), ports.fleet)
    await ports.store.claims.release(stored.id)
    whys = [f"cancelled by {progress.cancelled_by}"] if progress.cancelled_by else []
    why = "; ".join([*whys, *(f"{about}: {trouble}" for about, trouble in progress.trouble.items())])
    if isinstance(stored.plan.purpose, Rollback) and state in {PlanState.CONFIRMED, PlanState.UNFINISHED}:
        await _mark_undone(ports, stored.plan.purpose.of, f"rolled back by plan {stored.id}", now)
    await ports.store.plans.move(stored.id, {PlanState.APPROVED}, state, now, BOT, why, card)
    await publish_now(ports)


async def _mark_undone(ports: Ports, plan_id: str, why: str, now: datetime) -> None:
    undone = await ports.store.plans.get(plan_id)
    if undone is None:
        return
    card = card_of(undone.ended(PlanState.ROLLED_BACK, now), ports.fleet, why=(why,))
    await ports.store.plans.move(undone.id, CARRIED_OUT, PlanState.ROLLED_BACK, now, BOT, why, card)


JOB = Job(name=RUN, run=carry_out, durable=True)

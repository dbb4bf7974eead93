"""`approve`: the typed twin of the button. What is approved is exactly what was shown, or nothing."""

from __future__ import annotations

import asyncio
import shlex
from typing import TYPE_CHECKING

from commands import Command, Request, argument
from commands._second_factor import ask_for_code
from core.cutover.card import card_of, reply_of
from core.errors import RefusedError, UsageError
from core.people import Role
from core.plan.approval import why_not_approve
from core.plan.approvers import TERMINAL, counted, entry_of
from core.plan.plan import PlanState
from core.wording import count, listing, shortened
from jobs.cutover.unfinished import finish_unfinished
from jobs.plans.basis import fleet_now
from jobs.plans.prepare import changed_since
from ops.store.plans import RUN

if TYPE_CHECKING:
    from core.plan.stored import StoredPlan
    from core.reply import Reply
    from ops.ports import Ports

LOOK_S = 0.1


async def run(request: Request, ports: Ports) -> Reply:
    """Approve a plan, and carry it out once enough people have; stay with it where somebody looks on."""
    stored = await find_plan(ports, request.options.id)
    if stored.state == PlanState.APPROVED and request.follow:
        return await follow_cutover(request, ports, stored)
    if stored.state == PlanState.UNFINISHED and request.follow:
        await finish_unfinished(ports, stored)
        return reply_of(await find_plan(ports, stored.id), ports.fleet)
    # Where the file cannot be used now, the look at what has changed since ends it below.
    fleet = await fleet_now(ports) or ports.fleet
    access, policy, person = fleet.slack, fleet.approval, request.person
    why = why_not_approve(stored, person, policy.needed, request.options.digest, ports.clock.now(), access)
    if why is not None:
        raise RefusedError(f"Plan {stored.id} was not approved. {why} Nothing changed.", hint=_way_on(stored))
    _ask_about_warnings(request, stored)
    not_approved, line = f"Plan {stored.id} was not approved.", _typed_line(request, stored)
    await ask_for_code(request, ports, access, not_approved, line)
    changed = await changed_since(ports, stored)
    if changed:
        return await _is_stale(request, ports, stored, changed)
    state = await ports.store.plans.approve(
        stored.plan,
        person.label,
        policy.needed,
        ports.clock.now,
        entry=entry_of(person, access) if person.via != TERMINAL else None,
        counts=lambda approvals: len(counted(approvals, stored.plan, access, policy)),
    )
    if state == PlanState.PLANNED:
        return await _waits_for_more(ports, stored)
    await ports.engine.submit(RUN, stored.id)
    stored = await find_plan(ports, stored.id)
    return await follow_cutover(request, ports, stored) if request.follow else reply_of(stored, ports.fleet)


async def find_plan(ports: Ports, plan_id: str) -> StoredPlan:
    """Return a plan by its id in either case. Raises UsageError with the ids that wait where there is none."""
    stored = await ports.store.plans.get(plan_id.upper())
    if stored is not None:
        return stored
    waiting = [one.id for one in await ports.store.plans.in_state(PlanState.PLANNED)]
    hint = f"Waiting now: {listing(waiting)}." if waiting else "No plan waits. `failover` makes one."
    raise UsageError(f"There is no plan {shortened(plan_id)!r}.", hint=hint)


async def follow_cutover(request: Request, ports: Ports, stored: StoredPlan) -> Reply:
    """Show a cutover as it goes on, until it has ended here or in another process."""
    ended = asyncio.ensure_future(ports.engine.wait(RUN, stored.id))
    try:
        while not ended.done():
            request.show(card_of(await find_plan(ports, stored.id), ports.fleet))
            await asyncio.wait({ended}, timeout=LOOK_S)
        await ended
    finally:
        ended.cancel()
    return reply_of(await find_plan(ports, stored.id), ports.fleet)


async def _is_stale(request: Request, ports: Ports, stored: StoredPlan, changed: tuple[str, ...]) -> Reply:
    now = ports.clock.now()
    who, stale = request.person.label, stored.ended(PlanState.STALE, now)
    card = card_of(stale, ports.fleet, why=changed, by=who)
    why = "; ".join(changed)
    if not await ports.store.plans.move(stored.id, {PlanState.PLANNED}, PlanState.STALE, now, who, why, card):
        raise RefusedError(f"Plan {stored.id} was decided by somebody else just now.", hint=_way_on(stored))
    return reply_of(stale, ports.fleet, why=changed, by=who)


async def _waits_for_more(ports: Ports, stored: StoredPlan) -> Reply:
    stored = await find_plan(ports, stored.id)
    if stored.state == PlanState.PLANNED:
        await ports.store.plans.put_card(stored.id, card_of(stored, ports.fleet), ports.clock.now())
    return reply_of(stored, ports.fleet)


def _ask_about_warnings(request: Request, stored: StoredPlan) -> None:
    """Take an explicit yes to the warnings: typed, by the dialog of a button, or given now at the terminal.

    A script in the terminal has been shown them; who types in a chat may never have seen the plan.
    """
    warnings, options = stored.plan.warnings, request.options
    if not warnings or options.yes or options.digest is not None:
        return
    said = f"{count(len(warnings), 'warning')}:\n" + "\n".join(f"  - {verdict.text}" for verdict in warnings)
    if request.ask is not None and not request.ask(f"{said}\nApprove all the same?"):
        raise RefusedError(f"Plan {stored.id} was not approved. Nothing changed.", hint=_way_on(stored))
    if request.ask is None and not request.follow:
        line = _typed_line(request, stored, accepts=True)
        raise RefusedError(
            f"Plan {stored.id} was not approved. It has {said}\nNothing changed.",
            hint=f"To accept {'it' if len(warnings) == 1 else 'them'}, type: `{line}`.",
        )


def _typed_line(request: Request, stored: StoredPlan, *, accepts: bool = False) -> str:
    """Return what to type to approve, with what was typed already, the code left out."""
    options = request.options
    digest = ["--digest", options.digest] if options.digest is not None else []
    return shlex.join(["approve", stored.id, *digest, *(["--yes"] if accepts or options.yes else [])])


def _way_on(stored: StoredPlan) -> str:
    if stored.state in {PlanState.PLANNED, PlanState.EXPIRED, PlanState.STALE} and stored.plan.line:
        return f"For a fresh plan: `{stored.plan.line}`."
    return "`history` shows what happened."


COMMAND = Command(
    name="approve",
    summary="approve a plan, exactly as it was shown; it is then carried out",
    run=run,
    who=Role.APPROVER,
    arguments=(
        argument("id", metavar="ID", help="the plan's letters"),
        argument("--digest", metavar="HEX", help="the beginning of the digest of what was shown; buttons give it"),
        argument("--yes", action="store_true", help="accept the plan's warnings"),
        argument("--code", metavar="CODE", help="of your authenticator, where slack.second_factor asks for one"),
    ),
    examples=("approve ID",),
    answers_json=True,
    acts=lambda _options: True,
)

"""`cancel`: takes back a plan that waits, and ends what is under way: a cutover, a sync, a backup, a restore, an undo.

Whoever carries it out may be another process, busy, hanging, frozen or dead: it is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, Request, argument
from commands.approve import find_plan, follow_cutover
from core.cutover.card import card_of
from core.errors import NotAllowedError, RefusedError, UsageError
from core.fleet.lookup import site_named
from core.fleet.target import Target
from core.plan.approval import why_not_cancel
from core.plan.cancelling import cancel_line, why_not_end
from core.plan.plan import PlanState
from core.reply import Reply, Text, Tone
from core.wording import shortened
from jobs.backup.lock import site_claim
from jobs.interrupted import end_interrupted, what_is_left

if TYPE_CHECKING:
    from core.plan.stored import StoredPlan
    from ops.ports import Ports
    from ops.store.claims import Claim

OPEN = {PlanState.PLANNED, PlanState.APPROVED}


async def run(request: Request, ports: Ports) -> Reply:
    """Cancel the plan or the run with this id, or what works on this site."""
    wanted = request.options.wanted
    stored = await ports.store.plans.get(wanted.upper())
    if stored is not None:
        return await _end_plan(request, ports, stored)
    site, claims = _site(ports, wanted), await ports.store.claims.held()
    names = [str(Target.site(site)), site_claim(site)]
    found = sorted((claim for claim in claims if claim.name in names), key=lambda claim: names.index(claim.name))
    found = [claim for claim in claims if claim.owner == wanted] or found
    if found:
        stored = await ports.store.plans.get(found[0].owner)
        if stored is not None and stored.state in OPEN:
            return await _end_plan(request, ports, stored)
        return await _end_claim(request, ports, *found)
    for stored in await ports.store.plans.in_state(PlanState.APPROVED):
        if site in stored.plan.sites:
            return await _end_plan(request, ports, stored)
    if site not in ports.fleet.sites:
        raise await _nothing_called(ports, wanted)
    raise RefusedError(
        f"Nothing is under way on {site} that could be cancelled.", hint=f"`history {site}` shows what happened."
    )


def _site(ports: Ports, wanted: str) -> str:
    """Return the site that is meant; what app.yaml does not have any more may still be worked on."""
    try:
        return site_named(wanted, ports.fleet).name
    except UsageError:
        return wanted


async def _nothing_called(ports: Ports, wanted: str) -> UsageError:
    try:
        await find_plan(ports, wanted)
    except UsageError as error:
        return UsageError(f"There is no plan, run or site {shortened(wanted)!r} to cancel.", hint=error.hint)
    raise AssertionError(wanted)


async def _end_plan(request: Request, ports: Ports, stored: StoredPlan) -> Reply:
    why = why_not_cancel(stored, request.person)
    if why is None:
        ended = await (_take_back if stored.state == PlanState.PLANNED else _end_cutover)(request, ports, stored)
        if ended is not None:
            return ended
    raise RefusedError(f"Plan {stored.id} was not cancelled. {why or 'It has just been decided.'}")


async def _take_back(request: Request, ports: Ports, stored: StoredPlan) -> Reply | None:
    """Cancel a plan that nobody has approved in full; None: somebody just has."""
    now, who = ports.clock.now(), request.person.label
    card = card_of(stored.ended(PlanState.CANCELLED, now), ports.fleet, by=who)
    moved = await ports.store.plans.move(
        stored.id, {PlanState.PLANNED}, PlanState.CANCELLED, now, who, "cancelled", card
    )
    return card if moved else None


async def _end_cutover(request: Request, ports: Ports, stored: StoredPlan) -> Reply | None:
    """Have a cutover end after the step under way, and stay where somebody looks on; None: it has just ended."""
    await ports.store.cancellations.ask(stored.id, request.person.label, ports.clock.now())
    cancelled = await ports.store.cancellations.of_plan(stored.id)
    if cancelled is None:
        return None
    if request.follow:
        return await follow_cutover(request, ports, stored)
    doing = stored.progress.doing or "Starting"
    parts = (Text(f"Cancelled by {cancelled.who}. Under way: {doing}."),)
    return Reply(f"The {stored.title} ends after the step under way", parts, tone=Tone.BUSY, card=stored.card)


async def _end_claim(request: Request, ports: Ports, claim: Claim, *others: Claim) -> Reply:
    """Take a claim away from who works under it. others: what goes on on the same site."""
    why, now, who = why_not_end(request.person), ports.clock.now(), request.person.label
    subject = claim.name.partition(":")[2] or claim.name
    if why is not None:
        await ports.store.record.add(now, "command.refused", "cancel", who, {"why": "not allowed"})
        raise NotAllowedError(f"{why} Nothing changed.", hint="They are listed in app.yaml under slack.")
    named = claim.purpose.endswith(f" {subject}") or subject == claim.name
    what = claim.purpose if named else f"{claim.purpose} of {subject}"
    left = await what_is_left(ports, claim)
    if not await ports.store.cancellations.end(claim, who, now):
        raise RefusedError(f"{what[0].upper()}{what[1:]} has just ended.", hint=f"`history {subject}` shows how.")
    await end_interrupted(ports)
    said = f"It changes nothing more; {left}." if left else "It changes nothing more."
    going_on = [
        Text(f"There is {one.purpose} too; it goes on. To end it: `{cancel_line(one.name, one.owner)}`.")
        for one in others
        if one.owner != claim.owner
    ]
    return Reply(f"Cancelled: {what}", (Text(said), *going_on), tone=Tone.GOOD)


COMMAND = Command(
    name="cancel",
    summary="take back a plan that waits for approval, or end what is under way",
    run=run,
    arguments=(
        argument(
            "wanted", metavar="ID or SITE", help="the letters of a plan, the id of a run, or the site that it works on"
        ),
    ),
    examples=("cancel ID", "cancel SITE"),
)

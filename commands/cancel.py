"""`cancel`: takes back a plan that waits. Nothing has changed, and nothing will."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, Request
from commands.approve import find_plan
from core.cutover.card import card_of
from core.errors import RefusedError
from core.plan.approval import why_not_cancel
from core.plan.plan import PlanState

if TYPE_CHECKING:
    import argparse

    from core.reply import Reply
    from ops.ports import Ports


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the plan's letters")


async def run(request: Request, ports: Ports) -> Reply:
    """Cancel a plan that nobody has approved in full yet."""
    stored = await find_plan(ports, request.options.id)
    why = why_not_cancel(stored, request.person)
    now, who = ports.clock.now(), request.person.label
    card = card_of(stored.ended(PlanState.CANCELLED, now), ports.fleet, by=who)
    if why is None and await ports.store.plans.move(
        stored.id, {PlanState.PLANNED}, PlanState.CANCELLED, now, who, "cancelled", card
    ):
        return card
    raise RefusedError(f"Plan {stored.id} was not cancelled. {why or 'It has just been decided.'}")


COMMAND = Command(
    name="cancel",
    summary="take back a plan that waits for approval",
    run=run,
    arguments=_arguments,
    examples=("cancel ID",),
)

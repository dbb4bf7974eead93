"""`rollback`: the inverse plan of a cutover, with the same checks and the same approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, Request, argument
from commands.approve import find_plan
from core.cutover.card import reply_of
from core.people import Role
from jobs.plans.prepare import prepare_rollback

if TYPE_CHECKING:
    from core.reply import Reply
    from ops.ports import Ports


async def run(request: Request, ports: Ports) -> Reply:
    """Make the inverse plan and show it; nothing changes until somebody approves it."""
    options = request.options
    stored = await find_plan(ports, options.id)
    plan = await prepare_rollback(ports, stored, request.person, options.force, without_hooks=options.without_hooks)
    return reply_of(plan, ports.fleet)


COMMAND = Command(
    name="rollback",
    summary="plan the way back from a cutover; approvers then approve it",
    run=run,
    who=Role.APPROVER,
    arguments=(
        argument("id", metavar="ID", help="the plan that was carried out"),
        argument("--without-hooks", action="store_true", help="run none of the sites' hooks"),
        argument("--force", metavar="REASON", help="go on in spite of a block; shown to the approver, recorded"),
    ),
    examples=("rollback ID",),
    answers_json=True,
    acts=lambda _options: True,
)

"""`enroll`: makes an approver's secret for codes, and shows it once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from commands import Command, Request, argument
from core.errors import RefusedError, UsageError
from core.people import Role
from core.plan.approvers import TERMINAL
from core.reply import Reply, Text, Tone, Typed
from core.wording import listing, shortened
from ops.fleetfile.second_factor import enroll

if TYPE_CHECKING:
    from core.fleet import SlackAccess
    from ops.ports import Ports


async def run(request: Request, ports: Ports) -> Reply:
    """Enroll one approver, on record; what is shown goes to them alone, and is not to be had again."""
    access, who = ports.fleet.slack, str(request.options.who)
    if access is None or access.second_factor is None:
        raise RefusedError(
            "app.yaml asks for no second factor.", hint="Set slack.second_factor to a folder, then enroll everybody."
        )
    _check_name(who, access)
    address = await asyncio.to_thread(enroll, access.second_factor, who, ports.fleet.name, again=request.options.again)
    body = {"again": request.options.again}
    await ports.store.record.add(ports.clock.now(), "approver.enrolled", who, request.person.label, body)
    parts = (
        Text("Add this to an authenticator, as it is or as a QR code. It is shown only now; keep it to yourself."),
        Typed(address),
    )
    return Reply(f"{who} is enrolled: from now on each of their approvals takes a code", parts, tone=Tone.GOOD)


def _check_name(who: str, access: SlackAccess) -> None:
    """Take whom app.yaml names, whoever may be in a group that it names, and who sits at the terminal."""
    people = [one for one in access.approvers if not one.startswith("S")]
    of_groups = len(people) < len(access.approvers) and who[:1] in {"U", "W"} and who.isalnum()
    if who not in {*people, *access.terminal.values(), TERMINAL} and not of_groups:
        hint = f"They are: {listing([*people, TERMINAL], most=20)}."
        raise UsageError(f"{shortened(who)!r} is no approver.", hint=hint)


COMMAND = Command(
    name="enroll",
    summary="make an approver's secret for codes (slack.second_factor)",
    run=run,
    who=Role.APPROVER,
    places=frozenset({"terminal"}),
    arguments=(
        argument(
            "who", metavar="USER", help="the approver's id in Slack; or terminal, for whom app.yaml does not name"
        ),
        argument("--again", action="store_true", help="another secret; the old one is worth nothing then"),
    ),
    examples=("enroll U01ALICE", "enroll terminal --again"),
)

"""`store`: which store this is, and whether anybody knows a newer one; `store accept` ends a doubt about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, Request, argument
from core.errors import NotAllowedError, UsageError
from core.people import Role
from core.store_doubt import store_reply
from jobs.standing import accept

if TYPE_CHECKING:
    from core.reply import Reply
    from ops.ports import Ports

ACCEPT = "accept"


async def run(request: Request, ports: Ports) -> Reply:
    """Ask all witnesses and show what they know, or accept the store."""
    if request.options.action == ACCEPT:
        if not request.person.may(Role.APPROVER):
            raise NotAllowedError("Sorry: `store accept` is for this fleet's approvers. Nothing changed.")
        return await accept(ports, request.person.label)
    if ports.standing is None:
        raise UsageError("This store has no witnesses.")
    asked = await ports.standing.look()
    return store_reply(asked.verdict, asked.told, asked.why, ports.fleet.timezone, ports.clock.now())


COMMAND = Command(
    name="store",
    summary="which store this is, and whether anybody knows a newer one; accept it where there is doubt",
    run=run,
    arguments=(argument("action", nargs="?", choices=[ACCEPT], help="act upon this store, in spite of the doubt"),),
    epilog="Exit code 1: there is doubt about it.",
    examples=("store", "store accept"),
    answers_json=True,
)

"""`cause`: says why an incident happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, Request, argument
from core.incident.notes import id_and_text
from core.people import Role
from ops.gather.incidents import annotate

if TYPE_CHECKING:
    from core.reply import Reply
    from ops.ports import Ports


async def run(request: Request, ports: Ports) -> Reply:
    """Keep the cause; one that was given before stays on record."""
    typed, text = id_and_text(request.options.words)
    return await annotate("cause", typed, text, request.person.label, ports, request.thread_message)


COMMAND = Command(
    name="cause",
    summary="publish why an incident happened, on the status pages",
    run=run,
    who=Role.OPERATOR,
    arguments=(argument("words", nargs="+", metavar='[ID] "…"', help="which incident, if several are open; and why"),),
    examples=('cause 7 "a disk died"', 'cause "a disk died"', 'cause M3 "took longer: the new disk was too small"'),
)

"""`note`: adds a line to an incident, for those who deal with it."""

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
    """Keep the note."""
    typed, text = id_and_text(request.options.words)
    return await annotate("note", typed, text, request.person.label, ports, request.thread_message)


COMMAND = Command(
    name="note",
    summary="add a note to an incident; it is not public",
    run=run,
    who=Role.OPERATOR,
    arguments=(
        argument("words", nargs="+", metavar='[ID] "…"', help="which incident, if several are open; and the note"),
    ),
    examples=('note 7 "the host is rebooting it"', 'note "called the data centre"'),
)

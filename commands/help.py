"""`help`: what can be typed, from the commands themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, Request, all_commands, argument, find, parser_for
from core.people import Role
from core.reply import Reply, Row, Table, Text, Typed

if TYPE_CHECKING:
    from ops.ports import Ports

WHO = {Role.ANYONE: "anyone", Role.OPERATOR: "operators", Role.APPROVER: "approvers"}


async def run(request: Request, _ports: Ports) -> Reply:
    """List the commands, or explain one."""
    return help_for(request.options.command, request.person.via)


def help_for(name: str | None, place: str) -> Reply:
    """Return the list of commands that can be typed in `place`, or the explanation of one."""
    if name is None:
        commands = [command for command in all_commands().values() if place in command.places]
        rows = tuple(Row((command.name, WHO[command.who], command.summary)) for command in commands)
        more = Text("`help COMMAND` explains one.")
        return Reply("Sharpnet commands. Start with `status`", (Table(("command", "who", "what it does"), rows), more))
    command = find(name)
    where = "" if len(command.places) > 1 else f", {next(iter(command.places))} only"
    examples = tuple(Typed(f"sharpnet {example}") for example in command.examples)
    options = parser_for(command).format_help().strip()
    return Reply(
        f"{command.name}: {command.summary}", (Text(f"For {WHO[command.who]}{where}."), Text(options), *examples)
    )


COMMAND = Command(
    name="help",
    summary="this list, or how one command is used",
    run=run,
    arguments=(argument("command", nargs="?", metavar="COMMAND", help="explain this one"),),
    examples=("help", "help failover"),
)

"""`help`: what can be typed, from the commands themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, Request, all_commands, argument, find, parser_for
from core.people import Role
from core.reply import Reply, Row, Table, Text, Typed

if TYPE_CHECKING:
    import argparse

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
    parser = parser_for(command)
    usage = Typed(" ".join(parser.format_usage().split()).removeprefix("usage: "))
    rows = tuple(Row((_named(action), action.help or "")) for action in parser._actions)  # noqa: SLF001 - no other way
    options = (Table(("", ""), rows),) if rows else ()
    epilog = (Text(command.epilog),) if command.epilog else ()
    return Reply(
        f"{command.name}: {command.summary}",
        (Text(f"For {WHO[command.who]}{where}."), usage, *options, *epilog, Text("For example:"), *examples),
    )


def _named(action: argparse.Action) -> str:
    """Return how an argument is written: `--last N`, `SITE`."""
    value = "" if action.nargs == 0 else str(action.metavar or ", ".join(action.choices or ()) or action.dest)
    return " ".join([", ".join(action.option_strings), value]).strip()


COMMAND = Command(
    name="help",
    summary="this list, or how one command is used",
    run=run,
    arguments=(argument("command", nargs="?", metavar="COMMAND", help="explain this one"),),
    examples=("help", "help failover"),
)

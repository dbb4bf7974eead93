"""One file a command: what a person asks for. Each holds one `COMMAND`; discovery refuses a file without.

A command gets a `Request` and the `Ports` and returns a `core.reply.Reply`, which knows nothing of Slack: the same
command answers in the channel and in the terminal.
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from core.errors import NotAllowedError, UsageError
from core.people import Person, Role
from ops.discovery import found_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from core.incident.notes import ThreadMessage
    from core.reply import Reply
    from ops.ports import Ports


@dataclass(frozen=True, slots=True)
class Request:
    """One thing asked: who, with which arguments, and whom to show progress to.

    show: draws an interim Reply in place of the last (a terminal's live rows); does nothing where nobody looks.
    follow: whether to stay until long work has ended (the terminal), or to answer once it is under way (a chat, where
    its card shows the rest).
    ask: puts a yes-or-no question to the person; None where nobody can answer (a script, a chat). read: likewise, for
    one line of text.
    thread_message: the message that asked for it, where it stands in the thread of an incident's message.
    """

    person: Person
    options: argparse.Namespace
    show: Callable[[Reply], None] = field(default=lambda _reply: None)
    follow: bool = False
    ask: Callable[[str], bool] | None = None
    read: Callable[[str], str] | None = None
    thread_message: ThreadMessage | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """What discovery finds in a command's file.

    name, summary: as help shows them. who: the role it takes. places: where it can be typed ("slack", "terminal").
    arguments: add its own to a parser, one each (`argument`). epilog: what help says below them. answers_json: whether
    `--json` makes sense. acts: whether what was typed prepares or does something that rests on the store being the
    newest; it is refused while there is doubt about that.
    run: does it; None for the ones that only the terminal's entry point can do (`run`, `check`), which are there for
    help and typing errors.
    """

    name: str
    summary: str
    run: Callable[[Request, Ports], Awaitable[Reply]] | None
    who: Role = Role.ANYONE
    places: frozenset[str] = frozenset({"slack", "terminal"})
    arguments: tuple[Callable[[argparse.ArgumentParser], object], ...] = ()
    epilog: str = ""
    examples: tuple[str, ...] = ()
    answers_json: bool = False
    acts: Callable[[argparse.Namespace], bool] = lambda _options: False


def argument(*names: str, **settings: Any) -> Callable[[argparse.ArgumentParser], object]:  # noqa: ANN401
    """Return what adds an argument to a parser, described as `ArgumentParser.add_argument` has it."""
    return lambda parser: parser.add_argument(*names, **settings)


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is an error of ours, and which never ends the process."""

    # Python 3.14 and later colour help where they take stdout for a terminal; a reply holds no escape codes.
    color: bool

    def error(self, message: str) -> NoReturn:
        raise UsageError(message[:1].upper() + message[1:] + ".", hint=self.format_usage().strip())


# What phones and chat make of quotes, double dashes and spaces as they are typed.
_TYPOGRAPHY: Mapping[int, str] = {0x201C: '"', 0x201D: '"', 0x2018: "'", 0x2019: "'", 0x2014: "--", 0xA0: " "}


@cache
def all_commands() -> Mapping[str, Command]:
    """Return every command by its name, sorted. Raises TypeError for a file without a proper COMMAND."""
    return dict(sorted(found_in(__name__, "COMMAND", Command).items()))


def parser_for(command: Command) -> argparse.ArgumentParser:
    """Return the parser of one command's arguments."""
    name, about = f"sharpnet {command.name}", command.summary
    parser = _Parser(name, description=about, epilog=command.epilog, add_help=False, allow_abbrev=False)
    parser.color = False
    for add in command.arguments:
        add(parser)
    if command.answers_json:
        parser.add_argument("--json", action="store_true", help="answer as JSON, for scripts (terminal only)")
    return parser


def find(name: str) -> Command:
    """Return the command `name`. Raises UsageError with the nearest name where there is none."""
    commands = all_commands()
    if name in commands:
        return commands[name]
    near = get_close_matches(name, commands, n=1, cutoff=0.5)
    hint = f"Did you mean `{near[0]}`?" if near else "`help` lists the commands."
    raise UsageError(f"There is no command {name!r}.", hint=hint)


def split_line(line: str) -> list[str]:
    """Split a typed line into words as a shell would, chat's curly quotes and long dashes included.

    Raises UsageError for a quote that is not closed.
    """
    plain = line.translate(_TYPOGRAPHY)
    try:
        return shlex.split(plain)
    except ValueError as error:
        raise UsageError(f"That line cannot be read: {error}.", hint="Close every quote.") from error


def line_with(line: str, text: str) -> str:
    """Return the line with `text` as its last word, however it is spelled: `split_line` gives it back as that."""
    return f"{line} {shlex.quote(text.translate(_TYPOGRAPHY))}"


async def answer(words: Sequence[str], person: Person, place: str, ports: Ports, **showing: object) -> Reply:
    """Carry out one typed line for `person` and return the reply. `words` starts with the command's name.

    Raises UsageError, NotAllowedError, and whatever the command raises of `core.errors`.
    """
    command = find(words[0] if words else "status")
    if place not in command.places or command.run is None:
        raise UsageError(
            f"`{command.name}` works in the terminal only.",
            hint=f"Type `sharpnet {command.name}` on the bot's machine.",
        )
    if person.barred:
        raise NotAllowedError(
            f"Sorry: {person.barred} Nothing changed.", hint="Its operators can let you in: slack.guests."
        )
    if not person.may(command.who):
        at = ports.clock.now()
        await ports.store.record.add(at, "command.refused", command.name, person.label, {"why": "not allowed"})
        raise NotAllowedError(
            f"Sorry: `{command.name}` is for this fleet's {command.who.name.lower()}s, and you are not one. "
            "Nothing changed.",
            hint="They are listed in app.yaml under slack.",
        )
    options = parser_for(command).parse_args(list(words[1:]))
    if command.acts(options) and ports.standing is not None:
        await ports.standing.ask()
    return await command.run(Request(person=person, options=options, **showing), ports)  # type: ignore[arg-type]

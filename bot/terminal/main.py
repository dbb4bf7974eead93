"""The command `sharpnet`: the words of the chat, in the terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.live import Live

from bot.log_format import log_to_stderr
from bot.settings import settings_from
from bot.terminal.lines import PlainLines
from bot.terminal.render import as_json, console_for, error_text, renderable, write, write_line
from bot.terminal.version import version_lines
from bot.terminal.who import person_at_terminal
from bot.wiring import open_ports
from commands import answer, find, parser_for
from commands.check import check_file, check_live
from commands.help import help_for
from core.errors import SettingsError, SharpnetError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from bot.settings import Settings
    from core.reply import Reply

INTERRUPTED = 130
FRAMES_A_SECOND = 8


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry out one command line and end the process with its exit code.

    Exit codes: 0 done or all well, 1 something is wrong, 2 typed or configured wrongly, 3 refused (nothing changed),
    4 not allowed, 5 a cutover that is unfinished, 130 interrupted.
    """
    log_to_stderr(os.environ.get("LOG_LEVEL", "WARNING").upper())
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _carry_out(words)
    except SharpnetError as error:
        problems = error.problems if isinstance(error, SettingsError) else ()
        console_for(stderr=True).print(error_text(error, problems))
        code = error.exit_code
    except KeyboardInterrupt:
        said = "Interrupted. What was started continues when a bot runs, or when you type it again."
        console_for(stderr=True).print(said)
        code = INTERRUPTED
    sys.exit(code)


def _carry_out(words: list[str]) -> int:
    config, words = _config_option(words)
    if not words or words[0] in {"-h", "--help", "help"}:
        return _print(help_for(words[1] if len(words) > 1 else None, "terminal"), as_facts=False)
    if words[0] in {"-V", "--version"}:
        for line in version_lines(os.environ, config or _config_option(words[1:])[0]):
            write_line(line, console_for())
        return 0
    command = find(words[0])
    if {"-h", "--help"} & set(words[1:]):
        return _print(help_for(command.name, "terminal"), as_facts=False)
    options = parser_for(command).parse_args(words[1:])
    settings = settings_from(os.environ, config)
    if command.name == "check":
        reply = check_file(settings.config, schema=options.schema)
        if options.live and reply.exit_code == 0:
            return _print(asyncio.run(_live(settings)), as_facts=options.json)
        return _print(reply, as_facts=options.json or options.schema)
    if command.name == "run":
        # Here and not above: Slack and the scheduler take half a second to load, which no other command needs.
        import uvloop  # noqa: PLC0415

        from bot.running import run_bot  # noqa: PLC0415

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_bot(settings))
        return 0
    return asyncio.run(_answer(words, settings, as_facts=getattr(options, "json", False)))


async def _answer(words: list[str], settings: Settings, *, as_facts: bool) -> int:
    console = console_for()
    person = person_at_terminal()
    watched = console.is_terminal and not as_facts
    answers = watched and sys.stdin.isatty()
    live = Live(console=console, refresh_per_second=FRAMES_A_SECOND, transient=True) if watched else None
    async with open_ports(settings, make_store=False) as ports:
        with live or nullcontext():
            reply = await answer(
                words,
                person,
                "terminal",
                ports,
                follow=True,
                show=_showing(live, as_facts=as_facts),
                ask=_asking(console, live) if answers else None,
                read=_reading(console, live) if answers else None,
            )
    return _print(reply, as_facts=as_facts, console=console)


def _showing(live: Live | None, *, as_facts: bool) -> Callable[[Reply], None]:
    """Return what shows progress: rewritten in a terminal, now and then a line elsewhere, nothing beside JSON."""
    if live is not None:
        return lambda reply: live.update(renderable(reply))
    if as_facts:
        return lambda _reply: None
    return PlainLines(console_for(stderr=True), time.monotonic).take


async def _live(settings: Settings) -> Reply:
    from bot.slack.live import slack_findings  # noqa: PLC0415 - as above
    from bot.slack.settings import SlackSettings  # noqa: PLC0415
    from ops.fleetfile import secret_reader  # noqa: PLC0415 - as above
    from ops.gather.fleet_changed import fleet_findings  # noqa: PLC0415 - as above
    from ops.gather.live_check import store_findings  # noqa: PLC0415 - as above
    from ops.notify.routes import NotificationRoutes, notify_findings  # noqa: PLC0415 - as above

    slack = SlackSettings.from_env(os.environ)
    async with open_ports(settings) as ports:
        ways = NotificationRoutes(secret_reader(ports.fleet))
        extra = [
            partial(store_findings, ports.store),
            partial(fleet_findings, ports),
            partial(slack_findings, ports.fleet, slack),
            partial(notify_findings, ports.fleet, ways),
        ]
        return await check_live(ports, extra)


def _asking(console: Console, live: Live | None) -> Callable[[str], bool]:
    read = _reading(console, live)
    return lambda question: read(f"{question} [y/N]").strip().lower() in {"y", "yes"}


def _reading(console: Console, live: Live | None) -> Callable[[str], str]:
    def read(question: str) -> str:
        if live is not None:
            live.stop()
        try:
            return console.input(f"{question} ")
        except EOFError:
            return ""
        finally:
            if live is not None:
                live.start()

    return read


def _print(reply: Reply, *, as_facts: bool, console: Console | None = None) -> int:
    if as_facts:
        sys.stdout.write(as_json(reply) + "\n")
    else:
        write(reply, console or console_for())
    return reply.exit_code


def _config_option(words: list[str]) -> tuple[str | None, list[str]]:
    """Take `--config PATH` off the front of the line, where it stands for every command."""
    if words and words[0] == "--config" and len(words) > 1:
        return str(Path(words[1])), words[2:]
    return None, words

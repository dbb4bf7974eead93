"""The bot in Slack, from outside: a local Slack or a stand-in, and bots, each in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from given_ports import ports_with

import commands
from bot.slack import connection
from bot.slack.connection import run_slack
from bot.slack.settings import SlackSettings
from core.errors import SharpnetError
from core.fleet import DnsSettings, Fleet, SlackAccess
from core.reply import Reply
from lab.slack import LocalSlack
from lab.slack_stand_in import WebApi
from ops.store import Store
from ops.store.sqlite.database import SqliteDb

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from core.incident.notes import ThreadMessage
    from core.people import Person
    from ops.ports import Ports
    from ops.store.cards import StoredCard

T = TypeVar("T")
CHANNEL = "C01OPS"
WAIT_S = 30.0


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Give ports that are free, of this worker's own, and below those that the kernel hands out by itself."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    numbers = iter(range(20_000 + 500 * worker, 20_500 + 500 * worker))

    def give() -> int:
        for port in numbers:
            with socket.socket() as one, contextlib.suppress(OSError):
                one.bind(("", port))
                return port
        pytest.fail("no port is free")

    return give


@pytest.fixture
def slack(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[LocalSlack]:
    """Give a local Slack with Alice (operator and approver), Bob (likewise) and Eve, who may do nothing."""
    with LocalSlack(tmp_path / "slack", port=free_port(), channel=CHANNEL) as local:
        yield local


@pytest.fixture
def fleet() -> Fleet:
    people = ("U01ALICE", "U02BOB")
    section = SlackAccess(CHANNEL, operators=people, approvers=people)
    return Fleet("test", "Europe/London", {}, {}, DnsSettings((), (), ()), slack=section)


@dataclass
class Shelf:
    """The store, as another process on the same file sees it (the terminal)."""

    path: Path

    def put(self, key: str, reply: Reply, at: datetime) -> None:
        self._do(lambda store: store.cards.put(key, reply, at))

    def note(self, key: str, text: str, at: datetime) -> None:
        self._do(lambda store: store.cards.note(key, text, at))

    def tried(self, key: str, at: datetime) -> None:
        self._do(lambda store: store.cards.trying(key, at))

    def card(self, key: str) -> StoredCard:
        card = self._do(lambda store: store.cards.get(key))
        assert card is not None
        return card

    def waiting(self) -> list[str]:
        return [card.key for card in self._do(lambda store: store.cards.waiting())]

    def wait_until_shown(self) -> None:
        deadline = time.monotonic() + WAIT_S
        while self.waiting():
            assert time.monotonic() < deadline, f"still waiting: {self.waiting()}"
            time.sleep(0.05)

    def _do(self, work: Callable[[Store], Awaitable[T]]) -> T:
        async def run() -> T:
            store = Store(SqliteDb(self.path))
            await store.open()
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(run())


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "sharpnet.db")


@dataclass
class Commands:
    """Stands in for the commands: notes who asked what, and answers as it is told (or as the real ones do)."""

    asked: list[tuple[str, list[str]]] = field(default_factory=list)
    reply: Reply | Exception | None = field(default_factory=lambda: Reply("All is well"))
    takes_s: float = 0.0
    steps: tuple[Reply, ...] = ()
    before: Callable[[Ports], Any] | None = None
    answered: list[str] = field(default_factory=list)

    async def __call__(
        self, words: Sequence[str], person: Person, place: str, ports: Ports, *,
        show: Callable[[Reply], None], thread_message: ThreadMessage | None = None,
    ) -> Reply:  # fmt: skip
        self.asked.append((person.id, list(words)))
        if self.before is not None:
            await self.before(ports)
        for step in self.steps:
            show(step)
            await asyncio.sleep(self.takes_s / len(self.steps))
        await asyncio.sleep(0 if self.steps else self.takes_s)
        if self.reply is None:
            return await commands.answer(words, person, place, ports, show=show, thread_message=thread_message)
        if isinstance(self.reply, Exception):
            raise self.reply
        reply = self.reply
        self.answered.append(words[0])
        return reply


class Bot:
    """One bot in a thread and an event loop of its own."""

    def __init__(self, fleet: Fleet, store: Path, settings: SlackSettings, answer: Commands) -> None:
        self.error: SharpnetError | None = None
        self._ready = threading.Event()
        self._stop: Callable[[], object] = lambda: None
        work = self._run(fleet, store, settings, answer)
        self._thread = threading.Thread(target=lambda: asyncio.run(work), daemon=True)
        self._thread.start()
        assert self._ready.wait(WAIT_S)

    def stop(self) -> None:
        self._stop()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def ended(self) -> SharpnetError | None:
        """Wait until it has ended by itself, and give the error that it ended with."""
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        return self.error

    async def _run(self, fleet: Fleet, path: Path, settings: SlackSettings, answer: Commands) -> None:
        store = Store(SqliteDb(path))
        await store.open()
        ports = ports_with(fleet, store=store)
        loop, task = asyncio.get_running_loop(), asyncio.create_task(run_slack(ports, settings, answer=answer))
        self._stop = lambda: None if loop.is_closed() else loop.call_soon_threadsafe(task.cancel)
        self._ready.set()
        try:
            await task
        except asyncio.CancelledError:
            pass
        except SharpnetError as error:
            self.error = error
        finally:
            await store.close()


StartBot = Callable[..., Bot]


@pytest.fixture
def start_bot(fleet: Fleet, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartBot]:
    """Start a bot: `start_bot(settings, answer)`; it is stopped at the end of the test."""
    monkeypatch.setattr(connection, "PING_S", 1.0)
    monkeypatch.setattr(connection, "LOOK_S", 0.2)
    with contextlib.ExitStack() as bots:

        def start(settings: SlackSettings, answer: Commands | None = None) -> Bot:
            bot = Bot(fleet, shelf.path, settings, answer or Commands())
            bots.callback(bot.stop)
            return bot

        yield start


@pytest.fixture
def commands_stub() -> Commands:
    return Commands()


@pytest.fixture
def settings_for() -> Callable[..., SlackSettings]:
    """Give the settings for a local Slack, as the bot reads them from the environment."""

    def read(slack: LocalSlack, **more: str) -> SlackSettings:
        settings = SlackSettings.from_env({**slack.env, **more})
        assert settings is not None
        return settings

    return read


@pytest.fixture
def bot(
    slack: LocalSlack, start_bot: StartBot, commands_stub: Commands, settings_for: Callable[..., SlackSettings]
) -> Bot:
    """Give a bot that is connected to the local Slack and answers as `commands_stub` says."""
    running = start_bot(settings_for(slack), commands_stub)
    slack.wait_for_bot()
    return running


@pytest.fixture
def web_api() -> Iterator[WebApi]:
    """Give a stand-in for Slack's Web API, which does as its script says."""
    with WebApi() as api:
        yield api

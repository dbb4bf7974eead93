"""What a test of the status pages has at hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.request
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from commands import answer, split_line
from core.fleet.target import Target
from core.incident.facts import OutageFacts
from core.incident.notes import Annotation
from core.people import Person, Role
from core.reply import Reply
from ops.store.incident.outages import OutageOpening
from ops.store.monitor.states import ObservedState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from core.incident.outage import Outage
    from lab import Lab
    from ops.ports import Ports

BOSS = Person("boss", "terminal", frozenset(Role))
GAP = timedelta(seconds=5)
WAIT_S = 30.0


@dataclass
class Desk:
    """A lab, and the ports of a process that writes its pages."""

    lab: Lab
    ports: Ports

    def root(self, server: str) -> Path:
        """Say where this machine has the folder of a server's page."""
        where = self.ports.fleet.servers[server].status_page
        assert where is not None
        return self.lab.path_on(server, where.root)

    def clear(self) -> None:
        """Remove the pages."""
        for server in self.ports.fleet.servers:
            for path in self.root(server).iterdir():
                path.unlink()

    def read(self, server: str, name: str = "index.html") -> str:
        """Read the page as a visitor does."""
        where = self.ports.fleet.servers[server].status_page
        assert where is not None
        with urllib.request.urlopen(where.url + name, timeout=5) as answer:  # noqa: S310 - the fleet file's own
            return str(answer.read().decode())

    def page(self, server: str) -> str:
        """Read the page from the disk; empty while there is none."""
        with contextlib.suppress(FileNotFoundError):
            return (self.root(server) / "index.html").read_text()
        return ""

    def facts(self, server: str) -> dict[str, Any]:
        """Read the page as a program does, from the disk; {} while there is none."""
        with contextlib.suppress(FileNotFoundError):
            found: dict[str, Any] = json.loads((self.root(server) / "status.json").read_text())
            return found
        return {}

    def state_of(self, server: str, on: str) -> object:
        """Return what the page on `on` says of a server."""
        return next((one["state"] for one in self.facts(on).get("servers", ()) if one["name"] == server), None)

    async def say(self, line: str) -> Reply:
        """Type a line and return the reply."""
        return await answer(split_line(line), BOSS, "terminal", self.ports)

    async def saw(self, why: str = "", **states: str) -> None:
        """Keep what a look found just now, as the watch does: `server__oslo="down"`."""
        now = self.ports.clock.now()
        named = {Target.parse(name.replace("__", ":")): state for name, state in states.items()}
        seen = [ObservedState(target, state, now, now, why) for target, state in named.items()]
        await self.ports.store.states.saw(seen, gap=GAP)

    async def outage(self, target: Target, cause: str = "", **facts: Any) -> None:  # noqa: ANN401 - fields of Facts
        """Open an outage a minute ago, with its cause."""
        store, now = self.ports.store.outages, self.ports.clock.now()
        opening = OutageOpening(target, now - timedelta(minutes=1), OutageFacts(**facts))
        opened = await store.open_many([opening], "bot:watch", _no_card, _drawn, now)
        if cause:
            one = next(one for one in opened if one.target == target)
            await store.annotate(one, Annotation("cause", cause, BOSS.label, now), _drawn)

    @contextlib.asynccontextmanager
    async def running(self, *works: Any) -> AsyncIterator[None]:  # noqa: ANN401 - coroutines
        """Let coroutines go on while the test looks; none of them may end by itself."""
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            yield
            assert not [task for task in tasks if task.done()]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _drawn(_outages: Sequence[Outage]) -> Reply:
    return Reply("it is down")


def _no_card(_made: Sequence[str]) -> None:
    return None


async def until(true: Callable[[], object]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(WAIT_S):
        while not true():  # noqa: ASYNC110 - what servers do wakes nobody here
            await asyncio.sleep(0.02)

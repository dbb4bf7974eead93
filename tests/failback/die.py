"""A process that types one line and dies by SIGKILL right after its Nth touch of the world.

Arguments: fleet file, store, the line, N. A touch is a command that changes something on a server, or a write to the
store. N = 0: it lives. It ends with the number of touches on standard output.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer, split_line
from core.people import Person, Role

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BOSS = Person("boss", "terminal", frozenset(Role))
TOUCHES = {
    "ssh": ("run",),
    "store.record": ("add",),
    "store.claims": ("take", "release"),
    "store.copies": ("begin_sync", "end_sync", "release"),
}


class Dying:
    """Counts touches, and dies after the one it was told."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.touches = 0

    def wrap(self, touch: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def touched(*args: object, **kwargs: object) -> object:
            if any(only_looks in str(args) for only_looks in ("--dry-run", "sharpnet-verify")):
                return await touch(*args, **kwargs)
            self.touches += 1
            number = self.touches
            result = await touch(*args, **kwargs)
            if number == self._at:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return touched


async def main(config: str, store: str, line: str, at: str) -> None:
    dying = Dying(int(at))
    async with open_ports(Settings(Path(config), Path(store))) as ports:
        for path, names in TOUCHES.items():
            owner: object = ports
            for part in path.split("."):
                owner = getattr(owner, part)
            for name in names:
                setattr(owner, name, dying.wrap(getattr(owner, name)))
        await answer(split_line(line), BOSS, "terminal", ports)
        sys.stdout.write(str(dying.touches))


asyncio.run(main(*sys.argv[1:]))

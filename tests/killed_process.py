"""A process that types one line and dies by SIGKILL at its Nth touch of the world.

Arguments: fleet file, store, the line, which of `TOUCHES` count, N, and "before" or "after": whether it dies before
that touch or right after it. N = 0: it lives. Instead of N the key of a step of a cutover: it dies when that has been
taken, before its end is on record or right after. It ends with the number of touches, the exit code and the title of
what was answered on standard output.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer, split_line
from core.people import Person, Role
from ops.durable import engine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BOSS = Person("boss", "terminal", frozenset(Role))
# Writes to the store, DNS updates, and commands that change something on a server.
TOUCHES = {
    "cutover": {
        "store.plans": ("approve", "begin_steps", "end_steps", "move"),
        "store.copies": ("set_active", "quarantine", "release"),
        "store.claims": ("take", "release"),
        "store.runs": ("submit", "take", "end"),
        "dns": ("update",),
    },
    "keep": {
        "ssh": ("run",),
        "store.record": ("add",),
        "store.claims": ("take", "release"),
        "store.copies": ("begin_sync", "end_sync", "release"),
    },
}
ONLY_LOOKS = ("--dry-run", "sharpnet-verify")


class Dying:
    """Counts touches, and dies at the one it was told, or at the end of the step it was told."""

    def __init__(self, at: str, side: str) -> None:
        self._at = at
        self._side = side
        self.touches = 0

    def wrap(self, touch: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def touched(*args: object, **kwargs: object) -> object:
            if any(looks in str(args) for looks in ONLY_LOOKS):
                return await touch(*args, **kwargs)
            self.touches += 1
            here = {str(self.touches)}
            if touch.__name__ == "end_steps":
                here |= {step for step, *_ in args[1]}  # type: ignore[attr-defined]
            self._die(here, "before")
            result = await touch(*args, **kwargs)
            self._die(here, "after")
            return result

        return touched

    def _die(self, here: set[str], side: str) -> None:
        if self._at in here and side == self._side:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(config: str, store: str, line: str, which: str, at: str, side: str) -> None:
    # A dead process's run is free when its lease has passed: no need to wait so long here.
    engine.LEASE = timedelta(seconds=0.5)
    engine.RENEW_S = 0.2
    dying = Dying(at, side)
    async with open_ports(Settings(Path(config), Path(store))) as ports:
        for path, names in TOUCHES[which].items():
            owner: object = ports
            for part in path.split("."):
                owner = getattr(owner, part)
            for name in names:
                setattr(owner, name, dying.wrap(getattr(owner, name)))
        reply = await answer(split_line(line), BOSS, "terminal", ports, follow=True)
        sys.stdout.write(f"{dying.touches} {reply.exit_code} {reply.title}\n")


asyncio.run(main(*sys.argv[1:]))

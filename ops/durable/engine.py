"""Durable work on the store: a run survives the process, and one process at a time carries it out.

A run is a row. Whoever carries it out holds a lease on it and renews it; a process that dies lets the lease lapse, and
the next sweep of any live one takes the run up again. What a run does must look before it acts: after a crash its last
step is taken again. docs/decisions/0002-durable-work.md says why this and not a workflow library.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from core.errors import SharpnetError
from ops.store.fence import fenced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from ops.contracts import Clock
    from ops.durable.standing import StoreStanding
    from ops.store import Store
    from ops.store.fence import RunFence

LEASE = timedelta(seconds=15)
RENEW_S = 5.0
SWEEP_S = 2.0
LOOK_S = 0.1
# A run that fails by a defect of ours is tried again, less and less often: its cause may be in what it reads.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 300.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Pause:
    length_s: float
    until_s: float


class StoreEngine:
    """Carries out runs by kind. `owner` is unique to a process's start, so that a restart is another owner.

    standing: says whether the store may be acted upon, before a run is taken up; None: it always may.
    """

    def __init__(self, store: Store, clock: Clock, owner: str, standing: StoreStanding | None = None) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._standing = standing
        self._kinds: Mapping[str, Callable[[str, datetime], Awaitable[None]]] = {}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._pauses: dict[tuple[str, str], _Pause] = {}

    def carries(self, kinds: Mapping[str, Callable[[str, datetime], Awaitable[None]]]) -> None:
        """Say how each kind of run is carried out."""
        self._kinds = kinds

    async def submit(self, kind: str, subject: str) -> None:
        """Put a run on record and start it here, unless someone has it already."""
        await self._store.runs.submit(kind, subject, self._clock.now())
        await self._start(kind, subject)

    async def wait(self, kind: str, subject: str) -> None:
        """Return when the run has ended, here or elsewhere; take it up where its process has died.

        Where it fails here by a defect, that is raised, and the run is left for later.
        """
        while not await self._store.runs.ended(kind, subject):
            task = self._tasks.get((kind, subject))
            if task is None:
                await self._start(kind, subject)
                await self._clock.sleep(LOOK_S)
            else:
                await asyncio.wait({task})
                if not task.cancelled():
                    task.result()

    async def sweep(self) -> None:
        """Take up runs that nobody carries out, again and again, until cancelled."""
        told = ""
        while True:
            try:
                for kind, subject in await self._store.runs.free():
                    await self._start(kind, subject)
                told = ""
            except SharpnetError as error:
                if error.message != told:
                    log.error("sweep failed: %s", error.message)  # noqa: TRY400 - told in full, the stack adds nothing
                told = error.message
            await self._clock.sleep(SWEEP_S)

    async def close(self) -> None:
        """Stop what runs here and give it back, for others to take up."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _start(self, kind: str, subject: str) -> None:
        key = (kind, subject)
        paused = key in self._pauses and self._clock.monotonic() < self._pauses[key].until_s
        if key in self._tasks or paused or kind not in self._kinds:
            return
        if self._standing is not None:
            await self._standing.ask()
            await self._standing.tell_beside()
        fence = await self._store.runs.take(kind, subject, self._owner, LEASE)
        if fence is None:
            return
        task = asyncio.create_task(self._carry_out(kind, subject, fence), name=f"{kind} {subject}")
        self._tasks[key] = task
        task.add_done_callback(partial(self._ended, key))

    def _ended(self, key: tuple[str, str], task: asyncio.Task[None]) -> None:
        del self._tasks[key]
        error = None if task.cancelled() else task.exception()
        if error is None:
            self._pauses.pop(key, None)
            return
        before = self._pauses.get(key)
        pause_s = FIRST_PAUSE_S if before is None else min(2 * before.length_s, LONGEST_PAUSE_S)
        self._pauses[key] = _Pause(pause_s, self._clock.monotonic() + pause_s)
        log.error("run=%s subject=%s failed=inside next_try_s=%.0f", *key, pause_s, exc_info=error)

    async def _carry_out(self, kind: str, subject: str, fence: RunFence) -> None:
        with fenced(fence):
            work = asyncio.ensure_future(self._kinds[kind](subject, self._clock.now()))
        renewing = asyncio.create_task(self._renew(fence))
        try:
            await asyncio.wait({work, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
                await self._store.runs.end(fence, self._clock.now())
            else:
                log.error("run=%s subject=%s lost its lease; another process goes on with it", kind, subject)
        except SharpnetError as error:
            log.error("run=%s subject=%s interrupted: %s", kind, subject, error.message)  # noqa: TRY400 - as above
        finally:
            for task in (work, renewing):
                task.cancel()
            await asyncio.gather(work, renewing, return_exceptions=True)
            if not await asyncio.shield(self._store.runs.ended(kind, subject)):
                await asyncio.shield(self._store.runs.let_go(fence))

    async def _renew(self, fence: RunFence) -> None:
        while True:
            await self._clock.sleep(RENEW_S)
            if not await self._store.runs.renew(fence, LEASE):
                return

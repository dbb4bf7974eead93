"""Looks at what is looked at besides: the checks of `ops.checks`, each target at its own pace, for as long as it runs.

What a check finds is settled as everything else is: so many looks in a row. Nothing is known of what cannot be asked.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.monitor.detection import LookVerdict, TargetState, Track, after_look
from jobs.watch.isolation import isolate_failure
from jobs.watch.probe_schedule import phase
from ops.checks import all_checks

if TYPE_CHECKING:
    from datetime import timedelta

    from core.fleet.target import Target
    from jobs.watch.isolation import OwnLacks
    from jobs.watch.state import WatchState
    from ops.checks import Check
    from ops.ports import Ports

# After so many rounds in which it could not be asked, what was found before says nothing any more.
FORGOTTEN_AFTER = 3


class CheckRunner:
    """Keeps the remarks in the state of the watch as the checks find them."""

    def __init__(self, state: WatchState, ports: Ports, lacks: OwnLacks) -> None:
        self._state = state
        self._ports = ports
        self._lacks = lacks
        self._pairs = [
            (check, target, every)
            for check in all_checks().values()
            for target, every in check.targets(state.fleet).items()
        ]
        for check, target, _ in self._pairs:
            state.note(target, check.name, Track())

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as group:
            for check, target, every in self._pairs:
                group.create_task(self._go_on(check, target, every))

    async def _go_on(self, check: Check, target: Target, every: timedelta) -> None:
        # The first round is within one of the watch's own, so that a fresh bot knows its fleet soon.
        first = min(every, self._state.watch.every)
        delay_s = phase(f"{check.name} {target}") * first.total_seconds()
        while True:
            await self._ports.clock.sleep(delay_s)
            delay_s = (await self._look(check, target, every)).total_seconds()

    async def _look(self, check: Check, target: Target, every: timedelta) -> timedelta:
        """Look once; return after how long again."""
        state, clock = self._state, self._ports.clock
        if not state.answers(target):
            state.note(target, check.name, Track())
            return min(every, state.watch.every)
        remarks = await isolate_failure(check.look(self._ports, target.name), f"{check.name} {target}", self._lacks)
        track = state.noted[target][check.name]
        if remarks is None:
            old = track.looked_s is None or clock.monotonic() - track.looked_s > FORGOTTEN_AFTER * every.total_seconds()
            state.note(target, check.name, Track() if old else track)
            return every
        found = TargetState.DEGRADED if remarks else TargetState.UP
        looked = after_look(track, LookVerdict(found, clock.now(), clock.monotonic(), "; ".join(remarks)), state.watch)
        state.note(target, check.name, looked)
        return state.watch.retry if looked.in_doubt else every

"""When each target is due: spread evenly, never twice at once, sooner when there is reason to."""

from __future__ import annotations

import heapq
from hashlib import blake2b
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.fleet.target import Target

PHASE_BYTES = 8


def phase(what: str) -> float:
    """Return where in its interval a target is due, from 0 to below 1: the same for ever, and evenly spread."""
    return int.from_bytes(blake2b(what.encode(), digest_size=PHASE_BYTES).digest()) / (1 << 8 * PHASE_BYTES)


class ProbeSchedule:
    """The times, in seconds of the clock that never goes back, at which targets are due.

    A target that was taken is due no more until it is put back: a slow look never makes a second one of the same.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._due: dict[Target, float] = {}
        self._phases: dict[Target, float] = {}
        self._heap: list[tuple[float, int, Target]] = []
        self._numbers = count()

    def put(self, key: Target, due_s: float) -> None:
        """Let `key` be due at `due_s`, whatever was before."""
        self._due[key] = due_s
        heapq.heappush(self._heap, (due_s, next(self._numbers), key))

    def put_on_grid(self, key: Target, now_s: float) -> None:
        """Let `key` be due at the next of its own regular moments."""
        if key not in self._phases:
            self._phases[key] = phase(str(key))
        rounds = (now_s / self._every_s - self._phases[key]) // 1 + 1
        self.put(key, (rounds + self._phases[key]) * self._every_s)

    def hurry(self, keys: Iterable[Target], due_s: float) -> None:
        """Let those of `keys` that wait for a later moment be due at `due_s`; one that is being looked at is not."""
        for key in keys:
            if self._due.get(key, due_s) > due_s:
                self.put(key, due_s)

    def next_s(self) -> float:
        """Return when the next target is due; infinity where none is."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else float("inf")

    def take(self, now_s: float, most: int) -> list[Target]:
        """Take up to `most` targets that are due, the longest waiting first."""
        taken: list[Target] = []
        while self._heap and self._heap[0][0] <= now_s and len(taken) < most:
            due_s, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due_s:
                del self._due[key]
                taken.append(key)
        return taken

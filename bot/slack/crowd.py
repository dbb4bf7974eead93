"""Counts what people in Slack have asked for, so that a crowd of requests keeps nobody else waiting."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from typing import TYPE_CHECKING

from core.crowd import LATELY_S, Asking, why_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# More people than this are not told within a minute that they have to wait: that would be a crowd of answers.
MOST_TOLD = 20


class Crowd:
    """Who has what under way in this bot. monotonic: seconds that never go back."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._under_way: Counter[str] = Counter()
        self._without_role = 0
        # When somebody without a role began something, and who; the oldest first.
        self._begun: deque[tuple[float, str]] = deque()
        self._told: dict[str, float] = {}

    def why_wait(self, user: str, *, has_role: bool) -> str | None:
        """Return why nothing more is begun for them now, or None."""
        before_s = self._monotonic() - LATELY_S
        while self._begun and self._begun[0][0] <= before_s:
            self._begun.popleft()
        own = Asking(self._under_way[user], sum(who == user for _, who in self._begun))
        return why_wait(own, Asking(self._without_role, len(self._begun)), has_role=has_role)

    @contextlib.contextmanager
    def turn(self, user: str, *, has_role: bool) -> Iterator[None]:
        """Count one thing more for them until the block ends."""
        self._under_way[user] += 1
        if not has_role:
            self._without_role += 1
            self._begun.append((self._monotonic(), user))
        try:
            yield
        finally:
            self._under_way[user] -= 1
            self._under_way += Counter()
            self._without_role -= not has_role

    def is_told(self, user: str) -> bool:
        """Return whether they are to hear now that they have to wait: once a minute, and not too many people."""
        now_s = self._monotonic()
        self._told = {who: at_s for who, at_s in self._told.items() if now_s - at_s < LATELY_S}
        if user in self._told or len(self._told) >= MOST_TOLD:
            return False
        self._told[user] = now_s
        return True

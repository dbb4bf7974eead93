"""How far long work is, shown to whoever asked while it goes on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from core.sync.report import progress_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from commands import Request
    from core.reply import Reply
    from core.sync.result import SyncProgress
    from ops.contracts import Clock

SHOW_EVERY_S = 1.0
Step = TypeVar("Step")


class ProgressView(Generic[Step]):
    """Shows the latest step of everything under way, drawn by `draw`, at most once a second."""

    def __init__(self, request: Request, clock: Clock, draw: Callable[[Sequence[Step]], Reply]) -> None:
        self._show = request.show
        self._clock = clock
        self._draw = draw
        self._latest: dict[Hashable, Step] = {}
        self._shown_at_s: float | None = None

    def take(self, about: Hashable, step: Step) -> None:
        """Take in the latest step of what `about` names."""
        self._latest[about] = step
        now_s = self._clock.monotonic()
        if self._shown_at_s is None or now_s - self._shown_at_s >= SHOW_EVERY_S:
            self._shown_at_s = now_s
            self._show(self._draw(tuple(self._latest.values())))


def copies_shown(request: Request, clock: Clock) -> Callable[[SyncProgress], None]:
    """Return what shows how far copies are."""
    dry_run = bool(getattr(request.options, "dry_run", False))
    shown = ProgressView(request, clock, partial(progress_reply, dry_run=dry_run))
    return lambda progress: shown.take((progress.site, progress.mirror), progress)

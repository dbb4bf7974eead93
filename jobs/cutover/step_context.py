"""What a step of a cutover has at hand, and how it says that it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from core.cutover.steps import Outcome, moved_sites
from core.failure import FailureCode
from core.plan.basis import names_of_sites
from core.plan.progress import CutoverProgress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from core.cutover.steps import Step
    from core.failure import Failure
    from core.plan.plan import Move, Plan
    from ops.ports import Ports

Ended = tuple[Outcome, str, CutoverProgress]
Result = TypeVar("Result")

# What our own code raises where it is wrong about a value: it would raise it again, so trying again helps nobody.
DEFECTS = (LookupError, TypeError, ValueError, AttributeError)
PATIENCE_S = 30.0
LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step has at hand: the plan under way, the outcomes so far, and how to show progress.

    begun_before: keys of steps that another process has begun, and may have done. fleet_changed: what the fleet file no
    longer says of this wave as it was approved.
    """

    ports: Ports
    plan: Plan
    who: str
    outcomes: Mapping[str, Outcome]
    progress: CutoverProgress
    show: Callable[[CutoverProgress], Awaitable[None]]
    begun_before: frozenset[str] = frozenset()
    fleet_changed: tuple[str, ...] = ()

    def move_of(self, step: Step) -> Move:
        """Return the move of the site that a step is about."""
        return next(move for move in self.plan.moves if move.site == step.about)

    def moved(self, wave: int) -> tuple[Move, ...]:
        """Return the moves of a wave that DNS has made, also of sites that the fleet file has no longer."""
        names = names_of_sites(self.plan, self.ports.fleet)
        there = set(moved_sites(self.plan, self.outcomes, names, wave))
        return tuple(move for move in self.plan.moves if move.site in there and move.site in names)

    def done(self, detail: str) -> Ended:
        """Say that the step went well."""
        return Outcome.DONE, detail, self.progress

    def refused(self, about: str, why: str) -> Ended:
        """Say that the step did not go well, for the card as well."""
        return Outcome.REFUSED, why, self.progress.with_trouble(about, why)


async def when_nothing_runs_there(
    context: StepContext, attempt: Callable[[], Awaitable[Result]], trouble_in: Callable[[Result], Failure | None]
) -> Result:
    """Return what `attempt` does, tried again while a copy that a bot had begun before it died still runs there."""
    clock = context.ports.clock
    began = clock.monotonic()
    while True:
        result = await attempt()
        trouble = trouble_in(result)
        if trouble is None or trouble.code != FailureCode.BUSY or clock.monotonic() - began >= PATIENCE_S:
            return result
        await clock.sleep(LOOK_S)

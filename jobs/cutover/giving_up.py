"""Steps that stop in the middle once somebody has cancelled their cutover: those by which nothing has changed yet."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from core.cutover.steps import Outcome
from core.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from jobs.cutover.step_context import Ended, StepContext

# They wait for others and for copies, which may be hours. The others end within their own time limits, and are whole.
GIVEN_UP = frozenset({"hold", "sync", "resync"})
LOOK_S = 0.5


async def or_given_up(
    context: StepContext,
    work: Coroutine[object, object, Ended],
    *,
    may_stop: Callable[[], bool] = lambda: True,
    outcome: Outcome = Outcome.REFUSED,
    then: Callable[[], Awaitable[None]] | None = None,
) -> Ended:
    """Return how a step's `work` ended; with `outcome` where it was given up, since somebody has cancelled the cutover.

    may_stop: whether it may be given up just then. then: what is to be done once it was.
    """
    working = asyncio.ensure_future(work)
    watching = asyncio.create_task(_until_cancelled(context, may_stop))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)
    if not working.cancelled():
        return working.result()
    who = watching.result()
    if then is not None:
        await then()
    return outcome, f"cancelled by {who}", context.progress


async def _until_cancelled(context: StepContext, may_stop: Callable[[], bool]) -> str:
    while True:
        # A store that fails now may work the next time.
        with contextlib.suppress(StoreError):
            cancelled = await context.ports.store.cancellations.of_plan(context.plan.id)
            if cancelled is not None and may_stop():
                return cancelled.who
        await context.ports.clock.sleep(LOOK_S)

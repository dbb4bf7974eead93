"""Taking one step of a cutover, so that it has an outcome however it goes: none that fails by itself blocks others."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from core.cutover.steps import BEFORE_DNS, Outcome, when_it_failed
from core.errors import RefusedError, SharpnetError, StoreError
from core.wording import listing
from jobs.cutover.giving_up import GIVEN_UP, or_given_up
from jobs.cutover.overtaking import overtake
from jobs.cutover.step_context import DEFECTS
from jobs.cutover.steps import STEPS
from jobs.cutover.update import what_became_of

if TYPE_CHECKING:
    from core.cutover.steps import Step
    from core.plan.plan import Move
    from jobs.cutover.step_context import Ended, StepContext

FLEET_FILE = "fleet file"

log = logging.getLogger(__name__)


async def taken(context: StepContext, step: Step) -> Ended:
    """Take a step and return how it ended. Raises StoreError: what cannot be put on record did not end.

    Up to the change of its zones a wave goes on only while the fleet file says what was approved. What comes after that
    is done with what the plan itself holds.
    """
    try:
        if context.fleet_changed and (step.name in BEFORE_DNS or step.name == "update"):
            return await _not_with_this_fleet(context, step, listing(context.fleet_changed))
        work = STEPS[step.name](context, step)
        if step.name not in GIVEN_UP:
            return await work
        return await or_given_up(
            context, work, then=partial(overtake, context, _copied_by(context, step), patience_s=0)
        )
    except StoreError:
        raise
    except SharpnetError as error:
        why = f"{error.message} {error.hint}".strip()
        if step.name == "update":
            return await what_became_of(context, step, error)
    except DEFECTS as error:
        log.exception("plan=%s step=%s failed=inside", context.plan.id, step.key)
        why = f"a defect of the bot ended this step ({error!r}); its log says where"
    return when_it_failed(step), why, context.progress.with_trouble(step.about or step.key, why)


def _copied_by(context: StepContext, step: Step) -> tuple[Move, ...]:
    """Return what a step copies: where that was given up, it may still have something on its way."""
    return (context.move_of(step),) if step.about else ()


async def _not_with_this_fleet(context: StepContext, step: Step, why: str) -> Ended:
    """Begin nothing; where another process has begun the step, find out what became of it."""
    begun_before = step.key in context.begun_before
    if begun_before and step.name == "update":
        return await what_became_of(context, step, RefusedError(f"{why}."))
    outcome = when_it_failed(step) if begun_before else Outcome.NOT_BEGUN
    return outcome, why, context.progress.with_trouble(FLEET_FILE, why)

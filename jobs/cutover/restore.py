"""The step of a plan that brings a site back from its backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.cutover.steps import Outcome
from core.plan.restore import Restore
from jobs.backup.restore_site import RESTORING, RestoreOutcome, carry_out_restore
from jobs.cutover.giving_up import or_given_up
from ops.rsync.mirror import run_id

if TYPE_CHECKING:
    from core.cutover.steps import Step
    from jobs.cutover.step_context import Ended, StepContext


async def restore_site(context: StepContext, step: Step) -> Ended:
    """Bring the site back; what was there is kept aside under the plan's own name."""
    plan, restore = context.plan, context.plan.purpose
    if not isinstance(restore, Restore):
        raise TypeError(plan.id)
    run = run_id(plan.asked_at, plan.id)
    begun_before = step.key in context.begun_before
    doing = ""

    def show(words: str) -> None:
        nonlocal doing
        doing = words

    async def restored() -> Ended:
        brought = await carry_out_restore(context.ports, restore, run, show, begun_before=begun_before)
        return _ended(context, step, restore, run, brought)

    # Whoever has begun it before may have put it in place.
    given_up = Outcome.UNKNOWN if begun_before else Outcome.REFUSED
    return await or_given_up(context, restored(), may_stop=lambda: doing in {"", RESTORING}, outcome=given_up)


def _ended(context: StepContext, step: Step, restore: Restore, run: str, brought: RestoreOutcome) -> Ended:
    if brought.outcome == Outcome.DONE:
        return context.done(f"from {restore.snapshot}, what it replaced is kept as {run}")
    why = f"{brought.why}. {brought.hint}".strip()
    return brought.outcome, why, context.progress.with_trouble(step.about, why)

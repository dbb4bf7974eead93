"""The steps of a cutover that run a site's hooks, exactly as the approved plan lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.wording import count
from ops.gather.hooks import run_these

if TYPE_CHECKING:
    from core.cutover.steps import Step
    from core.fleet.hook_runs import Moment
    from jobs.cutover.step_context import Ended, StepContext


async def before(context: StepContext, step: Step) -> Ended:
    """Run what comes before the cutover of a site. A failure stops its wave before any zone is touched."""
    return await _run(context, step, "before_cutover", "DNS of this site was not touched.")


async def freeze(context: StepContext, step: Step) -> Ended:
    """Have a site written to no more. A failure stops its wave before any zone is touched; thawing follows."""
    return await _run(context, step, "freeze", "DNS of this site was not touched.")


async def after(context: StepContext, step: Step) -> Ended:
    """Run what comes after the cutover of a site that has moved."""
    if step.about not in {move.site for move in context.moved(step.wave)}:
        return context.done("it has not moved")
    return await _run(context, step, "after_cutover", "The site has moved all the same.")


async def thaw(context: StepContext, step: Step) -> Ended:
    """Let a site be written to again, however its cutover went."""
    return await _run(context, step, "thaw", "It may still be frozen: do by hand what the hook would have done.")


async def _run(context: StepContext, step: Step, moment: Moment, consequence: str) -> Ended:
    hooks = [hook for hook in context.plan.hooks if hook.site == step.about and hook.moment == moment]
    trouble = await run_these(context.ports, hooks, context.who)
    if trouble is None:
        return context.done(f"{count(len(hooks), 'hook')} ran")
    return context.refused(step.key, f"{trouble.message}. {consequence}")

"""The hooks that a plan runs, and the sites that it moves with nothing to freeze them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.fleet.hook_runs import HookRun, Moment, hook_runs

if TYPE_CHECKING:
    from core.fleet import Fleet
    from core.plan.plan import Plan

AROUND_A_CUTOVER: tuple[Moment, ...] = ("before_cutover", "after_cutover")
AROUND_A_MOVE: tuple[Moment, ...] = ("before_cutover", "freeze", "after_cutover", "thaw")


@dataclass(frozen=True, slots=True)
class HookSelection:
    """The hooks of a plan. left_out: those that do not run, because their server is one of those that are left out."""

    runs: tuple[HookRun, ...] = ()
    left_out: tuple[HookRun, ...] = ()


def hooks_of(plan: Plan, fleet: Fleet) -> HookSelection:
    """Return the hooks that `plan` runs as the fleet has them, and those that it leaves out.

    A thaw without a freeze is none: nothing has been frozen.
    """
    found = [
        hook
        for move in plan.moves
        if (site := fleet.sites.get(move.site)) is not None
        for moment in (AROUND_A_MOVE if plan.copies_first else AROUND_A_CUTOVER)
        if moment != "thaw" or site.hooks.freeze
        for hook in hook_runs(site, moment, move.source, move.target)
    ]
    return HookSelection(
        runs=tuple(hook for hook in found if hook.server not in plan.no_hooks_on),
        left_out=tuple(hook for hook in found if hook.server in plan.no_hooks_on),
    )


def without_freeze(plan: Plan, fleet: Fleet) -> tuple[str, ...]:
    """Return the sites that move with databases while nothing keeps them from being written to."""
    if not plan.copies_first:
        return ()
    frozen = {hook.site for hook in plan.hooks if hook.moment == "freeze"}
    sites = [fleet.sites[site] for site in plan.sites]
    return tuple(site.name for site in sites if site.databases and site.name not in frozen)

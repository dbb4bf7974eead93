"""Cutovers whose name servers did not all agree in time: asked again until they do, or until nobody waits any more.

Such a cutover ends in one of three ways, and says which: all agree; those agree that the fleet file still has; a later
plan has moved its names on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.cutover.card import card_of
from core.cutover.overtaken import is_overtaken, moved_on, under_way_since
from core.plan.plan import PlanState
from core.wording import listing
from jobs.cutover.verify import Verifier
from jobs.plans.basis import name_servers_now

if TYPE_CHECKING:
    from core.plan.progress import CutoverProgress
    from core.plan.stored import StoredPlan
    from ops.ports import Ports

BOT = "bot:unfinished"


async def finish_unfinished(ports: Ports, stored: StoredPlan) -> None:
    """Ask the name servers that do not agree yet once more, about what is still the plan's; end it where it can be."""
    since = await ports.store.plans.carried_out_since(stored.approved_at or stored.plan.asked_at)
    if under_way_since(stored, since):
        return
    on = moved_on(stored, since)
    progress = replace(stored.progress, moved_on=on)
    if is_overtaken(stored, on):
        by = listing(sorted(set(on.values())))
        await _end(ports, stored, PlanState.OVERTAKEN, progress, f"its names have been moved on by plan {by}")
        return
    # Only the wave under way can be unfinished: it began when all agreed on those before, and none came after.
    nameservers = await name_servers_now(ports, stored.plan)
    progress = await Verifier(ports, stored.plan, progress, progress.wave, nameservers).ask_all_once()
    if progress.in_step_at is not None:
        gone = f" that the fleet file still has; without {listing(progress.gone)}" if progress.gone else ""
        await _end(ports, stored, PlanState.CONFIRMED, progress, f"all agree{gone}")
    elif progress != stored.progress:
        now = ports.clock.now()
        card = card_of(replace(stored, progress=progress), ports.fleet)
        await ports.store.plans.show(stored.id, progress, card, now, only=PlanState.UNFINISHED)


async def _end(ports: Ports, stored: StoredPlan, state: PlanState, progress: CutoverProgress, why: str) -> None:
    now = ports.clock.now()
    card = card_of(replace(stored, progress=progress).ended(state, now), ports.fleet)
    await ports.store.plans.move(stored.id, {PlanState.UNFINISHED}, state, now, BOT, why, card, progress)

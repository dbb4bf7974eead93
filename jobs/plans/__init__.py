"""Lets plans that nobody approved in time expire, and says so on their cards."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from core.cutover.card import card_of
from core.plan.plan import PlanState
from jobs import Job

if TYPE_CHECKING:
    from datetime import datetime

    from ops.ports import Ports


async def expire_plans(ports: Ports, _key: str, _at: datetime) -> None:
    """Expire every plan whose time is over."""
    now = ports.clock.now()
    for stored in await ports.store.plans.in_state(PlanState.PLANNED):
        if now < stored.plan.expires_at:
            continue
        why = "nobody approved it in time"
        card = card_of(stored.ended(PlanState.EXPIRED, now), ports.fleet, why=(f"{why}.",))
        await ports.store.plans.move(stored.id, {PlanState.PLANNED}, PlanState.EXPIRED, now, "bot:expire", why, card)


JOB = Job(name="expire", run=expire_plans, every=timedelta(seconds=5), at_start=True)

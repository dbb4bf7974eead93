"""What a kept plan rests on, beside the fleet file of now and the one that this process was started with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.errors import SettingsError
from core.plan.basis import fleet_differences, name_servers_to_ask

if TYPE_CHECKING:
    from core.fleet import Fleet
    from core.plan.basis import NameServersToAsk
    from core.plan.plan import Plan
    from ops.ports import Ports


async def fleet_now(ports: Ports) -> Fleet | None:
    """Return the fleet as its file says now; None where that cannot be used."""
    try:
        return await asyncio.to_thread(ports.live_fleet)
    except SettingsError:
        return None


async def why_not_with_this_fleet(ports: Ports, plan: Plan, wave: int | None = None) -> tuple[str, ...]:
    """Say what of `plan`, or of one wave of it, the fleet file no longer says as it was approved; empty: nothing.

    A process that was started with another file than the one that is there may not carry it out either.
    """
    now = await fleet_now(ports)
    found = fleet_differences(plan, now, wave) if now is not None else ()
    if found:
        return found
    own = fleet_differences(plan, ports.fleet, wave)
    if own and now is not None:
        return (f"the bot was started with an older fleet file ({own[0]}): start it again",)
    return own


async def name_servers_now(ports: Ports, plan: Plan) -> NameServersToAsk:
    """Return who has to agree before `plan` is confirmed."""
    return name_servers_to_ask(plan, ports.fleet, await fleet_now(ports))

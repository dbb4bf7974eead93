"""Whether the bot goes by an older fleet file than the one that is there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.errors import SettingsError
from core.fleet.changed import changed_in_words, changed_sections, digests
from core.status.findings import Finding
from ops.gather.fleet_picture import is_watched

if TYPE_CHECKING:
    from ops.ports import Ports

STARTED = "bot.started"
AGAIN = "Start the bot again for the rest."
# The bot's starts and stops stand under the fleet's name; of these the newest start is looked for.
LOOKED_THROUGH = 100


async def why_fleet_is_older(ports: Ports) -> str:
    """Say what the bot that runs does not know yet of the fleet file; empty: nothing, or none runs."""
    if not await is_watched(ports):
        return ""
    entries = await ports.store.record.entries(last=LOOKED_THROUGH, subject=ports.fleet.name)
    started = next((entry for entry in reversed(entries) if entry.kind == STARTED), None)
    then = started.body.get("fleet") if started is not None else None
    if not isinstance(then, dict):
        return ""
    try:
        now = await asyncio.to_thread(lambda: digests(ports.live_fleet()))
    except SettingsError as error:
        return f"app.yaml cannot be used any more, so the bot goes on with what it said before: {error.message}"
    sections = changed_sections(now, then)
    return f"{changed_in_words(sections)}. {AGAIN}" if sections else ""


async def fleet_findings(ports: Ports) -> tuple[Finding, ...]:
    """Return what is wrong with what the running bot knows of the fleet file."""
    why = await why_fleet_is_older(ports)
    return (Finding("the running bot", ok=False, why=why.removesuffix(f". {AGAIN}"), hint=AGAIN),) if why else ()

"""The ops channel's cards about trouble that is not an outage: put where it begins, mended where it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.reply import Reply, Tone
from core.wording import clock_time

if TYPE_CHECKING:
    from ops.ports import Ports


async def put_trouble(ports: Ports, key: str, reply: Reply) -> None:
    """Put the card; where it tells of trouble already, say in its thread that there was some again."""
    before = await ports.store.cards.get(key)
    now = ports.clock.now()
    await ports.store.cards.put(key, reply, now)
    if before is not None and before.reply.tone is not Tone.GOOD:
        await ports.store.cards.note(key, f"Again at {clock_time(now, ports.fleet.timezone)}: {reply.title}", now)


async def mend_trouble(ports: Ports, key: str, title: str) -> None:
    """Say by `title` on a card that is there that its trouble is over; on one that says so already, nothing."""
    card = await ports.store.cards.get(key)
    if card is not None and card.reply.tone is not Tone.GOOD:
        await ports.store.cards.put(key, Reply(title=title, tone=Tone.GOOD), ports.clock.now())

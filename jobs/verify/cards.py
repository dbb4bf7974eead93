"""What the ops channel is told about proofs: a copy that differs, on one card, until a proof says it is good again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.proof_report import alert
from core.reply import Reply, Tone
from core.words import clock_time

if TYPE_CHECKING:
    from core.proof import Proof
    from ops.ports import Ports


async def tell(ports: Ports, proof: Proof) -> None:
    """Put the card of a copy that differs, and mend it when a later proof is good; nothing else is worth a message."""
    key = f"proof:{proof.site}>{proof.mirror}"
    before = await ports.store.cards.get(key)
    open_already = before is not None and before.reply.tone is not Tone.GOOD
    now = ports.clock.now()
    if proof.outcome == "differs":
        reply = alert(proof, ports.fleet.timezone)
        await ports.store.cards.put(key, reply, now)
        if open_already:
            await ports.store.cards.note(key, f"Again at {clock_time(now, ports.fleet.timezone)}: {reply.title}", now)
    elif proof.outcome == "good" and open_already:
        title = f"The copy of {proof.site} on {proof.mirror} is what it should be again"
        await ports.store.cards.put(key, Reply(title=title, tone=Tone.GOOD), now)

"""What the ops channel is told about proofs: a copy that differs, on one card, until a proof says it is good again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.verify.report import alert
from ops.gather.trouble_cards import mend_trouble, put_trouble

if TYPE_CHECKING:
    from core.verify.compare import Proof
    from ops.ports import Ports


async def tell(ports: Ports, proof: Proof) -> None:
    """Put the card of a copy that differs, and mend it when a later proof is good; nothing else is worth a message."""
    key = f"proof:{proof.site}>{proof.mirror}"
    if proof.outcome == "differs":
        await put_trouble(ports, key, alert(proof, ports.fleet.timezone))
    elif proof.outcome == "good":
        await mend_trouble(ports, key, f"The copy of {proof.site} on {proof.mirror} is ok again")

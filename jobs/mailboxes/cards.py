"""What the ops channel is told of mailboxes: that some are not alike, on one card, until they are again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.failure import BETWEEN_SERVERS
from core.mailboxes.report import silent_card, trouble_card, worth_telling
from ops.gather.trouble_cards import mend_trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.failure import Failure
    from core.reply import Reply
    from ops.ports import Ports


async def tell(ports: Ports, silent: Mapping[str, Failure]) -> None:
    """Bring the cards in step with what is known; what has been told already is not told again."""
    for (server, other), runs in worth_telling(await ports.store.mailboxes.all()).items():
        key = f"mailboxes:{server}>{other}"
        if runs:
            await _put(ports, key, trouble_card(server, other, runs))
        else:
            await mend_trouble(ports, key, f"All mail is alike on {server} and {other} again")
    for server in ports.fleet.servers:
        key, why = f"mailboxes:{server}", silent.get(server)
        if why is None:
            await mend_trouble(ports, key, f"{server} says again whose mail it has")
        elif why.code not in BETWEEN_SERVERS:
            # Else its outage is told.
            await _put(ports, key, silent_card(server, why))


async def _put(ports: Ports, key: str, reply: Reply) -> None:
    card = await ports.store.cards.get(key)
    if card is None or card.reply != reply:
        await ports.store.cards.put(key, reply, ports.clock.now())

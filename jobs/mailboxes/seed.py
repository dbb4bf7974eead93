"""Mailboxes that were created apart made one: the other side's take the identity of the chosen ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.failure import Failure
from core.mailboxes.dsync import created_apart
from jobs.mailboxes.one import MirrorRequest, both_sides, make_alike
from ops.gather.holding import holding
from ops.mailboxes.dovecot import adopt_identity
from ops.or_failure import or_failure
from ops.rsync.mirror import run_id

if TYPE_CHECKING:
    from core.mailboxes.pairs import MailboxPair
    from core.mailboxes.result import MailboxResult
    from ops.ports import Ports


async def find_apart(ports: Ports, pair: MailboxPair) -> tuple[str, ...] | Failure:
    """Return the names of the user's mailboxes that were created apart on the two servers."""
    sides = await or_failure(both_sides(ports, pair))
    return sides if isinstance(sides, Failure) else created_apart(*sides)


async def seed(ports: Ports, pair: MailboxPair, source: str, who: str) -> MailboxResult | Failure:
    """Make one of what was created apart, and then alike. source: the server whose mailboxes keep their identity.

    On record before it begins. Its steps may be cut off anywhere and taken again. Raises RefusedError while another
    run works on that mail, StoreError.
    """
    target = pair.other if source == pair.server else pair.server
    async with holding(ports, f"mailbox:{pair.login}", run_id(ports.clock.now()), "a run on a mailbox"):
        body = {"from": source, "to": target}
        await ports.store.record.add(ports.clock.now(), "mailbox.seeded", pair.login, who, body)
        trouble = await or_failure(_adopt(ports, pair, target))
    if trouble is not None:
        return trouble
    return await make_alike(ports, pair, MirrorRequest(who))


async def _adopt(ports: Ports, pair: MailboxPair, target: str) -> Failure | None:
    sides = await both_sides(ports, pair)
    if isinstance(sides, Failure):
        return sides
    kept = sides[0] if target == pair.other else sides[1]
    for name in created_apart(*sides):
        trouble = await adopt_identity(ports.ssh, ports.fleet.servers[target], pair.login, name, kept[name])
        if trouble is not None:
            return trouble
    return None

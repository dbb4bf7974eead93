"""What others had sent on its way to the servers that sites move to, before their work was taken from them.

It asked before it was sent whether it may put its copy in place, and that was so. Where it arrives only after the site
is served there, it would take the place of what is written there by then: so that server is told to refuse it.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import SharpnetError, StoreError
from core.failure import Failure
from ops.rsync.locate import located
from ops.rsync.mirror import MirrorCopy, run_id
from ops.rsync.turn import SEND_WITHIN_S, take_turn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.plan.plan import Move
    from jobs.cutover.step_context import StepContext

# Far longer than anything can be on its way, since clocks are set.
LATELY = timedelta(minutes=10)

log = logging.getLogger(__name__)


async def overtake_late_copies(context: StepContext, moves: Iterable[Move]) -> None:
    """Have the targets of `moves` refuse what was sent there by work that was ended lately.

    A target that cannot be told so is waited for until it refuses that by its clock.
    """
    ports = context.ports
    targets = {move.site: move for move in moves}
    ended = await ports.store.cancellations.taken_away(targets, ports.clock.now() - LATELY)
    await overtake(context, [move for site, move in targets.items() if site in ended])


async def overtake(context: StepContext, moves: Iterable[Move], *, patience_s: float = SEND_WITHIN_S) -> None:
    """Have the targets of `moves` refuse whatever was sent there before.

    patience_s: for how long one is waited for that cannot be told so; what was sent is good for no longer than that.
    """
    told = await asyncio.gather(*(_refuses_it(context, move) for move in moves))
    if not all(told):
        await context.ports.clock.sleep(patience_s)


async def _refuses_it(context: StepContext, move: Move) -> bool:
    """Return whether a target refuses what was sent there before; where no copy can be put in place, it does."""
    ports, fleet = context.ports, context.ports.fleet
    if move.site not in fleet.sites or move.target not in fleet.servers:
        return False
    target = fleet.servers[move.target]
    try:
        site = await located(ports.ssh, fleet, fleet.sites[move.site], (target,))
        if isinstance(site, Failure):
            return True
        run = run_id(context.plan.asked_at, context.plan.id)
        turn = await take_turn(ports.ssh, MirrorCopy(site, target, target), run, at_once=True)
    except StoreError:
        raise
    except SharpnetError as error:
        log.warning("plan=%s site=%s overtaking=failed why=%r", context.plan.id, move.site, error.message)
        return False
    return not isinstance(turn, Failure)

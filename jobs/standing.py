"""The store against its witnesses: asked when the bot starts, told as the store grows, and accepted by a person."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from core.cutover.card import card_of
from core.errors import RefusedError, SharpnetError
from core.plan.plan import PlanState
from core.store_doubt import accepted_card
from core.store_standing import StoreNote
from jobs import Job

if TYPE_CHECKING:
    from datetime import datetime

    from core.plan.stored import StoredPlan
    from core.reply import Reply
    from ops.durable.standing import Asked
    from ops.ports import Ports

LOOK_EVERY_S = 5.0
# Servers are told less often than the file beside the store: many syncs grow the record all the time.
SERVERS_EVERY_S = 15.0
AT_LEAST_EVERY_S = 60.0
# Not UNFINISHED: its change is made, and all that is left to do is to ask.
OPEN = frozenset({PlanState.PLANNED, PlanState.APPROVED})

log = logging.getLogger(__name__)


async def keep_told(ports: Ports, _key: str, _at: datetime) -> None:
    """Tell the witnesses how far the store is, until cancelled. One that knows more is noticed by that, too."""
    standing, clock = ports.standing, ports.clock
    told_number, told_at_s = -1, float("-inf")
    while standing is not None:
        try:
            number = (await ports.store.identity.own(clock.now())).number
            passed_s = clock.monotonic() - told_at_s
            if passed_s >= AT_LEAST_EVERY_S or (number != told_number and passed_s >= SERVERS_EVERY_S):
                told_number, told_at_s = (await standing.tell()).verdict.own.number, clock.monotonic()
            elif number != told_number:
                await standing.tell_beside()
        except SharpnetError as error:
            log.warning("store telling failed: %s", error.message)
        await clock.sleep(LOOK_EVERY_S)


async def accept(ports: Ports, who: str) -> Reply:
    """Take the store as the one to act upon, in spite of what the witnesses know. Raises RefusedError.

    Its open plans end: they, or what has overtaken them, may have been carried out by what the store does not know.
    Copies that were in quarantine are so again, since what they alone hold must not be overwritten.
    """
    asked = await ports.standing.look() if ports.standing is not None else None
    if ports.standing is None or asked is None or not asked.why:
        raise RefusedError("There is no doubt about this store. Nothing changed.", hint="`store` shows what is known.")
    why = f"the store was put back: {who} accepted it as it is"
    ended = [stored for state in sorted(OPEN) for stored in await ports.store.plans.in_state(state)]
    for stored in ended:
        await _end(ports, stored, why, who)
    copies = await _quarantine_again(ports, asked, who)
    others = [one.store for one in asked.told.values() if isinstance(one, StoreNote)]
    card = accepted_card(asked.why, who, tuple(stored.id for stored in ended), copies)
    await ports.store.identity.accept(others, card, ports.clock.now(), who)
    await ports.standing.tell()
    return card


async def _end(ports: Ports, stored: StoredPlan, why: str, who: str) -> None:
    now = ports.clock.now()
    card = card_of(stored.ended(PlanState.LOST, now), ports.fleet, why=(f"{why}.",))
    await ports.store.claims.release(stored.id)
    await ports.store.plans.move(stored.id, OPEN, PlanState.LOST, now, who, why, card)


async def _quarantine_again(ports: Ports, asked: Asked, who: str) -> list[tuple[str, str]]:
    """Quarantine the copies that were so by the newest note, and return those that were not known to be."""
    notes = [one for one in asked.told.values() if isinstance(one, StoreNote)]
    sites, servers = ports.fleet.sites, ports.fleet.servers
    known = await ports.store.copies.quarantined()
    newest = max(notes, key=lambda note: note.at, default=None)
    told = newest.quarantined if newest is not None else ()
    anew = [(site, server) for site, server in told if site in sites and server in servers]
    anew = [copy for copy in anew if copy not in known]
    await ports.store.copies.quarantine(
        anew, "it was in quarantine before the store was put back", ports.clock.now(), who
    )
    return anew


JOB = Job(name="standing", run=keep_told, at_start=True)

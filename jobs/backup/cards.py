"""Puts what went wrong with backups into the ops channel, and says there when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.backup.cards import (
    OVERDUE_KEY,
    RUN_KEY,
    bad_card,
    is_bad,
    many_bad_card,
    overdue_card,
    site_key,
    upkeep_card,
)
from core.backup.snapshots import overdue
from core.reply import Tone
from ops.gather.trouble_cards import mend_trouble, put_trouble

if TYPE_CHECKING:
    from jobs.backup.many import BackupBatchResult
    from ops.ports import Ports

# More sites than this with trouble in one run are one message.
MOST_SINGLE_CARDS = 3
UPKEEP_KEY = "backup:upkeep"


async def tell(ports: Ports, backed: BackupBatchResult, *, scheduled: bool) -> None:
    """Put cards for what went wrong in a scheduled run, and say on those that are there what is good again."""
    now = ports.clock.now()
    last = await ports.store.protection.backed_up()
    bad = [result for result in backed.results if is_bad(result)]
    good = [result for result in backed.results if result.outcome == "good" and not result.shrank]
    if scheduled and len(bad) > MOST_SINGLE_CARDS:
        await put_trouble(ports, RUN_KEY, many_bad_card(bad))
    elif scheduled:
        for result in bad:
            await put_trouble(ports, site_key(result.site), bad_card(result, last.get(result.site), now))
    if good and len(bad) <= MOST_SINGLE_CARDS:
        await mend_trouble(ports, RUN_KEY, "Backups are made again")
    for result in good:
        await mend_trouble(ports, site_key(result.site), f"{result.site} is backed up again: {result.summary}")
    if backed.upkeep is not None and scheduled:
        await put_trouble(ports, UPKEEP_KEY, upkeep_card(backed.upkeep.message, backed.upkeep.hint))
    elif backed.upkeep is None and good:
        await mend_trouble(ports, UPKEEP_KEY, "Old backups are let go again")
    if good:
        await look_at_ages(ports, only_mend=not scheduled)


async def look_at_ages(ports: Ports, *, only_mend: bool = False) -> None:
    """Put a card for sites whose backup is older than `offsite.max_age`, or say that there are none any more."""
    if ports.fleet.offsite is None:
        return
    now, last, max_age = ports.clock.now(), await ports.store.protection.backed_up(), ports.fleet.offsite.max_age
    late = overdue(last, ports.fleet.sites, now, max_age)
    if not late:
        await mend_trouble(ports, OVERDUE_KEY, "Every site is backed up again")
    elif not only_mend:
        # Its ages change by the hour: only other sites are news.
        before = await ports.store.cards.get(OVERDUE_KEY)
        card = overdue_card(late, last, max_age, now)
        if before is None or before.reply.tone is Tone.GOOD or before.reply.parts != card.parts:
            await ports.store.cards.put(OVERDUE_KEY, card, now)

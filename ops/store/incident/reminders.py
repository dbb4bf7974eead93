"""When people were last reminded of outages that nobody has acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.wording import from_stamp, stamp
from ops.store.audit import write_entry
from ops.store.cards import add_note
from ops.store.incident.outages import read_open
from ops.store.notifications import put_alert
from ops.store.part import StorePart

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime, timedelta

    from core.fleet.target import Target
    from core.incident.outage import Outage
    from core.reply import Reply
    from ops.contracts import Transaction

WHO = "bot:reminders"


class Reminders(StorePart):
    """Reminders of outages, on record."""

    async def remind(
        self, every: timedelta, quiet: Collection[Target], again: Callable[[tuple[Outage, ...]], Reply], at: datetime
    ) -> int:
        """Tell again of each card that shows an outage which nobody looks after, on record; return of how many.

        A card's turn comes `every` so often, counted from when it was made. It is told by the other ways, and by a line
        in its thread; while Slack is away one line waits there, the newest. quiet: targets that nobody is reminded of.
        again: what is told of a card's forgotten outages.
        """

        def work(transaction: Transaction) -> int:
            forgotten: dict[str, list[Outage]] = {}
            for one in read_open(transaction):
                if one.acked_by is None and one.target not in quiet:
                    forgotten.setdefault(one.card, []).append(one)
            told = 0
            for card, outages in forgotten.items():
                if not _is_due(transaction, card, every, at):
                    continue
                reply = again(tuple(outages))
                by_other_ways = put_alert(transaction, card, reply, at)
                fresh = add_note(transaction, card, reply.title, at, WHO)
                transaction.execute_many(
                    "UPDATE outages SET reminded_at = ? WHERE id = ?", [(stamp(at), one.id) for one in outages]
                )
                # Where nobody got the last one, this one tells nobody more.
                if fresh or by_other_ways:
                    write_entry(transaction, at, "outage.reminded", card, WHO, {"of": len(outages)})
                    told += 1
            return told

        return await self._db.write(work)


def _is_due(transaction: Transaction, card: str, every: timedelta, at: datetime) -> bool:
    (row,) = transaction.query(
        "SELECT max(at) AS last FROM (SELECT reminded_at AS at FROM outages WHERE card = ? "
        "UNION ALL SELECT made_at FROM cards WHERE key = ?) AS moments",
        [card, card],
    )
    # A moment in the future is a clock that was set back since.
    return bool(row["last"]) and abs(at - from_stamp(row["last"])) >= every

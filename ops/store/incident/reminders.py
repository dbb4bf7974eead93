"""When people were last reminded of outages that nobody looks after."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from core.wording import from_stamp, stamp
from ops.store.audit import write_entry
from ops.store.cards import add_note
from ops.store.incident.outages import read_open
from ops.store.notifications import put_alert

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime, timedelta

    from sqlite_utils import Database

    from core.fleet.target import Target
    from core.incident.outage import Outage
    from core.reply import Reply
    from ops.store.database import Db

WHO = "bot:reminders"


class Reminders:
    """Reminders of outages, on record."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def remind(
        self, every: timedelta, quiet: Collection[Target], again: Callable[[tuple[Outage, ...]], Reply], at: datetime
    ) -> int:
        """Tell again of each card that shows an outage which nobody looks after, on record; return of how many.

        A card's turn comes `every` so often, counted from when it was made. It is told by the other ways, and by a line
        in its thread; while Slack is away one line waits there, the newest. quiet: targets that nobody is reminded of.
        again: what is told of a card's forgotten outages.
        """

        def work(database: Database) -> int:
            forgotten: dict[str, list[Outage]] = {}
            for one in read_open(database):
                if one.acked_by is None and one.target not in quiet:
                    forgotten.setdefault(one.card, []).append(one)
            told = 0
            for card, outages in forgotten.items():
                if not _is_due(database, card, every, at):
                    continue
                reply = again(tuple(outages))
                by_other_ways = put_alert(database, card, reply, at)
                fresh = add_note(database, card, reply.title, at, WHO)
                database.conn.execute(
                    "UPDATE outages SET reminded_at = ? WHERE id IN (SELECT value FROM json_each(?))",
                    [stamp(at), json.dumps([one.id for one in outages])],
                )
                # Where nobody got the last one, this one tells nobody more.
                if fresh or by_other_ways:
                    write_entry(database, at, "outage.reminded", card, WHO, {"of": len(outages)})
                    told += 1
            return told

        return await self._db.write(work)


def _is_due(database: Database, card: str, every: timedelta, at: datetime) -> bool:
    ((last,),) = database.conn.execute(
        "SELECT max(max(coalesce(reminded_at, '')), coalesce((SELECT made_at FROM cards WHERE key = :card), '')) "
        "FROM outages WHERE json_extract(body, '$.card') = :card",
        {"card": card},
    ).fetchall()
    # A moment in the future is a clock that was set back since.
    return bool(last) and abs(at - from_stamp(last)) >= every

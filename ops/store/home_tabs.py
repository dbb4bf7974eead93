"""Whose Home tab may be open, and which bot keeps it up to date: another goes on with those of a bot that is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.wording import from_stamp, stamp
from ops.store.part import StorePart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from ops.contracts import Transaction


class HomeTabs(StorePart):
    """Home tabs, each kept by one bot at a time under a lease."""

    async def opened(self, users: Iterable[str], bot: str, at: datetime, lease: timedelta, *, most: int) -> None:
        """Note who opened theirs now, so that `bot` keeps it; of all of them, `most` are remembered, the latest."""

        def work(transaction: Transaction) -> None:
            until = transaction.lease_time().after(lease)
            transaction.execute_many(
                'INSERT INTO home_tabs ("user", opened_at, bot, epoch, until_s) VALUES (?, ?, ?, ?, ?) '
                'ON CONFLICT ("user") DO UPDATE SET opened_at = excluded.opened_at, bot = excluded.bot, '
                "epoch = excluded.epoch, until_s = excluded.until_s",
                [(user, stamp(at), bot, until.epoch, until.at_s) for user in users],
            )
            transaction.execute(
                'DELETE FROM home_tabs WHERE "user" NOT IN '
                '(SELECT "user" FROM home_tabs ORDER BY opened_at DESC LIMIT ?)',
                [most],
            )

        await self._db.write(work)

    async def keep(self, bot: str, lease: timedelta, since_at: datetime) -> Mapping[str, datetime]:
        """Go on with this bot's tabs, and with those whose bot is gone; return whose they are, and since when open.

        Those that were opened before `since_at` are forgotten.
        """

        def work(transaction: Transaction) -> Mapping[str, datetime]:
            transaction.execute("DELETE FROM home_tabs WHERE opened_at < ?", [stamp(since_at)])
            now = transaction.lease_time()
            until = now.after(lease)
            transaction.execute(
                "UPDATE home_tabs SET bot = ?, epoch = ?, until_s = ? "
                "WHERE bot = ? OR epoch IS NULL OR epoch <> ? OR until_s < ?",
                [bot, until.epoch, until.at_s, bot, now.epoch, now.at_s],
            )
            rows = transaction.query('SELECT "user", opened_at FROM home_tabs WHERE bot = ? ORDER BY opened_at', [bot])
            return {row["user"]: from_stamp(row["opened_at"]) for row in rows}

        return await self._db.write(work)

    async def let_go(self, bot: str) -> None:
        """Leave this bot's tabs to whoever comes next, at once."""
        await self._execute("UPDATE home_tabs SET epoch = NULL WHERE bot = ?", [bot])

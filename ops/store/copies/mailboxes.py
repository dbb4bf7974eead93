"""Mailboxes that are kept alike on two servers: how the last run on each ended, and with what the next one goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from core.mailboxes.result import ALIKE, MailboxRun
from core.wording import stamp
from ops.store.audit import write_entry
from ops.store.part import StorePart, value_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from core.mailboxes.pairs import MailboxPair
    from core.mailboxes.result import MailboxEnd
    from ops.contracts import Transaction

_PAIR = "login = ? AND server = ? AND other = ?"
_ENDED = "ended_at = ?, outcome = ?, state = ?, body = ?"
_GOOD = f"{_ENDED}, failures = 0, alike_at = begun_at"
_BAD = f"{_ENDED}, failures = failures + 1"


class Mailboxes(StorePart):
    """What is known of mailboxes on two servers."""

    async def all(self) -> tuple[MailboxRun, ...]:
        """Return the last run on each, by login."""
        rows = await self._query("SELECT * FROM mailboxes ORDER BY login, server, other")
        return tuple(value_of(MailboxRun, row) for row in rows)

    async def begin(self, pair: MailboxPair, at: datetime, who: str, *, asked: bool) -> str:
        """Keep that a run begins, and return the state that it goes on with. asked: by a person, and so on record.

        Where the one before has no end its process died: that is on record then.
        """

        def work(transaction: Transaction) -> str:
            died = transaction.query(f"SELECT login FROM mailboxes WHERE {_PAIR} AND ended_at IS NULL", _key(pair))  # noqa: S608 - literals
            if died:
                body = {**_servers(pair), "why": "whoever ran it is gone; this run goes on with it"}
                write_entry(transaction, at, "mailbox.interrupted", pair.login, who, body)
            transaction.execute(
                "INSERT INTO mailboxes (login, server, other, begun_at) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (login, server, other) DO UPDATE SET begun_at = excluded.begun_at, ended_at = NULL",
                [*_key(pair), stamp(at)],
            )
            if asked:
                write_entry(transaction, at, "mailbox.begun", pair.login, who, _servers(pair))
            rows = transaction.query(f"SELECT state FROM mailboxes WHERE {_PAIR}", _key(pair))  # noqa: S608 - a literal
            return str(rows[0]["state"])

        return await self._db.write(work)

    async def end(self, pair: MailboxPair, end: MailboxEnd, at: datetime, who: str, *, asked: bool) -> None:
        """Keep how a run ended; on record where it ended otherwise than the one before, or a person asked for it."""
        changes = _GOOD if end.outcome == ALIKE else _BAD

        def work(transaction: Transaction) -> None:
            before = transaction.query(f"SELECT outcome FROM mailboxes WHERE {_PAIR}", _key(pair))  # noqa: S608 - likewise
            values = [stamp(at), end.outcome, end.state, json.dumps(dict(end.body))]
            transaction.execute(f"UPDATE mailboxes SET {changes} WHERE {_PAIR}", [*values, *_key(pair)])  # noqa: S608 - likewise
            if asked or (before and before[0]["outcome"] != end.outcome):
                write_entry(transaction, at, f"mailbox.{end.outcome}", pair.login, who, {**_servers(pair), **end.body})

        await self._db.write(work)

    async def keep_only(self, pairs: Collection[MailboxPair]) -> None:
        """Forget what nobody keeps alike any more."""

        def work(transaction: Transaction) -> None:
            wanted = {_key(pair) for pair in pairs}
            for row in transaction.query("SELECT login, server, other FROM mailboxes"):
                key = row["login"], row["server"], row["other"]
                if key not in wanted:
                    transaction.execute(f"DELETE FROM mailboxes WHERE {_PAIR}", key)  # noqa: S608 - likewise

        await self._db.write(work)


def _key(pair: MailboxPair) -> tuple[str, str, str]:
    return pair.login, pair.server, pair.other


def _servers(pair: MailboxPair) -> dict[str, object]:
    return {"server": pair.server, "other": pair.other}

"""Cards: messages in the ops channel, kept as what they should show and what Slack has been given.

A card is put here by whoever has something to say, in the bot or in the terminal; the bot posts and edits until Slack
shows the latest revision. So alerts wait while Slack is away, and arrive in the order in which they were made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.wording import stamp
from ops.store.part import StorePart, value_of
from ops.store.replies import reply_from_text, reply_to_text

if TYPE_CHECKING:
    from datetime import datetime

    from core.reply import Reply
    from ops.contracts import Transaction


@dataclass(frozen=True, slots=True)
class StoredCard:
    """A card as it should be shown, and where it is shown. `ts` None: not posted yet."""

    key: str
    reply: Reply
    revision: int
    posted_revision: int
    made_at: datetime
    changed_at: datetime
    channel: str | None
    ts: str | None
    tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredNote:
    """A line for a card's thread that has not been sent."""

    number: int
    card: str
    text: str
    at: datetime


def put_card(transaction: Transaction, key: str, reply: Reply, at: datetime) -> None:
    """Make or change a card inside a transaction that is open already; the same reply again changes nothing."""
    body = reply_to_text(reply)
    transaction.execute(
        "INSERT INTO cards (key, number, body, revision, made_at, changed_at) "
        "VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM cards), ?, 1, ?, ?) ON CONFLICT (key) DO UPDATE "
        "SET body = excluded.body, revision = cards.revision + 1, changed_at = excluded.changed_at "
        "WHERE cards.body != excluded.body",
        [key, body, stamp(at), stamp(at)],
    )


def add_note(transaction: Transaction, key: str, text: str, at: datetime, series: str | None = None) -> bool:
    """Add a line to a card's thread inside a transaction that is open already; return whether it is one more.

    series: a line of the same series that still waits to be sent gives way to this one.
    """
    replaced = transaction.execute(
        "UPDATE notes SET text = ?, at = ? WHERE card = ? AND series = ? AND sent_at IS NULL",
        [text, stamp(at), key, series],
    )
    if not replaced:
        transaction.execute(
            "INSERT INTO notes (card, text, at, series) VALUES (?, ?, ?, ?)", [key, text, stamp(at), series]
        )
    return not replaced


class Cards(StorePart):
    """What the ops channel should show."""

    async def put(self, key: str, reply: Reply, at: datetime) -> None:
        """Make the card `key`, or change what it shows."""
        await self._db.write(lambda transaction: put_card(transaction, key, reply, at))

    async def note(self, key: str, text: str, at: datetime) -> None:
        """Add a line to the card's thread."""
        await self._db.write(lambda transaction: add_note(transaction, key, text, at))

    async def get(self, key: str) -> StoredCard | None:
        """Return the card `key`, or None."""
        rows = await self._query("SELECT * FROM cards WHERE key = ?", [key])
        return _card(rows[0]) if rows else None

    async def shown_as(self, channel: str, ts: str) -> str | None:
        """Return the key of the card that Slack shows as this message; None: it shows none."""
        rows = await self._query("SELECT key FROM cards WHERE ts = ? AND channel = ?", [ts, channel])
        return str(rows[0]["key"]) if rows else None

    async def waiting(self) -> tuple[StoredCard, ...]:
        """Return the cards that Slack does not show as they are, oldest first."""
        rows = await self._query("SELECT * FROM cards WHERE posted_revision < revision ORDER BY number")
        return tuple(_card(row) for row in rows)

    async def trying(self, key: str, at: datetime) -> None:
        """Note that posting the card begins, so that a reply that was lost is known to be in doubt."""
        await self._execute("UPDATE cards SET tried_at = ? WHERE key = ?", [stamp(at), key])

    async def posted(self, key: str, revision: int, channel: str, ts: str) -> None:
        """Note that Slack shows `revision` of the card as the message `ts` in `channel`."""
        await self._execute(
            "UPDATE cards SET channel = ?, ts = ?, tried_at = NULL, "
            "posted_revision = CASE WHEN posted_revision < ? THEN ? ELSE posted_revision END WHERE key = ?",
            [channel, ts, revision, revision, key],
        )

    async def waiting_notes(self) -> tuple[StoredNote, ...]:
        """Return the thread lines that have not been sent and whose card is posted, oldest first."""
        rows = await self._query(
            "SELECT notes.* FROM notes JOIN cards ON cards.key = notes.card "
            "WHERE notes.sent_at IS NULL AND cards.ts IS NOT NULL ORDER BY notes.number"
        )
        return tuple(value_of(StoredNote, row) for row in rows)

    async def note_sent(self, number: int, at: datetime) -> None:
        """Note that a thread line was sent."""
        await self._execute("UPDATE notes SET sent_at = ? WHERE number = ?", [stamp(at), number])


def _card(row: dict[str, Any]) -> StoredCard:
    return value_of(StoredCard, row, reply=reply_from_text(row["body"]))

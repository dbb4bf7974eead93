"""What goes to people by other ways than Slack: the alerts, in order, and how far each route has come with them.

An alert is put there with the card that it is about, in the same transaction (a trigger), so that none is lost. A route
is named by the place of its secret (`env:NAME`), never by its address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.reply import Tone
from core.wording import stamp
from ops.store.audit import write_entry
from ops.store.part import StorePart, value_of
from ops.store.replies import reply_from_text, reply_to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from core.reply import Reply
    from ops.contracts import Transaction

AT_ONCE = 50
WHO = "bot:notify"


@dataclass(frozen=True, slots=True)
class Alert:
    """A card as it was when it was made or when its tone changed. tone_before None: it was new."""

    number: int
    card: str
    at: datetime
    tone_before: Tone | None
    reply: Reply


@dataclass(frozen=True, slots=True)
class RouteProgress:
    """How far a route is. done: the last alert that needs no more. tries: of the next one, that did not get through.

    in_doubt: the last try may have got through. failing_since_at: None: it works, as far as is known.
    """

    route: str
    done: int
    tries: int
    in_doubt: bool
    failing_since_at: datetime | None
    why: str


def put_alert(transaction: Transaction, card: str, reply: Reply, at: datetime) -> bool:
    """Send `reply` about a card by other ways, inside a transaction that is open already; False: there are none."""
    if not transaction.query("SELECT 1 AS found FROM routes LIMIT 1"):
        return False
    transaction.execute("INSERT INTO alerts (card, at, body) VALUES (?, ?, ?)", [card, stamp(at), reply_to_text(reply)])
    return True


def waiting_alerts(transaction: Transaction) -> dict[str, int]:
    """Return how many alerts each route has not come to yet, inside a transaction that is open already."""
    sql = "SELECT route, (SELECT count(*) FROM alerts WHERE number > done) AS waiting FROM routes"
    return {row["route"]: row["waiting"] for row in transaction.query(sql)}


class Notifications(StorePart):
    """Alerts and routes."""

    async def take_up(self, routes: Iterable[str]) -> None:
        """Begin with routes that are new, from here on, and forget those that are gone."""
        names = list(routes)

        def work(transaction: Transaction) -> None:
            known = {row["route"] for row in transaction.query("SELECT route FROM routes")}
            for gone in known.difference(names):
                transaction.execute("DELETE FROM routes WHERE route = ?", [gone])
            for name in names:
                transaction.execute(
                    "INSERT INTO routes (route, done) VALUES (?, (SELECT coalesce(max(number), 0) FROM alerts)) "
                    "ON CONFLICT DO NOTHING",
                    [name],
                )

        await self._db.write(work)

    async def routes(self) -> Mapping[str, RouteProgress]:
        """Return every route by its name."""
        rows = await self._query("SELECT * FROM routes ORDER BY route")
        return {row["route"]: value_of(RouteProgress, row, in_doubt=bool(row["in_doubt"])) for row in rows}

    async def after(self, route: str) -> tuple[Alert, ...]:
        """Return the next alerts for a route, oldest first."""
        rows = await self._query(
            "SELECT * FROM alerts WHERE number > (SELECT done FROM routes WHERE route = ?) ORDER BY number LIMIT ?",
            [route, AT_ONCE],
        )
        return tuple(_alert(row) for row in rows)

    async def waiting(self) -> Mapping[str, int]:
        """Return how many alerts each route has not come to yet."""
        return await self._db.read(waiting_alerts)

    async def pass_over(self, route: str, number: int) -> None:
        """Note that a route needs nothing up to this alert."""
        await self._db.write(lambda transaction: _done(transaction, route, number))

    async def tell_again(self, card: str, at: datetime) -> None:
        """Let every route come to this card once more, as it is now; one that says that all is well has told so."""

        def work(transaction: Transaction) -> None:
            for row in transaction.query("SELECT body FROM cards WHERE key = ?", [card]):
                reply = reply_from_text(row["body"])
                if reply.tone is not Tone.GOOD:
                    put_alert(transaction, card, reply, at)

        await self._db.write(work)

    async def trying(self, route: str) -> None:
        """Note that a try begins: should this process end before it says how that went, it is in doubt."""
        await self._execute("UPDATE routes SET tries = tries + 1, in_doubt = ? WHERE route = ?", [True, route])

    async def got_through(self, route: str, alert: Alert, at: datetime) -> None:
        """Note, on record too, that an alert was taken."""

        def work(transaction: Transaction) -> None:
            tries = next(iter(transaction.query("SELECT tries FROM routes WHERE route = ?", [route])), {"tries": 1})[
                "tries"
            ]
            _done(transaction, route, alert.number)
            transaction.execute("UPDATE routes SET failing_since_at = NULL, why = '' WHERE route = ?", [route])
            write_entry(transaction, at, "alert.sent", alert.card, WHO, {**_about(alert, route), "tries": tries})

        await self._db.write(work)

    async def did_not(self, route: str, alert: Alert, why: str, at: datetime, *, in_doubt: bool) -> None:
        """Note that a try did not get through; on record the first time, and when the reason is another."""

        def work(transaction: Transaction) -> None:
            before = next(iter(transaction.query("SELECT tries, why FROM routes WHERE route = ?", [route])), None)
            transaction.execute(
                "UPDATE routes SET failing_since_at = coalesce(failing_since_at, ?), why = ?, in_doubt = ? "
                "WHERE route = ?",
                [stamp(at), why, in_doubt, route],
            )
            if before is not None and (before["tries"] <= 1 or before["why"] != why):
                write_entry(transaction, at, "alert.not-sent", alert.card, WHO, {**_about(alert, route), "why": why})

        await self._db.write(work)

    async def give_up(self, route: str, alert: Alert, at: datetime) -> None:
        """Note, on record too, that an alert is too old to be told."""

        def work(transaction: Transaction) -> None:
            _done(transaction, route, alert.number)
            write_entry(transaction, at, "alert.given-up", alert.card, WHO, _about(alert, route))

        await self._db.write(work)

    async def beat(self, at: datetime) -> None:
        """Write something that means nothing, to see whether the store can be written."""
        await self._execute(
            "INSERT INTO pulse (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at", [stamp(at)]
        )


def _done(transaction: Transaction, route: str, number: int) -> None:
    transaction.execute("UPDATE routes SET done = ?, tries = 0, in_doubt = ? WHERE route = ?", [number, False, route])


def _about(alert: Alert, route: str) -> dict[str, object]:
    return {"route": route, "alert": alert.number, "title": alert.reply.title}


def _alert(row: dict[str, Any]) -> Alert:
    before = Tone(row["tone_before"]) if row["tone_before"] is not None else None
    return value_of(Alert, row, tone_before=before, reply=reply_from_text(row["body"]))

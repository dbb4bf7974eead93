"""Planned work: each together with its card, and with what it suppresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.incident.maintenance import Maintenance
from core.incident.notes import Annotation, ThreadMessage, thread_line
from core.wording import stamp
from ops.store.audit import write_entry
from ops.store.cards import add_note, put_card
from ops.store.incident.annotations import add_annotation, annotations_of, is_recorded
from ops.store.part import StorePart, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from core.fleet.target import Target
    from core.reply import Reply
    from ops.contracts import Transaction

WHO = "bot:maintenance"
_OPEN = "ended_at IS NULL AND cancelled_at IS NULL"

# What its card shows.
Draw = Callable[[Maintenance], "Reply"]


@dataclass(frozen=True, slots=True)
class NewMaintenance:
    """A maintenance that is asked for. `began_at` None: it is planned; else it begins at once."""

    scope: Target
    why: str
    asked_by: str
    starts_at: datetime
    ends_at: datetime
    began_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Something was down, since `from_at`, and a maintenance suppressed its alert. until_at None: it still does."""

    maintenance: int
    target: Target
    from_at: datetime
    until_at: datetime | None
    why: str


class Maintenances(StorePart):
    """Every maintenance, on record."""

    async def plan(
        self, wanted: NewMaintenance, at: datetime, draw: Draw, why_not: Callable[[Sequence[Maintenance]], str | None]
    ) -> Maintenance | str:
        """Keep a new one, with its card; or return what `why_not` says of those that are open, and change nothing."""

        def work(transaction: Transaction) -> Maintenance | str:
            reason = why_not(_read(transaction, f"WHERE {_OPEN}"))
            if reason is not None:
                return reason
            (row,) = transaction.query(
                "INSERT INTO maintenance (scope, why, asked_by, asked_at, starts_at, ends_at, began_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
                [
                    str(wanted.scope),
                    wanted.why,
                    wanted.asked_by,
                    stamp(at),
                    stamp(wanted.starts_at),
                    stamp(wanted.ends_at),
                    _written(wanted.began_at),
                ],
            )
            (one,) = _read(transaction, "WHERE id = ?", [row["id"]])
            kind = "planned" if one.began_at is None else "begun"
            write_entry(transaction, at, f"maintenance.{kind}", one.label, wanted.asked_by, _facts(one))
            put_card(transaction, one.card, draw(one), at)
            return one

        return await self._db.write(work)

    async def change(
        self, number: int, change: Callable[[Maintenance], Maintenance], kind: str, who: str, at: datetime, draw: Draw
    ) -> Maintenance | None:
        """Make `change` of it as it is now, on record as `maintenance.KIND`, with its card and a line in its thread.

        Where it stays the same, nothing is written. None: there is none of that number. What `change` raises is raised.
        """

        def work(transaction: Transaction) -> Maintenance | None:
            found = _read(transaction, "WHERE id = ?", [number])
            if not found:
                return None
            after = change(found[0])
            if after == found[0]:
                return after
            transaction.execute(
                "UPDATE maintenance SET ends_at = ?, began_at = ?, ended_at = ?, ended_by = ?, cancelled_at = ?, "
                "overrun_at = ? WHERE id = ?",
                [
                    stamp(after.ends_at),
                    _written(after.began_at),
                    _written(after.ended_at),
                    after.ended_by,
                    _written(after.cancelled_at),
                    _written(after.overrun_at),
                    number,
                ],
            )
            write_entry(transaction, at, f"maintenance.{kind}", after.label, who, _facts(after))
            reply = draw(after)
            put_card(transaction, after.card, reply, at)
            add_note(transaction, after.card, reply.title, at)
            return after

        return await self._db.write(work)

    async def annotate(
        self, number: int, annotation: Annotation, draw: Draw, message: ThreadMessage | None = None
    ) -> Maintenance | None:
        """Keep what somebody said of it, on record, on its card and in its thread. None: there is none.

        message: the one that said it, which counts once, and is not said again in the thread where it stands.
        """

        def work(transaction: Transaction) -> Maintenance | None:
            found = _read(transaction, "WHERE id = ?", [number])
            if not found or is_recorded(transaction, message):
                return found[0] if found else None
            add_annotation(transaction, f"maintenance:{number}", annotation, message)
            (one,) = _read(transaction, "WHERE id = ?", [number])
            kind, body = f"incident.{annotation.kind}", {"text": annotation.text}
            write_entry(transaction, annotation.at, kind, one.label, annotation.who, body)
            put_card(transaction, one.card, draw(one), annotation.at)
            if message is None or message.card != one.card:
                add_note(transaction, one.card, thread_line(annotation), annotation.at)
            return one

        return await self._db.write(work)

    async def get(self, number: int) -> Maintenance | None:
        """Return one, or None."""
        found = await self._db.read(lambda transaction: _read(transaction, "WHERE id = ?", [number]))
        return found[0] if found else None

    async def now_and_planned(self) -> tuple[Maintenance, ...]:
        """Return what goes on and what is planned, by planned start; `phase(now)` tells them apart."""
        return await self._db.read(lambda transaction: _read(transaction, f"WHERE {_OPEN} ORDER BY starts_at, id"))

    async def since(self, at: datetime, most: int | None = None) -> tuple[Maintenance, ...]:
        """Return those that took place and were not over at `at`, newest first; what was cancelled did not.

        most: only so many of them; None: all.
        """
        limit = f" LIMIT {most:d}" if most is not None else ""
        return await self._db.read(
            lambda transaction: _read(
                transaction,
                "WHERE cancelled_at IS NULL AND began_at IS NOT NULL AND (ended_at IS NULL OR ended_at >= ?) "
                f"ORDER BY began_at DESC, id DESC{limit}",
                [stamp(at)],
            )
        )

    async def suppress(self, many: Sequence[Suppressed], card: str, line: str, at: datetime) -> None:
        """Put on record that things are down and nobody is alerted, and one line into the thread of `card`; once."""

        def work(transaction: Transaction) -> None:
            fresh = 0
            for one in many:
                begun = transaction.execute(
                    "INSERT INTO silenced (maintenance, target, from_at, why) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT DO NOTHING",
                    [one.maintenance, str(one.target), stamp(one.from_at), one.why],
                )
                if begun:
                    body = {"maintenance": f"M{one.maintenance}", "since": stamp(one.from_at), "why": one.why}
                    write_entry(transaction, at, "maintenance.silenced", str(one.target), WHO, body)
                    fresh += 1
            if fresh:
                add_note(transaction, card, line, at)

        await self._db.write(work)

    async def end_suppression(
        self, many: Sequence[tuple[Suppressed, datetime]], card: str, line: str | None, at: datetime
    ) -> None:
        """Put on record until when alerts were suppressed: all is up again, or (`line` None) they are on again."""

        def work(transaction: Transaction) -> None:
            kind, changed = ("maintenance.alerting" if line is None else "maintenance.back"), 0
            for one, until_at in many:
                over = transaction.execute(
                    "UPDATE silenced SET until_at = ? WHERE target = ? AND until_at IS NULL",
                    [stamp(until_at), str(one.target)],
                )
                if over:
                    write_entry(transaction, at, kind, str(one.target), WHO, {"maintenance": f"M{one.maintenance}"})
                    changed += 1
            if changed and line is not None:
                add_note(transaction, card, line, at)

        await self._db.write(work)

    async def suppressed(self, number: int | None = None) -> tuple[Suppressed, ...]:
        """Return what is suppressed now; or, of one maintenance, all that it suppressed, oldest first."""
        where, parameters = ("until_at IS NULL", []) if number is None else ("maintenance = ?", [number])
        sql = f"SELECT * FROM silenced WHERE {where} ORDER BY id"  # noqa: S608 - the parts are literals above
        rows = await self._query(sql, parameters)
        return tuple(value_of(Suppressed, row) for row in rows)


def _read(transaction: Transaction, where: str, parameters: Iterable[object] = ()) -> tuple[Maintenance, ...]:
    rows = transaction.query(f"SELECT * FROM maintenance {where}", list(parameters))  # noqa: S608 - literals of this file
    annotations = annotations_of(transaction, [f"maintenance:{row['id']}" for row in rows])
    return tuple(
        value_of(Maintenance, row, annotations=annotations.get(f"maintenance:{row['id']}", ())) for row in rows
    )


def _facts(one: Maintenance) -> dict[str, object]:
    return {
        "scope": str(one.scope),
        "why": one.why,
        "planned": [stamp(one.starts_at), stamp(one.ends_at)],
        "actual": [_written(one.began_at), _written(one.ended_at)],
    }


def _written(at: datetime | None) -> str | None:
    return stamp(at) if at is not None else None

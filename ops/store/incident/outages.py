"""Outages: what was down, since when, who acknowledged it; each kept together with its card."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.incident.facts import OutageFacts, facts_from_json, facts_to_json
from core.incident.notes import Annotation, ThreadMessage, cause_of, thread_line
from core.incident.outage import Outage, annotations_of_drops
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


# Given all the outages that share a card, oldest first: what the card shows.
Draw = Callable[[tuple[Outage, ...]], "Reply"]
# Given the keys of the cards that were made for the same batch so far: the card to join, or None for one of its own.
Choose = Callable[[Sequence[str]], str | None]


@dataclass(frozen=True, slots=True)
class OutageOpening:
    """An outage to be opened: of what, since when, and its facts.

    flaps_since: it is one more drop of something that flaps since then: who looks after it, and what was said of its
    drops before, go on.
    """

    target: Target
    opened_at: datetime
    facts: OutageFacts
    flaps_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class OutageClosing:
    """An outage to be closed, as of when, and its last facts."""

    outage: Outage
    closed_at: datetime
    facts: OutageFacts


class Outages(StorePart):
    """Every outage, on record. Whatever changes several of them draws each card once, in the same transaction."""

    async def open_many(
        self, openings: Sequence[OutageOpening], who: str, choose: Choose, draw: Draw, at: datetime
    ) -> tuple[Outage, ...]:
        """Open outages, on record, together with their cards; return those of these targets that are open then.

        choose: says for each on which card it goes. Where an outage of a target is open already, nothing changes.
        """

        def work(database: Transaction) -> tuple[Outage, ...]:
            made: list[str] = []
            touched: dict[str, None] = {}
            for one in openings:
                for row in database.query(
                    "INSERT INTO outages (target, opened_at, body) VALUES (?, ?, '{}') ON CONFLICT DO NOTHING "
                    "RETURNING id",
                    [str(one.target), stamp(one.opened_at)],
                ):
                    card = choose(made)
                    if card is None:
                        card = f"outage:{row['id']}"
                        made.append(card)
                    number = int(row["id"])
                    kept = _keep_facts(database, number, one.facts, card)
                    write_entry(database, at, "outage.opened", str(one.target), who, kept)
                    _go_on(database, number, one, who, at)
                    touched[card] = None
            for card in touched:
                _draw(database, card, draw, at)
            targets = {one.target for one in openings}
            return tuple(outage for outage in read_open(database) if outage.target in targets)

        return await self._db.write(work)

    async def change_many(self, changed: Sequence[Outage], draw: Draw, at: datetime) -> None:
        """Keep the facts of outages as they are now, together with their cards."""

        def work(database: Transaction) -> None:
            for outage in changed:
                _keep_facts(database, outage.id, outage.facts, outage.card)
            for card in {outage.card: None for outage in changed}:
                _draw(database, card, draw, at)

        await self._db.write(work)

    async def close_many(self, closings: Sequence[OutageClosing], who: str, draw: Draw, at: datetime) -> None:
        """Close outages, on record, together with their cards; one that was closed already stays as it is.

        Each card's thread says so too.
        """

        def work(database: Transaction) -> None:
            touched: dict[str, None] = {}
            for one in closings:
                closed = database.execute(
                    "UPDATE outages SET closed_at = ? WHERE id = ? AND closed_at IS NULL",
                    [stamp(one.closed_at), one.outage.id],
                )
                if closed:
                    kept = _keep_facts(database, one.outage.id, one.facts, one.outage.card)
                    write_entry(database, at, "outage.closed", str(one.outage.target), who, kept)
                    touched[one.outage.card] = None
            for card in touched:
                # An edited message rings nobody's phone; a line in its thread reaches those who follow it.
                add_note(database, card, _draw(database, card, draw, at).title, at)

        await self._db.write(work)

    async def acknowledge(self, outage: Outage, who: str, at: datetime, draw: Draw) -> tuple[Outage, ...]:
        """Note who looks after an outage and the others on its card; return those that nobody looked after before."""

        def work(database: Transaction) -> tuple[Outage, ...]:
            free = [one for one in _sharing(database, outage.card) if one.acked_by is None and one.closed_at is None]
            for one in free:
                database.execute("UPDATE outages SET acked_by = ?, acked_at = ? WHERE id = ?", [who, stamp(at), one.id])
                write_entry(database, at, "outage.acknowledged", str(one.target), who, {"outage": one.id})
            if free:
                _draw(database, outage.card, draw, at)
            return tuple(free)

        return await self._db.write(work)

    async def annotate(
        self, outage: Outage, annotation: Annotation, draw: Draw, message: ThreadMessage | None = None
    ) -> tuple[Outage, ...]:
        """Keep what somebody said of an outage, on record, on its card and in its thread; return whom it is kept for.

        A cause is also that of the others on its card that have none: what died together mostly has one cause.
        message: the one that said it, which counts once, and is not said again in the thread where it stands.
        """

        def work(database: Transaction) -> tuple[Outage, ...]:
            if is_recorded(database, message):
                return ()
            sharing = _sharing(database, outage.card)
            meant = tuple(
                one for one in sharing if one.id == outage.id or (annotation.kind == "cause" and one.cause is None)
            )
            for one in meant:
                add_annotation(database, f"outage:{one.id}", annotation, message)
                write_entry(
                    database,
                    annotation.at,
                    f"incident.{annotation.kind}",
                    str(one.target),
                    annotation.who,
                    {"outage": one.id, "text": annotation.text},
                )
                if annotation.kind == "cause":
                    database.execute("UPDATE outages SET cause = ? WHERE id = ?", [annotation.text, one.id])
            _draw(database, outage.card, draw, annotation.at)
            if message is None or message.card != outage.card:
                add_note(database, outage.card, thread_line(annotation), annotation.at)
            return meant

        return await self._db.write(work)

    async def since(self, at: datetime, most: int | None = None) -> tuple[Outage, ...]:
        """Return the outages that were not over at `at`, newest first, `most` of them; None: all."""
        limit = f"LIMIT {most:d}" if most is not None else ""
        sql = (
            f"SELECT * FROM outages WHERE closed_at IS NULL OR closed_at >= ? ORDER BY opened_at DESC, id DESC {limit}"  # noqa: S608 - a number
        )
        return await self._db.read(lambda database: _outages(database, database.query(sql, [stamp(at)])))

    async def all_open(self) -> tuple[Outage, ...]:
        """Return the outages that are not over, oldest first."""
        return await self._db.read(read_open)

    async def on_card(self, card: str) -> tuple[Outage, ...]:
        """Return the outages that this card shows, oldest first."""
        return await self._db.read(lambda database: _sharing(database, card))

    async def get(self, outage_id: int) -> Outage | None:
        """Return one outage, or None."""
        found = await self._db.read(
            lambda database: _outages(database, database.query("SELECT * FROM outages WHERE id = ?", [outage_id]))
        )
        return found[0] if found else None


def _go_on(database: Transaction, number: int, one: OutageOpening, who: str, at: datetime) -> None:
    """Let the outage have what people did about the drops of the same thing that were over since it flaps."""
    if one.flaps_since is None:
        return
    drops = _outages(
        database,
        database.query(
            "SELECT * FROM outages WHERE target = ? AND closed_at >= ? ORDER BY id",
            [str(one.target), stamp(one.flaps_since)],
        ),
    )
    annotations = annotations_of_drops(drops)
    acked = [drop for drop in drops if drop.acked_by is not None and drop.acked_at is not None]
    if not annotations and not acked:
        return
    for each in annotations:
        add_annotation(database, f"outage:{number}", each, None)
    cause = cause_of(annotations)
    database.execute(
        "UPDATE outages SET cause = ?, acked_by = ?, acked_at = ? WHERE id = ?",
        [
            cause.text if cause is not None else None,
            acked[-1].acked_by if acked else None,
            stamp(acked[-1].acked_at) if acked and acked[-1].acked_at is not None else None,
            number,
        ],
    )
    body = {"outage": number, "from": [drop.id for drop in drops], "said": len(annotations)}
    write_entry(database, at, "outage.goes-on", str(one.target), who, body)


def read_open(database: Transaction) -> tuple[Outage, ...]:
    """Return the outages that are not over, oldest first, inside a transaction that is open already."""
    return _outages(database, database.query("SELECT * FROM outages WHERE closed_at IS NULL ORDER BY id"))


def _keep_facts(database: Transaction, outage_id: int, facts: OutageFacts, card: str) -> dict[str, object]:
    body = {**facts_to_json(facts), "card": card}
    database.execute("UPDATE outages SET body = ? WHERE id = ?", [json.dumps(body), outage_id])
    return body


def _sharing(database: Transaction, card: str) -> tuple[Outage, ...]:
    rows = database.query("SELECT * FROM outages WHERE card = ? ORDER BY id", [card])
    return _outages(database, rows)


def _draw(database: Transaction, card: str, draw: Draw, at: datetime) -> Reply:
    reply = draw(_sharing(database, card))
    put_card(database, card, reply, at)
    return reply


def _outages(database: Transaction, rows: Iterable[dict[str, str]]) -> tuple[Outage, ...]:
    found = list(rows)
    annotations = annotations_of(database, [f"outage:{row['id']}" for row in found])
    return tuple(_outage(row, annotations.get(f"outage:{row['id']}", ())) for row in found)


def _outage(row: dict[str, str], annotations: tuple[Annotation, ...]) -> Outage:
    body = json.loads(row["body"])
    card = body.get("card", f"outage:{row['id']}")
    return value_of(Outage, row, facts=facts_from_json(body), card=card, annotations=annotations)

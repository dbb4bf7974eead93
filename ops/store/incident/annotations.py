"""What people said of incidents, in the order in which they said it. Called inside transactions that are open."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from core.incident.notes import Annotation
from core.wording import stamp
from ops.store.part import value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.incident.notes import ThreadMessage
    from ops.contracts import Transaction


def add_annotation(transaction: Transaction, incident: str, one: Annotation, message: ThreadMessage | None) -> None:
    """Keep what was said of `incident`, e.g. `outage:7` or `maintenance:3`, and by which message, if any."""
    transaction.execute(
        "INSERT INTO said (incident, kind, text, who, at, heard) VALUES (?, ?, ?, ?, ?, ?)",
        [incident, one.kind, one.text, one.who, stamp(one.at), message.key if message is not None else None],
    )


def is_recorded(transaction: Transaction, message: ThreadMessage | None) -> bool:
    """Return whether what this message said is kept already."""
    if message is None:
        return False
    return bool(transaction.query("SELECT 1 AS found FROM said WHERE heard = ? LIMIT 1", [message.key]))


def annotations_of(transaction: Transaction, incidents: Iterable[str]) -> Mapping[str, tuple[Annotation, ...]]:
    """Return what was said of each of these incidents, oldest first; nothing: an empty tuple."""
    rows = transaction.query(
        "SELECT said.* FROM given JOIN said USING (incident) ORDER BY number", given={"incident": list(set(incidents))}
    )
    found: dict[str, tuple[Annotation, ...]] = defaultdict(tuple)
    for row in rows:
        found[row["incident"]] += (value_of(Annotation, row),)
    return found

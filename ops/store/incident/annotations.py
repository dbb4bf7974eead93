"""What people said of incidents, in the order in which they said it. Called inside transactions that are open."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from core.incident.notes import Annotation
from core.wording import from_stamp, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlite_utils import Database

    from core.incident.notes import ThreadMessage


def add_annotation(database: Database, incident: str, one: Annotation, message: ThreadMessage | None) -> None:
    """Keep what was said of `incident`, e.g. `outage:7` or `maintenance:3`, and by which message, if any."""
    database.conn.execute(
        "INSERT INTO said (incident, kind, text, who, at, heard) VALUES (?, ?, ?, ?, ?, ?)",
        [incident, one.kind, one.text, one.who, stamp(one.at), message.key if message is not None else None],
    )


def is_recorded(database: Database, message: ThreadMessage | None) -> bool:
    """Return whether what this message said is kept already."""
    if message is None:
        return False
    ((found,),) = database.conn.execute("SELECT EXISTS (SELECT 1 FROM said WHERE heard = ?)", [message.key]).fetchall()
    return bool(found)


def annotations_of(database: Database, incidents: Iterable[str]) -> Mapping[str, tuple[Annotation, ...]]:
    """Return what was said of each of these incidents, oldest first; nothing: an empty tuple."""
    rows = database.query(
        "SELECT * FROM said WHERE incident IN (SELECT value FROM json_each(?)) ORDER BY number",
        [json.dumps(list(incidents))],
    )
    found: dict[str, tuple[Annotation, ...]] = defaultdict(tuple)
    for row in rows:
        found[row["incident"]] += (Annotation(row["kind"], row["text"], row["who"], from_stamp(row["at"])),)
    return found

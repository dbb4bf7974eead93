"""Whether a store is the newest that the world knows of: what it says of itself, against what witnesses were told.

A copy of a store that is put back looks as whole as ever, and knows nothing of what was done since it was taken. So a
store has an id, and its record, which only grows, is its generation: the number and the hash of the last entry.
Witnesses (each server of the fleet, a file beside the store) keep a note of both. Where one knows more, the store went
back in time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from core.audit import FIRST
from core.wording import from_stamp, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MOST_BYTES = 4_000_000
_HEX = frozenset("0123456789abcdef")
_HASH_LENGTH = len(FIRST)


@dataclass(frozen=True, slots=True)
class StoreNote:
    """What a store says of itself at one moment, as a witness keeps it.

    number, hash: of the last entry of its record; 0 and `core.audit.FIRST` where it has none. earlier: the ids that it
    had before, and those of stores whose place it took. quarantined: (site, server) of each copy in quarantine.
    """

    store: str
    number: int
    hash: str
    at: datetime
    earlier: tuple[str, ...] = ()
    quarantined: tuple[tuple[str, str], ...] = ()


class Standing(IntEnum):
    """How a store stands to what is known of it elsewhere, the worst last."""

    NEWEST = 0
    OTHER = 1
    """A witness knows a store that this one has never heard of."""
    WENT_APART = 2
    """A witness knows another entry under a number that this one has, too: two copies of it were in use."""
    WENT_BACK = 3
    """A witness knows a later entry, or a store that took the place of this one."""


@dataclass(frozen=True, slots=True)
class StoreVerdict:
    """What came of asking all witnesses.

    own: what the store says of itself. told_by, note: the witness of the worst, and what it knows; where several know
    as bad, the one that was told last. Empty and None where the store is the newest. silent: who did not answer, or
    not in words that can be read. answered: how many did, of them `knowing` had a note.
    """

    standing: Standing
    own: StoreNote
    told_by: str
    note: StoreNote | None
    answered: int
    knowing: int
    silent: tuple[str, ...]


def standing_of(own: StoreNote, hashes: Mapping[int, str], note: StoreNote) -> Standing:
    """Return how a store stands to one note.

    hashes: of the store's own entries, by number; one that is missing is an entry that it has not.
    """
    if note.store == own.store:
        if note.number > own.number:
            return Standing.WENT_BACK
        here = FIRST if note.number == 0 else hashes.get(note.number)
        return Standing.NEWEST if here == note.hash else Standing.WENT_APART
    if note.store in own.earlier:
        return Standing.NEWEST
    return Standing.WENT_BACK if own.store in note.earlier else Standing.OTHER


def judge_store(own: StoreNote, hashes: Mapping[int, str], told: Mapping[str, StoreNote | str | None]) -> StoreVerdict:
    """Return how a store stands to all notes.

    told: by witness, its note; None: it answered that it has none; text: why it did not answer. Who is silent has no
    say, since a dead server must not keep anybody from moving its sites.
    """
    notes = {name: note for name, note in told.items() if isinstance(note, StoreNote)}
    silent = tuple(sorted(name for name, note in told.items() if isinstance(note, str)))
    standings = {name: standing_of(own, hashes, note) for name, note in notes.items()}
    worst = max(standings.values(), default=Standing.NEWEST)
    told_by, answered = "", len(told) - len(silent)
    if worst is not Standing.NEWEST:
        told_by = max((name for name in notes if standings[name] is worst), key=lambda name: (notes[name].at, name))
    return StoreVerdict(worst, own, told_by, notes.get(told_by), answered, len(notes), silent)


def note_to_json(note: StoreNote) -> bytes:
    """Write a note as a witness keeps it."""
    kept = {
        "store": note.store,
        "number": note.number,
        "hash": note.hash,
        "at": stamp(note.at),
        "earlier": note.earlier,
        "quarantined": note.quarantined,
    }
    return json.dumps(kept, separators=(",", ":")).encode() + b"\n"


def note_from_json(kept: bytes) -> StoreNote:
    """Read what `note_to_json` wrote. Raises ValueError for anything else: it comes from outside."""
    if len(kept) > MOST_BYTES:
        raise ValueError(f"longer than {MOST_BYTES:,} bytes")
    try:
        read = json.loads(kept)
        note = StoreNote(
            store=_text(read["store"]),
            number=int(read["number"]),
            hash=_text(read["hash"]),
            at=from_stamp(_text(read["at"])),
            earlier=tuple(_text(one) for one in read["earlier"]),
            quarantined=tuple((_text(site), _text(server)) for site, server in read["quarantined"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("it is no note of a store") from error
    if note.number < 0 or len(note.hash) != _HASH_LENGTH or not _HEX.issuperset(note.hash):
        raise ValueError("it names no entry of a record")
    return note


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"not text: {value!r}")
    return value

"""The record: who did what, when, from where. Append-only, each entry chained to the one before by hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the record.

    at: as `core.wording.stamp` writes it. kind: what happened, e.g. `plan.approved`. subject: what it is about, e.g. a
    plan's id. who: a person's label or the bot's. body: plain JSON values. before, hash: hex SHA-256.
    """

    seq: int
    at: str
    kind: str
    subject: str
    who: str
    body: Mapping[str, object]
    before: str
    hash: str


def entry_hash(before: str, at: str, kind: str, subject: str, who: str, body: Mapping[str, object]) -> str:
    """Return the hash that chains an entry to the one `before`: SHA-256 over canonical JSON of all its fields."""
    text = json.dumps([before, at, kind, subject, who, body], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def first_broken(entries: Iterable[Entry], after: Entry | None = None) -> int | None:
    """Return the number of the first entry that is not as it was written, or follows a gap; None: all are whole.

    `entries` are all that follow `after`, which was found whole; None: the whole record from its first entry. What was
    cut off at the end cannot be seen from the record alone: whoever needs to know notes the last hash elsewhere.
    """
    seq, before = (after.seq, after.hash) if after is not None else (0, FIRST)
    for expected_seq, entry in enumerate(entries, start=seq + 1):
        whole = entry_hash(before, entry.at, entry.kind, entry.subject, entry.who, entry.body)
        if entry.seq != expected_seq or entry.before != before or entry.hash != whole:
            return expected_seq
        before = entry.hash
    return None

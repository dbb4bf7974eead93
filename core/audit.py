"""The record: who did what, when, from where. Append-only, each entry chained to the one before by hash."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

FIRST = "0" * 64
ANCHOR_HEX = 32
_ANCHOR = re.compile(rf"(\d[\d,]{{0,20}}):([0-9a-fA-F]{{{ANCHOR_HEX},{len(FIRST)}}})", re.ASCII)


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


@dataclass(frozen=True, slots=True)
class Anchor:
    """What somebody outside of the store says that its record was: the hash of the entry of that number.

    hash: hex, whole or its beginning. where: who says so, in words. at: when the record ended there; None: not known.
    """

    number: int
    hash: str
    where: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Anchored:
    """What anchors show of a record. proven: the newest that fits, None where none does; against: those that do not."""

    proven: Anchor | None
    against: tuple[Anchor, ...]


def judge_anchors(anchors: Iterable[Anchor], hashes: Mapping[int, str]) -> Anchored:
    """Return up to where a record whose chain is whole is the one that was seen outside.

    hashes: of its entries, by number; one that is missing is an entry that it has not. Each entry's hash covers all
    before it: where one fits, nobody has changed anything up to there since the anchor was given away.
    """
    known = {0: FIRST, **hashes}
    fitting: list[Anchor] = []
    against: list[Anchor] = []
    for anchor in anchors:
        (fitting if known.get(anchor.number, "").startswith(anchor.hash) else against).append(anchor)
    return Anchored(max(fitting, key=lambda one: one.number, default=None), tuple(against))


def read_anchor(text: str, where: str) -> Anchor:
    """Read `NUMBER:HASH` as a message gives it away. Raises ValueError for anything else."""
    found = _ANCHOR.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no entry of a record")
    return Anchor(int(found[1].replace(",", "")), found[2].lower(), where)


def anchor_text(number: int, entry: str) -> str:
    """Write an anchor so that a person can type it: half of the hash, which nobody can find another record for."""
    return f"{number}:{entry[:ANCHOR_HEX]}"

"""The record in the store: entries are added in the same transaction as what they are about."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from core.audit import FIRST, Entry, entry_hash, first_broken
from core.errors import RefusedError
from core.wording import stamp
from ops.store.part import StorePart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from ops.contracts import Db, Transaction

_COLUMNS = "seq, at, kind, subject, who, body, before, hash"
# So much is read at once to verify the record: about a millisecond's work.
PIECE = 100
PIECE_BYTES = 200_000


def write_entry(
    transaction: Transaction, at: datetime, kind: str, subject: str, who: str, body: Mapping[str, object] | None = None
) -> int:
    """Add one entry inside a transaction that is open already, and return its number."""
    last = transaction.query("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1")
    seq, before = (last[0]["seq"] + 1, last[0]["hash"]) if last else (1, FIRST)
    # What is hashed is what JSON keeps of it, so that reading it back hashes alike.
    kept = json.loads(json.dumps(dict(body or {})))
    digest = entry_hash(before, stamp(at), kind, subject, who, kept)
    transaction.execute(
        f"INSERT INTO record ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a literal above
        [seq, stamp(at), kind, subject, who, json.dumps(kept, sort_keys=True), before, digest],
    )
    return seq


class AuditLog(StorePart):
    """Who did what, when, from where."""

    def __init__(self, db: Db) -> None:
        super().__init__(db)
        self._verifying = asyncio.Lock()

    async def add(
        self, at: datetime, kind: str, subject: str, who: str, body: Mapping[str, object] | None = None
    ) -> int:
        """Add one entry and return its number. Raises StoreError: then what it announces must not be done."""
        return await self._db.write(lambda transaction: write_entry(transaction, at, kind, subject, who, body))

    async def entries(
        self, *, last: int | None = None, subject: str | None = None, before: int | None = None,
        most_bytes: int | None = None,
    ) -> tuple[Entry, ...]:  # fmt: skip
        """Return the newest `last` entries (None: all), oldest first.

        subject: only what is about this. before: only what is older than the entry of this number. most_bytes: no more
        than are that long together, but one in any case.
        """
        asked = [("subject = ?", subject), ("seq < ?", before)]
        where = " AND ".join(["TRUE", *(sql for sql, value in asked if value is not None)])
        values = [value for _, value in asked if value is not None]
        limit = f"LIMIT {last:d}" if last is not None else ""
        sizes = f"SELECT seq, length(body) AS size FROM record WHERE {where} ORDER BY seq DESC {limit}"  # noqa: S608 - the parts are literals above
        if most_bytes is not None:
            last = _fitting(await self._query(sizes, values), most_bytes)
            limit = f"LIMIT {last:d}"
        sql = f"SELECT * FROM (SELECT {_COLUMNS} FROM record WHERE {where} ORDER BY seq DESC {limit}) AS newest ORDER BY seq"  # noqa: S608, E501 - likewise
        return await self._db.read(lambda transaction: _entries(transaction.query(sql, values)))

    async def verify(self, seen: Callable[[int], None] = lambda _number: None) -> Verification:
        """Read the whole record, a little at a time: in between everything else has its turn with the store.

        seen: called with how many entries were read, now and then. Raises RefusedError where it is being read already:
        one at a time costs no look.
        """
        if self._verifying.locked():
            raise RefusedError(
                "The record is being verified already, for somebody else.", hint="Ask again a little later."
            )
        async with self._verifying:
            read, last = 0, None
            while True:
                piece = await self._db.read(partial(_next_piece, after=last))
                read, last = read + piece.entries, piece.last or last
                if piece.broken is not None or not piece.entries:
                    break
                seen(read)
            total = (await self._query("SELECT count(*) AS n FROM record"))[0]["n"]
            return Verification(total, last.hash if last is not None else "", piece.broken)


@dataclass(frozen=True, slots=True)
class Verification:
    """What reading the whole record showed. last_hash: of the last entry that was read, empty where there is none.

    broken: the number of the first entry that is not as it was written.
    """

    entries: int
    last_hash: str
    broken: int | None


@dataclass(frozen=True, slots=True)
class _Piece:
    entries: int
    last: Entry | None
    broken: int | None


def _next_piece(transaction: Transaction, after: Entry | None) -> _Piece:
    """Read and check what follows; the thread that does it holds the interpreter, so that it is not much."""
    # From below 1, which is the first: what somebody put before it is found too.
    where, values = ("TRUE", []) if after is None else ("seq > ?", [after.seq])
    following = f"FROM record WHERE {where} ORDER BY seq LIMIT"
    fitting = _fitting(transaction.query(f"SELECT seq, length(body) AS size {following} {PIECE}", values), PIECE_BYTES)
    entries = _entries(transaction.query(f"SELECT {_COLUMNS} {following} {fitting}", values))
    return _Piece(len(entries), entries[-1] if entries else None, first_broken(entries, after))


def _fitting(sizes: Sequence[Mapping[str, int]], most_bytes: int) -> int:
    """Return how many of these, from the first on, are no longer together than `most_bytes`; one in any case."""
    lengths = accumulate(row["size"] for row in sizes)
    return max(1, sum(1 for length in lengths if length <= most_bytes))


def _entries(rows: Iterable[Mapping[str, Any]]) -> tuple[Entry, ...]:
    return tuple(Entry(**{**row, "body": _body(row["body"])}) for row in rows)


def _body(text: str) -> Mapping[str, object]:
    """Read a body; what is none was not written by us, and hashes like nothing that was."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {"why": "this entry cannot be read"}

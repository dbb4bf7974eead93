"""A site's databases: what stands beside one on a mirror under which name, and why a copy must not be put in place.

Beside a database `shop` there may be `shop_sharpnet_HASH_new_RUN`, which a run fills, and one
`shop_sharpnet_HASH_STAMP_RUN` for each run that has replaced it. HASH stands for the whole name, so that the names of
no two databases meet, however alike or long they are: MariaDB takes 64 characters, PostgreSQL 63 bytes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.failure import Failure, FailureCode
from core.wording import count, listing, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STAMP = "%Y%m%dt%H%M%Sz"
_PLAIN_LENGTH = 14
_HASH_LENGTH = 10
_FRESH_LENGTH = 12
_RUN_LENGTH = 6
NAMED = 3


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """One database as a server has it.

    tables: the names of its tables and views. like: what a fresh one has to be made with, in the engine's own words.
    unsettled: the tables whose engine gives no snapshot. owners, others: the roles that it names, as owners and else.
    """

    exists: bool
    size_bytes: int = 0
    tables: frozenset[str] = frozenset()
    like: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplacedDatabase:
    """A database that a run has replaced, under the name that it has now."""

    database: str
    name: str
    replaced_at: datetime
    run: str


@dataclass(frozen=True, slots=True)
class DatabaseCopy:
    """One database that was copied, or would be: its size at the source.

    rows: how many were loaded and counted; None: nothing was loaded. kept: what the one before is called now; empty:
    there was none. notes: what people should know, as sentences.
    """

    engine: str
    name: str
    size_bytes: int
    tables: int
    rows: int | None = None
    kept: str = ""
    notes: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, object]:
        """The same as plain JSON values."""
        return {**asdict(self), "notes": list(self.notes)}


def stem(name: str) -> str:
    """Return what the names of all that stands beside the database `name` begin with, its own for every name."""
    return f"{plain_name(name)}_sharpnet_{_hash(name, _HASH_LENGTH)}_"


def plain_name(name: str) -> str:
    """Return the beginning of the database's name as it is in the names of all that stands beside it."""
    plain = re.sub(r"[^a-z0-9_]", "", name.lower())[:_PLAIN_LENGTH]
    # A name that begins with a digit and an e would be read as a number by MySQL.
    return plain if plain[:1].isalpha() else f"d{plain}"[:_PLAIN_LENGTH]


def fresh_name(name: str, run: str) -> str:
    """Return what the database is called that the run `run` fills."""
    return f"{stem(name)}new_{_hash(run, _FRESH_LENGTH)}"


def replaced_name(name: str, run: str, at: datetime) -> str:
    """Return what the database `name` is called once the run `run` has replaced it at `at`."""
    return f"{stem(name)}{at.astimezone(UTC).strftime(STAMP)}_{_hash(run, _RUN_LENGTH)}"


def unfinished_copies(name: str, there: Iterable[str]) -> tuple[str, ...]:
    """Return which of the databases `there` were to be filled for `name`."""
    return tuple(one for one in there if one.startswith(f"{stem(name)}new_"))


def replaced_databases(name: str, there: Iterable[str]) -> tuple[ReplacedDatabase, ...]:
    """Return which of the databases `there` once were the database `name`, newest first."""
    pattern = re.compile(re.escape(stem(name)) + r"(\d{8}t\d{6}z)_([0-9a-f]+)")
    found = [(match, one) for one in there if (match := pattern.fullmatch(one)) is not None]
    kept = [
        ReplacedDatabase(name, one, datetime.strptime(match[1], STAMP).replace(tzinfo=UTC), match[2])
        for match, one in found
    ]
    return tuple(sorted(kept, key=lambda one: (one.replaced_at, one.name), reverse=True))


def was_replaced_by(kept: ReplacedDatabase, run: str) -> bool:
    """Return whether it was the run `run` that replaced it."""
    return kept.run == _hash(run, _RUN_LENGTH)


def why_not_load(
    name: str, source: DatabaseState, mirror: DatabaseState, *, max_delete: float | None
) -> Failure | None:
    """Return why the mirror's database must stay as it is, or None (law 5). Tables are counted, rows are not.

    max_delete: the share of the mirror's tables that may go; None: somebody has allowed any number.
    """
    lost = mirror.tables - source.tables
    if not source.tables and mirror.tables:
        return Failure(
            FailureCode.SOURCE_EMPTY,
            f"the database {name} holds no tables at the source, the mirror holds {count(len(mirror.tables), 'table')}",
            "Is it the right one in app.yaml, and was it emptied? Nothing was changed.",
            refused=True,
        )
    if max_delete is not None and len(lost) > max_delete * len(mirror.tables):
        share = len(lost) / len(mirror.tables)
        return Failure(
            FailureCode.TOO_MANY_DELETES,
            f"would drop {len(lost):,} of {count(len(mirror.tables), 'table')} of the database {name} "
            f"({share * 100:.1f} %), the limit is {max_delete * 100:.4g} %: {listing(sorted(lost), NAMED)}",
            "Only tables are counted, rows are not. If that is meant, add --allow-delete.",
            refused=True,
        )
    return None


def why_not_whole(
    name: str, before: DatabaseState, after: DatabaseState, loaded: DatabaseState, *, sent_rows: int, loaded_rows: int
) -> Failure | None:
    """Return in what the loaded database is not what was sent, or None.

    before, after: the source before and after the dump. A table that came or went meanwhile may be there or not.
    """
    missing = (before.tables & after.tables) - loaded.tables
    if missing:
        return Failure(
            FailureCode.NOT_WHOLE,
            f"the copy of the database {name} lacks {count(len(missing), 'table')}: {listing(sorted(missing), NAMED)}",
            "Nothing was put in place. Sync again; where it stays so, the dump's own words are in the server's log.",
        )
    if sent_rows != loaded_rows:
        return Failure(
            FailureCode.NOT_WHOLE,
            f"the copy of the database {name} holds {loaded_rows:,} of {count(sent_rows, 'row')} that were sent",
            "Nothing was put in place. Sync again.",
        )
    return None


def about_copies(copies: Sequence[DatabaseCopy], *, dry_run: bool) -> str:
    """Say how many databases were copied, or would be: `2 databases (1.2 MB)`; empty for none."""
    if not copies:
        return ""
    whole = f"{count(len(copies), 'database')} ({size(sum(copy.size_bytes for copy in copies))})"
    return f"databases are copied whole: {whole}" if dry_run else whole


def _hash(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]

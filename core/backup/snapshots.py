"""Off-site backups: how a site's snapshots are marked, which one is meant, and what makes a backup suspicious.

A snapshot of restic carries three tags, one for the fleet, one for the site and one for where the bot's record ended,
and the server that it was taken on as its host. Names are percent-encoded, since restic separates tags by commas.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from core.audit import FIRST
from core.backup.repositories import SHARED
from core.errors import UsageError
from core.failure import Failure, FailureCode
from core.wording import count, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.fleet import Database

SITE_TAG = "site:"
FLEET_TAG = "fleet:"
RECORD_TAG = "record:"
SHORT_ID = 8
SHRUNK_BELOW, SHRUNK = 0.5, "less than half"
UPKEEP_EVERY = timedelta(hours=20)
_RECORD = re.compile(rf"{RECORD_TAG}([0-9A-Za-z_-]{{1,64}}):([0-9]{{1,18}}):([0-9a-f]{{{len(FIRST)}}})")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{1,2}:\d{2})(:\d{2})?)?")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One backup, as the repository has it: all of this is the word of whoever wrote it (`core.backup.origin`).

    full_id: 64 hexadecimal digits. paths: what was backed up, as the server had it. repository: where the bot has found
    it, whose only writer is the server of that name; SHARED: the one of before.
    """

    full_id: str
    site: str
    server: str
    taken_at: datetime
    paths: tuple[str, ...]
    tags: tuple[str, ...] = ()
    repository: str = SHARED

    @property
    def id(self) -> str:
        """Its first eight characters, by which people name it."""
        return self.full_id[:SHORT_ID]


@dataclass(frozen=True, slots=True)
class RecordEnd:
    """Where the record of the store of that id ended when a backup began: the number and the hash of its last entry."""

    store: str
    number: int
    hash: str

    @property
    def tag(self) -> str:
        """The tag by which a snapshot keeps it."""
        return f"{RECORD_TAG}{self.store}:{self.number}:{self.hash}"


def record_end_of(tag: str) -> RecordEnd | None:
    """Return what a tag of a snapshot says of the record, or None."""
    found = _RECORD.fullmatch(tag)
    return RecordEnd(found[1], int(found[2]), found[3]) if found is not None else None


@dataclass(frozen=True, slots=True)
class SavedSnapshot:
    """A snapshot that was made. full_id: 64 digits. unreadable: files that should be in it and are not."""

    full_id: str
    files: int
    size_bytes: int
    new_bytes: int
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is to back up, databases left out."""

    files: int
    size_bytes: int


def site_tag(site: str) -> str:
    """Return the tag of a site's snapshots, its own for every name."""
    return SITE_TAG + quote(site, safe="")


def fleet_tag(fleet: str) -> str:
    """Return the tag of a fleet's snapshots."""
    return FLEET_TAG + quote(fleet, safe="")


def site_of(tags: Iterable[str]) -> str | None:
    """Return the site that a snapshot with these tags is of, or None: somebody else made it, as of one with two."""
    sites = [unquote(tag.removeprefix(SITE_TAG)) for tag in tags if tag.startswith(SITE_TAG)]
    return sites[0] if len(sites) == 1 else None


def dump_name(database: Database) -> str:
    """Return the name of the file for a database's dump, its own for every name."""
    return f"{database.engine}-{quote(database.name, safe='')}.sql"


def moment(text: str, timezone: str) -> datetime:
    """Read a moment as people type it, and return the last instant that it means, in UTC.

    `2026-11-22` is that whole day, `2026-11-22 03:00` that whole minute, both in the fleet's time zone; ISO 8601 with
    an offset is taken as it is. Raises UsageError.
    """
    found = _MOMENT.fullmatch(text.strip())
    try:
        if found is None:
            exact = datetime.fromisoformat(text.strip())
            if exact.tzinfo is not None:
                return exact.astimezone(UTC)
        else:
            day, minute, second = found.groups()
            hours = f"{minute or '0:00'}{second or ''}".zfill(8 if second else 5)
            begun = datetime.fromisoformat(f"{day} {hours}")
            length = timedelta(seconds=1) if second else timedelta(minutes=1) if minute else timedelta(days=1)
            last = begun + length - timedelta(microseconds=1)
            return last.replace(tzinfo=ZoneInfo(timezone), fold=1).astimezone(UTC)
    except (ValueError, OverflowError):
        found = None
    raise UsageError(
        f"{text!r} is no moment that can be read.",
        hint="Write 2026-11-22, 2026-11-22 03:00, or ISO 8601 with an offset: 2026-11-22T03:00:00+01:00.",
    )


def why_not_back_up(extent: Extent, server: str) -> Failure | None:
    """Return why a backup of this must not be made, or None: an empty source is a disk that is not mounted (law 5)."""
    if extent.files == 0:
        return Failure(
            FailureCode.SOURCE_EMPTY,
            f"{server} holds no files of it",
            "Is its disk mounted, and the root in app.yaml right? Older backups are all kept.",
        )
    return None


def shrank(before: Extent | None, now: Extent) -> str:
    """Say that a backup covers less than half of what the one before it did; empty: it does not.

    `before` is the newest one that did not shrink itself, so that the next one does not make it the rule.
    """
    if before is None:
        return ""
    if now.files < before.files * SHRUNK_BELOW:
        return f"{count(now.files, 'file')}, {before.files:,} before"
    if now.size_bytes < before.size_bytes * SHRUNK_BELOW:
        return f"{size(now.size_bytes)}, {size(before.size_bytes)} before"
    return ""


def is_upkeep_due(last_at: datetime | None, now: datetime) -> bool:
    """Return whether the repository is to be pruned: at most once a day, at the hour at which backups run."""
    return last_at is None or now - last_at >= UPKEEP_EVERY


def overdue(last: Mapping[str, datetime], sites: Iterable[str], now: datetime, max_age: timedelta) -> tuple[str, ...]:
    """Return the sites whose newest good backup is older than `max_age`, or that have none."""
    return tuple(site for site in sites if site not in last or now - last[site] > max_age)

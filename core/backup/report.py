"""What `backup run`, `backup list` and `backup` answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.backup.origin import Origin
from core.backup.snapshots import SHRUNK
from core.reply import OUTCOMES, Button, Part, Reply, Row, Text, Tone, first_rows, hint_texts, progress_of
from core.wording import ago, clock_time, count, duration, listing, size, stamp, stamp_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from core.backup.origin import Backup
    from core.backup.result import BackupProgress, BackupResult
    from core.failure import Failure

MOST_ROWS = 20
# What the list says of a snapshot that the record does not know.
_ORIGINS = {Origin.UNCONFIRMED: "no record confirms it", Origin.FOREIGN: "not made by this bot"}


@dataclass(frozen=True, slots=True)
class BackupHistory:
    """What is on record of a site's backups.

    backed_up_at: when the newest good one was begun; server, files, size_bytes: of that one. trouble: why a newer one
    did not go well. proven_at: when the newest proof ended, and `proven` whether it went well.
    """

    site: str
    backed_up_at: datetime | None = None
    server: str = ""
    files: int = 0
    size_bytes: int = 0
    trouble: str = ""
    proven_at: datetime | None = None
    proven: bool = True


@dataclass(frozen=True, slots=True)
class ListedBackup:
    """A backup, and what the run that made it said. files None: no record knows."""

    backup: Backup
    files: int | None = None
    size_bytes: int | None = None
    partly: bool = False


def run_reply(results: Sequence[BackupResult], upkeep: Failure | None) -> Reply:
    """Return what to say about a run. upkeep: why old backups could not be let go."""
    outcomes = Counter[str](result.outcome for result in results)
    ordered = sorted(results, key=lambda result: (OUTCOMES[result.outcome].rank, not result.shrank))
    worst = ordered[0].outcome if ordered else "good"
    shrunk = [result for result in ordered if result.shrank]
    parts: list[Part] = []
    if len(results) > 1:
        columns = ("site", "from", "result")
        parts.append(
            first_rows(columns, ordered, lambda one: Row((one.site, one.server, one.summary), _tone(one)), MOST_ROWS)
        )
    hints = ((one.site, _hint(one), _tone(one)) for one in ordered)
    parts += hint_texts(hints, named=len(ordered) > 1)
    if upkeep is not None:
        text = f"Older backups were not let go: {upkeep.message}. {upkeep.hint}".strip()
        parts.append(Text(text, Tone.WARN))
    tone = Tone.WARN if worst == "good" and (shrunk or upkeep is not None) else OUTCOMES[worst].tone
    return Reply(
        title=_run_title(results, outcomes),
        parts=tuple(parts),
        tone=tone,
        facts={
            "results": [dict(result.facts) for result in results],
            **{outcome: outcomes[outcome] for outcome in ("good", "refused", "failed")},
            "upkeep": upkeep.message if upkeep is not None else None,
        },
        exit_code=OUTCOMES[worst].exit_code,
    )


def progress_reply(running: Sequence[BackupProgress]) -> Reply:
    """Return how far a run is."""
    steps = [(one.site, one.server, one.doing) for one in running]
    return progress_of(("site", "sites"), "backed up", ("site", "from", "now"), steps)


def list_reply(listed: Sequence[ListedBackup], without: Sequence[str], timezone: str, now: datetime) -> Reply:
    """Return the backups, newest first as they come, and what else is there. without: the sites that have none."""

    def row(one: ListedBackup) -> Row:
        snapshot, origin = one.backup.snapshot, one.backup.origin
        notes = [*(["partly"] if one.partly else []), *([_ORIGINS[origin]] if origin in _ORIGINS else [])]
        cells = (
            snapshot.site,
            clock_time(one.backup.saved_at, timezone, now),
            snapshot.server,
            f"{one.files:,}" if one.files is not None else "?",
            size(one.size_bytes) if one.size_bytes is not None else "?",
            f"{snapshot.id} ({', '.join(notes)})" if notes else snapshot.id,
        )
        return Row(cells, Tone.WARN if notes else Tone.PLAIN)

    ours = [one for one in listed if one.backup.origin is not Origin.FOREIGN]
    sites = len({one.backup.snapshot.site for one in ours})
    title = f"{count(len(ours), 'backup')} of {count(sites, 'site')}"
    if len(ours) < len(listed):
        title += f", and {len(listed) - len(ours):,} not made by this bot"
    if without:
        title += f"; {count(len(without), 'site')} without any: {listing(tuple(without))}"
    columns = ("site", "taken", "on", "files", "size", "id")
    return Reply(
        title=title,
        parts=(first_rows(columns, listed, row, MOST_ROWS),) if listed else (),
        tone=Tone.WARN if without else Tone.GOOD,
        facts={"snapshots": [_listed_facts(one) for one in listed], "without": list(without)},
    )


def status_reply(
    known: Sequence[BackupHistory], max_age: timedelta, repository_bytes: int | None, running: str, now: datetime
) -> Reply:
    """Return how old each site's backup is, the oldest first. running: what is under way; empty: nothing."""
    late = [one for one in known if one.backed_up_at is None or now - one.backed_up_at > max_age]
    ordered = sorted(known, key=lambda one: (one.backed_up_at is not None, one.backed_up_at or now, one.site))
    parts: list[Part] = []
    if running:
        parts.append(Text(f"{running[0].upper()}{running[1:]} is in progress.", Tone.BUSY))
    columns = ("site", "backed up", "files", "size", "verified", "")
    parts.append(first_rows(columns, ordered, lambda one: _known_row(one, late=one in late, now=now), MOST_ROWS))
    if repository_bytes is not None:
        parts.append(Text(f"The repository takes {size(repository_bytes)} off-site."))
    good = len(known) - len(late)
    title = f"{good:,} of {count(len(known), 'site')} backed up within {duration(max_age)}"
    if late:
        title += f"; not so: {listing([one.site for one in ordered if one in late])}"
    return Reply(
        title=title,
        parts=tuple(parts),
        buttons=(Button("Back up now", "backup run"),) if late and not running else (),
        tone=Tone.WARN if late else Tone.GOOD,
        facts={
            "sites": [_known_facts(one, late=one in late) for one in known],
            "repository_bytes": repository_bytes,
            "under_way": running or None,
        },
        exit_code=1 if late else 0,
    )


def _tone(result: BackupResult) -> Tone:
    return Tone.WARN if result.shrank else OUTCOMES[result.outcome].tone


def _run_title(results: Sequence[BackupResult], outcomes: Counter[str]) -> str:
    if not results:
        return "There is nothing to back up"
    if len(results) == 1:
        one = results[0]
        verb = {"good": "is backed up", "refused": "was not backed up", "failed": "could not be backed up"}[one.outcome]
        return f"{one.site} {verb} from {one.server}: {one.summary}"
    bad = [f"{outcomes[outcome]:,} {outcome}" for outcome in ("refused", "failed") if outcomes[outcome]]
    shrunk = sum(bool(result.shrank) for result in results)
    less = [f"{shrunk:,} {SHRUNK} of before"] if shrunk else []
    new = sum(result.new_bytes for result in results)
    good = f"{outcomes['good']:,} of {count(len(results), 'site')} backed up, {size(new)} new"
    return ", ".join([good, *less, *bad])


def _hint(result: BackupResult) -> str:
    hint = result.trouble.hint if result.trouble is not None else ""
    return hint or (shrunk_hint() if result.shrank else "")


def shrunk_hint() -> str:
    """Say what to do about a backup that covers less than half of the one before."""
    return (
        "It was saved, and nothing older of it is let go. Look whether something is lost; if it is right so, "
        "`backup run SITE --allow-shrink`."
    )


def _known_row(one: BackupHistory, *, late: bool, now: datetime) -> Row:
    if one.proven_at is None:
        proven = "never"
    else:
        proven = ago(one.proven_at, now) if one.proven else f"differed {ago(one.proven_at, now)}"
    made = one.backed_up_at is not None
    cells = (
        one.site,
        ago(one.backed_up_at, now),
        f"{one.files:,}" if made else "",
        size(one.size_bytes) if made else "",
        proven,
        one.trouble,
    )
    return Row(cells, Tone.BAD if not made or not one.proven else Tone.WARN if late or one.trouble else Tone.GOOD)


def _known_facts(one: BackupHistory, *, late: bool) -> Mapping[str, object]:
    return {
        "site": one.site,
        "backed_up_at": stamp_or_none(one.backed_up_at),
        "server": one.server or None,
        "files": one.files,
        "size_bytes": one.size_bytes,
        "late": late,
        "trouble": one.trouble or None,
        "verified_at": stamp_or_none(one.proven_at),
        "verified": one.proven if one.proven_at is not None else None,
    }


def _listed_facts(one: ListedBackup) -> Mapping[str, object]:
    return {
        "id": one.backup.snapshot.id,
        "site": one.backup.snapshot.site,
        "taken_at": stamp(one.backup.saved_at),
        "server": one.backup.snapshot.server,
        "origin": one.backup.origin.value,
        "files": one.files,
        "size_bytes": one.size_bytes,
        "partly": one.partly,
    }

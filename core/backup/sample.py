"""Whether a backup can be restored: a sample of it compared with the live site, and how long all of it would take."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from core.failure import trouble_facts
from core.reply import Part, Reply, Row, Text, Tone, first_rows
from core.wording import clock_time, count, duration, listing, shown_path, size, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from core.backup.origin import SavedPaths
    from core.backup.snapshots import Extent, Snapshot
    from core.failure import Failure

NO_FILE = "-"
MOST_ROWS = 20
LEAST_MEASURED_S = 0.05


class SampleOutcome(StrEnum):
    """What a file of the sample turned out to be. LEFT_OUT: it was changed or removed since the backup began."""

    SAME = "same"
    DIFFERENT = "different"
    LEFT_OUT = "left out"
    NOT_RESTORED = "not restored"


def judge_file(restored: str, live: str, live_changed_s: int, snapshot: Snapshot) -> SampleOutcome:
    """Judge one file: both hashes (`-`: no file), and when the live one last changed in any way, in epoch seconds."""
    if restored == NO_FILE:
        return SampleOutcome.NOT_RESTORED
    if live == restored:
        return SampleOutcome.SAME
    changed_since = live_changed_s >= int(snapshot.taken_at.timestamp())
    return SampleOutcome.LEFT_OUT if live == NO_FILE or changed_since else SampleOutcome.DIFFERENT


def within(files: Iterable[tuple[str, int]], paths: SavedPaths) -> tuple[tuple[str, int], ...]:
    """Return those (path, size) that lie in what was saved: a snapshot may name anything, `..` among it."""
    inside = tuple(f"{path.rstrip('/')}/" for path in (paths.root, paths.dumps) if path)
    return tuple(one for one in files if one[0].startswith(inside) and ".." not in one[0].split("/"))


def restore_s(total_bytes: int, sample_bytes: int, sample_s: float, overhead_s: float) -> float:
    """Return how many seconds a full restore would take, as measured: a sample took `sample_s`.

    overhead_s: what is spent however little is restored; opening the repository, above all.
    """
    measured_s = max(sample_s - overhead_s, LEAST_MEASURED_S)
    return overhead_s + measured_s * total_bytes / max(sample_bytes, 1)


@dataclass(frozen=True, slots=True)
class RestoreTestResult:
    """What became of the sample of one site. files: by path of the live site, what was seen.

    dumps: how many databases' dumps were in it; broken: those that are not whole. whole: how much a full restore would
    bring back, and full_s how long that would take. trouble: why there is no proof; None: there is one, good or bad.
    """

    site: str
    server: str
    snapshot: Snapshot | None = None
    files: Mapping[str, SampleOutcome] | None = None
    dumps: int = 0
    broken: tuple[str, ...] = ()
    whole: Extent | None = None
    full_s: float = 0.0
    trouble: Failure | None = None

    @property
    def outcome(self) -> str:
        """`proven`, `differs`, or `failed`: nothing could be said."""
        if self.trouble is not None:
            return "failed"
        return "differs" if self.wrong or self.broken else "proven"

    @property
    def wrong(self) -> tuple[str, ...]:
        """The files that are not as the live site has them, or did not come back."""
        files = self.files or {}
        return tuple(
            path for path, one in files.items() if one in {SampleOutcome.DIFFERENT, SampleOutcome.NOT_RESTORED}
        )

    def in_words(self) -> str:
        """Say it: `11 files are the same, 1 left out (changed since), 1 dump whole; all of it would take 4 min`."""
        if self.trouble is not None:
            return self.trouble.message
        counts = Counter[SampleOutcome]((self.files or {}).values())
        said = [f"{count(counts[SampleOutcome.SAME], 'file')} the same"]
        if self.wrong:
            said.append(f"{count(len(self.wrong), 'file')} not: {listing([_shown(path) for path in self.wrong], 3)}")
        if counts[SampleOutcome.LEFT_OUT]:
            said.append(f"{counts[SampleOutcome.LEFT_OUT]:,} changed since and left out")
        if self.dumps:
            said.append(f"{self.dumps - len(self.broken):,} of {count(self.dumps, 'dump')} whole")
        if self.whole is not None:
            took = duration(timedelta(seconds=self.full_s))
            said.append(f"restoring all {count(self.whole.files, 'file')} ({size(self.whole.size_bytes)}) takes {took}")
        return ", ".join(said)

    @property
    def facts(self) -> Mapping[str, object]:
        """The same as plain JSON values."""
        counts = Counter[SampleOutcome]((self.files or {}).values())
        return {
            "site": self.site,
            "server": self.server,
            "outcome": self.outcome,
            "snapshot": self.snapshot.id if self.snapshot is not None else None,
            "taken_at": stamp(self.snapshot.taken_at) if self.snapshot is not None else None,
            "same": counts[SampleOutcome.SAME],
            "left_out": counts[SampleOutcome.LEFT_OUT],
            "different": [_shown(path) for path in self.wrong],
            "dumps": self.dumps,
            "broken_dumps": list(self.broken),
            "full_restore_s": round(self.full_s, 1),
            **trouble_facts(self.trouble),
        }


def proof_reply(proofs: Sequence[RestoreTestResult], structure: Failure | None, timezone: str, now: datetime) -> Reply:
    """Return what to say about proofs. structure: what is wrong with the repository itself; None: it is sound."""
    outcomes = Counter[str](proof.outcome for proof in proofs)
    worst_first = sorted(proofs, key=lambda proof: ("differs", "failed", "proven").index(proof.outcome))
    tones = {"proven": Tone.GOOD, "failed": Tone.WARN, "differs": Tone.BAD}

    def row(one: RestoreTestResult) -> Row:
        taken = clock_time(one.snapshot.taken_at, timezone, now) if one.snapshot is not None else ""
        return Row((one.site, taken, one.in_words()), tones[one.outcome])

    parts: list[Part] = [first_rows(("site", "backup of", "result"), worst_first, row, MOST_ROWS)]
    if structure is not None:
        parts.append(Text(f"The repository: {structure.message}. {structure.hint}".strip(), Tone.BAD))
    parts += [Text(hint, Tone.WARN) for hint in _hints(worst_first)]
    bad = structure is not None or outcomes["proven"] < len(proofs)
    title = f"{outcomes['proven']:,} of {count(len(proofs), 'backup')} proven by a sample"
    if outcomes["differs"]:
        title += f", {outcomes['differs']:,} not as the live site"
    if outcomes["failed"]:
        title += f", {outcomes['failed']:,} not looked at"
    title += "; the repository is sound" if structure is None else "; the repository is not sound"
    return Reply(
        title=title,
        parts=tuple(parts),
        tone=(Tone.BAD if outcomes["differs"] or structure is not None else Tone.WARN) if bad else Tone.GOOD,
        facts={
            "results": [dict(proof.facts) for proof in proofs],
            "repository": structure.message if structure is not None else None,
        },
        exit_code=1 if bad else 0,
    )


def _hints(proofs: Iterable[RestoreTestResult]) -> tuple[str, ...]:
    hints = dict.fromkeys(proof.trouble.hint for proof in proofs if proof.trouble is not None and proof.trouble.hint)
    if any(proof.outcome == "differs" for proof in proofs):
        hints[
            "Files that differ though nobody has changed them: look at the disks of both sides, and back up anew."
        ] = None
    return tuple(hints)


def _shown(path: str) -> str:
    return shown_path(path.encode("utf-8", "surrogateescape"))

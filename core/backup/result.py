"""How the backup of one site ended, as people, scripts and the record are told."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from core.backup.snapshots import SHRUNK
from core.failure import trouble_facts
from core.wording import count, duration, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.backup.origin import SavedPaths
    from core.failure import Failure

Outcome = Literal["good", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class BackupProgress:
    """What is being done for one site now, on which server."""

    site: str
    server: str
    doing: str


@dataclass(frozen=True, slots=True)
class BackupResult:
    """One site backed up once from `server`, or why not.

    files, size_bytes: what the snapshot covers, databases included; new_bytes: what of it the repository had not.
    databases: how many. snapshot: its id, and full_id the whole of it; also of a failed one that covers only part of
    the site. repository: where it was put. paths: what was saved. shrank: what it is less than half of, empty where it
    is not; nothing of the site is forgotten then. note: something to know.
    """

    site: str
    server: str
    outcome: Outcome
    took_s: float = 0.0
    files: int = 0
    size_bytes: int = 0
    new_bytes: int = 0
    databases: int = 0
    snapshot: str | None = None
    full_id: str = ""
    repository: str = ""
    paths: SavedPaths | None = None
    shrank: str = ""
    trouble: Failure | None = None
    note: str = ""

    def ended_by(self, trouble: Failure) -> BackupResult:
        """Return the result of a backup that `trouble` has ended."""
        return replace(self, outcome=trouble.outcome, trouble=trouble)

    @property
    def may_forget(self) -> bool:
        """Whether older snapshots of this site may go as app.yaml's `offsite.keep` says."""
        return self.outcome == "good" and not self.shrank

    @property
    def summary(self) -> str:
        """How it ended in a few words: `1,204 files and 1 database (38 MB, 1.1 MB new), 4.2 s`, or the trouble."""
        if self.trouble is not None:
            return self.trouble.message
        took = duration(timedelta(seconds=self.took_s))
        databases = f" and {count(self.databases, 'database')}" if self.databases else ""
        less = f"; {SHRUNK}: {self.shrank}" if self.shrank else ""
        sizes = f"{size(self.size_bytes)}, {size(self.new_bytes)} new"
        return f"{count(self.files, 'file')}{databases} ({sizes}), {took}{less}"

    @property
    def facts(self) -> Mapping[str, object]:
        """The same as plain JSON values."""
        return {
            "site": self.site,
            "server": self.server,
            "outcome": self.outcome,
            "snapshot": self.snapshot,
            "full_id": self.full_id,
            "repository": self.repository,
            **(asdict(self.paths) if self.paths is not None else {}),
            "files": self.files,
            "size_bytes": self.size_bytes,
            "new_bytes": self.new_bytes,
            "databases": self.databases,
            "shrank": self.shrank,
            "took_s": round(self.took_s, 3),
            **trouble_facts(self.trouble),
            **({"note": self.note} if self.note else {}),
        }

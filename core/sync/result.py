"""How one sync ended, and how far one is, as people and scripts are told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from core.databases.copies import about_copies
from core.failure import trouble_facts
from core.wording import count, duration, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.databases.copies import DatabaseCopy
    from core.failure import Failure
    from core.sync.rsync_output import PathChange

Outcome = Literal["good", "refused", "failed"]
Doing = Literal["waiting", "comparing", "loading databases", "copying", "putting in place", "done"]


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far the sync of one site is. total_bytes None: not known yet."""

    site: str
    mirror: str
    doing: Doing
    done_bytes: int = 0
    total_bytes: int | None = None

    @property
    def words(self) -> str:
        """What is going on, with figures where there are any."""
        if self.doing == "copying" and self.total_bytes is not None:
            return f"copying, {size(min(self.done_bytes, self.total_bytes))} of {size(self.total_bytes)}"
        return f"{self.doing}, {size(self.done_bytes)}" if self.doing == "loading databases" else self.doing


@dataclass(frozen=True, slots=True)
class SyncResult:
    """One site copied once from `source` to `mirror`, or why not.

    outcome: "good" (the mirror is what the source was), "refused" (decided against) or "failed" (went wrong); in all
    but "good" the mirror is as it was. quarantined: whether the mirror was, when it was asked for. changed: whether
    anything differed. files: how many did, less those to delete; deleted: how many went. copied_bytes: the size of
    those that differed; sent_bytes: what crossed the network. changes: the first ones, of a dry run only. newer: those
    that are newer on the mirror, of a dry run over a quarantined copy only. note: something to know about a good run.
    databases: those that were copied, or would be. remarks: more to know about it, as sentences.
    """

    site: str
    source: str
    mirror: str
    outcome: Outcome
    took_s: float
    dry_run: bool = False
    quarantined: bool = False
    changed: bool = False
    files: int = 0
    deleted: int = 0
    sent_bytes: int = 0
    copied_bytes: int = 0
    trouble: Failure | None = None
    note: str = ""
    changes: tuple[PathChange, ...] = ()
    newer: tuple[PathChange, ...] = ()
    databases: tuple[DatabaseCopy, ...] = ()
    remarks: tuple[str, ...] = ()

    def ended_by(self, trouble: Failure) -> SyncResult:
        """Return the result of a sync that `trouble` has ended."""
        return replace(self, outcome=trouble.outcome, trouble=trouble)

    @property
    def nothing_to_do(self) -> bool:
        """Whether the mirror was the same already."""
        return self.outcome == "good" and not self.changed

    @property
    def summary(self) -> str:
        """How it ended in a few words: `12 files (3.4 MB) copied, 2 deleted, 4.2 s`, or the trouble."""
        if self.trouble is not None:
            return self.trouble.message
        took = duration(timedelta(seconds=self.took_s))
        if self.nothing_to_do:
            return f"nothing to change, {took}"
        verb = "to copy" if self.dry_run else "copied"
        deleted = f", {self.deleted:,} {'to delete' if self.dry_run else 'deleted'}" if self.deleted else ""
        files = f"{count(self.files, 'file')} ({size(self.copied_bytes)}) {verb}{deleted}"
        if not self.databases:
            return f"{files}, {took}"
        about = about_copies(self.databases, dry_run=self.dry_run)
        return ", ".join([files if self.files or self.deleted else "no file changed", about, took])

    @property
    def facts(self) -> Mapping[str, object]:
        """The same as plain JSON values, for the record and for scripts."""
        facts: dict[str, object] = {
            "site": self.site,
            "source": self.source,
            "mirror": self.mirror,
            "outcome": self.outcome,
            "dry_run": self.dry_run,
            "files": self.files,
            "deleted": self.deleted,
            "copied_bytes": self.copied_bytes,
            "sent_bytes": self.sent_bytes,
            "took_s": round(self.took_s, 3),
            **trouble_facts(self.trouble),
        }
        if self.databases:
            facts["databases"] = [copy.facts for copy in self.databases]
        if self.remarks:
            facts["remarks"] = list(self.remarks)
        return facts | {"note": self.note} if self.note else facts

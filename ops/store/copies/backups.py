"""Backups of sites and proofs that they can be restored, each on record from before it begins."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.wording import stamp
from ops.store.audit import write_entry
from ops.store.part import StorePart, newest_by, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ops.contracts import Transaction

# The kinds of run: a site is saved, what was saved is proven to be whole, what is too old is thrown away (of no site).
SAVE = "backup"
PROOF = "backup-proof"
UPKEEP = "backup-upkeep"
# A site is brought back where that replaces nothing; what replaces something is a plan.
RESTORE = "backup-restore"


@dataclass(frozen=True, slots=True)
class BackupRun:
    """One run for one site, on the server where it is active.

    kind: one of the above. outcome: "good" is a backup only; "refused", "failed", "interrupted"; a proof ends "proven"
    or "differs", an upkeep "done", a restore "restored" or "unknown"; None while it runs. snapshot: the
    id that it made or looked at.
    """

    id: str
    kind: str
    site: str
    server: str
    begun_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None
    snapshot: str | None = None
    body: Mapping[str, object] = field(default_factory=dict)


class Backups(StorePart):
    """What is known of the off-site copies without asking anybody."""

    async def begin(self, run: BackupRun, who: str) -> None:
        """Put a run on record before it starts."""
        body = {**run.body, "kind": run.kind}

        def work(transaction: Transaction) -> None:
            transaction.execute(
                "INSERT INTO backups (id, site, server, begun_at, body) VALUES (?, ?, ?, ?, ?)",
                [run.id, run.site, run.server, stamp(run.begun_at), json.dumps(body)],
            )
            write_entry(
                transaction, run.begun_at, f"{run.kind}.begun", run.site, who, {"server": run.server, "run": run.id}
            )

        await self._db.write(work)

    async def end(
        self, run: BackupRun, outcome: str, snapshot: str | None, body: Mapping[str, object], at: datetime, who: str
    ) -> None:
        """Put on record how a run ended; one that has ended already stays as it is."""
        kept = {**body, "kind": run.kind}

        def work(transaction: Transaction) -> None:
            changed = transaction.execute(
                "UPDATE backups SET ended_at = ?, outcome = ?, snapshot = ?, body = ? "
                "WHERE id = ? AND ended_at IS NULL",
                [stamp(at), outcome, snapshot, json.dumps(kept), run.id],
            )
            if changed:
                write_entry(transaction, at, f"{run.kind}.{outcome}", run.site, who, {"run": run.id, **body})

        await self._db.write(work)

    async def running(self) -> tuple[BackupRun, ...]:
        """Return the runs that have no end on record."""
        return await self._where("ended_at IS NULL ORDER BY begun_at", [])

    async def newest(self, kind: str, outcomes: tuple[str, ...]) -> Mapping[str, BackupRun]:
        """Return the newest run of `kind` that ended with one of `outcomes`, by site."""
        ended = f"kind = ? AND outcome IN ({', '.join('?' * len(outcomes))})"
        rows = await self._query(newest_by("site", "backups", "begun_at", ended), 2 * [kind, *outcomes])
        return {row["site"]: value_of(BackupRun, row) for row in rows}

    async def newest_whole(self, site: str) -> BackupRun | None:
        """Return the newest good backup of a site that had not shrunk: what the next one is compared with."""
        runs = await self._where(
            "kind = ? AND site = ? AND outcome = 'good' AND coalesce(shrank, '') = '' ORDER BY begun_at DESC LIMIT 1",
            [SAVE, site],
        )
        return runs[0] if runs else None

    async def by_snapshot(self, ids: Iterable[str]) -> Mapping[str, tuple[BackupRun, ...]]:
        """Return the runs that made snapshots of these ids, as far as they are known, by the id, newest first.

        Several may share the eight characters of an id: whoever can write a snapshot can try until they are the same.
        """
        sql = "SELECT backups.* FROM given JOIN backups USING (snapshot) WHERE kind = ? ORDER BY begun_at DESC"
        rows = await self._query(sql, [SAVE], given={"snapshot": list(dict.fromkeys(ids))})
        found: dict[str, tuple[BackupRun, ...]] = {}
        for row in rows:
            found[row["snapshot"]] = (*found.get(row["snapshot"], ()), value_of(BackupRun, row))
        return found

    async def made_in(self, site: str | None = None) -> frozenset[str]:
        """Return the repositories in which a snapshot was ever made, or one of `site`.

        They are there, whatever their host says. Of a run from before each server had its own, it is the empty name.
        """
        sql = """SELECT DISTINCT coalesce(body ->> '$.repository', '') AS repository FROM backups
            WHERE kind = ? AND snapshot IS NOT NULL AND site = coalesce(?, site)"""
        return frozenset(str(row["repository"]) for row in await self._query(sql, [SAVE, site]))

    async def _where(self, where: str, parameters: list[str]) -> tuple[BackupRun, ...]:
        sql = f"SELECT * FROM backups WHERE {where}"  # noqa: S608 - literals above
        rows = await self._query(sql, parameters)
        return tuple(value_of(BackupRun, row) for row in rows)

"""Where sites are served from, how old their copies are, and which copies nobody may touch yet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.fleet.target import Target
from core.sync.moved_by_hand import WHY, moves_between
from core.wording import stamp
from ops.store.audit import write_entry
from ops.store.cards import put_card
from ops.store.claims import held_claims
from ops.store.part import StorePart, newest_by, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from core.reply import Reply
    from core.sync.moved_by_hand import SiteMove
    from ops.contracts import Transaction


@dataclass(frozen=True, slots=True)
class SyncRun:
    """One site copied once. outcome: "good", "refused", "failed", "interrupted"; None while it runs."""

    id: str
    site: str
    source: str
    mirror: str
    begun_at: datetime
    ended_at: datetime | None
    outcome: str | None
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class QuarantinedCopy:
    """The copy of `site` on `server` is no source and no target until someone has chosen (law 4)."""

    site: str
    server: str
    since_at: datetime
    why: str


class Copies(StorePart):
    """Active servers, sync runs and quarantine."""

    async def begin_sync(self, run: SyncRun, who: str) -> None:
        """Put a sync run on record before it starts."""

        def work(transaction: Transaction) -> None:
            transaction.execute(
                "INSERT INTO syncs (id, site, source, mirror, begun_at, body) VALUES (?, ?, ?, ?, ?, ?)",
                [run.id, run.site, run.source, run.mirror, stamp(run.begun_at), json.dumps(dict(run.body))],
            )
            body = {"source": run.source, "mirror": run.mirror, "run": run.id}
            write_entry(transaction, run.begun_at, "sync.begun", run.site, who, body)

        await self._db.write(work)

    async def end_sync(self, run_id: str, outcome: str, body: Mapping[str, object], at: datetime, who: str) -> None:
        """Put on record how a sync run ended; a run that has ended already stays as it is."""

        def work(transaction: Transaction) -> None:
            ended = transaction.query(
                "UPDATE syncs SET ended_at = ?, outcome = ?, body = ? WHERE id = ? AND ended_at IS NULL RETURNING site",
                [stamp(at), outcome, json.dumps(dict(body)), run_id],
            )
            for row in ended:
                write_entry(transaction, at, f"sync.{outcome}", row["site"], who, {"run": run_id, **body})

        await self._db.write(work)

    async def found_same(self, runs: Iterable[SyncRun], who: str, now: datetime) -> frozenset[str]:
        """Put on record runs that found nothing to copy, all at once, and return the ids of those that count.

        A run does not count, and leaves no trace, where somebody works on its site now, where the site is served from
        another server now, or where its copy was quarantined meanwhile.
        """
        ended = list(runs)

        def work(transaction: Transaction) -> frozenset[str]:
            held = {row["name"] for row in held_claims(transaction)}
            active = {row["site"]: row["server"] for row in transaction.query("SELECT site, server FROM active")}
            away = {(row["site"], row["server"]) for row in transaction.query("SELECT site, server FROM quarantine")}
            counted = [
                run
                for run in ended
                if str(Target.site(run.site)) not in held
                and active.get(run.site, run.source) == run.source
                and not {(run.site, run.source), (run.site, run.mirror)} & away
            ]
            transaction.execute_many(
                "INSERT INTO syncs (id, site, source, mirror, begun_at, ended_at, outcome, body) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [_ended_row(run, now) for run in counted],
            )
            for run in counted:
                body = {"source": run.source, "mirror": run.mirror, "run": run.id}
                write_entry(transaction, run.begun_at, "sync.begun", run.site, who, body)
                write_entry(transaction, now, f"sync.{run.outcome}", run.site, who, {"run": run.id, **run.body})
            return frozenset(run.id for run in counted)

        return await self._db.write(work)

    async def running_syncs(self) -> tuple[SyncRun, ...]:
        """Return the sync runs that have no end on record."""
        rows = await self._query("SELECT * FROM syncs WHERE ended_at IS NULL")
        return tuple(value_of(SyncRun, row) for row in rows)

    async def last_syncs(self) -> Mapping[tuple[str, str], SyncRun]:
        """Return the newest ended run of every (site, mirror), whatever its outcome."""
        return await self._newest("ended_at IS NOT NULL")

    async def last_good(self) -> Mapping[tuple[str, str], SyncRun]:
        """Return the newest good run of every (site, mirror); data age counts from its `begun_at`."""
        return await self._newest("outcome = 'good'")

    async def _newest(self, where: str) -> Mapping[tuple[str, str], SyncRun]:
        rows = await self._query(newest_by("site, mirror", "syncs", "begun_at", where))
        return {(row["site"], row["mirror"]): value_of(SyncRun, row) for row in rows}

    async def active(self) -> Mapping[str, str]:
        """Return the server that each site's DNS was last seen to point to, by site; a site never seen is absent."""
        sql = "SELECT site, server FROM active"
        rows = await self._query(sql)
        return {row["site"]: row["server"] for row in rows}

    async def set_active(self, sites: Mapping[str, str], at: datetime) -> None:
        """Keep where sites are served from now, by site."""
        await self._db.write(lambda transaction: _set_active(transaction, sites, at))

    async def follow_dns(
        self,
        seen: Mapping[str, str],
        homes: Mapping[str, str],
        asked_at: datetime,
        at: datetime,
        who: str,
        card_of: Callable[[Sequence[SiteMove]], Reply],
    ) -> tuple[SiteMove, ...]:
        """Keep where DNS said at `asked_at` that sites are served, by site, and return those that were moved by hand.

        The copy that such a site left is quarantined, and a card says so. What is under way or became known since it
        was asked is newer than what DNS said then: a site that is being cut over, or was, stays as it is.
        """

        def work(transaction: Transaction) -> tuple[SiteMove, ...]:
            rows = transaction.query("SELECT site, server, since_at FROM active")
            known = {row["site"]: row["server"] for row in rows}
            newer = {row["site"] for row in rows if row["since_at"] > stamp(asked_at)}
            held = {row["name"] for row in held_claims(transaction)}
            newer |= {site for site in seen if str(Target.site(site)) in held}
            told = {site: server for site, server in seen.items() if site not in newer and known.get(site) != server}
            moves = moves_between(known, homes, told)
            _quarantine(transaction, [(move.site, move.left) for move in moves], WHY, at, who)
            _set_active(transaction, told, at)
            if moves:
                put_card(transaction, f"moved:{stamp(at)}", card_of(moves), at)
            return moves

        return await self._db.write(work)

    async def quarantine(self, copies: Iterable[tuple[str, str]], why: str, at: datetime, who: str) -> None:
        """Quarantine each (site, server), on record; what is quarantined already stays as it is."""
        pairs = list(copies)
        await self._db.write(lambda transaction: _quarantine(transaction, pairs, why, at, who))

    async def release(self, copies: Iterable[tuple[str, str]], why: str, at: datetime, who: str) -> None:
        """End the quarantine of each (site, server), on record."""
        pairs = list(copies)
        await self._db.write(lambda transaction: _release(transaction, pairs, why, at, who))

    async def release_served(self, site: str, server: str, home: str, why: str, at: datetime, who: str) -> None:
        """End the quarantine of a copy, on record, if its site is served from it; `home`: where nothing is known."""

        def work(transaction: Transaction) -> None:
            rows = transaction.query("SELECT server FROM active WHERE site = ?", [site])
            if (rows[0]["server"] if rows else home) == server:
                _release(transaction, [(site, server)], why, at, who)

        await self._db.write(work)

    async def quarantined(self) -> Mapping[tuple[str, str], QuarantinedCopy]:
        """Return every quarantined copy by (site, server)."""
        rows = await self._query("SELECT * FROM quarantine")
        return {(row["site"], row["server"]): value_of(QuarantinedCopy, row) for row in rows}


def _set_active(transaction: Transaction, sites: Mapping[str, str], at: datetime) -> None:
    for site, server in sites.items():
        transaction.execute(
            "INSERT INTO active (site, server, since_at) VALUES (?, ?, ?) ON CONFLICT (site) DO UPDATE "
            "SET server = excluded.server, since_at = excluded.since_at WHERE active.server != excluded.server",
            [site, server, stamp(at)],
        )


def _quarantine(transaction: Transaction, copies: list[tuple[str, str]], why: str, at: datetime, who: str) -> None:
    for site, server in copies:
        begun = transaction.execute(
            "INSERT INTO quarantine (site, server, since_at, why) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [site, server, stamp(at), why],
        )
        if begun:
            write_entry(transaction, at, "quarantine.begun", site, who, {"server": server, "why": why})


def _release(transaction: Transaction, copies: list[tuple[str, str]], why: str, at: datetime, who: str) -> None:
    for site, server in copies:
        if transaction.execute("DELETE FROM quarantine WHERE site = ? AND server = ?", [site, server]):
            write_entry(transaction, at, "quarantine.ended", site, who, {"server": server, "why": why})


def newest_good_copies(
    transaction: Transaction, copies: Iterable[tuple[str, str]]
) -> list[tuple[str, str, str | None]]:
    """Return (site, server, when its last good copy began) of each pair; None: there is none."""
    pairs = list(copies)
    rows = transaction.query(
        "SELECT site, server, (SELECT max(begun_at) FROM syncs WHERE syncs.site = given.site "
        "AND syncs.mirror = given.server AND outcome = 'good') AS at FROM given",
        given={"site": [site for site, _ in pairs], "server": [server for _, server in pairs]},
    )
    return [(row["site"], row["server"], row["at"]) for row in rows]


def _ended_row(run: SyncRun, ended_at: datetime) -> tuple[str | None, ...]:
    begun, ended, body = stamp(run.begun_at), stamp(ended_at), json.dumps(dict(run.body))
    return run.id, run.site, run.source, run.mirror, begun, ended, run.outcome, body

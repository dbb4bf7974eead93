"""Reports as interrupted what nobody carries out any more: whoever did is gone, and its claim has lapsed (law 9)."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from core.fleet.target import Target
from jobs import Job, backup, sync
from jobs.backup.lock import REPOSITORY, site_claim
from ops.store.copies.backups import RESTORE, UPKEEP

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from ops.ports import Ports
    from ops.store.copies.backups import BackupRun

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UnfinishedWork:
    """Work without an end on record: the claim that whoever does it holds, why it would end now, and what ends it."""

    claim: str
    owner: str
    body: Mapping[str, object]
    why: str
    end: Callable[[dict[str, object]], Awaitable[object]]


async def report(ports: Ports, _key: str, _at: datetime) -> None:
    """End, on record, what nobody carries out any more."""
    for kind, number in (await end_interrupted(ports)).items():
        log.warning("%s=interrupted count=%d", kind, number)


async def end_interrupted(ports: Ports) -> Counter[str]:
    """Put on record that work ended whose process is gone, and return how much of each kind."""
    # Listed before the claims are read: what begins in between holds one that is not among them.
    unfinished = [(kind, work) for kind, found in _KINDS.items() for work in await found(ports)]
    held = {(claim.name, claim.owner) for claim in await ports.store.claims.held()}
    ended: Counter[str] = Counter()
    for kind, work in unfinished:
        if (work.claim, work.owner) not in held:
            await work.end({**work.body, "why": work.why})
            ended[kind] += 1
    return ended


async def _syncs(ports: Ports) -> list[UnfinishedWork]:
    why = "the bot that ran it is gone; the mirror is as it was, or whole"

    async def end(run: str, body: dict[str, object]) -> None:
        await ports.store.copies.end_sync(run, "interrupted", body, ports.clock.now(), sync.BY_CLOCK)

    return [
        UnfinishedWork(
            str(Target.site(run.site)), str(run.body.get("owner", run.id)), run.body, why, partial(end, run.id)
        )
        for run in await ports.store.copies.running_syncs()
    ]


async def _backups(ports: Ports) -> list[UnfinishedWork]:
    async def end(run: BackupRun, body: dict[str, object]) -> None:
        await ports.store.backups.end(run, "interrupted", None, body, ports.clock.now(), backup.BY_CLOCK)

    def unfinished(run: BackupRun) -> UnfinishedWork:
        claim = {UPKEEP: REPOSITORY, RESTORE: str(Target.site(run.site))}.get(run.kind, site_claim(run.site))
        left = "what was restored is there whole, or not" if run.kind == RESTORE else "older backups are as they were"
        body, why = run.body, f"the bot that ran it is gone; {left}"
        return UnfinishedWork(claim, str(body.get("owner", run.id)), body, why, partial(end, run))

    return [unfinished(run) for run in await ports.store.backups.running()]


async def _on_record(kind: str, why: str, ports: Ports) -> list[UnfinishedWork]:
    async def end(site: str, who: str, body: dict[str, object]) -> None:
        await ports.store.record.add(ports.clock.now(), f"{kind}.interrupted", site, who, body)

    return [
        UnfinishedWork(str(Target.site(site)), str(body.get("run")), body, why, partial(end, site, who))
        for site, who, body in await ports.store.undos.without_end(kind)
    ]


_UNDO = "whoever ran it is gone; every path is as it was, or put back; ask again to go on"
_KEEP = "whoever ran it is gone; every file is as it was, or came whole; choose again to go on"
_KINDS: Mapping[str, Callable[[Ports], Awaitable[list[UnfinishedWork]]]] = {
    "syncs": _syncs,
    "backups": _backups,
    "undos": partial(_on_record, "undo", _UNDO),
    "keeps": partial(_on_record, "keep", _KEEP),
}

JOB = Job(name="interrupted", run=report, every=timedelta(minutes=1), at_start=True)

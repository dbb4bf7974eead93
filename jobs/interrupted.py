"""Reports as interrupted what nobody carries out any more: whoever did is gone, and its claim has lapsed (law 9).

What somebody has cancelled is ended here as well: whoever carried it out writes nothing more.
"""

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
    from ops.store.claims import Claim
    from ops.store.copies.backups import BackupRun

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UnfinishedWork:
    """Work without an end on record.

    claim, owner: the claim that whoever does it holds. gone: who is gone where nobody has cancelled it. left: what is
    there then. end: puts on record that it ended, with what is known of it, by whom. by: whose word it is where nobody
    has cancelled it.
    """

    claim: str
    owner: str
    body: Mapping[str, object]
    gone: str
    left: str
    end: Callable[[dict[str, object], str], Awaitable[object]]
    by: str


async def report(ports: Ports, _key: str, _at: datetime) -> None:
    """End, on record, what nobody carries out any more."""
    for kind, number in (await end_interrupted(ports)).items():
        log.warning("%s=interrupted count=%d", kind, number)


async def end_interrupted(ports: Ports) -> Counter[str]:
    """Put on record that work ended whose process is gone, or that was cancelled; return how much of each kind."""
    # Listed before the claims are read: what begins in between holds one that is not among them.
    unfinished = [(kind, work) for kind, found in _KINDS.items() for work in await found(ports)]
    held = {(claim.name, claim.owner) for claim in await ports.store.claims.held()}
    ended: Counter[str] = Counter()
    for kind, work in unfinished:
        if (work.claim, work.owner) not in held:
            cancelled = await ports.store.cancellations.of_claim(work.claim, work.owner)
            why = cancelled.words if cancelled is not None else f"{work.gone} is gone"
            await work.end({**work.body, "why": f"{why}; {work.left}"}, cancelled.who if cancelled else work.by)
            ended[kind] += 1
    return ended


async def what_is_left(ports: Ports, claim: Claim) -> str:
    """Say what is there when the work under `claim` ends now; empty: it keeps no account of itself."""
    unfinished = [work for found in _KINDS.values() for work in await found(ports)]
    return next((work.left for work in unfinished if (work.claim, work.owner) == (claim.name, claim.owner)), "")


async def _syncs(ports: Ports) -> list[UnfinishedWork]:
    async def end(run: str, body: dict[str, object], who: str) -> None:
        await ports.store.copies.end_sync(run, "interrupted", body, ports.clock.now(), who)

    return [
        UnfinishedWork(
            str(Target.site(run.site)),
            str(run.body.get("owner", run.id)),
            run.body,
            "the bot that ran it",
            "the mirror is as it was, or whole",
            partial(end, run.id),
            sync.BY_CLOCK,
        )
        for run in await ports.store.copies.running_syncs()
    ]


async def _backups(ports: Ports) -> list[UnfinishedWork]:
    async def end(run: BackupRun, body: dict[str, object], who: str) -> None:
        await ports.store.backups.end(run, "interrupted", None, body, ports.clock.now(), who)

    def unfinished(run: BackupRun) -> UnfinishedWork:
        claim = {UPKEEP: REPOSITORY, RESTORE: str(Target.site(run.site))}.get(run.kind, site_claim(run.site))
        left = "what was restored is there whole, or not" if run.kind == RESTORE else "older backups are as they were"
        owner = str(run.body.get("owner", run.id))
        return UnfinishedWork(claim, owner, run.body, "the bot that ran it", left, partial(end, run), backup.BY_CLOCK)

    return [unfinished(run) for run in await ports.store.backups.running()]


async def _on_record(kind: str, left: str, ports: Ports) -> list[UnfinishedWork]:
    async def end(site: str, body: dict[str, object], who: str) -> None:
        await ports.store.record.add(ports.clock.now(), f"{kind}.interrupted", site, who, body)

    return [
        UnfinishedWork(
            str(Target.site(site)), str(body.get("run")), body, "whoever ran it", left, partial(end, site), who
        )
        for site, who, body in await ports.store.undos.without_end(kind)
    ]


_UNDO = "every path is as it was, or put back; ask again to go on"
_KEEP = "every file is as it was, or came whole; choose again to go on"
_KINDS: Mapping[str, Callable[[Ports], Awaitable[list[UnfinishedWork]]]] = {
    "syncs": _syncs,
    "backups": _backups,
    "undos": partial(_on_record, "undo", _UNDO),
    "keeps": partial(_on_record, "keep", _KEEP),
}

JOB = Job(name="interrupted", run=report, every=timedelta(minutes=1), at_start=True)

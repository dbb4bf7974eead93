"""One sync under way: what differs, the databases, the next content made ready, and all of it put in place."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from core.failure import Failure, FailureCode
from core.sync.result import SyncProgress, SyncResult
from core.sync.rsync_output import ChangeKind, most_deletes, why_not_apply
from jobs.sync.databases import SiteDatabases, not_exchanged
from jobs.sync.hooks import after_sync, before_sync
from jobs.sync.lock import SiteClaim, held_by
from jobs.sync.serving import serving_known, why_not_served_from
from ops.rsync.left_behind import left_behind
from ops.rsync.locate import dry_run_located
from ops.rsync.mirror import DryRun, MirrorCopy, dry_run, fill, publish
from ops.rsync.rights import why_not_write
from ops.rsync.turn import take_turn, turn_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from core.sync.result import Doing
    from core.sync.rsync_output import PathChange
    from jobs.sync.request import SyncRequest
    from ops.ports import Ports
    from ops.work_folder import AskTurn, Turn

SHOWN_CHANGES = 20


class Copying:
    """The steps of one sync, under the claim of whoever carries it out. What goes wrong is in the result, or raised."""

    def __init__(
        self,
        ports: Ports,
        mirror_copy: MirrorCopy,
        request: SyncRequest,
        base_result: SyncResult,
        run: str,
        claim: SiteClaim,
        on_progress: Callable[[SyncProgress], None],
    ) -> None:
        self._ports = ports
        self._mirror_copy = mirror_copy
        self._request = request
        self._base_result = base_result
        self._run = run
        self._claim = claim
        self._on_progress = on_progress
        self._max_delete = None if request.allow_delete else ports.fleet.sync.max_delete
        self._databases = SiteDatabases(
            ports, mirror_copy.site, mirror_copy.source.name, mirror_copy.mirror.name, run, self._max_delete
        )

    async def compare(self) -> SyncResult:
        """Return what a sync would do."""
        self._show("comparing")
        compared = await self._dry_run()
        if isinstance(compared, Failure):
            return self._base_result.ended_by(compared)
        result = _with_counts(self._base_result, compared)
        if result.changed:
            result = replace(result, remarks=await left_behind(self._ports.ssh, self._mirror_copy))
        databases = await self._databases.look(dry_run=True)
        if isinstance(databases, Failure):
            return result.ended_by(databases)
        result = replace(result, databases=databases, changed=result.changed or bool(databases))
        if not result.changed:
            return result
        newer = await self._newer(compared) if self._base_result.quarantined else ()
        result = replace(result, changes=tuple(compared.output.changes[:SHOWN_CHANGES]), newer=newer)
        trouble = self._why_not_apply(compared) or await why_not_write(self._ports.ssh, self._mirror_copy)
        return result.ended_by(trouble) if trouble is not None else result

    async def copy(self) -> SyncResult:
        """Copy, with the site's hooks around it, and return how that ended."""
        route = (self._ports, self._mirror_copy.site, self._mirror_copy.source.name, self._mirror_copy.mirror.name)
        trouble = await before_sync(*route)
        if trouble is not None:
            return self._base_result.ended_by(trouble)
        result = await self._copy()
        if result.outcome != "good":
            return result
        forgotten = await self._databases.forget(self._ports.clock.now())
        return replace(result, remarks=(*result.remarks, *forgotten, *await after_sync(*route)))

    async def _copy(self) -> SyncResult:
        found = await self._compare_files()
        if isinstance(found, SyncResult):
            return found
        databases = await self._databases.look(dry_run=False)
        if isinstance(databases, Failure):
            return self._base_result.ended_by(databases)
        compared, result = found
        if not (result.changed or databases):
            return result
        turn = await take_turn(self._ports.ssh, self._mirror_copy, self._run)
        if isinstance(turn, Failure):
            return result.ended_by(turn)
        if databases:
            self._show("loading databases")
            trouble = await self._databases.load(lambda done: self._show("loading databases", done))
            if trouble is not None:
                return self._base_result.ended_by(trouble)
            # Rows name files that have come since the first dry run: files are copied after the rows.
            found = await self._compare_files()
            if isinstance(found, SyncResult):
                await self._databases.give_up()
                return found
            compared, result = found
        ended = await self._fill(compared, result, turn) if result.changed else result
        if ended.outcome != "good":
            await self._databases.give_up()
            return ended
        return await self._publish(ended, turn, files=result.changed)

    async def _compare_files(self) -> tuple[DryRun, SyncResult] | SyncResult:
        """Return what differs, or the result of a sync that must not go on."""
        self._show("comparing")
        compared = await self._dry_run()
        if isinstance(compared, Failure):
            return self._base_result.ended_by(compared)
        result = _with_counts(self._base_result, compared)
        trouble = self._why_not_apply(compared)
        return result.ended_by(trouble) if trouble is not None else (compared, result)

    async def _dry_run(self) -> DryRun | Failure:
        """Return what differs; from then on the copy is between the folders that the roots lead to."""
        found = await dry_run_located(self._ports.ssh, self._ports.fleet, self._mirror_copy)
        if isinstance(found, Failure):
            return found
        self._mirror_copy, compared = found
        return compared

    async def _fill(self, compared: DryRun, result: SyncResult, turn: Turn) -> SyncResult:
        """Make the next content ready beside the present one."""
        stats = compared.output.stats
        limit = most_deletes(stats, self._max_delete)

        def arrived(done_bytes: int) -> None:
            self._show("copying", done_bytes, stats.to_copy_bytes)

        arrived(0)
        filled, remarks = await asyncio.gather(
            fill(self._ports.ssh, self._mirror_copy, self._run, turn, compared, limit, arrived),
            left_behind(self._ports.ssh, self._mirror_copy),
        )
        if isinstance(filled, Failure):
            return result.ended_by(filled)
        sent_bytes = result.sent_bytes + filled.output.stats.sent_bytes
        return replace(result, sent_bytes=sent_bytes, remarks=remarks)

    async def _publish(self, result: SyncResult, turn: Turn, *, files: bool) -> SyncResult:
        """Exchange databases and files for what is there, if nobody has served or claimed the mirror meanwhile.

        files: whether any differ. Databases go first: they have more that can go wrong, and can be exchanged back.
        """
        ports, now, ask = self._ports, self._ports.clock.now(), partial(self._ask, turn)
        site, source = self._mirror_copy.site, self._mirror_copy.source.name
        trouble = await why_not_served_from(ports, site, source, self._request)
        if trouble is not None:
            await self._databases.give_up()
            return result.ended_by(trouble)
        self._show("putting in place")
        copies = await self._databases.publish(now, ask)
        if isinstance(copies, Failure):
            return result.ended_by(copies)
        trouble = await self._exchange(now, ask) if files else None
        if trouble is not None:
            return result.ended_by(not_exchanged(trouble, await self._databases.take_back(now, ask)))
        return replace(result, databases=copies, changed=files or bool(copies))

    async def _exchange(self, at: datetime, ask: AskTurn) -> Failure | None:
        """Exchange the folders, as soon as it was asked whether that may be."""
        asked = await ask()
        if isinstance(asked, Failure):
            return asked
        keep = self._ports.fleet.sync.keep_replaced
        return await publish(self._ports.ssh, self._mirror_copy, self._run, asked, at, keep)

    def _why_not_apply(self, compared: DryRun) -> Failure | None:
        output = compared.output
        return why_not_apply(output.stats, max_delete=self._max_delete, free_bytes=output.free_bytes)

    async def _newer(self, compared: DryRun) -> tuple[PathChange, ...]:
        """Return the files that differ and are newer on the mirror: those that rsync then leaves out (`--update`)."""
        older = await dry_run(self._ports.ssh, self._mirror_copy, but_newer=True)
        if isinstance(older, Failure):
            return ()
        left = {change.path for change in older.output.changes}
        differing = [change for change in compared.output.changes if change.kind is ChangeKind.CHANGED]
        return tuple(change for change in differing if change.path not in left)[:SHOWN_CHANGES]

    async def _ask(self, turn: Turn) -> Turn | Failure:
        """Return the run's turn until a little after now, or why nothing must be put in place any more.

        Copying may have taken hours. The mirror is asked first what time it is: the claim is held for longer than that.
        """
        asked = await turn_now(self._ports.ssh, self._mirror_copy, turn)
        return await self._why_not_now() or asked

    async def _why_not_now(self) -> Failure | None:
        site, mirror = self._mirror_copy.site, self._mirror_copy.mirror.name
        in_the_way = await self._claim.take()
        if in_the_way:
            return held_by(in_the_way[0])
        direction = (await serving_known(self._ports)).direction(
            site, chosen=mirror if self._base_result.quarantined else None
        )
        if direction.source != self._mirror_copy.source.name or mirror not in direction.mirrors:
            why = direction.why or direction.left_out.get(mirror) or f"it is served from {direction.source} now"
            return Failure(
                FailureCode.DIRECTION, f"{why}, since it was started", "Nothing was put in place.", refused=True
            )
        return None

    def _show(self, doing: Doing, done_bytes: int = 0, total_bytes: int | None = None) -> None:
        self._on_progress(
            SyncProgress(self._base_result.site, self._base_result.mirror, doing, done_bytes, total_bytes)
        )


def _with_counts(base_result: SyncResult, compared: DryRun) -> SyncResult:
    output = compared.output
    if not output.serious:
        return replace(base_result, sent_bytes=output.stats.sent_bytes)
    return replace(
        base_result,
        changed=True,
        files=output.changed_files,
        deleted=output.stats.deleted,
        copied_bytes=output.stats.to_copy_bytes,
        sent_bytes=output.stats.sent_bytes,
        note=compared.note,
    )

"""One site copied to one mirror: claimed, on record before it starts, and never put in place where it is served."""

from __future__ import annotations

import asyncio
import secrets
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.errors import SharpnetError, StoreError
from core.sync_result import SyncProgress, SyncResult
from core.sync_trouble import Trouble
from core.syncing import Kind, most_deletes, why_not_apply
from jobs.sync.claim import SiteClaim, held_by
from jobs.sync.databases import SiteDatabases, not_exchanged
from jobs.sync.hooks import after_sync, before_sync
from jobs.sync.serving import Serving, serving_known
from ops import rsync
from ops.store.copies import SyncRun

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from core.fleet import Site
    from core.sync_result import Doing
    from core.syncing import Change
    from ops.ports import Ports

SHOWN_CHANGES = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked of a sync.

    who: as the record names them. dry_run: only look. allow_delete: any number of files may go. take_active: a
    quarantined mirror may be filled, which ends its quarantine. claimed_by: who holds the site and goes on holding it.
    checksum: read every file to compare it, where its size and time say that it is the same too.
    """

    who: str
    dry_run: bool = False
    allow_delete: bool = False
    take_active: bool = False
    claimed_by: str | None = None
    checksum: bool = False


async def sync_one(
    ports: Ports,
    site: Site,
    mirror: str,
    wish: Wish,
    serving: Serving,
    on_progress: Callable[[SyncProgress], None],
    control: str | None = None,
) -> SyncResult:
    """Copy `site` from where it is served to `mirror`, and return how that ended; what goes wrong is in the result.

    control: the socket on the mirror of a connection to the source that is shared; None: it makes its own.
    Raises StoreError: what cannot be put on record is not done.
    """
    began_s = ports.clock.monotonic()
    quarantined = serving.is_quarantined(site.name, mirror)
    direction = serving.direction(site, chosen=mirror if wish.take_active or wish.dry_run else None)
    source = direction.source or serving.active.get(site.name) or site.home
    blank = SyncResult(site=site.name, source=source, mirror=mirror, outcome="good", took_s=0, dry_run=wish.dry_run)
    blank = replace(blank, quarantined=quarantined)
    if direction.source is None or mirror not in direction.mirrors:
        why = direction.left_out.get(mirror) or direction.why or f"{mirror} is what it is served from, or holds no copy"
        trouble: Trouble | None = Trouble(
            "quarantined" if quarantined else "direction",
            why,
            _way_on(shlex.quote(site.name), quarantined=quarantined),
            refused=True,
        )
    else:
        trouble = rsync.why_not_pull(rsync.Pull(site, ports.fleet.servers[source], ports.fleet.servers[mirror]))
    if trouble is not None:
        return await not_begun(ports, blank, trouble, wish)
    pull = rsync.Pull(
        site,
        ports.fleet.servers[source],
        ports.fleet.servers[mirror],
        wish.checksum,
        site.bandwidth or ports.fleet.sync.bandwidth,
        control,
    )
    doing = _Doing(ports, pull, wish, blank, on_progress)
    result = await (doing.without_errors(doing.compare()) if wish.dry_run else doing.on_record())
    return replace(result, took_s=ports.clock.monotonic() - began_s)


async def not_begun(ports: Ports, blank: SyncResult, trouble: Trouble, wish: Wish) -> SyncResult:
    """Put on record that a sync was asked for and not begun, and return its result."""
    result = with_trouble(blank, trouble)
    if not wish.dry_run:
        await ports.store.record.add(ports.clock.now(), f"sync.{result.outcome}", result.site, wish.who, result.facts)
    return result


def with_trouble(result: SyncResult, trouble: Trouble) -> SyncResult:
    """Return the result of a sync that `trouble` has ended."""
    return replace(result, outcome="refused" if trouble.refused else "failed", trouble=trouble)


class _Doing:
    """One sync under way."""

    def __init__(
        self,
        ports: Ports,
        pull: rsync.Pull,
        wish: Wish,
        blank: SyncResult,
        on_progress: Callable[[SyncProgress], None],
    ) -> None:
        self._ports = ports
        self._pull = pull
        self._wish = wish
        self._blank = blank
        self._on_progress = on_progress
        self._run = rsync.run_id(ports.clock.now(), secrets.token_hex(4))
        self._owner = wish.claimed_by or self._run
        others = wish.claimed_by is not None
        self._claim = SiteClaim(ports, blank.site, blank.mirror, self._owner, others)
        self._databases = SiteDatabases(
            ports,
            pull.site,
            pull.source.name,
            pull.mirror.name,
            self._run,
            None if wish.allow_delete else ports.fleet.sync.max_delete,
        )

    async def on_record(self) -> SyncResult:
        """Copy, with the site claimed and the run on record from before its first step to its end."""
        ports, wish, blank = self._ports, self._wish, self._blank
        in_the_way = await self._claim.take()
        if in_the_way:
            return await not_begun(ports, blank, held_by(in_the_way[0]), wish)
        async with self._claim.kept():
            begun_at = ports.clock.now()
            body = {"owner": self._owner, "allow_delete": wish.allow_delete, "take_active": wish.take_active}
            run = SyncRun(self._run, blank.site, blank.source, blank.mirror, begun_at, None, None, body)
            await ports.store.copies.begin_sync(run, wish.who)
            try:
                result = await self.without_errors(self._copy())
            except asyncio.CancelledError:
                await self._end("interrupted", {**body, "why": "it was given up"})
                raise
            await self._end(result.outcome, {**body, **result.facts})
            if result.outcome == "good" and self._blank.quarantined:
                await ports.store.copies.release(
                    [(blank.site, blank.mirror)],
                    f"the active copy was taken, run {self._run}",
                    ports.clock.now(),
                    wish.who,
                )
            return result

    async def without_errors(self, work: Coroutine[object, object, SyncResult]) -> SyncResult:
        """Return what `work` does, with what goes wrong as part of it."""
        try:
            return await work
        except StoreError:
            raise
        except SharpnetError as error:
            return with_trouble(self._blank, Trouble(error.code, error.message.rstrip("."), error.hint))

    async def compare(self) -> SyncResult:
        """Return what a sync would do."""
        self._show("comparing")
        looked = await rsync.look(self._ports.ssh, self._pull)
        if isinstance(looked, Trouble):
            return with_trouble(self._blank, looked)
        result = _found(self._blank, looked)
        databases = await self._databases.look(dry_run=True)
        if isinstance(databases, Trouble):
            return with_trouble(result, databases)
        result = replace(result, databases=databases, changed=result.changed or bool(databases))
        if not result.changed:
            return result
        newer = await self._newer(looked) if self._blank.quarantined else ()
        result = replace(result, changes=tuple(looked.output.changes[:SHOWN_CHANGES]), newer=newer)
        trouble = self._why_not_apply(looked)
        return with_trouble(result, trouble) if trouble is not None else result

    async def _copy(self) -> SyncResult:
        way = (self._ports, self._pull.site, self._pull.source.name, self._pull.mirror.name)
        trouble = await before_sync(*way)
        if trouble is not None:
            return with_trouble(self._blank, trouble)
        result = await self._copied()
        if result.outcome != "good":
            return result
        forgotten = await self._databases.forget(self._ports.clock.now())
        return replace(result, remarks=(*forgotten, *await after_sync(*way)))

    async def _copied(self) -> SyncResult:
        found = await self._look()
        if isinstance(found, SyncResult):
            return found
        databases = await self._databases.look(dry_run=False)
        if isinstance(databases, Trouble):
            return with_trouble(self._blank, databases)
        looked, result = found
        if databases:
            self._show("loading databases")
            trouble = await self._databases.load(lambda done: self._show("loading databases", done))
            if trouble is not None:
                return with_trouble(self._blank, trouble)
            # Rows name files that have come since the first look: files are copied after the rows.
            found = await self._look()
            if isinstance(found, SyncResult):
                await self._databases.give_up()
                return found
            looked, result = found
        ended = await self._filled(looked, result) if result.changed else result
        if ended.outcome != "good":
            await self._databases.give_up()
            return ended
        if not (ended.changed or databases):
            return ended
        return await self._put_in_place(ended, files=result.changed)

    async def _look(self) -> tuple[rsync.Looked, SyncResult] | SyncResult:
        """Return what differs, or the result of a sync that must not go on."""
        self._show("comparing")
        looked = await rsync.look(self._ports.ssh, self._pull)
        if isinstance(looked, Trouble):
            return with_trouble(self._blank, looked)
        result = _found(self._blank, looked)
        trouble = self._why_not_apply(looked)
        return with_trouble(result, trouble) if trouble is not None else (looked, result)

    async def _filled(self, looked: rsync.Looked, result: SyncResult) -> SyncResult:
        """Make the next content ready beside the present one."""
        ssh, fleet = self._ports.ssh, self._ports.fleet
        stats = looked.output.stats
        limit = most_deletes(stats, None if self._wish.allow_delete else fleet.sync.max_delete)

        def arrived(done_bytes: int) -> None:
            self._show("copying", done_bytes, stats.to_copy_bytes)

        arrived(0)
        filled = await rsync.fill(ssh, self._pull, self._run, looked, limit, arrived)
        if isinstance(filled, Trouble):
            return with_trouble(result, filled)
        return replace(result, sent_bytes=result.sent_bytes + filled.output.stats.sent_bytes)

    async def _put_in_place(self, result: SyncResult, *, files: bool) -> SyncResult:
        """Exchange databases and files for what is there, if nobody has served or claimed the mirror meanwhile.

        files: whether any differ. Databases go first: they have more that can go wrong, and can be exchanged back.
        """
        ports, now = self._ports, self._ports.clock.now()
        trouble = await self._why_not_now()
        if trouble is not None:
            await self._databases.give_up()
            return with_trouble(result, trouble)
        self._show("putting in place")
        copies = await self._databases.put_in_place(now)
        if isinstance(copies, Trouble):
            return with_trouble(result, copies)
        if files:
            keep = ports.fleet.sync.keep_replaced
            trouble = await rsync.put_in_place(ports.ssh, self._pull, self._run, now, keep)
        if trouble is not None:
            return with_trouble(result, not_exchanged(trouble, await self._databases.take_back(now)))
        return replace(result, databases=copies, changed=files or bool(copies))

    def _why_not_apply(self, looked: rsync.Looked) -> Trouble | None:
        max_delete = None if self._wish.allow_delete else self._ports.fleet.sync.max_delete
        return why_not_apply(looked.output.stats, max_delete=max_delete, free_bytes=looked.output.free_bytes)

    async def _newer(self, looked: rsync.Looked) -> tuple[Change, ...]:
        """Return the files that differ and are newer on the mirror: those that rsync then leaves out (`--update`)."""
        older = await rsync.look(self._ports.ssh, self._pull, but_newer=True)
        if isinstance(older, Trouble):
            return ()
        left = {change.path for change in older.output.changes}
        differing = [change for change in looked.output.changes if change.kind is Kind.CHANGED]
        return tuple(change for change in differing if change.path not in left)[:SHOWN_CHANGES]

    async def _why_not_now(self) -> Trouble | None:
        """Return why what was copied must not be put in place any more, or None: copying may have taken hours."""
        site, mirror = self._pull.site, self._pull.mirror.name
        in_the_way = await self._claim.take()
        if in_the_way:
            return held_by(in_the_way[0])
        direction = (await serving_known(self._ports)).direction(
            site, chosen=mirror if self._blank.quarantined else None
        )
        if direction.source != self._pull.source.name or mirror not in direction.mirrors:
            why = direction.why or direction.left_out.get(mirror) or f"it is served from {direction.source} now"
            return Trouble("direction", f"{why}, since it was begun", "Nothing was put in place.", refused=True)
        return None

    async def _end(self, outcome: str, body: dict[str, object]) -> None:
        await self._ports.store.copies.end_sync(self._run, outcome, body, self._ports.clock.now(), self._wish.who)

    def _show(self, doing: Doing, done_bytes: int = 0, total_bytes: int | None = None) -> None:
        self._on_progress(SyncProgress(self._blank.site, self._blank.mirror, doing, done_bytes, total_bytes))


def _found(blank: SyncResult, looked: rsync.Looked) -> SyncResult:
    output = looked.output
    if not output.serious:
        return replace(blank, sent_bytes=output.stats.sent_bytes)
    return replace(
        blank,
        changed=True,
        files=output.changed_files,
        deleted=output.stats.deleted,
        copied_bytes=output.stats.to_copy_bytes,
        sent_bytes=output.stats.sent_bytes,
        note=looked.note,
    )


def _way_on(site: str, *, quarantined: bool) -> str:
    if not quarantined:
        return "`sites` says what is served from where."
    return (
        f"`failback {site}` shows what differs and lets you choose. To let the served copy win, and have the other "
        f"side's files kept aside: `sync {site} --take-active`."
    )

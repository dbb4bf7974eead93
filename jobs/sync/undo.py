"""Putting back what a run has replaced or deleted: on record before it starts, with the site held while it works."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import RefusedError, SharpnetError
from core.failure import Failure, FailureCode
from core.fleet.target import Target
from core.sync.undo import ReplacedSize, UndoableRun, UndoResult, newest_first
from core.wording import clock_time, listing, shown_path
from jobs.sync.serving import serving_now
from ops.cron import next_at
from ops.gather.holding import holding
from ops.or_failure import or_failure
from ops.rsync import replaced
from ops.rsync.locate import located
from ops.rsync.mirror import run_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.fleet import Site
    from ops.ports import Ports

MOST_LISTED = 10
NAMED_PATHS = 100


@dataclass(frozen=True, slots=True)
class UndoContext:
    """What a run was about, and how its server stands to the site now.

    served: the site is served from there, or nobody knows whether it is. next_at: when the next sync makes that copy
    like the served one again; None: none is due.
    """

    run: UndoableRun
    site: Site
    served: bool
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class UndoableRuns:
    """What is kept of a site's runs, the newest first, and the servers that could not be asked, with the reason."""

    runs: tuple[tuple[ReplacedSize, UndoableRun], ...]
    silent: tuple[tuple[str, str], ...]


async def undo_context(ports: Ports, run: str, who: str) -> UndoContext:
    """Return what `run` was about. Raises RefusedError, with the runs there are, where it cannot be undone."""
    fleet, now = ports.fleet, ports.clock.now()
    found = await ports.store.undos.run(run)
    if found is None:
        newest = await ports.store.undos.since(now - fleet.sync.keep_replaced, MOST_LISTED)
        there = listing([f"{one.id} ({one.site} on {one.server})" for one in newest], MOST_LISTED)
        raise RefusedError(
            f"There is no run {run!r}.",
            hint=f"The newest ones: {there}. `sync SITE --runs` lists those of a site."
            if newest
            else f"Nothing was replaced or deleted in the last {fleet.sync.keep_replaced.days} days.",
        )
    site = fleet.sites.get(found.site)
    if site is None or found.server not in site.servers:
        raise RefusedError(
            f"{found.site} is not kept on {found.server} any more.",
            hint="app.yaml says where sites are kept; what the run replaced may still lie in .sharpnet there.",
        )
    serving = await serving_now(ports, [site], who)
    if serving.is_quarantined(site.name, found.server):
        raise RefusedError(
            f"The copy of {site.name} on {found.server} is quarantined: nobody touches it until someone has chosen.",
            hint=f"`failback {shlex.quote(site.name)}` shows what differs, and lets you choose.",
        )
    served = serving.may_serve(site, found.server)
    cron = {"daily": fleet.schedule.sync, "off": None}.get(site.sync, site.sync)
    return UndoContext(found, site, served, None if served else next_at(cron, fleet.timezone, now))


async def replaced_by_run(ports: Ports, context: UndoContext, paths: Sequence[bytes]) -> replaced.ReplacedListing:
    """Return what is kept of a run: all, or what `paths` name. Raises RefusedError where nothing is, saying what is."""
    server = ports.fleet.servers[context.run.server]
    for path in paths:
        found = await replaced.replaced_files(ports.ssh, context.site, server, context.run.id, [path])
        if isinstance(found, replaced.ReplacedListing) and not found.count:
            raise RefusedError(
                f"{context.run.id} keeps nothing called {shown_path(path)!r}.",
                hint=f"`sync --undo {context.run.id}` is for {context.site.name} already."
                if path.decode("utf-8", "replace") in context.site.names
                else f"`sync --undo {context.run.id} --dry-run` lists what it keeps.",
            )
    found = await replaced.replaced_files(ports.ssh, context.site, server, context.run.id, paths)
    if isinstance(found, replaced.ReplacedListing) and found.count:
        return found
    if isinstance(found, Failure) and found.code != FailureCode.NOT_KEPT:
        raise SharpnetError(f"{found.message}.", hint=found.hint)
    kept = await undoable_runs(ports, context.site, [context.run.server])
    zone = ports.fleet.timezone
    there = [f"{run.id} ({clock_time(run.begun_at, zone)}, {one.words})" for one, run in kept.runs]
    raise RefusedError(
        f"Nothing of {context.run.id} is kept on {context.run.server} any more.",
        hint=f"There is: {listing(there, MOST_LISTED)}." if there else f"Nothing of {context.site.name} is kept there.",
    )


async def undoable_runs(ports: Ports, site: Site, servers: Sequence[str]) -> UndoableRuns:
    """Return the runs of which something is kept on `servers`."""
    there: list[tuple[str, ReplacedSize]] = []
    silent: list[tuple[str, str]] = []
    for server in servers:
        found = await or_failure(replaced.replaced_runs(ports.ssh, site, ports.fleet.servers[server]))
        if isinstance(found, Failure):
            silent.append((server, found.message))
        else:
            there += [(server, one) for one in found]
    # A site that is copied every few minutes has a hundred thousand runs a year; servers keep those of some days.
    known = await ports.store.undos.of_site(site.name, [one.run for _, one in there])
    kept = [one for server, one in there if one.run in known and known[one.run].server == server]
    return UndoableRuns(newest_first(kept, known), tuple(silent))


async def undo(ports: Ports, context: UndoContext, paths: Sequence[bytes], who: str) -> tuple[str, UndoResult]:
    """Put back what `context`'s run replaced or deleted; return the run that this is, and how it ended.

    What is there now is kept as that run, which can be undone in turn. Raises RefusedError where somebody else works on
    the site; UnreachableError, when some of it may have been put back; StoreError.
    """
    run, now = context.run, ports.clock.now()
    own = run_id(now)
    shown = [shown_path(path) for path in paths]
    body: dict[str, object] = {"run": own, "undoes": run.id, "server": run.server, "paths": shown[:NAMED_PATHS]}
    async with holding(ports, str(Target.site(context.site.name)), own, f"an undo on {run.server}"):
        await ports.store.record.add(now, "undo.begun", run.site, who, body)
        outcome, more = "interrupted", dict[str, object](why="it was given up; ask again to go on")
        try:
            server = ports.fleet.servers[run.server]
            site = await located(ports.ssh, ports.fleet, context.site, (server,))
            done = (
                UndoResult(trouble=site)
                if isinstance(site, Failure)
                else await replaced.put_back(ports.ssh, site, server, run.id, own, paths)
            )
            outcome = done.outcome
            more = {"files": done.files, "same": done.same, "left": done.left}
            if done.trouble is not None:
                more |= {"code": str(done.trouble.code), "why": done.trouble.message}
        except SharpnetError as error:
            outcome, more = "failed", {"code": error.code, "why": error.message}
            raise
        finally:
            await ports.store.record.add(ports.clock.now(), f"undo.{outcome}", run.site, who, {**body, **more})
    return own, done

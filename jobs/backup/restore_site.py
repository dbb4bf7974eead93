"""One site brought back from its backup: found, restored beside what is there, and put in its place by one exchange."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from core.backup.origin import Origin, newest_of
from core.cutover.steps import Outcome
from core.errors import RefusedError, SharpnetError, StoreError, UnreachableError
from core.failure import Failure, FailureCode
from core.plan.restore import Restore, differences
from core.wording import clock_time, listing
from jobs.backup.listing import list_backups
from jobs.backup.lock import offsite_of
from jobs.backup.place import root_of
from jobs.sync.serving import serving_now
from ops.or_failure import or_failure
from ops.rsync.mirror import MirrorCopy, publish
from ops.rsync.turn import take_turn, turn_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from core.backup.origin import Backup
    from core.fleet import Fleet, Site
    from ops.contracts import Restic, SiteLocation
    from ops.ports import Ports
    from ops.work_folder import Turn

Found = TypeVar("Found")
# What is there is as it was as long as this is what is done.
RESTORING = "restoring"
SWAP_TRIES = 5
SWAP_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class RestoreOutcome:
    """How a restore ended. REFUSED: what is there is as it was; UNKNOWN: it may or may not have happened."""

    outcome: Outcome
    why: str = ""
    hint: str = ""


async def what_to_restore(ports: Ports, site: Site, server: str, at: datetime | None, who: str) -> Restore:
    """Return what bringing `site` back to `server` would do, from its newest backup not after `at` (None: of all).

    Raises RefusedError where there is no such backup or the server holds no copy of the site, and what asking raises.
    """
    if server not in site.servers:
        raise RefusedError(
            f"{server} is neither the home nor a mirror of {site.name}.",
            hint="Give it as one of the site's mirrors in app.yaml first.",
        )
    backup = newest_of(await list_backups(ports, site), site.name, at)
    if backup is None:
        not_after = f" from before {clock_time(at, ports.fleet.timezone)}" if at is not None else ""
        raise RefusedError(
            f"There is no backup of {site.name}{not_after}.", hint="`backup list` shows those that there are."
        )
    return await _look(ports, site, server, backup, who)


async def restore_differences(ports: Ports, fleet: Fleet, shown: Restore) -> tuple[str, ...]:
    """Say what is no longer as a restore was shown; somebody who cannot be asked is such a difference."""
    site = fleet.sites.get(shown.site)
    if site is None or shown.server not in site.servers or fleet.offsite != ports.fleet.offsite:
        return ("the fleet file says something else about the site or the off-site host",)
    try:
        backups = await list_backups(ports, site)
        backup = next((one for one in backups if _is_shown(one, shown)), None)
        now = await _look(ports, site, shown.server, backup, "bot:approve") if backup is not None else None
    except StoreError:
        raise
    except SharpnetError as error:
        return (error.message.rstrip("."),)
    return differences(shown, now)


async def carry_out_restore(
    ports: Ports, restore: Restore, run: str, show: Callable[[str], None], *, begun_before: bool = False
) -> RestoreOutcome:
    """Restore a site as `restore` says. run: its name, under which what it replaces is kept; the same after a crash.

    begun_before: another process has begun it, and may have done it. Whoever calls holds the claim on the site.
    Raises NotInFleetError where the fleet file has the site or the server no longer.
    """
    restic = offsite_of(ports)
    show(RESTORING)
    begun = await or_failure(_begin(ports, ports.fleet.site(restore.site), restore.server, run))
    if isinstance(begun, Failure):
        return RestoreOutcome(Outcome.REFUSED, begun.message, begun.hint)
    place, turn = begun
    trouble = await or_failure(restic.restore(place, restore, run, turn))
    if trouble is not None:
        return RestoreOutcome(Outcome.REFUSED, trouble.message, trouble.hint)
    loaded, trouble = await _load(ports, restic, place, restore, run, turn, show)
    if trouble is None:
        show("putting in place")
        exchanged = await _exchange(ports, place, run, turn, begun_before=begun_before)
    else:
        with contextlib.suppress(SharpnetError):
            await restic.give_up(place, turn)
        exchanged = RestoreOutcome(Outcome.REFUSED, trouble.message, trouble.hint)
    if exchanged.outcome == Outcome.REFUSED and loaded:
        why = f"{exchanged.why}; the files are as they were, but restored are already: {listing(loaded)}"
        return RestoreOutcome(Outcome.UNKNOWN, why, exchanged.hint)
    return exchanged


async def _begin(ports: Ports, site: Site, server: str, run: str) -> tuple[SiteLocation, Turn] | Failure:
    """Take a turn there, and return it with where things are, or what stands in the way."""
    found = await root_of(ports, site, server)
    if isinstance(found, Failure):
        return found
    # It makes the folder around the root where there is none.
    turn = await take_turn(ports.ssh, _copy_at(ports, found), run, make=True)
    if isinstance(turn, Failure):
        return turn
    place = await offsite_of(ports).settled(found)
    return place if isinstance(place, Failure) else (place, turn)


async def _load(
    ports: Ports,
    restic: Restic,
    place: SiteLocation,
    restore: Restore,
    run: str,
    turn: Turn,
    show: Callable[[str], None],
) -> tuple[tuple[str, ...], Failure | None]:
    """Put each database in place of what is there; return which ones were, and what ended it."""
    wanted = [database for database in place.site.databases if database.name in restore.databases]
    like = restore.taken_on if restore.taken_on in place.site.servers else place.server
    loaded: list[str] = []
    ask = partial(turn_now, ports.ssh, _copy_at(ports, place), turn)
    for database in wanted:
        show(f"loading {database.name}")
        path = restic.restored_dump(place, restore, database)
        loading = ports.databases.restore(database, place.server, path, like, run, ports.clock.now(), ask)
        copy = await or_failure(loading)
        if isinstance(copy, Failure):
            return tuple(loaded), copy
        loaded.append(database.name)
    return tuple(loaded), None


async def _exchange(ports: Ports, place: SiteLocation, run: str, turn: Turn, *, begun_before: bool) -> RestoreOutcome:
    """Put the restored files in place; where the answer was lost, find out."""
    mirror_copy, keep = _copy_at(ports, place), ports.fleet.sync.keep_replaced
    maybe_done = begun_before
    lost = ""
    for attempt in range(SWAP_TRIES):
        if attempt:
            await ports.clock.sleep(SWAP_PAUSE_S)
        try:
            now = await turn_now(ports.ssh, mirror_copy, turn)
            if isinstance(now, Failure):
                trouble: Failure | None = now
            else:
                trouble = await publish(ports.ssh, mirror_copy, run, now, ports.clock.now(), keep)
        except UnreachableError as error:
            # What was asked for may go on there.
            maybe_done, lost = True, error.message
            continue
        except SharpnetError as error:
            trouble = Failure.of(error)
        if trouble is None or (maybe_done and trouble.code == FailureCode.NOT_READY):
            return RestoreOutcome(Outcome.DONE)
        if maybe_done and trouble.code == FailureCode.OVERTAKEN:
            return RestoreOutcome(Outcome.UNKNOWN, trouble.message, "Look at the root there, and at what runs on it.")
        return RestoreOutcome(Outcome.REFUSED, trouble.message, trouble.hint)
    return RestoreOutcome(
        Outcome.UNKNOWN, lost, "Look at the root there: it is whole, the old content or the restored one."
    )


def _copy_at(ports: Ports, place: SiteLocation) -> MirrorCopy:
    """Return where the site's root and work folder are there: nothing is copied from another server."""
    server = ports.fleet.server(place.server)
    return MirrorCopy(place.site, server, server)


def _is_shown(backup: Backup, shown: Restore) -> bool:
    return backup.origin is not Origin.FOREIGN and backup.snapshot.full_id == shown.full_id


async def _look(ports: Ports, site: Site, server: str, backup: Backup, who: str) -> Restore:
    serving = await serving_now(ports, [site], who)
    place = _answered(await root_of(ports, site, server))
    there = _answered(await offsite_of(ports).root_state(place))
    databases = site.databases if backup.paths.dumps else ()
    present = []
    for database in databases:
        found = _answered(await ports.databases.look_only(database, server))
        _answered(await ports.databases.why_not_load(database, server, found))
        if found.exists:
            present.append(database.name)
    return Restore(
        site=site.name,
        server=server,
        snapshot=backup.snapshot.id,
        taken_at=backup.saved_at,
        taken_on=backup.snapshot.server,
        root=backup.paths.root,
        dumps=backup.paths.dumps,
        there=there,
        databases=tuple(database.name for database in databases),
        databases_there=tuple(present),
        served=serving.may_serve(site, server),
        quarantined=serving.is_quarantined(site.name, server),
        full_id=backup.snapshot.full_id,
        recorded=backup.origin is Origin.RECORDED,
        repository=backup.snapshot.repository,
    )


def _answered(found: Found | Failure) -> Found:
    """Return what was found. Raises RefusedError where it is a reason why not."""
    if isinstance(found, Failure):
        raise RefusedError(f"{found.message}.", hint=found.hint)
    return found

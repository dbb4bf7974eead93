"""A restore that somebody asks for: done at once where it replaces nothing, and a plan to approve where it does."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from core.cutover import Outcome
from core.errors import RefusedError
from core.restore_card import done_reply, dry_run_reply
from jobs.backup.bringing_back import bring_back, what_to_restore
from jobs.backup.holding import holding
from jobs.cutover.prepare import prepare_restore, reply_now
from ops.rsync import run_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from core.fleet import Site
    from core.people import Person
    from core.reply import Reply
    from core.restoring import Restore
    from ops.ports import Ports


async def restore_site(
    ports: Ports,
    site: Site,
    server: str,
    at: datetime | None,
    person: Person,
    *,
    dry_run: bool,
    line: str,
    show: Callable[[str], None],
) -> Reply:
    """Bring `site` back to `server` from its newest backup not after `at`. line: what was typed for it.

    Raises RefusedError where there is no such backup, or it could not be restored; then nothing has changed.
    """
    restore = await what_to_restore(ports, site, server, at, person.label)
    if dry_run:
        return dry_run_reply(restore, ports.fleet, ports.clock.now())
    if restore.replaces_something:
        return reply_now(ports, await prepare_restore(ports, restore, person, line))
    return await _at_once(ports, restore, person.label, show)


async def _at_once(ports: Ports, restore: Restore, who: str, show: Callable[[str], None]) -> Reply:
    began_s, now = ports.clock.monotonic(), ports.clock.now()
    run = run_id(now, secrets.token_hex(4))
    record = ports.store.record
    body = {"server": restore.server, "snapshot": restore.snapshot, "run": run}
    async with holding(ports, f"site:{restore.site}", run, "a restore"):
        await record.add(now, "restore.begun", restore.site, who, body)
        brought = await bring_back(ports, restore, run, show)
        ended = {Outcome.DONE: "restore.good", Outcome.UNKNOWN: "restore.unknown"}.get(
            brought.outcome, "restore.failed"
        )
        said = {"why": brought.why} if brought.why else {}
        await record.add(ports.clock.now(), ended, restore.site, who, {**body, **said})
    if brought.outcome == Outcome.DONE:
        return done_reply(restore, ports.clock.monotonic() - began_s, ports.clock.now())
    state = "it is not certain whether it was" if brought.outcome == Outcome.UNKNOWN else "it was not"
    raise RefusedError(f"{restore.site} on {restore.server}: {state} restored: {brought.why}.", hint=brought.hint)

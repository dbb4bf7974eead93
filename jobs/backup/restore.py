"""A restore that somebody asks for: done at once where it replaces nothing, and a plan to approve where it does."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from core.cutover.card_restore import done_reply, dry_run_reply
from core.cutover.steps import Outcome
from core.errors import RefusedError
from core.fleet.target import Target
from jobs.backup.lock import holding
from jobs.backup.restore_site import bring_back, what_to_restore
from jobs.plans.prepare import prepare_restore, reply_now
from ops.rsync.mirror import run_id
from ops.store.copies.backups import RESTORE, BackupRun

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from core.fleet import Site
    from core.people import Person
    from core.plan.restore import Restore
    from core.reply import Reply
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
    name = run_id(now, secrets.token_hex(4))
    run = BackupRun(name, RESTORE, restore.site, restore.server, now, body={"owner": name})
    async with holding(ports, str(Target.site(restore.site)), name, "a restore"):
        await ports.store.backups.begin(run, who)
        brought = await bring_back(ports, restore, name, show)
        outcome = {Outcome.DONE: "restored", Outcome.UNKNOWN: "unknown"}.get(brought.outcome, "failed")
        said = {"server": restore.server, "why": brought.why}
        await ports.store.backups.end(run, outcome, restore.snapshot, said, ports.clock.now(), who)
    if brought.outcome == Outcome.DONE:
        return done_reply(restore, ports.clock.monotonic() - began_s, ports.clock.now())
    state = "it is not certain whether it was" if brought.outcome == Outcome.UNKNOWN else "it was not"
    raise RefusedError(f"{restore.site} on {restore.server}: {state} restored: {brought.why}.", hint=brought.hint)

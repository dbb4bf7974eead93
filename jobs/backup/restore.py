"""A restore that replaces nothing, and so needs no plan: done at once, on record and under the site's claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.cutover.card_restore import done_reply
from core.cutover.steps import Outcome
from core.errors import RefusedError
from core.fleet.target import Target
from jobs.backup.restore_site import carry_out_restore, restore_differences
from ops.gather.holding import holding
from ops.rsync.mirror import run_id
from ops.store.copies.backups import RESTORE, BackupRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.plan.restore import Restore
    from core.reply import Reply
    from ops.ports import Ports


async def restore_at_once(ports: Ports, restore: Restore, who: str, show: Callable[[str], None]) -> Reply:
    """Bring the site back as `restore` says. Raises RefusedError where it was not, or nobody knows whether it was."""
    began_s, now = ports.clock.monotonic(), ports.clock.now()
    name = run_id(now)
    run = BackupRun(name, RESTORE, restore.site, restore.server, now, body={"owner": name})
    async with holding(ports, str(Target.site(restore.site)), name, "a restore"):
        # It was looked at before the site was claimed: what has come there since is not replaced without an approval.
        changed = await restore_differences(ports, ports.fleet, restore)
        if changed:
            raise RefusedError(f"Nothing was restored: {'; '.join(changed)}.", hint="Ask for it again.")
        await ports.store.backups.begin(run, who)
        ended = await carry_out_restore(ports, restore, name, show)
        outcome = {Outcome.DONE: "restored", Outcome.UNKNOWN: "unknown"}.get(ended.outcome, "failed")
        said = {"server": restore.server, "why": ended.why}
        await ports.store.backups.end(run, outcome, restore.snapshot, said, ports.clock.now(), who)
    if ended.outcome == Outcome.DONE:
        return done_reply(restore, ports.clock.monotonic() - began_s, ports.clock.now())
    state = "it is not certain whether it was" if ended.outcome == Outcome.UNKNOWN else "it was not"
    raise RefusedError(f"{restore.site} on {restore.server}: {state} restored: {ended.why}.", hint=ended.hint)

"""Running a site's hooks: one after the other, each on its server under its time, each on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import SharpnetError, UnreachableError
from core.failure import Failure
from core.fleet.hook_runs import HookRun, HookTrouble, Moment, hook_runs, last_line
from ops.rsync.catch_up import clock_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.fleet import Site
    from ops.ports import Ports

BY_BOT = "bot:hooks"
# Whoever fell asleep between asking whether the work is still his and sending the hook must not freeze a site that
# another has thawed since: shorter than what is left of a run's lease that is kept (`ops.durable.engine`).
BEGIN_WITHIN_S = 8
IN_TIME = '[ "$(date +%%s)" -le %d ] || { echo "it came too late, and did not run" >&2; exit 75; }; '
# A hook may write without end; only the end of it comes here. Its exit status goes another way than what it writes.
SHORT = (
    "exec 3>&1; status=$({ { %s 3>&- 4>&-; echo $? >&4; } 2>&1 </dev/null | tail -c 4000 >&3; } 4>&1); "
    'exit "${status:-1}"'
)


async def run_hooks(
    ports: Ports, site: Site, moment: Moment, source: str, target: str, who: str = BY_BOT
) -> HookTrouble | None:
    """Run the hooks that `site` has at `moment` as app.yaml has them; stop at the first that fails and return why.

    Raises StoreError: what cannot be put on record is not run.
    """
    return await run_these(ports, hook_runs(site, moment, source, target), who)


async def run_these(ports: Ports, hooks: Iterable[HookRun], who: str = BY_BOT) -> HookTrouble | None:
    """Run `hooks` in order; stop at the first that fails and return why."""
    for hook in hooks:
        trouble = await _run(ports, hook, who)
        if trouble is not None:
            return trouble
    return None


async def _run(ports: Ports, hook: HookRun, who: str) -> HookTrouble | None:
    """Run one hook. Of what it writes only its last line is kept: the rest may hold anything."""
    body = {"moment": hook.moment, "server": hook.server, "run": hook.run}
    await ports.store.record.add(ports.clock.now(), "hook.begun", hook.site, who, body)
    ended: dict[str, object] = {}
    try:
        ran = await ports.ssh.run(hook.server, await _in_time(ports, hook), timeout_s=hook.timeout_s)
    except SharpnetError as error:
        why = error.message.rstrip(".")
    else:
        said = last_line(ran.out, ran.err)
        ended = {"status": ran.exit_code, "said": said}
        why = "" if ran.exit_code == 0 else f"status {ran.exit_code}" + (f": {said}" if said else "")
    kind = "hook.failed" if why else "hook.ran"
    ended |= {"why": why} if why and not ended else {}
    await ports.store.record.add(ports.clock.now(), kind, hook.site, who, {**body, **ended})
    return HookTrouble(hook, why) if why else None


async def _in_time(ports: Ports, hook: HookRun) -> str:
    """Return the shell line that runs a hook, unless it comes too late. Raises what asking for the time raises."""
    now_s = await clock_of(ports.ssh, hook.server)
    if isinstance(now_s, Failure):
        raise UnreachableError(f"{now_s.message}.", hint=now_s.hint)
    return IN_TIME % (int(now_s) + BEGIN_WITHIN_S) + SHORT % hook.shell_line

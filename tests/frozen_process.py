"""A process that types one line and is frozen (SIGSTOP) before its Nth touch of the world; when it is woken it goes on.

Arguments: fleet file, store, the line, N, and with what the touches begin that count (several with commas between).
Each write to the store is one ("store"), whatever writes it, but for what renews a claim or a lease ("renewal"): those
come when they come, and no two processes would have the same Nth touch by them; with "renewal" alone they come at once.
Each DNS update is one ("dns", before it asks whether it may, and again between that and the sending); and each command
on a server ("ssh", before it asks; and between that and the sending "asked already, ssh", or "asked already, hook"). It
writes "frozen" and what the touch was before it stops; a process that has fewer touches ends without.

Two more may follow: "killed", and it dies there (SIGKILL) instead; and a file that says by how many seconds its clock
is off, read whenever it asks for the time. Then, for how many seconds it holds what it works on: by default for less
than a command that it had sent may be on its way, so that tests need not wait.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer, split_line
from core.errors import SharpnetError
from core.people import Person, Role
from ops.clock import SystemClock
from ops.durable import claimed, engine
from ops.gather import hooks
from ops.rsync import turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BOSS = Person("boss", "terminal", frozenset(Role))
RENEWAL = "renewal"
RENEWING: ContextVar[bool] = ContextVar("RENEWING", default=False)
FATES = {"frozen": signal.SIGSTOP, "killed": signal.SIGKILL}


class Freezing:
    """Counts touches, and stops the process before the one it was told."""

    def __init__(self, db: Any, at: int, counts: str, fate: str) -> None:  # noqa: ANN401 - the store's own thread is nobody else's business
        self._db = db
        self._at = at
        self._counts = tuple(counts.split(","))
        self._fate = fate
        self._touches = 0

    def wrap(self, what: str, touch: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def touched(*args: object, **kwargs: object) -> object:
            is_hook = any(isinstance(one, str) and "env SITE=" in one for one in args)
            name = what.replace("already, ssh", "already, hook") if is_hook else what
            this = RENEWAL if RENEWING.get() else name
            self._touches += this.startswith(self._counts)
            if this.startswith(self._counts) and self._touches == self._at:
                # In the store's thread: no transaction is open then, which would keep everybody else out.
                await asyncio.get_running_loop().run_in_executor(self._db._thread, self._stop, this)
            return await touch(*args, **kwargs)

        return touched

    def _stop(self, what: str) -> None:
        sys.stdout.write(f"{self._fate} {what}\n")
        sys.stdout.flush()
        os.kill(os.getpid(), FATES[self._fate])
        # Another thread may take the signal: this one begins nothing until all of them stand still.
        time.sleep(0.2)


def renewing(keep: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Mark what the task that keeps a claim or a lease writes."""

    async def kept(*args: object) -> None:
        RENEWING.set(True)
        await keep(*args)

    return kept


def clock_that_is_off(by: Path) -> None:
    """Have this process take it for earlier or later than it is; what has passed since boot stays as it is."""
    right = time.time

    def off() -> float:
        return right() + float(by.read_text())

    time.time = off
    SystemClock.now = lambda _self: datetime.fromtimestamp(off(), UTC)  # type: ignore[method-assign]


async def main(
    config: str,
    store: str,
    line: str,
    at: str,
    counts: str,
    fate: str = "frozen",
    clock: str = "",
    lease_s: str = "0.5",
) -> None:
    # Another one takes the work up when the lease has passed: no need to wait so long here.
    lease = timedelta(seconds=float(lease_s))
    often_s = 0.02 if counts == RENEWAL else 0.2
    engine.LEASE, engine.RENEW_S = lease, often_s
    claimed.LEASE, claimed.RENEW_S = timedelta(seconds=1), 2 * often_s
    engine.StoreEngine._renew = renewing(engine.StoreEngine._renew)  # type: ignore[method-assign]
    claimed._keep = renewing(claimed._keep)
    if clock:
        clock_that_is_off(Path(clock))
    async with open_ports(Settings(Path(config), Path(store))) as ports:
        db, dns, ssh = cast("Any", ports.store)._db, cast("Any", ports.dns), cast("Any", ports.ssh)
        freezing = Freezing(db, int(at), counts, fate)
        db.write = freezing.wrap("store", db.write)
        dns._dns.update = freezing.wrap("dns, asked already", dns._dns.update)
        dns.update = freezing.wrap("dns.update", dns.update)
        claimed.LEASE, claimed.RENEW_S = lease, often_s
        turn.SEND_WITHIN_S = hooks.BEGIN_WITHIN_S = max(3, int(lease.total_seconds()) - 1)
        ssh._ssh.run = freezing.wrap("asked already, ssh", ssh._ssh.run)
        for name in ("run", "stream", "with_offsite", "from_here", "put"):
            setattr(ssh, name, freezing.wrap(f"ssh.{name}", getattr(ssh, name)))
        try:
            reply = await answer(split_line(line), BOSS, "terminal", ports, follow=True)
        except SharpnetError as error:
            sys.stdout.write(f"{type(error).__name__} {error.message}\n")
        else:
            sys.stdout.write(f"{reply.exit_code} {reply.title}\n")


asyncio.run(main(*sys.argv[1:]))

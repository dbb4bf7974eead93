"""One user's mail made alike on two servers: claimed, known to run before it does, and never twice at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import OvertakenError, RefusedError
from core.failure import Failure, FailureCode
from core.mailboxes.dsync import (
    alone_failure,
    apart_failure,
    are_alike,
    changed_failure,
    created_apart,
    kept_state,
    made_one_by_itself,
    mark_of,
    state_for,
)
from core.mailboxes.result import MailboxEnd, MailboxResult
from ops.gather.holding import holding
from ops.mailboxes.dovecot import adopt_identity, mailboxes_on, sync_mailboxes
from ops.or_failure import or_failure
from ops.rsync.mirror import run_id

if TYPE_CHECKING:
    from core.mailboxes.dsync import Mailboxes
    from core.mailboxes.pairs import MailboxPair
    from ops.ports import Ports


@dataclass(frozen=True, slots=True)
class MirrorRequest:
    """Who wants mailboxes alike. asked: a person does, so that each run is on record; else the clock."""

    who: str
    asked: bool = True


async def make_alike(ports: Ports, pair: MailboxPair, request: MirrorRequest, *, alone: bool = False) -> MailboxResult:
    """Make one user's mail alike on both servers, and return how that ended; what goes wrong is in the result.

    alone: only the first of them has such a user. Raises StoreError: what cannot be kept is not done.
    """
    began_s = ports.clock.monotonic()
    try:
        async with holding(ports, f"mailbox:{pair.login}", run_id(ports.clock.now()), "a run on a mailbox"):
            before = await ports.store.mailboxes.begin(pair, ports.clock.now(), request.who, asked=request.asked)
            found = await _found(ports, pair, before, alone=alone)
            now, end = ports.clock.now(), MailboxEnd.of(found)
            await ports.store.mailboxes.end(pair, end, now, request.who, asked=request.asked)
            trouble = found if isinstance(found, Failure) else None
    except RefusedError as error:
        trouble = Failure(FailureCode.HELD, error.message.rstrip("."), error.hint, refused=True)
    except OvertakenError as error:
        trouble = Failure.of(error)
    return MailboxResult(pair, trouble, ports.clock.monotonic() - began_s)


async def _found(ports: Ports, pair: MailboxPair, before: str, *, alone: bool) -> str | Failure:
    if alone:
        return alone_failure(pair.login, pair.server, pair.other)
    return await or_failure(_brought_together(ports, pair, before))


async def _brought_together(ports: Ports, pair: MailboxPair, before: str) -> str | Failure:
    """Run dsync, on all of it where anything was changed, and see that it did what it says."""
    sides = await both_sides(ports, pair)
    if isinstance(sides, Failure):
        return sides
    for name, there_takes in made_one_by_itself(*sides):
        server, identity = (pair.other, sides[0][name]) if there_takes else (pair.server, sides[1][name])
        trouble = await adopt_identity(ports.ssh, ports.fleet.servers[server], pair.login, name, identity)
        if trouble is not None:
            return trouble
    asked = state_for(before, mark_of(*sides))
    found = await sync_mailboxes(ports.ssh, pair, ports.fleet.servers, asked)
    if asked and found == asked:
        return before
    if asked and isinstance(found, Failure) and found.code == FailureCode.MAIL_CHANGED:
        # What the state refers to may have left the logs of what changed; comparing everything settles that.
        found = await sync_mailboxes(ports.ssh, pair, ports.fleet.servers, "")
    if isinstance(found, Failure) and found.code != FailureCode.MAIL_CHANGED:
        return found
    return await _judged(ports, pair, found)


async def _judged(ports: Ports, pair: MailboxPair, found: str | Failure) -> str | Failure:
    sides = await both_sides(ports, pair)
    if isinstance(sides, Failure):
        return sides
    apart = created_apart(*sides)
    if apart:
        return apart_failure(pair, apart)
    if isinstance(found, Failure):
        return found
    return kept_state(mark_of(*sides), found) if are_alike(*sides) else changed_failure(pair.login)


async def both_sides(ports: Ports, pair: MailboxPair) -> tuple[Mailboxes, Mailboxes] | Failure:
    """Return a user's mailboxes on both servers of `pair`. Raises UnreachableError and what else `Ssh.run` does."""
    servers = ports.fleet.servers
    here = await mailboxes_on(ports.ssh, servers[pair.server], pair.login)
    if isinstance(here, Failure):
        return here
    there = await mailboxes_on(ports.ssh, servers[pair.other], pair.login)
    return there if isinstance(there, Failure) else (here, there)

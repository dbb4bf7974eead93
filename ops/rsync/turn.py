"""Turns on a mirror: a run that will put something in place takes one, and the mirror refuses whoever had one before.

A process can be frozen between asking whether its work is still its own and sending what it does, and a command can lie
somewhere on its way. Neither can be refused by a store; so the mirror keeps who has begun last, and each command that
puts anything in place says its turn and the latest moment, by the mirror's own clock, at which it may begin.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from core.failure import Failure, FailureCode
from core.sync.failures import attributes_refused
from ops.rsync.mirror import ATTRIBUTES, command_line, failure_on, options_of
from ops.work_folder import TAKE_TURN, Turn

if TYPE_CHECKING:
    from ops.contracts import Ran, Ssh
    from ops.rsync.mirror import MirrorCopy

TAKE_S = 60.0
CLOCK_S = 10.0
# Shorter than what is left of a claim that is kept (`ops.durable.claimed`): whoever takes it next comes after this.
SEND_WITHIN_S = 20
_NOW = re.compile(r"[0-9]{1,12}")


async def take_turn(
    ssh: Ssh, copy: MirrorCopy, run: str, *, make: bool = False, at_once: bool = False
) -> Turn | Failure:
    """Begin `run` on the mirror of `copy`: whatever has begun there before can put nothing in place any more.

    make: the folder around the root may be made. at_once: not even what still runs there is waited for.
    Raises UnreachableError, LoginRefusedError.
    """
    how = "make" if make else "at once" if at_once else ""
    ran = await ssh.run(copy.mirror.name, command_line(TAKE_TURN, copy, [run, how], []), timeout_s=TAKE_S)
    trouble = failure_on(ran, copy)
    if trouble is not None:
        return trouble
    name, _, now = ran.out.decode("utf-8", "replace").strip().rpartition("\n")
    if not _NOW.fullmatch(now):
        return _no_clock(copy)
    return Turn(copy.place, name, _latest(int(now)))


async def turn_now(ssh: Ssh, copy: MirrorCopy, turn: Turn) -> Turn | Failure:
    """Return `turn` until a little after now. Whoever holds a claim renews it after this and before it uses the turn.

    Then whoever takes that claim, takes it when the turn is over. Raises UnreachableError, LoginRefusedError.
    """
    ran = await ssh.run(copy.mirror.name, "date +%s", timeout_s=CLOCK_S)
    now = ran.out.decode("ascii", "replace").strip()
    return replace(turn, latest=_latest(int(now))) if _NOW.fullmatch(now) else _no_clock(copy)


async def run_in_turn(
    ssh: Ssh, copy: MirrorCopy, script: str, run: str, extra: list[str], *, timeout_s: float, stdin: bytes
) -> Ran | Failure:
    """Run a script that begins with `INTO_SERVED`, in a turn of its own, with as many attributes as both sides keep.

    extra: more options of rsync. Raises UnreachableError, LoginRefusedError: a part may have been done.
    """
    for preserved_attributes in ATTRIBUTES:
        turn = await take_turn(ssh, copy, run)
        if isinstance(turn, Failure):
            return turn
        own = [run, turn.name, str(turn.latest)]
        command = command_line(script, copy, own, [preserved_attributes, *extra, *options_of(copy)])
        ran = await ssh.run(copy.mirror.name, command, timeout_s=timeout_s, stdin=stdin)
        if not attributes_refused(ran.exit_code, ran.err):
            break
    return ran


def _latest(now_s: int) -> int:
    # Seconds are cut off: the one after the last would begin too late.
    return now_s + SEND_WITHIN_S - 1


def _no_clock(copy: MirrorCopy) -> Failure:
    return Failure(FailureCode.CLOCK, f"{copy.mirror.name} does not say what time it is", "GNU date should be there.")

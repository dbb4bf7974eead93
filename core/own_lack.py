"""Whose failure is it? What the bot's own machine may lack, and how people are told of it (law 14)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from core.reply import Reply, Text, Tone
from core.wording import clock_time, count

if TYPE_CHECKING:
    from datetime import datetime

DESCRIPTORS = "file descriptors"
MEMORY = "memory"
THREADS = "threads"
PORTS = "free ports"
DISK = "room on its disk"
NETWORK = "a network"
TIME = "processor time"
CONNECTING = "the right to open connections"
STARTING = "the right to start programs"
# errno(3), connect(2), ip(7), fork(2). What a router far away may have said is not here (EHOSTUNREACH). Of ENETUNREACH
# only the routes here tell whose it is, and of EPERM and EACCES only what the system allows where nothing is sent: a
# packet filter may mean one address.
_BY_ERRNO = {
    errno.EMFILE: DESCRIPTORS,
    errno.ENFILE: DESCRIPTORS,
    errno.ENOMEM: MEMORY,
    errno.ENOBUFS: MEMORY,
    errno.EAGAIN: "threads, processes or free ports",
    errno.EADDRNOTAVAIL: PORTS,
    errno.ENOSPC: DISK,
    errno.EDQUOT: DISK,
    errno.EROFS: DISK,
    errno.ENETDOWN: NETWORK,
    # No kernel and no unit without IPv6 says this of another machine (socket(2), systemd's RestrictAddressFamilies).
    errno.EAFNOSUPPORT: NETWORK,
}
# As CPython's threading says it.
_NO_THREAD = "can't start new thread"
_HINTS = {
    DESCRIPTORS: "Raise LimitNOFILE in the bot's unit (docs/handbook.md), and see what holds so many.",
    CONNECTING: "Look at SystemCallFilter and RestrictAddressFamilies in the bot's unit, and at SELinux or AppArmor.",
    STARTING: "Look at SystemCallFilter and NoExecPaths in the bot's unit, and at SELinux or AppArmor.",
    NETWORK: "Look at the interfaces and routes of the bot's machine.",
}


def lack_of(error: BaseException) -> str | None:
    """Return what this machine lacked when `error` was raised; None: it is about somebody else, or a mistake."""
    if isinstance(error, MemoryError):
        return MEMORY
    if isinstance(error, RuntimeError) and _NO_THREAD in str(error):
        return THREADS
    return _BY_ERRNO.get(error.errno or 0) if isinstance(error, OSError) else None


def hint_for(lack: str) -> str:
    """Return what to do about it."""
    return _HINTS.get(lack, "See what else runs on the bot's machine.")


def lacking_card(lacks: tuple[str, ...], unseen: int, since_at: datetime, timezone: str, now: datetime) -> Reply:
    """Say that this machine lacks something, so that looks came to nothing.

    unseen: how many targets could not be looked at.
    """
    since = clock_time(since_at, timezone, now)
    title = f"The bot's own machine lacks {' and '.join(lacks)} since {since}"
    seen = f"{count(unseen, 'target')} could not be looked at: unknown, not down. Nobody is alerted of them."
    return Reply(title, (Text(seen), *(Text(hint) for hint in dict.fromkeys(map(hint_for, lacks)))), tone=Tone.WARN)


def recovered_card(lacks: tuple[str, ...], since_at: datetime, timezone: str, now: datetime) -> Reply:
    """Say that it lacks nothing any more."""
    since = clock_time(since_at, timezone, now)
    title = f"The bot's own machine lacked {' and '.join(lacks)} from {since}; it looks at all again"
    return Reply(title, tone=Tone.GOOD)

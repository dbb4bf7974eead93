"""Tells a lack of this machine from somebody else's failure, in one place for everything that asks outside (law 14)."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

from core.errors import OwnLackError
from core.own_lack import CONNECTING, NETWORK, STARTING, TIME, hint_for, lack_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

# So much later than asked for a time-out comes only where this process did not run.
STOOD_STILL_S = 1.0
# discard(9): nothing is sent there.
ANY_PORT = 9
_FORBIDDEN = frozenset({errno.EPERM, errno.EACCES})


def own_lack(error: BaseException, address: str = "", *, starting: bool = False) -> OwnLackError | None:
    """Return what to raise in the place of `error` where this machine lacks something; None: it is not about us.

    address: whoever was being connected to; without a route to it, or the right to ask for one, nobody was asked.
    starting: a program of this machine was being started, which nobody else can forbid.
    """
    if isinstance(error, OwnLackError):
        return error
    lack = lack_of(error)
    if lack is None and isinstance(error, OSError):
        if error.errno == errno.ENETUNREACH and _why_no_route(address):
            lack = NETWORK
        elif error.errno in _FORBIDDEN and starting:
            lack = STARTING
        elif error.errno in _FORBIDDEN and _why_no_route(address) in _FORBIDDEN:
            lack = CONNECTING
    return None if lack is None else _lacking(lack, str(error))


@asynccontextmanager
async def within(timeout_s: float) -> AsyncGenerator[None]:
    """Give what is done `timeout_s`. Raises TimeoutError; OwnLackError where it was this process that stood still.

    An answer may have been there all the while: who stood still has not waited for it.
    """
    begun_s = time.monotonic()
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        late_s = time.monotonic() - begun_s - timeout_s
        if late_s >= STOOD_STILL_S:
            raise _lacking(TIME, f"it stood still for {late_s:.3g} s") from error
        raise


def _why_no_route(address: str) -> int:
    """Return with which errno the system knows no way to `address`, 0: it knows one; nothing is sent (connect(2))."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with closing(socket.socket(family, socket.SOCK_DGRAM)) as asking:
            asking.connect((address, ANY_PORT))
    except OSError as error:
        return error.errno or -1
    return 0


def _lacking(lack: str, said: str) -> OwnLackError:
    said = f"The bot's own machine lacks {lack} ({said}): nothing was observed."
    return OwnLackError(said, hint=hint_for(lack), lack=lack)

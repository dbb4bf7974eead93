"""A process of its own that is frozen before one touch of the world, for others to overtake, and woken."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FROZEN_PROCESS = Path(__file__).with_name("frozen_process.py")
MOST_TOUCHES = 120
# Each touch once: what lies between asking whether it may be and doing it is tested for copies alone.
BEFORE_ASKING = "store,dns.update,ssh."


async def frozen(
    config: Path, store: Path, env: Mapping[str, str], line: str, at: int, counts: str = "", lease_s: float = 0.5
) -> tuple[asyncio.subprocess.Process, str]:
    """Start a process that types `line`; return when it is frozen (and before what) or at its end ("").

    at: before which touch of those that count; 0: before it first renews what it holds. lease_s: for how long it holds
    that.
    """
    process = await started(
        config, store, env, line, str(at or 1), counts if at else "renewal", "frozen", "", str(lease_s)
    )
    first = await first_said(process)
    return process, first.removeprefix("frozen ") if first.startswith("frozen ") else ""


async def started(config: Path, store: Path, env: Mapping[str, str], *arguments: str) -> asyncio.subprocess.Process:
    """Start such a process; its arguments are the line and what follows it."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        FROZEN_PROCESS,
        config,
        store,
        *arguments,
        env=os.environ | env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def first_said(process: asyncio.subprocess.Process) -> str:
    """Wait until it is frozen, or killed, or at its end, and return what it says of that."""
    assert process.stdout is not None
    first = (await process.stdout.readline()).decode()
    assert first, (await process.communicate())[1].decode()
    if first.startswith("frozen "):
        # It says so just before: woken between the two it would stand still for ever.
        await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    return first.strip()


async def woken(process: asyncio.subprocess.Process) -> str:
    """Let the process go on to its end; return what it said."""
    process.send_signal(signal.SIGCONT)
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()

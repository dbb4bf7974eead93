"""The time since this machine was started: it never steps, and goes on while the machine sleeps."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

from ops.contracts import LeaseTime

# The kernel makes it anew with each boot; random(4).
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_time() -> LeaseTime:
    """Return the present moment of this boot."""
    return LeaseTime(_boot_id(), time.clock_gettime(time.CLOCK_BOOTTIME))


@cache
def _boot_id() -> str:
    return BOOT_ID.read_text(encoding="ascii").strip()

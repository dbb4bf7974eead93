"""Finds and ends the lab's processes, and never anybody else's.

A process id alone may have been given to another process since it was written down. So each is kept with its start
time, and signals go through a pidfd, which keeps meaning the same process.
"""

import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

MARK = "SHARPNET_LAB"
WAKE = signal.SIGHUP
_STARTTIME = 19  # proc_pid_stat(5), counted from the state, which follows the name in parentheses


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process, for as long as the machine runs: its number and when it started, in clock ticks since boot."""

    pid: int
    started_ticks: int


def identify(pid: int) -> ProcessId | None:
    """Give the running process `pid` its full identity; None where there is none, or only a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        return None
    return ProcessId(pid, int(fields[_STARTTIME]))


def is_alive(process: ProcessId) -> bool:
    """Say whether this very process still runs."""
    return identify(process.pid) == process


def send(process: ProcessId, signal_number: signal.Signals) -> bool:
    """Signal this very process; False where it has ended already."""
    with _Handle(process) as handle:
        if handle is None:
            return False
        signal.pidfd_send_signal(handle, signal_number)
        return True


def kill(process: ProcessId, wait_s: float = 10.0) -> None:
    """Kill this very process and wait until it is gone; the first of a PID namespace takes all of it along."""
    with _Handle(process) as handle:
        if handle is None:
            return
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        gone = select.poll()
        gone.register(handle, select.POLLIN)
        if not gone.poll(wait_s * 1000):
            raise LabError(f"process {process.pid} is still there {wait_s:.0f} s after it was killed")


def marked(mark: str) -> list[ProcessId]:
    """List every process that was started with the environment entry MARK=`mark`."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environ = (entry / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if wanted in environ.split(b"\0"):
            process = identify(int(entry.name))
            if process is not None:
                found.append(process)
    return found


class _Handle:
    """A pidfd of exactly this process, or None where it has ended."""

    def __init__(self, process: ProcessId) -> None:
        self._process = process
        self._pidfd: int | None = None

    def __enter__(self) -> int | None:
        try:
            self._pidfd = os.pidfd_open(self._process.pid)
        except ProcessLookupError:
            return None
        return self._pidfd if is_alive(self._process) else None

    def __exit__(self, *_: object) -> None:
        if self._pidfd is not None:
            os.close(self._pidfd)

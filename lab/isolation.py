"""Runs a command where it cannot meet anything else: its own network, with only a loopback, and its own processes.

When the command ends, however it ends, whatever it has left running ends with it. Run as a program it is one, so that
the namespaces begin in a process with a single thread.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from types import FrameType

from lab import programs, syscalls

_FORWARDED = (signal.SIGTERM, signal.SIGHUP)
_SIGNAL_EXIT = 128


def run_isolated(command: list[str]) -> int:
    """Run `command` in namespaces of its own and give its exit status, as a shell does (128 + signal)."""
    ip = programs.find("ip")
    syscalls.unshare(syscalls.CLONE_NEWNET | syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID)
    first = os.fork()
    if first == 0:
        os._exit(_be_first(ip, command))
    # The terminal's Ctrl-C reaches the command by itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in _FORWARDED:
        signal.signal(number, _forward_to(first))
    _, status = os.waitpid(first, 0)
    return os.waitstatus_to_exitcode(status) % (1 << 8)


def _be_first(ip: str, command: list[str]) -> int:
    syscalls.die_with_parent()
    syscalls.keep_mounts_private()
    syscalls.mount_proc("/proc")
    subprocess.run([ip, "link", "set", "lo", "up"], check=True)
    try:
        running = os.posix_spawnp(command[0], command, os.environ)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 127
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in _FORWARDED:
        signal.signal(number, _forward_to(running))
    while True:
        ended, status = os.wait()
        if ended == running:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else _SIGNAL_EXIT - code


def _forward_to(process: int) -> Callable[[int, FrameType | None], None]:
    return lambda number, _frame: os.kill(process, number)

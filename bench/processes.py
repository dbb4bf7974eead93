"""Programs that are measured: started and ended here, and what the kernel says of them and all that they start."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# Where the project is, so that a bot begins with the same code whatever its working directory is.
PROJECT = Path(__file__).parent.parent
LOOPBACK = "127.0.0.1"
START_S = 20.0
END_S = 20.0
LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Process:
    """What /proc says of one: its parent, and its processor time with that of its children that have ended."""

    parent: int
    cpu_s: float


@contextlib.contextmanager
def running(argv: list[str], folder: Path, more: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run a program until the block ends; gives its process id. Its output is in a log in `folder`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")}
    environment |= {"PYTHONPATH": str(PROJECT), **(more or {})}
    with (folder / f"{Path(argv[0]).name}.log").open("ab") as log:
        process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def cpu_s(pids: Iterable[int]) -> float:
    """Return the processor time that these and all that they started have used so far, those that ended included."""
    there = _processes()
    return sum(there[pid].cpu_s for pid in _with_descendants(pids, there))


def memory_bytes(pids: Iterable[int]) -> int:
    """Return the memory of these and all that they started: a page that several share is divided among them (PSS)."""
    return sum(map(_pss_bytes, _with_descendants(pids, _processes())))


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        return int(free.getsockname()[1])


def wait_for(port: int, address: str = LOOPBACK) -> None:
    """Return when something listens there. RuntimeError where nothing does in time."""
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up:
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            time.sleep(LOOK_S)
        else:
            return
    raise RuntimeError(f"nothing listens on port {port} after {START_S:.0f} s")


def _processes() -> dict[int, Process]:
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(") ")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # ppid, utime, stime, cutime and cstime: fields 4 and 14 to 17 of proc(5), counted from the third.
        found[int(folder.name)] = Process(int(fields[1]), sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK"))
    return found


def _with_descendants(pids: Iterable[int], there: Mapping[int, Process]) -> set[int]:
    known = set(pids)
    while more := {pid for pid, process in there.items() if process.parent in known} - known:
        known |= more
    return known & set(there)


def _pss_bytes(pid: int) -> int:
    """Return 0 for one that has ended meanwhile."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii", errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))

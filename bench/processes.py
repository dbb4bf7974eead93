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
    """Return the memory of these and all that they started, as if nothing else ran on the machine.

    A page that several of them share counts once. PSS alone would count less for whoever has the same libraries open as
    something else here: another bot, or these measurements themselves.
    """
    own_bytes = 0
    files: dict[str, int] = {}
    for pid in _with_descendants(pids, _processes()):
        try:
            own_bytes += _pss_anon_bytes(pid)
            mapped = _mapped_bytes(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
        for piece, size in mapped.items():
            files[piece] = max(files.get(piece, 0), size)
    return own_bytes + sum(files.values())


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


def _pss_anon_bytes(pid: int) -> int:
    return sum(_bytes(line) for line in _lines(pid, "smaps_rollup") if line.startswith("Pss_Anon:"))


def _mapped_bytes(pid: int) -> dict[str, int]:
    """Return for each piece of a file that is mapped how much of it is in memory (proc_pid_smaps(5))."""
    found: dict[str, int] = {}
    piece = ""
    for line in _lines(pid, "smaps"):
        words = line.split()
        if not words[0].endswith(":"):
            _, _, offset, device, inode, *_ = words
            piece = f"{device} {inode} {offset}" if inode != "0" else ""
        elif piece and words[0] == "Rss:":
            found[piece] = found.get(piece, 0) + _bytes(line)
        elif piece and words[0] == "Anonymous:":
            # What was written to since belongs to the process.
            found[piece] -= _bytes(line)
    return found


def _lines(pid: int, file: str) -> list[str]:
    return Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8", errors="replace").splitlines()


def _bytes(line: str) -> int:
    """Read `Rss:  12 kB`."""
    return int(line.split()[1]) * 1024

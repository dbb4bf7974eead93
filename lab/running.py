"""Starts, stops, orders about and looks at one host."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

from lab import processes
from lab.errors import HostNotReadyError, LabError
from lab.hosts import Host
from lab.init import DaemonSpec, HostSpec, Mode, Status, write_whole
from lab.postfix import OUTSIDE_PORT

State = Literal["up", "dropped", "frozen", "slow", "cut-off", "failed"]

_STATES: dict[str, State] = {"run": "up", "frozen": "frozen", "slow": "slow"}
_PACKAGE = Path(__file__).parent
_START_S = 20.0
_OBEY_S = 10.0
_TAIL_LINES = 12


@dataclasses.dataclass(frozen=True, slots=True)
class HostStatus:
    """How a host is; `detail` says more where a daemon ended by itself."""

    name: str
    kind: str
    software: str
    addresses: tuple[str, ...]
    port: int
    state: State
    detail: str


def start(host: Host, own: list[str], daemons: list[DaemonSpec], mark: str) -> "subprocess.Popen[bytes]":
    """Begin to start a host; `started` ends it. Every process of it carries `mark`."""
    for leftover in ("init.json", "mode.json", "status.json"):
        (host.folder / leftover).unlink(missing_ok=True)
    spec: HostSpec = {"name": host.name, "folder": str(host.folder), "own": own, "daemons": daemons}
    write_whole(host.folder / "host.json", json.dumps(spec))
    environ = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_PACKAGE.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        processes.MARK: mark,
    }
    with (host.folder / "log" / "init.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-S", "-m", "lab.init", str(host.folder / "host.json")],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def started(host: Host, starter: "subprocess.Popen[bytes]") -> None:
    """Wait until the host's first process is there."""
    if starter.wait(_START_S) != 0:
        raise HostNotReadyError(f"{host.name} did not start", _tail(host, ["init"]))


def stop(host_folder: Path) -> None:
    """Kill a host with all its processes, if it runs."""
    first = first_process(host_folder)
    if first is not None:
        processes.kill(first)


def first_process(host_folder: Path) -> processes.ProcessId | None:
    """Give the host's first process; None where the host does not run."""
    try:
        first = processes.ProcessId(**json.loads((host_folder / "init.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    return first if processes.is_alive(first) else None


def daemon_pid(host: Host, daemon: str) -> int:
    """Give the process of one of a host's daemons, as this machine numbers it."""
    first = first_process(host.folder)
    if first is not None:
        children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text(encoding="utf-8").split()
        for pid in map(int, children):
            if Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == daemon:
                return pid
    raise LabError(f"{host.name} runs no {daemon}", f"See what it runs: lab status ({host.software})")


def order(host: Host, mode: str, pause_s: float = 0.0, run_s: float = 0.0) -> None:
    """Have a running host run as usual, stop, or run slowly, and wait until it does."""
    first = first_process(host.folder)
    if first is None:
        raise LabError(f"{host.name} is down", f"Bring it back first: lab back {host.name}")
    wanted: Mode = {"ticket": time.time_ns(), "mode": mode, "pause_s": pause_s, "run_s": run_s}
    write_whole(host.folder / "mode.json", json.dumps(wanted))
    deadline = time.monotonic() + _OBEY_S
    while time.monotonic() < deadline:
        status = _status(host)
        if status is not None and status["ticket"] == wanted["ticket"]:
            return
        if not processes.send(first, processes.WAKE):
            break
        time.sleep(0.01)
    raise LabError(f"{host.name} did not become {mode}", _tail(host, ["init"]))


def status_of(host: Host, *, cut_off: bool) -> HostStatus:
    """Say how the host is, and which daemons ended by themselves."""
    state, detail = _state_of(host, cut_off=cut_off)
    port = host.dns.port if host.dns else host.server.ssh_port if host.server else OUTSIDE_PORT
    return HostStatus(host.name, host.kind, host.software, host.addresses, port, state, detail)


def raise_if_failed(host: Host) -> None:
    """Raise HostNotReadyError, with the end of its log, where a host or one of its daemons has ended."""
    if first_process(host.folder) is None:
        raise HostNotReadyError(f"{host.name} ended while it started", _tail(host, ["init"]))
    status = _status(host)
    ended = [name for name, code in status["exits"].items() if code is not None] if status else []
    if ended:
        raise HostNotReadyError(f"{', '.join(ended)} on {host.name} ended while it started", _tail(host, ended))


def not_ready(host: Host) -> HostNotReadyError:
    """Describe a host that runs and does not serve."""
    logs = sorted(path.stem for path in (host.folder / "log").glob("*.log"))
    return HostNotReadyError(f"{host.name} ({host.software}) does not serve", _tail(host, logs))


def _state_of(host: Host, *, cut_off: bool) -> tuple[State, str]:
    if first_process(host.folder) is None:
        return "dropped", ""
    status = _status(host)
    ended = (
        [f"{name} ended with {code}" for name, code in status["exits"].items() if code is not None] if status else []
    )
    if ended:
        return "failed", ", ".join(ended)
    if cut_off:
        return "cut-off", ""
    return _STATES[status["mode"]] if status else "up", ""


def _status(host: Host) -> Status | None:
    try:
        status: Status = json.loads((host.folder / "status.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return status


def _tail(host: Host, names: list[str]) -> str:
    parts = []
    for name in names:
        log = host.folder / "log" / f"{name}.log"
        if log.exists() and log.stat().st_size:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
            parts.append("\n  ".join([f"{os.path.relpath(log)}:", *lines]))
    return "\n  ".join(parts)

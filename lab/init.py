"""The first process of a lab host: a root folder and a PID namespace of its own, in which the host's daemons run.

`python -S -m lab.init SPEC.json` returns as soon as the host exists. Nothing but the standard library is imported here,
and all of it at the top: once the root folder has changed, there may be no Python to import from.
"""

import dataclasses
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TypedDict

from lab import processes, root_folder, syscalls

_LISTENED = {signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM}
_REREAD_EVERY_S = 1.0


class DaemonSpec(TypedDict):
    """A program that the host runs, and what is added to its environment."""

    name: str
    argv: list[str]
    environ: dict[str, str]


class HostSpec(TypedDict):
    """All that a host needs in order to start. Own paths are the ones under which it has its own files."""

    name: str
    folder: str
    own: list[str]
    daemons: list[DaemonSpec]


class Mode(TypedDict):
    """How the host shall run from now on; the ticket says in the status which order was carried out last.

    run: as usual. frozen: every process stopped. slow: stopped for `pause_s`, running for `run_s`, and so on.
    """

    ticket: int
    mode: str
    pause_s: float
    run_s: float


class Status(TypedDict):
    """What the host last did: the order carried out, and each daemon's exit code, None while it runs."""

    ticket: int
    mode: str
    exits: dict[str, int | None]


def main(spec_path: str) -> None:
    """Start the host, write down who its first process is, and return."""
    spec: HostSpec = json.loads(Path(spec_path).read_text(encoding="utf-8"))
    os.umask(0o022)
    syscalls.unshare(syscalls.CLONE_NEWPID | syscalls.CLONE_NEWNS | syscalls.CLONE_NEWUTS)
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(tell)
        if os.read(told, 1):
            _be_first(spec)
        os._exit(1)
    identity = processes.identify(child)
    if identity is None:
        raise ChildProcessError(f"the first process of {spec['name']} ended at once")
    write_whole(Path(spec["folder"]) / "init.json", json.dumps(dataclasses.asdict(identity)))
    os.write(tell, b"\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody ever reads half of it."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.rename(path)


def _be_first(spec: HostSpec) -> None:
    os.setsid()
    signal.pthread_sigmask(signal.SIG_BLOCK, _LISTENED)
    for number in _LISTENED:
        # Whatever the first process of a PID namespace has no handler for is thrown away: pid_namespaces(7).
        signal.signal(number, lambda *_: None)
    socket.sethostname(spec["name"])
    root_folder.enter(Path(spec["folder"]), spec["own"])
    _Host(spec).serve()


class _Host:
    """The running host: its daemons, and the order that it last carried out."""

    def __init__(self, spec: HostSpec) -> None:
        self._exits: dict[str, int | None] = {}
        self._names: dict[int, str] = {}
        self._folder = Path(root_folder.INSIDE)
        self._mode: Mode = {"ticket": 0, "mode": "run", "pause_s": 0.0, "run_s": 0.0}
        for daemon in spec["daemons"]:
            self._start(daemon)
        self._report()

    def serve(self) -> None:
        """Reap and obey until told to end."""
        while True:
            if self._mode["mode"] != "slow":
                self._attend(_REREAD_EVERY_S)
                continue
            _signal_everyone(signal.SIGSTOP)
            self._attend(self._mode["pause_s"], whole=True)
            _signal_everyone(signal.SIGCONT)
            self._attend(self._mode["run_s"], whole=True)

    def _start(self, daemon: DaemonSpec) -> None:
        log = str(self._folder / "log" / f"{daemon['name']}.log")
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            pid = os.posix_spawn(
                daemon["argv"][0],
                daemon["argv"],
                {**os.environ, **daemon["environ"]},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, log, append, 0o644),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsigmask=[],
                setsid=True,
            )
        except OSError as error:
            Path(log).write_text(f"{daemon['argv'][0]}: {error}\n", encoding="utf-8")
            self._exits[daemon["name"]] = 127
            return
        self._names[pid] = daemon["name"]
        self._exits[daemon["name"]] = None

    def _attend(self, for_s: float, *, whole: bool = False) -> None:
        """Reap and look for a new order, for a while, or until something happened unless `whole`."""
        until = time.monotonic() + for_s
        while True:
            signal.sigtimedwait(_LISTENED, max(0.0, until - time.monotonic()))
            self._reap()
            if self._obey() or not whole or time.monotonic() >= until:
                return

    def _reap(self) -> None:
        changed = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            name = self._names.pop(pid, None)
            if name is not None:
                self._exits[name] = os.waitstatus_to_exitcode(status)
                changed = True
        if changed:
            self._report()

    def _obey(self) -> bool:
        try:
            wanted: Mode = json.loads((self._folder / "mode.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return False
        if wanted["ticket"] == self._mode["ticket"]:
            return False
        self._mode = wanted
        _signal_everyone(signal.SIGSTOP if wanted["mode"] == "frozen" else signal.SIGCONT)
        self._report()
        return True

    def _report(self) -> None:
        status: Status = {"ticket": self._mode["ticket"], "mode": self._mode["mode"], "exits": self._exits}
        write_whole(self._folder / "status.json", json.dumps(status))


def _signal_everyone(number: signal.Signals) -> None:
    try:
        os.kill(-1, number)  # every process of this PID namespace but this one: kill(2)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    main(sys.argv[1])

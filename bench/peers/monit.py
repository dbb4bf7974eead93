"""monit, which looks at one after the other and then sleeps for its interval."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bench.peers import CONTAINS, TIMEOUT_S, Task, Watcher, teller
from bench.processes import running


@contextlib.contextmanager
def _run(folder: Path, task: Task) -> Iterator[list[int]]:
    folder.mkdir(parents=True)
    lines = [f"set daemon {task.every_s}", *(f"set {name}file {folder}/{name}" for name in ("id", "state", "pid"))]
    if task.authority:
        lines.append(f'set ssl {{ verify: enable, CACertificateFile: "{task.authority}" }}')
    protocol = "https" if task.authority else "http"
    tell = teller(folder, task.told) if task.told else None
    for target in task.targets:
        asking = f'protocol {protocol} request "/" hostheader "{target.name}" content = "{CONTAINS}"'
        then = f'exec "{tell} {target.name}"' if tell else "alert"
        lines += [
            f"check host {target.name} with address {target.address}",
            f"  if failed port {target.port} {asking} with timeout {TIMEOUT_S} seconds then {then}",
        ]
    config = folder / "monitrc"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    config.chmod(0o600)
    with running(["monit", "-I", "-c", str(config)], folder) as pid:
        yield [pid]


MONIT = Watcher("monit", ("monit",), _run)

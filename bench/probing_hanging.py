"""What sites that hang cost those that do not: the longest time that one of these was not looked at."""

import contextlib
import socket
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

from bench.peers import TIMEOUT_S, Target, Task, Watcher, missing
from bench.peers.monit import MONIT
from bench.peers.nagios import NAGIOS
from bench.peers.prometheus import PROMETHEUS
from bench.peers.sharpnet import SHARPNET
from bench.processes import LOOPBACK, free_port
from bench.result import Row, seconds
from bench.web import WebServer, site_name, web_server

WELL, HANGING = 200, 50
EVERY_S = 2
# Until all that hang have been given up once, and what follows from it has been done.
WARM_UP_S = 20.0
MEASURED_S = 20.0
# nginx writes its log at the latest after a second.
FLUSHED_S = 2.0
ELSEWHERE = "127.0.0.2"
# Three intervals in a row without a look would be one that was left out, and the next one late.
MOST_INTERVALS = 2


async def measure(folder: Path) -> list[Row]:
    """Let each of them look at sites that answer and at sites that take the connection and say nothing."""
    with web_server(folder / "nginx", logged=True) as server, _silent() as port:
        names = [site_name(number) for number in range(WELL + HANGING)]
        targets = [Target(name, LOOPBACK, server.http) for name in names[:WELL]]
        targets += [Target(name, ELSEWHERE, port) for name in names[WELL:]]
        task = Task(targets, EVERY_S)
        ours = _gaps(server, SHARPNET, folder, task)
        beside = [f"{watcher.name}: {_peer(server, watcher, folder, task)}" for watcher in (PROMETHEUS, MONIT, NAGIOS)]
    return [
        Row(
            f"time between two looks at each of {WELL} sites, every {EVERY_S} s, while {HANGING} others hang "
            f"(time-out {TIMEOUT_S} s)",
            _words(ours),
            "; ".join(beside),
            f"none longer than {MOST_INTERVALS * EVERY_S} s",
            max(ours) <= MOST_INTERVALS * EVERY_S,
        )
    ]


def _peer(server: WebServer, watcher: Watcher, folder: Path, task: Task) -> str:
    lacking = missing(watcher)
    return f"not on this machine: {', '.join(lacking)}" if lacking else _words(_gaps(server, watcher, folder, task))


def _words(gaps: Sequence[float]) -> str:
    longest = f"{seconds(max(gaps))} or more" if max(gaps) >= MEASURED_S else seconds(max(gaps))
    return f"median {seconds(median(gaps))}, longest {longest}"


def _gaps(server: WebServer, watcher: Watcher, folder: Path, task: Task) -> list[float]:
    """Return the longest time without a look for each site that is well; the edges of the measured time count."""
    with watcher.run(folder / watcher.name.split()[0], task):
        time.sleep(WARM_UP_S)
        since = time.time()
        time.sleep(MEASURED_S)
        until = time.time()
        time.sleep(FLUSHED_S)
    seen: dict[str, list[float]] = defaultdict(list)
    for line in server.log.read_text(encoding="ascii").splitlines():
        at, name, _ = line.split()
        if since <= float(at) <= until:
            seen[name].append(float(at))
    names = [target.name for target in task.targets if target.address == LOOPBACK]
    return [max(later - earlier for earlier, later in pairwise([since, *seen[name], until])) for name in names]


@contextlib.contextmanager
def _silent() -> Iterator[int]:
    """Listen at another address, take every connection in the kernel, and never read; gives the port."""
    with socket.create_server((ELSEWHERE, free_port()), backlog=4096) as listening:
        yield listening.getsockname()[1]

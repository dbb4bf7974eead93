"""How much sooner a death is told for the same processor time: cheap looks can be taken more often."""

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from bench.deaths import Heard, kill, let_die, servers, told, wait_until_heard
from bench.peers import TIMEOUT_S, Target, Task, missing
from bench.peers.prometheus import PROMETHEUS
from bench.processes import LOOPBACK, cpu_s
from bench.receiver import Receiver, receiving
from bench.result import Row
from bench.told_in_slack import told_in_slack
from bench.web import site_name, web_server

# With twenty, the mean of what takes up to ten seconds is off by a second or two from run to run.
TARGETS, VICTIMS = 5000, 40
# As often as Prometheus's processor time allows.
THEIRS_S, OURS_MS = 10, 900
RETRY_MS, DOWN_AFTER = 100, 2
WATCH = {"every": f"{OURS_MS}ms", "retry": f"{RETRY_MS}ms", "timeout": f"{TIMEOUT_S}s", "down_after": DOWN_AFTER}
# Until each of them has looked at everything more than once, and has nothing of its start to do any more.
WARM_UP_S = 3.0 * THEIRS_S
MEASURED_S = 2.0 * THEIRS_S
SHARE_OF_ITS_TIME = 0.25

Alive = Sequence[tuple[Target, int]]
Watched = contextlib.AbstractContextManager[tuple[list[int], Receiver]]


@dataclass(frozen=True, slots=True)
class Found:
    """What one of them told of the deaths, and how much of a core it needed while nothing died."""

    heard: Heard
    cores: float

    @property
    def words(self) -> str:
        """Say it."""
        return f"{self.heard.words}, with {self.cores:.2f} of a core"


async def measure(folder: Path) -> list[Row]:
    """Let each of them watch five thousand targets, one after the other, of which some die."""
    with servers(folder, 2 * VICTIMS) as (alive, banners), web_server(folder / "nginx") as web:
        # Each has victims of its own: a server that was killed does not come back.
        mine, others = alive[:VICTIMS], alive[VICTIMS:]
        sites = [Target(site_name(number), LOOPBACK, web.http) for number in range(TARGETS - VICTIMS)]
        ours = _found(mine, _sharpnet(folder / "sharpnet", mine, banners, sites))
        lacking = missing(PROMETHEUS)
        theirs = None if lacking else _found(others, _prometheus(folder / "prometheus", others, sites))
    return [
        Row(
            f"death → alert (port refused; {VICTIMS} of {TARGETS:,} targets); Sharpnet looks every {OURS_MS} ms, "
            f"{DOWN_AFTER} times, {RETRY_MS} ms apart, and from a second place; Prometheus every {THEIRS_S} s, once",
            ours.words,
            f"{PROMETHEUS.name}: " + (theirs.words if theirs else f"not on this machine: {', '.join(lacking)}"),
            "a quarter of its mean time, for no more processor time",
            _held(ours, theirs) if theirs else None,
        )
    ]


def _held(ours: Found, theirs: Found) -> bool:
    # One that was never told makes a mean infinite, and infinity is no time to be a quarter of.
    theirs_s = mean(theirs.heard.took)
    sooner = math.isfinite(theirs_s) and mean(ours.heard.took) <= SHARE_OF_ITS_TIME * theirs_s
    return sooner and not ours.heard.false_alarms and ours.cores <= theirs.cores


def _found(alive: Alive, watched: Watched) -> Found:
    with watched as (pids, receiver):
        time.sleep(WARM_UP_S)
        before_s, began_s = cpu_s(pids), time.monotonic()
        time.sleep(MEASURED_S)
        cores = (cpu_s(pids) - before_s) / (time.monotonic() - began_s)
        died = let_die(alive, VICTIMS, kill)
        wait_until_heard(died, [receiver])
    return Found(told(receiver, died), cores)


@contextlib.contextmanager
def _sharpnet(
    folder: Path, alive: Alive, banners: int, sites: Sequence[Target]
) -> Iterator[tuple[list[int], Receiver]]:
    with told_in_slack(folder, [target for target, _ in alive], banners, WATCH, sites) as (pid, receiver):
        yield [pid], receiver


@contextlib.contextmanager
def _prometheus(folder: Path, alive: Alive, sites: Sequence[Target]) -> Iterator[tuple[list[int], Receiver]]:
    with receiving() as receiver:
        task = Task([*(target for target, _ in alive), *sites], THEIRS_S, told=receiver.url)
        with PROMETHEUS.run(folder, task) as pids:
            yield pids, receiver

"""How many good checks a processor second is worth, beside what else watches web sites; counted at the target.

Every one is given the same sites by name on one real web server, each to be looked at every so often over a new
connection. nginx counts the requests; processor time and memory are those of whole processes and of all they start.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.peers import Target, Task, Watcher, missing
from bench.peers.checks_alone import CHECKS_ALONE
from bench.peers.monit import MONIT
from bench.peers.nagios import NAGIOS
from bench.peers.prometheus import PROMETHEUS
from bench.peers.sharpnet import SHARPNET
from bench.processes import LOOPBACK, cpu_s, memory_bytes
from bench.result import Row
from bench.web import WebServer, site_name, web_server

MEGABYTE = 1_000_000
# Two rounds at least: what is done at the first look alone is not what is measured.
LEAST_WARM_UP_S, WARM_UP_ROUNDS = 12.0, 2
LEAST_MEASURED_S, MEASURED_ROUNDS = 10.0, 2
SHARE_OF_ITS_MEMORY = 0.1
# A hundredth: what falls over the edges of the measured time.
ALL = 0.99


@dataclass(frozen=True, slots=True)
class Found:
    """What one program did in the measured time."""

    checks_a_s: float
    checks_a_cpu_s: float
    memory_bytes: int

    @property
    def words(self) -> str:
        """Say it."""
        return f"{self.checks_a_cpu_s:,.0f} a processor second, {self.checks_a_s:,.0f} a second, {self.megabytes}"

    @property
    def megabytes(self) -> str:
        """Say its memory."""
        return f"{self.memory_bytes / MEGABYTE:.0f} MB"


Beside = dict[Watcher, Found | str]


async def thousand(folder: Path) -> list[Row]:
    """Have a thousand sites looked at, each every second."""
    return _rows_beside_prometheus(folder, 1000, 1, times=8, watchers=(PROMETHEUS, MONIT, NAGIOS))


async def five_thousand(folder: Path) -> list[Row]:
    """Have five thousand sites looked at, each every ten seconds."""
    return _rows_beside_prometheus(folder, 5000, 10, times=4, watchers=(PROMETHEUS, MONIT, NAGIOS))


async def five_thousand_a_second(folder: Path) -> list[Row]:
    """Have five thousand sites looked at, each every second, by who can: Nagios cannot do a thousand."""
    sites = 5000
    with web_server(folder / "nginx") as server:
        task = _task(server, sites, 1)
        ours = measured(server, SHARPNET, folder, task)
        beside = measured_beside(server, (PROMETHEUS, MONIT), folder, task)
    return [
        Row(
            f"checks of {sites:,} sites over HTTP by name, each every second",
            ours.words,
            said(beside),
            f"all {sites:,} a second",
            ours.checks_a_s >= ALL * sites,
        )
    ]


def _rows_beside_prometheus(
    folder: Path, sites: int, every_s: int, *, times: int, watchers: Sequence[Watcher]
) -> list[Row]:
    with web_server(folder / "nginx") as server:
        task = _task(server, sites, every_s)
        whole = measured(server, SHARPNET, folder, task)
        alone = measured(server, CHECKS_ALONE, folder, task)
        beside = measured_beside(server, watchers, folder, task)
    theirs = beside[PROMETHEUS]

    def fast(ours: Found) -> bool | None:
        if not isinstance(theirs, Found):
            return None
        return ours.checks_a_s >= ALL * sites / every_s and ours.checks_a_cpu_s >= times * theirs.checks_a_cpu_s

    def small(ours: Found) -> bool | None:
        return ours.memory_bytes <= SHARE_OF_ITS_MEMORY * theirs.memory_bytes if isinstance(theirs, Found) else None

    what = f"checks of {sites:,} sites over HTTP by name, each every {every_s} s"
    rows = []
    for who, ours in (("the whole bot", whole), ("its checks alone", alone)):
        besides = said(beside) if ours is whole else "the same"
        target = f"all, {times} times {PROMETHEUS.name}"
        rows.append(Row(f"{what}, by {who}", ours.words, besides, target, fast(ours)))
        its = theirs.megabytes if isinstance(theirs, Found) else theirs
        memory = Row(f"memory of {who} for that", ours.megabytes, f"{PROMETHEUS.name}: {its}", "a tenth", small(ours))
        rows.append(memory)
    return rows


def _task(server: WebServer, sites: int, every_s: int) -> Task:
    return Task([Target(site_name(number), LOOPBACK, server.http) for number in range(sites)], every_s)


def measured_beside(server: WebServer, watchers: Sequence[Watcher], folder: Path, task: Task) -> Beside:
    """Measure one after the other. Who is not on this machine, or looks at nothing, is named with the reason."""
    found: Beside = {}
    for watcher in watchers:
        lacking = missing(watcher)
        found[watcher] = (
            f"not on this machine: {', '.join(lacking)}" if lacking else measured(server, watcher, folder, task)
        )
    return found


def measured(server: WebServer, watcher: Watcher, folder: Path, task: Task) -> Found:
    """Run one of them, and measure it once it is warm. RuntimeError where it looked at nothing."""
    with watcher.run(folder / watcher.name.split()[0], task) as pids:
        time.sleep(max(LEAST_WARM_UP_S, WARM_UP_ROUNDS * task.every_s))
        return counted(server, pids, max(LEAST_MEASURED_S, MEASURED_ROUNDS * task.every_s))


def counted(server: WebServer, pids: Sequence[int], for_s: float) -> Found:
    """Count for so long what arrives at the server, and what processor time these processes use meanwhile."""
    before, used_s, began_s = server.asked(), cpu_s(pids), time.monotonic()
    time.sleep(for_s)
    took_s = time.monotonic() - began_s
    # The question itself is counted too.
    checks, used_s = server.asked() - before - 1, cpu_s(pids) - used_s
    if checks <= 0:
        raise RuntimeError("one of those measured looked at nothing: see its log")
    return Found(checks / took_s, checks / max(used_s, 0.01), memory_bytes(pids))


def said(beside: Beside) -> str:
    """Name them all with what they did."""
    return "; ".join(
        f"{watcher.name}: {found if isinstance(found, str) else found.words}" for watcher, found in beside.items()
    )

"""Checks over HTTPS with the certificate verified: a hundred sites, and as many as a program can do."""

import contextlib
import http.client
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from bench.peers import Target, Task, missing
from bench.peers.monit import MONIT
from bench.peers.nagios import NAGIOS
from bench.peers.prometheus import MODULE, PROMETHEUS, address_of, exporter
from bench.peers.sharpnet import SHARPNET
from bench.probing import LEAST_MEASURED_S, Found, counted, measured, measured_beside, said
from bench.processes import LOOPBACK
from bench.result import Row
from bench.web import WebServer, site_name, web_server

FEW = 100
# More a second than two cores can do.
TOO_MANY = 2000
AT_ONCE = 16
RATIO = 1.2
# Until all that ask do ask.
SETTLE_S = 2.0
QUESTION_S = 10.0


async def measure(folder: Path) -> list[Row]:
    """Have a hundred sites looked at each second; then have Sharpnet and the blackbox exporter do what they can."""
    with web_server(folder / "nginx") as server:
        return [_few(server, folder / "few"), _saturated(server, folder / "many")]


def _few(server: WebServer, folder: Path) -> Row:
    folder.mkdir()
    task = _task(server, FEW)
    ours = measured(server, SHARPNET, folder, task)
    beside = measured_beside(server, (PROMETHEUS, MONIT, NAGIOS), folder, task)
    return Row(f"checks of {FEW} sites over HTTPS, each every second, no session resumed", ours.words, said(beside))


def _saturated(server: WebServer, folder: Path) -> Row:
    """Count for the exporter only its own work, without Prometheus's: that is the harder comparison."""
    folder.mkdir()
    task = _task(server, TOO_MANY)
    ours = measured(server, SHARPNET, folder, task)
    lacking = missing(PROMETHEUS)
    if lacking:
        beside, met = f"not on this machine: {', '.join(lacking)}", None
    else:
        its = _exporter_saturated(server, folder / "exporter", task)
        beside, met = its.words, ours.checks_a_cpu_s >= RATIO * its.checks_a_cpu_s
    return Row(
        f"checks over HTTPS at saturation ({TOO_MANY:,} sites, each every second)",
        ours.words,
        f"blackbox exporter alone, asked by {AT_ONCE} at once: {beside}",
        f"{RATIO} times the exporter, a processor second",
        met,
    )


def _task(server: WebServer, sites: int) -> Task:
    return Task([Target(site_name(number), LOOPBACK, server.https) for number in range(sites)], 1, server.authority)


def _exporter_saturated(server: WebServer, folder: Path, task: Task) -> Found:
    with exporter(folder, task) as (pid, port), _asking(port, task):
        time.sleep(SETTLE_S)
        return counted(server, [pid], LEAST_MEASURED_S)


@contextlib.contextmanager
def _asking(port: int, task: Task) -> Iterator[None]:
    """Ask the exporter for one site after the other over kept connections, so many at once, until the block ends."""
    ended = threading.Event()
    shares = [task.targets[number::AT_ONCE] for number in range(AT_ONCE)]

    def ask(targets: list[Target]) -> None:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=QUESTION_S)
        with contextlib.closing(connection):
            while not ended.is_set():
                for target in targets:
                    words = {"module": MODULE, "target": address_of(task, target), "hostname": target.name}
                    connection.request("GET", f"/probe?{urllib.parse.urlencode(words)}")
                    answer = connection.getresponse().read()
                    if b"\nprobe_success 1" not in answer:
                        raise RuntimeError(f"the exporter does not find {target.name} well")
                    if ended.is_set():
                        return

    threads = [threading.Thread(target=ask, args=(list(share),)) for share in shares]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()

"""What can befall one thing on a host that otherwise runs: it holds while the block does, and then is undone."""

import contextlib
import functools
import os
import shlex
import signal
from collections.abc import Callable, Iterator

from lab import network, programs, running, tls
from lab.errors import LabError
from lab.lab import Lab

_DISK_MB = 4


@contextlib.contextmanager
def expired_certificate(lab: Lab, server: str) -> Iterator[None]:
    """Let a server's HTTPS show a certificate that is right in everything, but ended a month ago."""
    try:
        with tls.expired(lab.authority, lab.host(server).folder):
            _reread(lab, server, "nginx")
            yield
    finally:
        _reread(lab, server, "nginx")


@contextlib.contextmanager
def full_disk(lab: Lab, server: str, path: str) -> Iterator[None]:
    """Put the folder `path` of a server, with what is in it, on a small disk of its own, and fill that to the brim."""
    disk, where = "/run/small-disk", shlex.quote(path)
    _inside(lab, server, f"mkdir -p {disk} && mount -t tmpfs -o size={_DISK_MB}m,mode=755 small {disk}")
    _inside(lab, server, f"cp -a {where}/. {disk} && mount --move {disk} {where}")
    try:
        # It ends when there is no room left, which is what is wanted.
        _inside(lab, server, f"cat /dev/zero >{where}/ballast 2>/dev/null; test -s {where}/ballast")
        yield
    finally:
        _inside(lab, server, f"umount -l {where}")


@contextlib.contextmanager
def lossy(lab: Lab, percent: int) -> Iterator[Callable[[], int]]:
    """Lose that share of all packets to and from the lab's hosts; gives what counts those that were lost so far."""
    network.lose(lab.packet_filter, [address for host in lab.hosts() for address in host.addresses], percent)
    try:
        yield functools.partial(network.lost, lab.packet_filter)
    finally:
        network.lose(lab.packet_filter, (), 0)


@contextlib.contextmanager
def lost_zone(lab: Lab, nameserver: str, zone: str) -> Iterator[None]:
    """Take a zone out of the configuration of a BIND: it refuses every question about it, as a lame server does."""
    config = lab.host(nameserver).folder / "named.conf"
    if not config.exists():
        raise LabError(f"{nameserver} is no BIND", "Choose one whose software is BIND: lab status")
    whole = config.read_text(encoding="utf-8")
    kept = [line for line in whole.splitlines() if not line.startswith(f'zone "{zone}" ')]
    programs.write(config, "\n".join(kept) + "\n")
    try:
        _reread(lab, nameserver, "named")
        yield
    finally:
        programs.write(config, whole)
        _reread(lab, nameserver, "named")


def _reread(lab: Lab, name: str, daemon: str) -> None:
    """Have a daemon read its configuration again."""
    os.kill(running.daemon_pid(lab.host(name), daemon), signal.SIGHUP)


def _inside(lab: Lab, name: str, command: str) -> None:
    """Run a command among the files of a host."""
    first = running.first_process(lab.host(name).folder)
    if first is None:
        raise LabError(f"{name} is down", f"Bring it back first: lab back {name}")
    programs.run(["nsenter", "-t", str(first.pid), "-m", "-p", "sh", "-c", command])

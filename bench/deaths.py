"""Servers that die while they are watched, and what those who watch them tell, from death to alert."""

import contextlib
import math
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from bench.peers import Target
from bench.processes import START_S, free_port, running
from bench.receiver import Receiver
from bench.result import seconds

ADDRESSES = "127.30.0."
PAUSE_S = (0.5, 2.5)
# monit waits for each silent server in turn.
PATIENCE_S = 150.0
LOOK_S = 0.05

Deaths = Mapping[str, float]
Kill = Callable[[Sequence[tuple[Target, int]]], None]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one of them told: seconds after each death, infinity where not in time; and false alarms."""

    took: Sequence[float]
    false_alarms: int

    @property
    def words(self) -> str:
        """Say it."""
        known = [one for one in self.took if math.isfinite(one)]
        if not known:
            return f"none of {len(self.took)} within {PATIENCE_S:.0f} s"
        said = [f"mean {seconds(mean(known))}", f"median {seconds(median(known))}", f"worst {seconds(max(known))}"]
        if len(known) < len(self.took):
            said.append(f"{len(self.took) - len(known)} not within {PATIENCE_S:.0f} s")
        if self.false_alarms:
            said.append(f"{self.false_alarms} of the others called down as well")
        return ", ".join(said)


@contextlib.contextmanager
def servers(folder: Path, number: int) -> Iterator[tuple[list[tuple[Target, int]], int]]:
    """Run so many servers; gives each with its process id, and their SSH port."""
    http_port, ssh_port = free_port(), free_port()
    targets = [Target(f"t{one:03}", f"{ADDRESSES}{one}", http_port) for one in range(1, number + 1)]
    file = folder / "pids"
    argv = [sys.executable, "-m", "bench.victims", str(file), str(http_port), str(ssh_port)]
    with running([*argv, *(target.address for target in targets)], folder):
        give_up_s = time.monotonic() + START_S
        while not file.exists():
            if time.monotonic() > give_up_s:
                raise RuntimeError("the servers to be killed do not start")
            time.sleep(LOOK_S)
        pids = map(int, file.read_text(encoding="ascii").split())
        yield list(zip(targets, pids, strict=True)), ssh_port


def kill(dead: Sequence[tuple[Target, int]]) -> None:
    """Let the last of them die so that its ports refuse."""
    os.kill(dead[-1][1], signal.SIGKILL)


def let_die(among: Sequence[tuple[Target, int]], number: int, end: Kill) -> Deaths:
    """Let so many die, one after the other at random moments; return when each did. end: gets all that are to be."""
    died: dict[str, float] = {}
    victims = random.sample(among, number)
    for dead, (target, _) in enumerate(victims, 1):
        time.sleep(random.uniform(*PAUSE_S))  # noqa: S311 - a moment, not a secret
        died[target.name] = time.monotonic()
        end(victims[:dead])
    return died


def wait_until_heard(died: Deaths, receivers: Iterable[Receiver]) -> None:
    """Wait until all of them have named all that died, or patience is at its end."""
    waiting, give_up_s = list(receivers), max(died.values()) + PATIENCE_S
    while time.monotonic() < give_up_s and not all(set(died) <= set(receiver.heard) for receiver in waiting):
        time.sleep(LOOK_S)


def told(receiver: Receiver, died: Deaths) -> Heard:
    """Return what one of them told."""
    took = [receiver.heard.get(name, math.inf) - at_s for name, at_s in died.items()]
    # What was called down before it died was called so falsely, too.
    false = len(set(receiver.heard) - set(died)) + sum(one < 0 for one in took)
    return Heard(took, false)

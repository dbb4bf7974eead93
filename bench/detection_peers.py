"""How long from a server's death until an alert arrives, beside what else watches the same servers.

All of them look at the same servers at the same time, so that each death is one for all. Sharpnet's alerts arrive in
Slack; from the fourth on within half a minute they are lines in the third message, as when many die at once.
"""

import contextlib
import math
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median

from bench.fleets import CHANNEL, PEOPLE
from bench.peers import TIMEOUT_S, Target, Task, missing
from bench.peers.monit import MONIT
from bench.peers.nagios import NAGIOS
from bench.peers.prometheus import PROMETHEUS
from bench.peers.sharpnet import bot, fleet_around, login, name_server, ssh_server
from bench.processes import LOOPBACK, START_S, free_port, running
from bench.receiver import Receiver, reading, receiving
from bench.result import Row, seconds
from lab.network import cut_off
from lab.slack import LocalSlack

ADDRESSES = "127.30.0."
SLACK_PORT = 3230
SERVERS, VICTIMS = 120, 20
EVERY_S, RETRY_S, DOWN_AFTER = 10, 1.0, 2
# The law's target is for everything that comes after the last look: asking another server, gathering, sending.
MARGIN_S = 1.0
PAUSE_S = (0.5, 2.5)
WARM_UP_S = 3.0 * EVERY_S
# monit waits for each silent server in turn.
PATIENCE_S = 150.0
LOOK_S = 0.05
TABLE = "bench"
# Where a second look is taken from: two more servers, with a real sshd.
VANTAGES = {"near": LOOPBACK, "far": "127.0.0.2"}
PEERS = (PROMETHEUS, MONIT, NAGIOS)


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


async def measure(folder: Path) -> list[Row]:
    """Let servers die in two ways: their ports refuse, and their packets vanish."""
    return [
        _row(folder / "refused", "port refused", 0, _kill),
        _row(folder / "silent", f"packets vanish, time-out {TIMEOUT_S} s", TIMEOUT_S, _cut),
    ]


def _kill(dead: Sequence[tuple[Target, int]]) -> None:
    os.kill(dead[-1][1], signal.SIGKILL)


def _cut(dead: Sequence[tuple[Target, int]]) -> None:
    cut_off(TABLE, [target.address for target, _ in dead], ())


def _row(folder: Path, how: str, timeout_s: float, kill: Kill) -> Row:
    folder.mkdir()
    heard = _heard(folder, kill)
    ours = heard.pop("Sharpnet")
    confirming_s = timeout_s + (DOWN_AFTER - 1) * (RETRY_S + timeout_s)
    law_s, worst_s = EVERY_S / 2 + confirming_s, EVERY_S + confirming_s
    in_time = median(ours.took) <= law_s + MARGIN_S and max(ours.took) <= worst_s + MARGIN_S
    return Row(
        f"death → alert ({how}; {VICTIMS} of {SERVERS} servers, every {EVERY_S} s; Sharpnet looks "
        f"{DOWN_AFTER} times, {RETRY_S:.0f} s apart, and from a second place; the others once)",
        ours.words,
        "; ".join([*(f"{name}: {its.words}" for name, its in heard.items()), *_lacking()]),
        f"median {seconds(law_s)} + {MARGIN_S:.0f} s, worst {seconds(worst_s)} + {MARGIN_S:.0f} s: by the settings",
        in_time and not ours.false_alarms,
    )


def _lacking() -> list[str]:
    return [
        f"{watcher.name}: not on this machine: {', '.join(missing(watcher))}" for watcher in PEERS if missing(watcher)
    ]


def _heard(folder: Path, kill: Kill) -> dict[str, Heard]:
    """Return by name what each of them told."""
    with _servers(folder) as (servers, ssh_port), contextlib.ExitStack() as stack:
        task = Task([target for target, _ in servers], EVERY_S)
        receivers = {"Sharpnet": stack.enter_context(_sharpnet(folder / "sharpnet", task, ssh_port))}
        for watcher in PEERS:
            if not missing(watcher):
                receiver = receivers[watcher.name] = stack.enter_context(receiving())
                told = replace(task, told=receiver.url)
                stack.enter_context(watcher.run(folder / watcher.name.split()[0], told))
        time.sleep(WARM_UP_S)
        try:
            died = _let_die(servers, kill)
            _wait_until_heard(died, receivers.values())
        finally:
            cut_off(TABLE, (), ())
    return {name: _told(receiver, died) for name, receiver in receivers.items()}


def _told(receiver: Receiver, died: Deaths) -> Heard:
    took = [receiver.heard.get(name, math.inf) - at_s for name, at_s in died.items()]
    # What was called down before it died was called so falsely, too.
    false = len(set(receiver.heard) - set(died)) + sum(one < 0 for one in took)
    return Heard(took, false)


def _let_die(servers: Sequence[tuple[Target, int]], kill: Kill) -> Deaths:
    """Let some die, one after the other at random moments; return when each did."""
    died: dict[str, float] = {}
    victims = random.sample(servers, VICTIMS)
    for number, (target, _) in enumerate(victims, 1):
        time.sleep(random.uniform(*PAUSE_S))  # noqa: S311 - a moment, not a secret
        died[target.name] = time.monotonic()
        kill(victims[:number])
    return died


def _wait_until_heard(died: Deaths, receivers: Iterable[Receiver]) -> None:
    give_up_s = max(died.values()) + PATIENCE_S
    while time.monotonic() < give_up_s and not all(set(died) <= set(receiver.heard) for receiver in receivers):
        time.sleep(LOOK_S)


@contextlib.contextmanager
def _servers(folder: Path) -> Iterator[tuple[list[tuple[Target, int]], int]]:
    """Run the servers; gives each with its process id, and their SSH port."""
    http_port, ssh_port = free_port(), free_port()
    targets = [Target(f"t{number:03}", f"{ADDRESSES}{number}", http_port) for number in range(1, SERVERS + 1)]
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


@contextlib.contextmanager
def _sharpnet(folder: Path, task: Task, banners: int) -> Iterator[Receiver]:
    """Run a bot that looks at each server's SSH port, and from two others where one does not answer; with a Slack."""
    folder.mkdir()
    slack = LocalSlack(folder / "slack", port=SLACK_PORT, channel=CHANNEL, users=PEOPLE)
    with name_server(folder) as dns_port, ssh_server(folder, *VANTAGES.values()) as ssh_port, slack:
        places = {name: (address, ssh_port) for name, address in VANTAGES.items()}
        places |= {target.name: (target.address, banners) for target in task.targets}
        watch = {"every": f"{EVERY_S}s", "retry": f"{RETRY_S:.0f}s", "timeout": f"{TIMEOUT_S}s"}
        fleet = {
            **fleet_around(dns_port),
            "slack": {"ops_channel": CHANNEL, "operators": PEOPLE, "approvers": PEOPLE},
            "servers": {
                name: {"ipv4": address, "ssh": login(port), "checks": {"host": "off"}}
                for name, (address, port) in places.items()
            },
            "watch": {**watch, "down_after": DOWN_AFTER},
            "sites": {},
        }
        with bot(folder, fleet, slack.env), reading(slack) as receiver:
            slack.wait_for_bot()
            yield receiver

"""How long from a server's death until an alert arrives, beside what else watches the same servers.

All of them look at the same servers at the same time, so that each death is one for all. Sharpnet's alerts arrive in
Slack; from the fourth on within half a minute they are lines in the third message, as when many die at once.
"""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.deaths import Heard, Kill, kill, let_die, servers, told, wait_until_heard
from bench.peers import TIMEOUT_S, Target, Task, missing
from bench.peers.monit import MONIT
from bench.peers.nagios import NAGIOS
from bench.peers.prometheus import PROMETHEUS
from bench.receiver import receiving
from bench.result import Row, seconds
from bench.told_in_slack import told_in_slack
from lab.network import cut_off

SERVERS, VICTIMS = 120, 20
EVERY_S, RETRY_S, DOWN_AFTER = 10, 1.0, 2
WATCH = {"every": f"{EVERY_S}s", "retry": f"{RETRY_S:.0f}s", "timeout": f"{TIMEOUT_S}s", "down_after": DOWN_AFTER}
# The law's target is for everything that comes after the last look: asking another server, gathering, sending.
MARGIN_S = 1.0
# Until each of them has looked at everything more than once: what was never seen up has not dropped.
WARM_UP_S = 3.0 * EVERY_S
TABLE = "bench"
PEERS = (PROMETHEUS, MONIT, NAGIOS)


async def measure(folder: Path) -> list[Row]:
    """Let servers die in two ways: their ports refuse, and their packets vanish."""
    return [
        _row(folder / "refused", "port refused", 0, kill),
        _row(folder / "silent", f"packets vanish, time-out {TIMEOUT_S} s", TIMEOUT_S, _cut),
    ]


def _cut(dead: Sequence[tuple[Target, int]]) -> None:
    cut_off(TABLE, [target.address for target, _ in dead], ())


def _row(folder: Path, how: str, timeout_s: float, end: Kill) -> Row:
    folder.mkdir()
    heard = _heard(folder, end)
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


def _heard(folder: Path, end: Kill) -> dict[str, Heard]:
    """Return by name what each of them told."""
    with servers(folder, SERVERS) as (alive, ssh_port), contextlib.ExitStack() as stack:
        targets = [target for target, _ in alive]
        _, ours = stack.enter_context(told_in_slack(folder / "sharpnet", targets, ssh_port, WATCH))
        receivers = {"Sharpnet": ours}
        for watcher in PEERS:
            if not missing(watcher):
                receiver = receivers[watcher.name] = stack.enter_context(receiving())
                task = Task(targets, EVERY_S, told=receiver.url)
                stack.enter_context(watcher.run(folder / watcher.name.split()[0], task))
        time.sleep(WARM_UP_S)
        try:
            died = let_die(alive, VICTIMS, end)
            wait_until_heard(died, receivers.values())
        finally:
            cut_off(TABLE, (), ())
    return {name: told(receiver, died) for name, receiver in receivers.items()}

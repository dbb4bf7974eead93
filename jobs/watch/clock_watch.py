"""Says it when the clock of the bot's machine was set, or the machine slept: the record is hard to read then."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

from core.errors import StoreError
from core.monitor.clock_watch import ClockReading, card_of, change_between
from core.wording import stamp

if TYPE_CHECKING:
    from ops.ports import Ports

LOOK_EVERY_S = 5.0

log = logging.getLogger(__name__)


async def watch_clock(ports: Ports) -> None:
    """Compare the machine's clocks until cancelled."""
    machine = socket.gethostname()
    before = _reading(ports)
    while True:
        await ports.clock.sleep(LOOK_EVERY_S)
        now = _reading(ports)
        change = change_between(before, now)
        before = now
        if change is None:
            continue
        body = {"stepped_s": change.stepped.total_seconds(), "slept_s": change.slept.total_seconds()}
        log.warning("clock=changed stepped_s=%(stepped_s).1f slept_s=%(slept_s).1f", body)
        try:
            await ports.store.record.add(now.at, "clock.changed", machine, "bot:watch", body)
            card = card_of(change, machine, ports.fleet.timezone, now.at)
            await ports.store.cards.put(f"clock:{machine}:{stamp(now.at)}", card, now.at)
        except StoreError as error:
            log.warning("clock=untold why=%s", error.message)


def _reading(ports: Ports) -> ClockReading:
    clock = ports.clock
    return ClockReading(clock.now(), clock.since_boot(), clock.monotonic())

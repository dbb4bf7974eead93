"""`python -m bench.checks_alone ADDRESS PORT SITES EVERY_S`: Sharpnet's checks of sites, in a process of their own.

Connecting, reading and judging are the bot's; there is no store, no Slack and nothing else that a bot loads.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from itertools import count

import uvloop

from bench.peers import CONTAINS, TIMEOUT_S
from bench.web import site_name
from core.fleet import SiteCheck, Watch
from core.monitor.detection import LookVerdict, TargetState, Track, after_look
from ops.probe.expect import SiteListener
from ops.probe.tcp import talk

# As in the bot's watch.
TOGETHER_S = 0.02


class Site:
    """One site, and what is known of it."""

    def __init__(self, name: str, address: str, port: int, watch: Watch) -> None:
        self._name = name
        self._place = address, port
        self._watch = watch
        self._check = SiteCheck(contains=CONTAINS)
        self._track = Track()
        self.is_looked_at = False

    async def look(self) -> None:
        """Look at it once."""
        self.is_looked_at = True
        look = await talk(*self._place, SiteListener(self._name, self._check), timeout_s=TIMEOUT_S)
        found = TargetState.UP if look.ok else TargetState.DOWN
        now, now_s = datetime.now(UTC), asyncio.get_running_loop().time()
        self._track = after_look(self._track, LookVerdict(found, now, now_s, look.why), self._watch)
        self.is_looked_at = False


async def main(address: str, port: int, sites: int, every_s: int) -> None:
    """Look at them all, spread evenly over the interval; what is due within so short a time is looked at together."""
    loop, watch = asyncio.get_running_loop(), Watch(every=timedelta(seconds=every_s))
    turns: list[list[Site]] = [[] for _ in range(round(every_s / TOGETHER_S))]
    for number in range(sites):
        turns[number % len(turns)].append(Site(site_name(number), address, port, watch))
    began_s = loop.time()
    async with asyncio.TaskGroup() as group:
        for turn in count():
            for site in turns[turn % len(turns)]:
                if not site.is_looked_at:
                    group.create_task(site.look())
            await asyncio.sleep(began_s + (turn + 1) * TOGETHER_S - loop.time())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], *(int(word) for word in sys.argv[2:])))

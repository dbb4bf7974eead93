"""`python -m bench.checks_alone ADDRESS PORT SITES EVERY_S`: Sharpnet's checks of sites, in a process of their own.

Connecting, reading and judging are the bot's; there is no store, no Slack and nothing else that a bot loads.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import uvloop

from bench.peers import CONTAINS, TIMEOUT_S
from bench.web import site_name
from core.fleet import SiteCheck, Watch
from core.outage import Finding, State, Track, after_look
from ops.listeners import SiteListener
from ops.talk import talk


async def look_at(name: str, address: str, port: int, first_s: float, watch: Watch) -> None:
    """Look at one site at its regular moments until cancelled."""
    loop, track, due_s = asyncio.get_running_loop(), Track(), first_s
    check, every_s = SiteCheck(contains=CONTAINS), watch.every.total_seconds()
    while True:
        await asyncio.sleep(due_s - loop.time())
        look = await talk(address, port, SiteListener(name, check), timeout_s=TIMEOUT_S)
        found = State.UP if look.ok else State.DOWN
        track = after_look(track, Finding(found, datetime.now(UTC), loop.time(), look.why), watch)
        due_s = max(due_s + every_s, loop.time())


async def main(address: str, port: int, sites: int, every_s: int) -> None:
    """Look at them all, spread evenly over the interval."""
    watch = Watch(every=timedelta(seconds=every_s))
    began_s = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for number in range(sites):
            first_s = began_s + every_s * number / sites
            group.create_task(look_at(site_name(number), address, port, first_s, watch))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], *(int(word) for word in sys.argv[2:])))

"""Status pages: put on every server that has one, at once when there is news and every minute besides.

Each server gets its copy by itself, so that a dead one keeps no other from getting it.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import SharpnetError
from core.fleet.target import Target
from core.monitor.detection import TargetState
from core.page.model import published_content
from core.reply import Reply, Tone
from core.wording import clock_time, duration
from jobs import Job
from ops.gather.pages import current_page, put_page, stored_page, with_days, with_page
from ops.gather.pages.drawing import drawn
from ops.gather.pages.past import PastDays

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from core.page.model import Page
    from ops.gather.pages.drawing import SharedDrawing
    from ops.ports import Ports

__all__ = ["JOB", "publish", "publish_now"]

LOOK_EVERY_S = 2.0
EVERY_S = 60.0
TIMEOUT_S = 20.0
# Somebody waits for it at the end of a cutover: for each server, and for all of it, with a look where no bot watches.
SOON_S = 5.0
NOW_S = 15.0
RETRY_S = 10.0
TOLD_AFTER = timedelta(minutes=10)

log = logging.getLogger(__name__)


class Publisher:
    """Keeps the pages of all servers as they should be. `run` goes on until it is cancelled."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._news: tuple[object, ...] = ()
        self._drawing = asyncio.Lock()
        self._past = PastDays(ports)
        self._drawn: tuple[tuple[object, ...], float, SharedDrawing] | None = None
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """Write the pages until cancelled. What goes wrong is tried again."""
        async with asyncio.TaskGroup() as group:
            for server in with_page(self._ports.fleet):
                group.create_task(self._keep(server))
            while with_page(self._ports.fleet):
                await self._look()
                await self._ports.clock.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        """Wake those who write where there is news."""
        try:
            news = published_content(await stored_page(self._ports))
        except SharpnetError as error:
            log.warning("pages=look failed: %s", error.message)
            return
        if news != self._news:
            async with self._changed:
                self._news = news
                self._changed.notify_all()

    async def _keep(self, server: str) -> None:
        clock = self._ports.clock
        failing_since_s: float | None = None
        while True:
            news = self._news
            failure = await self._write(server, news)
            if failure is None:
                if failing_since_s is not None:
                    log.warning("page=%s written again", server)
                failing_since_s = None
                await self._guarded_tell(server, None)
                await self._wait(news, EVERY_S)
                continue
            if failing_since_s is None:
                log.warning("page=%s failed: %s", server, failure.message)
                failing_since_s = clock.monotonic()
            if clock.monotonic() - failing_since_s >= TOLD_AFTER.total_seconds():
                await self._guarded_tell(server, failure)
            await clock.sleep(RETRY_S)

    async def _write(self, server: str, news: tuple[object, ...]) -> SharpnetError | None:
        try:
            drawing = await self._drawing_of(news)
        except SharpnetError as error:
            return error
        return await _put(self._ports, drawing, server, TIMEOUT_S)

    async def _drawing_of(self, news: tuple[object, ...]) -> SharedDrawing:
        """Return the page, drawn once for all servers that want it at the same time."""
        async with self._drawing:
            now_s = self._ports.clock.monotonic()
            if self._drawn is not None and self._drawn[0] == news and now_s - self._drawn[1] < LOOK_EVERY_S:
                return self._drawn[2]
            page = await self._past.onto(await stored_page(self._ports))
            drawing = await drawn(page, self._ports.fleet)
            self._drawn = news, now_s, drawing
            return drawing

    async def _wait(self, news: tuple[object, ...], most_s: float) -> None:
        """Return when there is other news than `news`, or the time is over."""
        waiting = asyncio.ensure_future(self._ports.clock.sleep(most_s))
        changing = asyncio.ensure_future(self._until_other(news))
        try:
            await asyncio.wait({waiting, changing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (waiting, changing):
                task.cancel()
            await asyncio.gather(waiting, changing, return_exceptions=True)

    async def _until_other(self, news: tuple[object, ...]) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._news != news)

    async def _guarded_tell(self, server: str, failure: SharpnetError | None) -> None:
        try:
            await _tell(self._ports, server, failure)
        except SharpnetError as error:
            log.warning("page=%s telling failed: %s", server, error.message)


async def publish(
    ports: Ports, page: Page, timeout_s: float = TIMEOUT_S, without: Collection[str] = ()
) -> Mapping[str, SharpnetError | None]:
    """Put `page` on every server that carries one; return what went wrong, by server, None where nothing did."""
    servers = [server for server in with_page(ports.fleet) if server not in without]
    drawing = await drawn(page, ports.fleet)
    failures = await asyncio.gather(*(_put(ports, drawing, server, timeout_s) for server in servers))
    return dict(zip(servers, failures, strict=True))


async def publish_now(ports: Ports) -> None:
    """Write the pages of all servers that are not known to be down, and never fail; what fails is tried later.

    Besides, the witnesses of the store are told how far it is.
    At the end of a cutover: there may be no bot that would do it soon.
    """
    try:
        async with asyncio.timeout(NOW_S):
            await _publish_where_up(ports)
    except SharpnetError as error:
        log.warning("pages=now failed: %s", error.message)
    except TimeoutError:
        log.warning("pages=now failed: not written within %g s", NOW_S)


async def _publish_where_up(ports: Ports) -> None:
    page = await with_days(ports, await current_page(ports))
    down = {one.name for one in page.servers if one.state is TargetState.DOWN}
    failures, _ = await asyncio.gather(publish(ports, page, SOON_S, down), _tell_witnesses(ports, down))
    for server, failure in failures.items():
        if failure is not None:
            log.warning("page=%s failed: %s", server, failure.message)


async def _tell_witnesses(ports: Ports, down: Collection[str]) -> None:
    if ports.standing is None:
        return
    try:
        await ports.standing.tell(ports.standing.witnesses.difference(down))
    except SharpnetError as error:
        log.warning("store telling failed: %s", error.message)


async def _put(ports: Ports, drawing: SharedDrawing, server: str, timeout_s: float) -> SharpnetError | None:
    try:
        await put_page(ports, drawing, server, timeout_s=timeout_s)
    except SharpnetError as error:
        return error
    return None


async def _tell(ports: Ports, server: str, failure: SharpnetError | None) -> None:
    """Say once that a server which is up does not get its page, and say so where it gets it again."""
    key, now, cards = f"page:{server}", ports.clock.now(), ports.store.cards
    card = await cards.get(key)
    told = card is not None and card.reply.tone is not Tone.GOOD
    if failure is None:
        if told:
            title = f"The status page on {server} is written again since {clock_time(now, ports.fleet.timezone, now)}"
            await cards.put(key, Reply(title, tone=Tone.GOOD), now)
        return
    target = Target.server(server)
    seen = (await ports.store.states.states_of([target])).get(target)
    if not told and seen is not None and seen.state in {TargetState.UP, TargetState.DEGRADED}:
        title = f"The status page on {server} could not be written for {duration(TOLD_AFTER)}: {failure.message}"
        await cards.put(key, Reply(f"{title} {failure.hint}".strip(), tone=Tone.WARN), now)


JOB = Job(name="pages", run=lambda ports, _key, _at: Publisher(ports).run(), at_start=True)

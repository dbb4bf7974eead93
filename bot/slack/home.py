"""The Home tab of everybody who opened it lately: shown when opened, and again when what it shows has changed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slack_sdk.models.views import View

from bot.slack.render import blocks_of_home
from bot.slack.trouble import NOT_SAID, trouble_of
from core.errors import StoreError
from core.home import Pending, as_of, home_of
from core.plan import State
from ops.fleet_picture import is_watched, stored_picture

if TYPE_CHECKING:
    from slack_sdk.models.blocks import Block
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.slack.people import People
    from core.reply import Reply
    from ops.ports import Ports

LOG = logging.getLogger(__name__)
# views.publish takes about a hundred calls a minute, for everybody together.
PUBLISH_EVERY_S = 1.0
LOOK_EVERY_S = 2.0
# A viewer's tab is not drawn more often than this while things change, and no less often than that while none do:
# the time that it states tells whether the bot is alive.
EACH_EVERY_S = 5.0
EACH_AT_LEAST_EVERY_S = 240.0
VIEWED_FOR_S = 4 * 3600.0
MOST_VIEWERS = 50
AGAIN_S = 30.0


@dataclass(slots=True)
class _Viewer:
    """Somebody who has it open, perhaps: what they were shown, and from when on they may be shown something else."""

    opened_at_s: float
    shown: str = ""
    shown_at_s: float = 0.0
    not_before_s: float = 0.0

    def is_due(self, shown: str, now_s: float) -> bool:
        if now_s < self.not_before_s:
            return False
        return shown != self.shown or now_s - self.shown_at_s >= EACH_AT_LEAST_EVERY_S


class Homes:
    """Keeps Home tabs up to date until cancelled; knows of those that were opened since this process began."""

    def __init__(self, ports: Ports, client: AsyncWebClient, people: People) -> None:
        self._ports = ports
        self._client = client
        self._people = people
        self._viewers: dict[str, _Viewer] = {}
        self._awake = asyncio.Event()

    def opened_by(self, user: str) -> None:
        """Take in that somebody has opened theirs: it is shown at once, and kept so for some hours."""
        self._viewers.pop(user, None)
        while len(self._viewers) >= MOST_VIEWERS:
            del self._viewers[next(iter(self._viewers))]
        self._viewers[user] = _Viewer(self._ports.clock.monotonic())
        self._awake.set()

    async def run(self) -> None:
        """Show and show again, for ever."""
        while True:
            try:
                wait_s = await self._turn()
            except StoreError as error:
                LOG.warning("slack home=waiting why=%r", error.message)
                wait_s = AGAIN_S
            # Opening it is no reason to be faster than Slack allows.
            await self._ports.clock.sleep(PUBLISH_EVERY_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), timeout=max(0.0, wait_s - PUBLISH_EVERY_S))

    async def _turn(self) -> float:
        """Show it to whoever waits longest, and return how many seconds may pass before the next look."""
        self._awake.clear()
        now_s = self._ports.clock.monotonic()
        for user in [user for user, one in self._viewers.items() if now_s - one.opened_at_s > VIEWED_FOR_S]:
            del self._viewers[user]
        if not self._viewers:
            return VIEWED_FOR_S
        replies = [await self._people.named(reply) for reply in await home_replies(self._ports)]
        shown = json.dumps([block.to_dict() for block in blocks_of_home(replies, footnote="-")], sort_keys=True)
        due = [(one.shown_at_s, user) for user, one in self._viewers.items() if one.is_due(shown, now_s)]
        if due:
            _, user = min(due)
            footnote = as_of(self._ports.clock.now(), self._ports.fleet.timezone)
            await self._publish(user, shown, blocks_of_home(replies, footnote=footnote))
        return PUBLISH_EVERY_S if len(due) > 1 else LOOK_EVERY_S

    async def _publish(self, user: str, shown: str, blocks: list[Block]) -> None:
        viewer = self._viewers[user]
        try:
            await self._client.views_publish(user_id=user, view=View(type="home", blocks=blocks))
        except NOT_SAID as error:
            trouble = trouble_of(error)
            LOG.warning("slack user=%s home=failed why=%r", user, trouble.why)
            viewer.not_before_s = self._ports.clock.monotonic() + (trouble.wait_s or AGAIN_S)
            return
        viewer.shown, viewer.shown_at_s = shown, self._ports.clock.monotonic()
        viewer.not_before_s = viewer.shown_at_s + EACH_EVERY_S


async def home_replies(ports: Ports) -> tuple[Reply, ...]:
    """Return what the Home tab shows, from the store."""
    store = ports.store
    pending = [
        Pending(stored.plan, card.reply, stored.given)
        for stored in await store.plans.in_state(State.PLANNED)
        if (card := await store.cards.get(stored.card)) is not None
    ]
    keys = dict.fromkeys(outage.card for outage in await store.watching.open_outages())
    keys |= dict.fromkeys(one.card for one in await store.maintenance.now_and_planned())
    cards = [card.reply for key in keys if (card := await store.cards.get(key)) is not None]
    return home_of(await stored_picture(ports), pending, cards, watched=await is_watched(ports))

"""The Home tab of everybody who opened it lately: shown when opened, and again when what it shows has changed.

Who they are is in the store, so that a bot that starts goes on with those of the one before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from slack_sdk.models.views import View

from bot.slack.render import blocks_of_home
from bot.slack.trouble import NOT_SAID, trouble_of
from core.errors import StoreError
from core.plan.plan import PlanState
from core.reply import Reply
from core.status.home_tab import Pending, as_of, home_of
from ops.gather.fleet_picture import is_watched, stored_picture

if TYPE_CHECKING:
    from slack_sdk.models.blocks import Block
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.slack.people import People
    from ops.ports import Ports

LOG = logging.getLogger(__name__)
# views.publish takes about a hundred calls a minute, for everybody together.
PUBLISH_EVERY_S = 1.0
LOOK_EVERY_S = 2.0
# A viewer's tab is not drawn more often than this while things change, and no less often than that while none do:
# the time that it states tells whether the bot is alive.
EACH_EVERY_S = 5.0
EACH_AT_LEAST_EVERY_S = 240.0
VIEWED_FOR = timedelta(hours=4)
MOST_VIEWERS = 50
AGAIN_S = 30.0
# A bot that is killed loses its tabs to another, or to itself, after so long.
LEASE = timedelta(seconds=30)
RENEW_S = 10.0


@dataclass(slots=True)
class _Viewer:
    """Somebody who has it open, perhaps: what they were shown, and from when on they may be shown something else."""

    shown: str = ""
    shown_at_s: float = 0.0
    not_before_s: float = 0.0

    def is_due(self, shown: str, now_s: float) -> bool:
        if now_s < self.not_before_s:
            return False
        return shown != self.shown or now_s - self.shown_at_s >= EACH_AT_LEAST_EVERY_S


class HomeTabKeeper:
    """Keeps Home tabs up to date until cancelled: those that were opened here, and those whose bot is gone."""

    def __init__(self, ports: Ports, client: AsyncWebClient, people: People) -> None:
        self._ports = ports
        self._client = client
        self._people = people
        self._tabs = ports.store.home_tabs
        self._bot = f"slack-home:{secrets.token_hex(8)}"
        self._viewers: dict[str, _Viewer] = {}
        self._opened: dict[str, None] = {}
        self._renew_at_s = float("-inf")
        self._awake = asyncio.Event()

    def opened_by(self, user: str) -> None:
        """Take in that somebody has opened theirs: it is shown at once, and kept so for some hours."""
        self._opened[user] = None
        self._awake.set()

    async def run(self) -> None:
        """Show and show again, for ever."""
        try:
            while True:
                await self._rest(await self._turn())
        finally:
            with contextlib.suppress(StoreError):
                await self._tabs.let_go(self._bot)

    async def _rest(self, seconds: float) -> None:
        # Opening it is no reason to be faster than Slack allows.
        await self._ports.clock.sleep(PUBLISH_EVERY_S)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._awake.wait(), timeout=max(0.0, seconds - PUBLISH_EVERY_S))

    async def _turn(self) -> float:
        self._awake.clear()
        try:
            return await self._show_next()
        except StoreError as error:
            LOG.warning("slack home=waiting why=%r", error.message)
            return AGAIN_S

    async def _show_next(self) -> float:
        """Show it to whoever waits longest, and return how many seconds may pass before the next look."""
        await self._read_viewers()
        if not self._viewers:
            return RENEW_S
        now_s = self._ports.clock.monotonic()
        replies = [await self._people.named(reply) for reply in await home_replies(self._ports)]
        shown = json.dumps([block.to_dict() for block in blocks_of_home(replies, footnote="-")], sort_keys=True)
        due = [(one.shown_at_s, user) for user, one in self._viewers.items() if one.is_due(shown, now_s)]
        if due:
            _, user = min(due)
            footnote = as_of(self._ports.clock.now(), self._ports.fleet.timezone)
            await self._publish(user, shown, blocks_of_home(replies, footnote=footnote))
        return PUBLISH_EVERY_S if len(due) > 1 else LOOK_EVERY_S

    async def _read_viewers(self) -> None:
        """Bring what is remembered here in step with the store, where somebody opened theirs or a lease is to renew."""
        now_s, now = self._ports.clock.monotonic(), self._ports.clock.now()
        if not self._opened and now_s < self._renew_at_s:
            return
        opened, self._opened = self._opened, {}
        try:
            if opened:
                await self._tabs.opened(opened, self._bot, now, LEASE, most=MOST_VIEWERS)
            mine = await self._tabs.keep(self._bot, LEASE, now - VIEWED_FOR)
        except StoreError:
            self._opened = opened | self._opened
            raise
        kept = {user: one for user, one in self._viewers.items() if user in mine and user not in opened}
        self._viewers = {user: kept.get(user) or _Viewer() for user in mine}
        self._renew_at_s = now_s + RENEW_S

    async def _publish(self, user: str, shown: str, blocks: list[Block]) -> None:
        viewer = self._viewers[user]
        barred = (await self._people.person_of(user)).barred
        if barred:
            blocks = blocks_of_home((Reply(f"Sorry: {barred}"),), footnote="Sharpnet")
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
        Pending(stored.plan, card.reply, stored.approved_by)
        for stored in await store.plans.in_state(PlanState.PLANNED)
        if (card := await store.cards.get(stored.card)) is not None
    ]
    keys = dict.fromkeys(outage.card for outage in await store.outages.all_open())
    keys |= dict.fromkeys(one.card for one in await store.maintenance.now_and_planned())
    cards = [card.reply for key in keys if (card := await store.cards.get(key)) is not None]
    return home_of(await stored_picture(ports), pending, cards, watched=await is_watched(ports))

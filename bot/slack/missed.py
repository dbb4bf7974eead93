"""What was written under the messages of incidents while the bot was away, or killed before it had kept it.

The threads are read each time that Slack is connected, and when the message of an incident turns out to be there, of
which the store did not know. What bears a mark of the bot's own was heard then; the rest is heard now. Nothing is kept
twice: the store knows the messages that it has notes of.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.slack.channel import OpsChannel
from bot.slack.trouble import NOT_SAID, why_of
from core.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slack_sdk.web.async_client import AsyncWebClient

    from bot.slack.thread import Threads
    from ops.ports import Ports

LOG = logging.getLogger(__name__)
# Of incidents that go on, or were over for less than this, what was written since then.
BACK = timedelta(hours=24)
# conversations.replies takes about fifty calls a minute.
MOST_THREADS = 30
AGAIN_S = 30.0


class MissedReplies:
    """Reads the threads of incidents whenever woken, until cancelled."""

    def __init__(self, ports: Ports, client: AsyncWebClient, threads: Threads) -> None:
        self._ports = ports
        self._client = client
        self._threads = threads
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Read them: Slack is connected, or shows a message that nobody knew of."""
        self._woken.set()

    async def run(self) -> None:
        """Read whenever woken, and again where that fails."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._read()
            except StoreError as error:
                await self._later(error.message)
            except NOT_SAID as error:
                await self._later(why_of(error))

    async def _later(self, why: str) -> None:
        LOG.warning("slack threads=unread why=%r", why)
        await self._ports.clock.sleep(AGAIN_S)
        self._woken.set()

    async def _read(self) -> None:
        since = self._ports.clock.now() - BACK
        store = self._ports.store
        keys = [one.card for one in await store.outages.since(since)]
        keys += [
            one.card for one in (*await store.maintenance.now_and_planned(), *await store.maintenance.since(since))
        ]
        for key in list(dict.fromkeys(keys))[:MOST_THREADS]:
            card = await store.cards.get(key)
            if card is None or card.channel is None or card.ts is None:
                continue
            messages = await OpsChannel(self._client, card.channel).thread(card.channel, card.ts, since)
            for message in unheard(messages, card.ts):
                await self._threads.hear({**message, "channel": card.channel}, live=False)


def unheard(messages: Iterable[Mapping[str, Any]], ts: str) -> list[Mapping[str, Any]]:
    """Return the replies in the thread of the message `ts` that bear no mark of whoever wrote that message."""
    thread = list(messages)
    writers = {str(one.get("user") if one.get("ts") == ts else one.get("parent_user_id")) for one in thread}
    return [one for one in thread if one.get("ts") != ts and not writers & _markers(one)]


def _markers(message: Mapping[str, Any]) -> set[str]:
    return {str(user) for mark in message.get("reactions") or () for user in mark.get("users") or ()}

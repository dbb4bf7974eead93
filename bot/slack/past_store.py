"""Posts in the ops channel without the store: one message, edited while it is about the same."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bot.slack.channel import OpsChannel
from bot.slack.render import message_of
from bot.slack.trouble import NOT_SAID, why_of

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from core.reply import Reply

LOG = logging.getLogger(__name__)
KEY = "unstored"


class SlackPastStore:
    """Implements `jobs.notify.store_down.TellDirectly`."""

    def __init__(self, client: AsyncWebClient, channel: str) -> None:
        self._channel = OpsChannel(client, channel)
        self._shown: tuple[str, str] | None = None

    async def __call__(self, reply: Reply, *, news: bool) -> bool:
        """Post it, or edit what was posted last."""
        try:
            if news or self._shown is None:
                self._shown = await self._channel.post(KEY, message_of(reply))
            else:
                await self._channel.edit(*self._shown, KEY, message_of(reply))
        except NOT_SAID as error:
            LOG.warning("slack store=unwritable told=no why=%r", why_of(error))
            return False
        return True

"""How far long work is, for the person who asked: one direct message, edited now and then, and said once at its end.

An answer to a command cannot be edited often enough (five times in half an hour), so this is a message of its own.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.slack.render import message_of
from bot.slack.trouble import NOT_SAID, why_of

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.slack.people import People
    from core.reply import Reply
    from ops.contracts import Clock

LOG = logging.getLogger(__name__)
# chat.update takes about fifty calls a minute, of everything the bot edits.
EDIT_EVERY_S = 5.0


@dataclass(slots=True)
class ChatProgress:
    """The progress of one thing that `user` asked for."""

    client: AsyncWebClient
    people: People
    clock: Clock
    user: str
    _latest: Reply | None = None
    _shown: str = ""
    _at: tuple[str, str] | None = None
    _sending: asyncio.Task[None] | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, reply: Reply) -> None:
        """Take in how far it is."""
        self._latest = reply
        self._changed.set()

    async def show(self) -> None:
        """Show the latest every few seconds, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            # Whoever cancels this must not leave a message behind that nobody knows of.
            self._sending = asyncio.create_task(self._send())
            await asyncio.shield(self._sending)
            await self.clock.sleep(EDIT_EVERY_S)

    async def end(self, reply: Reply) -> None:
        """Have the message say how it ended; does nothing where there is none. The answer itself comes by another."""
        if self._sending is not None:
            await asyncio.wait([self._sending])
        if self._at is not None:
            self._latest = reply
            await self._send()

    async def _send(self) -> None:
        reply = await self.people.named(self._latest) if self._latest is not None else None
        if reply is None or reply.title == self._shown:
            return
        text, blocks = message_of(reply)
        try:
            if self._at is None:
                answer = await self.client.chat_postMessage(channel=self.user, text=text, blocks=blocks)
                self._at = str(answer["channel"]), str(answer["ts"])
            else:
                channel, ts = self._at
                await self.client.chat_update(channel=channel, ts=ts, text=text, blocks=blocks)
        except NOT_SAID as error:
            LOG.info("slack user=%s progress=not_shown why=%r", self.user, why_of(error))
            return
        self._shown = reply.title

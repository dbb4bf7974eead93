"""The ops channel as the outbox uses it: post, edit, reply, and find again what may have been posted already.

Each message carries in its metadata which card or note it is, so that one whose answer was lost is recognised.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from slack_sdk.errors import SlackApiError

from bot.slack.trouble import SlackFailureKind, trouble_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from slack_sdk.models.blocks import Block
    from slack_sdk.web.async_client import AsyncWebClient

LOG = logging.getLogger(__name__)
CARD_EVENT = "sharpnet_card"
NOTE_EVENT = "sharpnet_note"
# The two clocks may differ, ours and Slack's.
CLOCKS_DIFFER = timedelta(minutes=5)
MOST_PAGES = 10
PAGE = 200

Message = tuple[str, "list[Block]"]


class OpsChannel:
    """One channel. Every method raises what the Slack client raises: see `bot.slack.trouble`."""

    def __init__(self, client: AsyncWebClient, channel: str) -> None:
        self._client = client
        self.id = channel

    async def post(self, key: str, message: Message) -> tuple[str, str]:
        """Post a card and return its channel and time stamp."""
        answer = await _with_text_alone_if_need_be(
            self._client.chat_postMessage,
            message,
            channel=self.id,
            metadata=_card(key),
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(answer["channel"]), str(answer["ts"])

    async def edit(self, channel: str, ts: str, key: str, message: Message) -> None:
        """Have a posted card show something else."""
        await _with_text_alone_if_need_be(
            self._client.chat_update, message, channel=channel, ts=ts, metadata=_card(key)
        )

    async def reply(self, channel: str, ts: str, number: int, message: Message) -> None:
        """Add a note to a card's thread."""
        await _with_text_alone_if_need_be(
            self._client.chat_postMessage,
            message,
            channel=channel,
            thread_ts=ts,
            metadata={"event_type": NOTE_EVENT, "event_payload": {"number": number}},
            unfurl_links=False,
            unfurl_media=False,
        )

    async def find_card(self, key: str, text: str, since: datetime) -> str | None:
        """Return the time stamp of the message that shows the card `key`, posted after `since`; None: there is none.

        A message of a bot with no metadata at all is taken for it where it has the same text.
        """
        oldest = f"{(since - CLOCKS_DIFFER).timestamp():.6f}"
        so = "the card may appear twice"
        async for message in self._pages(self._client.conversations_history, so, channel=self.id, oldest=oldest):
            metadata = message.get("metadata") or {}
            same = metadata.get("event_type") == CARD_EVENT and (metadata.get("event_payload") or {}).get("key") == key
            alike = not metadata and message.get("bot_id") and message.get("text") == text
            if (same or alike) and message.get("subtype") != "ephemeral":
                return str(message["ts"])
        return None

    async def has_note(self, channel: str, ts: str, number: int, text: str) -> bool:
        """Return whether the card's thread holds the note `number` already."""
        so = "the note may appear twice"
        async for message in self._pages(self._client.conversations_replies, so, channel=channel, ts=ts):
            metadata = message.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            same = metadata.get("event_type") == NOTE_EVENT and payload.get("number") == number
            alike = not metadata and message.get("bot_id") and message.get("text") == text
            if (same or alike) and message.get("ts") != ts:
                return True
        return False

    async def thread(self, channel: str, ts: str, since: datetime) -> list[dict[str, Any]]:
        """Return the message `ts` and what was written in its thread after `since`, oldest first."""
        oldest, so = f"{since.timestamp():.6f}", "what was written there meanwhile is not taken in"
        pages = self._pages(self._client.conversations_replies, so, channel=channel, ts=ts, oldest=oldest)
        return [message async for message in pages]

    async def _pages(
        self, method: Callable[..., Awaitable[Any]], so: str, **query: object
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield messages page by page; none where the bot may not read: the log says that, and what comes of it."""
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            try:
                answer = await method(include_all_metadata=True, limit=PAGE, cursor=cursor, **query)
            except SlackApiError as error:
                if trouble_of(error).kind is not SlackFailureKind.SETUP:
                    raise
                LOG.warning("slack history=unreadable why=%s so=%r", trouble_of(error).why, so)
                return
            for message in answer.get("messages") or ():
                yield message
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return


def _card(key: str) -> dict[str, Any]:
    return {"event_type": CARD_EVENT, "event_payload": {"key": key}}


async def _with_text_alone_if_need_be(method: Callable[..., Awaitable[Any]], message: Message, **more: object) -> Any:  # noqa: ANN401 - the SDK's answer
    """Send a message; where Slack does not take its blocks, its text alone: the fact must get through."""
    text, blocks = message
    try:
        return await method(text=text, blocks=blocks, **more)
    except SlackApiError as error:
        trouble = trouble_of(error)
        if trouble.kind is not SlackFailureKind.SHAPE:
            raise
        LOG.warning("slack message=refused why=%s sending=text_only", trouble.why)
    return await method(text=text, blocks=[], **more)

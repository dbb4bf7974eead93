"""How an answer gets to the person who asked: quickly where Slack takes a quick answer, else as a direct message."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack.escape import cut, one_line, typed_by_slack
from bot.slack.picture import in_words, plots_of, png_of
from bot.slack.progress import ChatProgress
from bot.slack.render import message_of, pointer_to
from bot.slack.trouble import NOT_SAID, why_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from slack_sdk.models.blocks import Block
    from slack_sdk.models.views import View
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.slack.people import People
    from core.incident.notes import ThreadMessage
    from core.reply import Plot, Reply
    from ops.ports import Ports
    from ops.store.cards import StoredCard

LOG = logging.getLogger(__name__)
# A response_url takes five answers within half an hour; here a margin is kept of both.
QUICK_FOR = timedelta(minutes=25)
MOST_QUICK = 4
MOST_TITLE = 200
POSTED_WITHIN_S = 3.0
LOOK_EVERY_S = 0.1
HTTP_OK = 200


@dataclass(slots=True)
class ChatRequest:
    """One thing asked in Slack. `event` names it whoever it is delivered to; empty where Slack gave no name.

    channel None: in the Home tab. message: the time stamp of the message whose button was pressed, or under which it
    was written. words: those of the line, where it was not typed as one. thread_message: as in `commands.Request`.
    quick_url: where a quick answer goes.
    """

    user: str
    line: str
    event: str = ""
    channel: str | None = None
    message: str | None = None
    words: tuple[str, ...] | None = None
    thread_message: ThreadMessage | None = None
    quick_url: str | None = field(default=None, repr=False)
    quick_used: int = 0
    at: datetime | None = None

    @classmethod
    def of_command(cls, body: Mapping[str, Any]) -> ChatRequest:
        """Read a slash command."""
        return cls(
            user=str(body["user_id"]),
            line=typed_by_slack(str(body.get("text") or "")),
            event=str(body.get("trigger_id") or ""),
            channel=body.get("channel_id"),
            quick_url=body.get("response_url"),
        )

    @classmethod
    def of_press(cls, body: Mapping[str, Any]) -> ChatRequest:
        """Read the press of a button, whose value is the line."""
        return cls(
            user=str(body["user"]["id"]),
            # Slack gives back what was in a message with its three characters escaped.
            line=typed_by_slack(str(body["actions"][0].get("value") or "")),
            event=str(body.get("trigger_id") or ""),
            channel=(body.get("channel") or {}).get("id"),
            message=(body.get("message") or {}).get("ts"),
            quick_url=body.get("response_url"),
        )


class Delivery:
    """Tells people."""

    def __init__(self, ports: Ports, client: AsyncWebClient, people: People, wake: Callable[[], None]) -> None:
        self._ports = ports
        self._client = client
        self._people = people
        self._wake = wake

    async def answer(self, asked: ChatRequest, reply: Reply, *, footnote: str = "") -> None:
        """Tell the person the reply, or where it is: what a card in the ops channel shows is not repeated."""
        if reply.card is None:
            await self.tell(asked, reply, footnote=footnote)
            return
        card = await self._posted(reply.card)
        here = card is not None and (card.channel, card.ts) == (asked.channel, asked.message)
        if here:
            return
        reply = await self._people.named(reply)
        channel = self._ports.fleet.slack.ops_channel if self._ports.fleet.slack is not None else ""
        await self._send(asked, *pointer_to(reply, channel, await self._link(card)))

    async def tell(self, asked: ChatRequest, reply: Reply, *, footnote: str = "") -> None:
        """Tell the person alone; what is drawn comes after it, as a picture in a direct message."""
        await self._send(asked, *message_of(await self._people.named(reply), footnote=footnote))
        plots = plots_of(reply)
        if plots:
            await self._draw(asked, reply.title, plots)

    async def ask(self, trigger: str, question: View) -> bool:
        """Open a modal for whoever made the trigger; return whether Slack took it, which it does within 3 s only."""
        try:
            await self._client.views_open(trigger_id=trigger, view=question)
        except NOT_SAID as error:
            LOG.warning("slack question=lost why=%r", why_of(error))
            return False
        return True

    def progress(self, user: str) -> ChatProgress:
        """Return what shows the person how far something is."""
        return ChatProgress(self._client, self._people, self._ports.clock, user)

    async def _send(self, asked: ChatRequest, text: str, blocks: list[Block]) -> None:
        if await self._quickly(asked, text, blocks):
            return
        try:
            await self._client.chat_postMessage(
                channel=asked.user, text=text, blocks=blocks, unfurl_links=False, unfurl_media=False
            )
        except NOT_SAID as error:
            LOG.warning("slack user=%s answer=lost why=%r", asked.user, why_of(error))

    async def _draw(self, asked: ChatRequest, title: str, plots: Sequence[Plot]) -> None:
        """Upload a picture of the plots; where that fails, the words have been said already."""
        title = cut(one_line(title), MOST_TITLE)
        try:
            opened = await self._client.conversations_open(users=asked.user)
            await self._client.files_upload_v2(
                channel=opened["channel"]["id"],
                content=await asyncio.to_thread(png_of, plots),
                filename="status.png",
                title=title,
                alt_txt=in_words(plots),
            )
        except NOT_SAID as error:
            LOG.warning("slack user=%s picture=lost why=%r", asked.user, why_of(error))

    async def _quickly(self, asked: ChatRequest, text: str, blocks: list[Block]) -> bool:
        """Answer by the response_url; False where it has none, is used up, has expired, or does not take it."""
        late = asked.at is not None and self._ports.clock.now() - asked.at > QUICK_FOR
        if asked.quick_url is None or asked.quick_used >= MOST_QUICK or late:
            return False
        asked.quick_used += 1
        webhook = AsyncWebhookClient(asked.quick_url, session=self._client.session, retry_handlers=[])
        try:
            answer = await webhook.send(
                text=text, blocks=blocks, response_type="ephemeral", replace_original=False, delete_original=False
            )
        except NOT_SAID as error:
            LOG.info("slack user=%s quick_answer=failed why=%r", asked.user, why_of(error))
            return False
        if answer.status_code != HTTP_OK:
            LOG.info("slack user=%s quick_answer=refused status=%s", asked.user, answer.status_code)
        return answer.status_code == HTTP_OK

    async def _posted(self, key: str) -> StoredCard | None:
        """Return the card once the ops channel shows it, or as it is after a few seconds."""
        self._wake()
        deadline = self._ports.clock.monotonic() + POSTED_WITHIN_S
        while True:
            card = await self._ports.store.cards.get(key)
            if card is None or card.ts is not None or self._ports.clock.monotonic() > deadline:
                return card
            await self._ports.clock.sleep(LOOK_EVERY_S)

    async def _link(self, card: StoredCard | None) -> str | None:
        if card is None or card.channel is None or card.ts is None:
            return None
        try:
            answer = await self._client.chat_getPermalink(channel=card.channel, message_ts=card.ts)
        except NOT_SAID as error:
            LOG.info("slack card=%s link=unknown why=%r", card.key, why_of(error))
            return None
        return str(answer["permalink"])

"""Cards on their way to the ops channel: posted in order, edited until Slack shows the latest, never posted twice.

While Slack is away they wait in the store. Where several bots share the store, one at a time is at it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from slack_sdk.errors import SlackApiError

from bot.slack.channel import Message, OpsChannel
from bot.slack.people import People
from bot.slack.render import message_of, note_of
from bot.slack.trouble import NOT_SAID, SlackFailure, SlackFailureKind, trouble_of
from core.errors import StoreError
from core.reply import Reply, Tone
from core.wording import clock_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from slack_sdk.web.async_client import AsyncWebClient

    from ops.ports import Ports
    from ops.store.cards import StoredCard, StoredNote

LOG = logging.getLogger(__name__)
CLAIM = "slack-outbox"
# A call to Slack ends within ten seconds, so that none of ours is under way once another bot may take over.
LEASE = timedelta(seconds=20)
RENEW_S = 6.0
LATE = timedelta(seconds=60)
LONGEST_BACKOFF_S = 30.0
STORE_AGAIN_S = 5.0
# The least time between two posts, two edits, two edits of one card under way, two looks.
POST_EVERY_S = 1.0
EDIT_EVERY_S = 1.2
BUSY_CARD_EVERY_S = 3.0
LOOK_EVERY_S = 0.5


class Outbox:
    """Brings the ops channel up to date for ever. `client` must not ask again by itself: see `web_client`.

    on_found: called when a message turns out to be there already, of which the store did not know: people may have
    written under it.
    """

    def __init__(
        self,
        ports: Ports,
        client: AsyncWebClient,
        channel: str,
        *,
        on_found: Callable[[], None] = lambda: None,
    ) -> None:
        self._ports = ports
        self._cards = ports.store.cards
        self._channel = OpsChannel(client, channel)
        self._people = People(ports.fleet, client, ports.clock)
        self._on_found = on_found
        self._owner = f"{CLAIM}:{secrets.token_hex(8)}"
        self._awake = asyncio.Event()
        self._holds = False
        self._renew_at_s = 0.0
        self._next_post_at_s = 0.0
        self._next_edit_at_s = 0.0
        self._edited_at_s: dict[str, float] = {}
        self._late: dict[str, bool] = {}
        self._surely_not_posted: set[str] = set()
        self._gone: set[str] = set()
        # Whoever was at it before may have ended between sending a note and noting that.
        self._note_in_doubt = True
        self._failures = 0
        self._paused_until_s = 0.0
        self._told = ""

    def wake(self) -> None:
        """Look at once: a card may be waiting."""
        self._awake.set()

    async def run(self) -> None:
        """Post and edit until cancelled."""
        try:
            while True:
                await self._rest(await self._turn())
        finally:
            with contextlib.suppress(StoreError):
                await self._ports.store.claims.release(self._owner)

    async def _turn(self) -> float:
        """Do the next thing there is to do, and return how many seconds may pass before the next."""
        try:
            if not await self._is_mine():
                return RENEW_S / 2
            pause_s = self._paused_until_s - self._now_s()
            if pause_s > 0:
                return min(pause_s, RENEW_S / 2)
            wait_s = await self._next_card()
            return min(wait_s, await self._next_note()) if wait_s > 0 else wait_s
        except StoreError as error:
            self._tell(f"store {error.message!r}")
            return STORE_AGAIN_S
        except NOT_SAID as error:
            self._pause(trouble_of(error))
            return 0.0

    async def _rest(self, seconds: float) -> None:
        if seconds <= 0:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._awake.wait(), timeout=seconds)
        self._awake.clear()

    async def _is_mine(self) -> bool:
        if self._now_s() < self._renew_at_s:
            return self._holds
        at = self._ports.clock.now()
        others = await self._ports.store.claims.take([CLAIM], self._owner, "posts cards in Slack", at, LEASE)
        if self._holds and others:
            LOG.warning("slack outbox=taken_over by=%s", others[0].owner)
        if not self._holds and not others:
            self._note_in_doubt = True
        self._holds = not others
        self._renew_at_s = self._now_s() + (RENEW_S if self._holds else RENEW_S / 2)
        return self._holds

    async def _next_card(self) -> float:
        wait_s = LOOK_EVERY_S
        for card in await self._cards.waiting():
            due_in_s = self._due_in_s(card)
            if due_in_s <= 0:
                await self._show(card)
                self._went_well()
                return 0.0
            wait_s = min(wait_s, due_in_s)
        return wait_s

    def _due_in_s(self, card: StoredCard) -> float:
        if card.ts is None or card.key in self._gone:
            return self._next_post_at_s - self._now_s()
        # What is under way changes often and may be shown less often; how it ended is shown at once.
        between_s = BUSY_CARD_EVERY_S if card.reply.tone is Tone.BUSY else POST_EVERY_S
        card_due_at_s = self._edited_at_s.get(card.key, -between_s) + between_s
        return max(self._next_edit_at_s, card_due_at_s) - self._now_s()

    async def _show(self, card: StoredCard) -> None:
        if card.ts is None or card.channel is None or card.key in self._gone:
            await self._post(card)
            self._gone.discard(card.key)
            return
        posted_at = datetime.fromtimestamp(float(card.ts), UTC)
        late = self._late.setdefault(card.key, posted_at - card.made_at > LATE)
        try:
            await self._channel.edit(card.channel, card.ts, card.key, await self._message(card, posted_at, late=late))
        except SlackApiError as error:
            if trouble_of(error).kind is not SlackFailureKind.GONE:
                raise
            LOG.warning("slack card=%s message=gone posting=again", card.key)
            self._gone.add(card.key)
            return
        finally:
            self._next_edit_at_s = self._now_s() + EDIT_EVERY_S
            self._edited_at_s[card.key] = self._now_s()
        await self._cards.posted(card.key, card.revision, card.channel, card.ts)

    async def _post(self, card: StoredCard) -> None:
        at = self._ports.clock.now()
        late = at - card.made_at > LATE
        message = await self._message(card, at, late=late)
        if card.tried_at is not None and card.key not in self._surely_not_posted:
            ts = await self._channel.find_card(card.key, message[0], card.made_at)
            if ts is not None and ts != card.ts:
                LOG.info("slack card=%s message=found its_answer=had_been_lost", card.key)
                # Which revision it shows is not known; 0 has it edited next.
                await self._cards.posted(card.key, 0, self._channel.id, ts)
                self._on_found()
                return
        await self._cards.trying(card.key, at)
        self._surely_not_posted.discard(card.key)
        try:
            channel, ts = await self._channel.post(card.key, message)
        except SlackApiError as error:
            if trouble_of(error).surely_not_sent:
                self._surely_not_posted.add(card.key)
            raise
        finally:
            # Counted from the answer: Slack counts from when it got the message, which is not later.
            self._next_post_at_s = self._now_s() + POST_EVERY_S
        self._late[card.key] = late
        self._edited_at_s[card.key] = self._now_s()
        await self._cards.posted(card.key, card.revision, channel, ts)

    async def _next_note(self) -> float:
        notes = await self._cards.waiting_notes()
        if not notes:
            return LOOK_EVERY_S
        due_in_s = self._next_post_at_s - self._now_s()
        if due_in_s <= 0:
            await self._reply(notes[0])
            self._went_well()
        return max(0.0, due_in_s)

    async def _reply(self, note: StoredNote) -> None:
        card = await self._cards.get(note.card)
        if card is None or card.channel is None or card.ts is None:
            return
        at = self._ports.clock.now()
        text = (await self._people.named(Reply(note.text))).title
        message = note_of(text + self._since(note.at, at) if at - note.at > LATE else text)
        try:
            there = self._note_in_doubt and await self._channel.has_note(card.channel, card.ts, note.number, message[0])
            if not there:
                self._note_in_doubt = True
                await self._channel.reply(card.channel, card.ts, note.number, message)
        except SlackApiError as error:
            trouble = trouble_of(error)
            if trouble.kind is not SlackFailureKind.GONE:
                self._note_in_doubt = not trouble.surely_not_sent
                raise
            LOG.warning("slack card=%s message=gone note=%s dropped=yes", card.key, note.number)
        finally:
            self._next_post_at_s = self._now_s() + POST_EVERY_S
        self._note_in_doubt = False
        await self._cards.note_sent(note.number, at)

    async def _message(self, card: StoredCard, posted_at: datetime, *, late: bool) -> Message:
        reply = await self._people.named(card.reply)
        if late:
            reply = replace(reply, title=reply.title + self._since(card.made_at, posted_at))
        return message_of(reply)

    def _since(self, at: datetime, shown_at: datetime) -> str:
        return f" (from {clock_time(at, self._ports.fleet.timezone, shown_at)})"

    def _now_s(self) -> float:
        return self._ports.clock.monotonic()

    def _pause(self, trouble: SlackFailure) -> None:
        wait_s = trouble.wait_s
        if wait_s is None:
            wait_s = min(LONGEST_BACKOFF_S, 2.0**self._failures)
            self._failures = min(self._failures + 1, 10)
        self._paused_until_s = self._now_s() + wait_s
        self._tell(f"{trouble.kind.value} ({trouble.why})", trouble.hint)

    def _went_well(self) -> None:
        self._failures = 0
        if self._told:
            LOG.info("slack outbox=ok")
            self._told = ""

    def _tell(self, why: str, hint: str = "") -> None:
        """Log a trouble once, not each time that it is met again."""
        if why != self._told:
            LOG.warning("slack outbox=waiting why=%r hint=%r", why, hint)
            self._told = why

"""Replies in the thread of an incident's message: kept as notes, or carried out where they are a command.

The bot gets every message of the channels that it is in. All but a person's new reply under a message of its own about
an outage or a maintenance are dropped here, unread and not logged.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import commands
from bot.slack.delivery import ChatRequest
from bot.slack.trouble import NOT_SAID, why_of
from core.errors import RefusedError, StoreError
from core.incident.notes import ThreadMessage
from core.incident.outage import Outage
from core.incident.thread import command_in, why_no_note
from core.people import Role
from core.plan.plan import PlanState
from ops.gather.incidents import incident_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from slack_sdk.web.async_client import AsyncWebClient

    from bot.slack.people import People
    from core.errors import SharpnetError
    from core.incident.notes import Kind
    from core.incident.thread import ThreadCommand
    from ops.ports import Ports

LOG = logging.getLogger(__name__)
KEPT: Final = "white_check_mark"
REFUSED: Final = "warning"
# Slack is asked for the names of so many people whom one message mentions; the others are shown by their ids.
MOST_NAMED: Final = 20
INSTEAD: Final = (
    "Press the button of the plan's own message, or type it after /sharpnet, as in `/sharpnet approve ID`. "
    "To keep it as a note all the same, begin it with the word note."
)
# Of the many kinds of message events those that a person writes: plainly, with a file, or shown in the channel too.
_WRITTEN: Final = ("file_share", "thread_broadcast")
# A message's time stamp, in seconds since 1970.
_TS: Final = re.compile(r"[0-9]{1,11}\.[0-9]{1,9}")
_SEQUENCE: Final = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_PERSON: Final = re.compile(r"@[UW][A-Z0-9]{2,20}")
_ADDRESS: Final = re.compile(r"(?:https?://|mailto:|tel:)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ThreadReply:
    """What a person wrote in a thread. ts, thread: the time stamps of the message and of the one that it is under."""

    user: str
    text: str
    channel: str
    ts: str
    thread: str


def reply_in(event: Mapping[str, Any]) -> ThreadReply | None:
    """Return the reply that a message event brings; None for all else: edits, deletions, bots, what is in no thread."""
    user, channel, thread, ts = (str(event.get(name) or "") for name in ("user", "channel", "thread_ts", "ts"))
    subtype = event.get("subtype")
    by_a_person = user and not event.get("bot_id") and (subtype is None or subtype in _WRITTEN)
    if not by_a_person or not channel or thread in {"", ts} or not _TS.fullmatch(ts) or event.get("hidden"):
        return None
    return ThreadReply(user, str(event.get("text") or ""), channel, ts, thread)


def as_written(text: str, handles: Mapping[str, str | None]) -> str:
    """Return the text as its writer sees it: Slack's sequences for people, channels and links are undone.

    handles: of the people in it (`mentioned_in`), by their ids.
    """

    def plain(match: re.Match[str]) -> str:
        what, label = match[1], match[2]
        if _PERSON.fullmatch(what):
            return handles.get(what[1:]) or label or f"slack:{what[1:]}"
        if what.startswith("#"):
            return f"#{label or what[1:]}"
        if what.startswith("!"):
            return label or f"@{what[1:].partition('^')[0]}"
        address = _ADDRESS.fullmatch(what)
        if not label or address is None:
            return label or what.removeprefix("mailto:").removeprefix("tel:")
        return label if label in {what, address[1]} else f"{label} ({what})"

    return _SEQUENCE.sub(plain, text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def mentioned_in(text: str) -> frozenset[str]:
    """Return the ids of the people whom the text mentions."""
    return frozenset(match[1][1:] for match in _SEQUENCE.finditer(text) if _PERSON.fullmatch(match[1]))


@dataclass(frozen=True, slots=True)
class Threads:
    """Hears what is said under the messages of incidents. `serve` carries out a line, and says whether it went well.

    refuse: tells the person why it is not carried out, and says the same.
    What was heard gets a mark that everybody sees; one that has none was not heard.
    """

    ports: Ports
    people: People
    client: AsyncWebClient
    serve: Callable[[ChatRequest], Awaitable[bool | None]]
    refuse: Callable[[ChatRequest, SharpnetError], Awaitable[bool | None]]

    async def hear(self, event: Mapping[str, Any], *, live: bool = True) -> None:
        """Take in a message event. live: Slack hands it over now, perhaps to another bot too, or once more."""
        reply = reply_in(event)
        if reply is None:
            return
        try:
            card = await self.ports.store.cards.shown_as(reply.channel, reply.thread)
            incident = await incident_of(card, self.ports) if card is not None else None
            waiting = await self.ports.store.plans.in_state(PlanState.PLANNED) if incident is not None else ()
        except StoreError as error:
            LOG.warning("slack thread=%s reply=lost why=%r", reply.thread, error.message)
            return
        if card is None or incident is None:
            return
        kind: Kind = "outage" if isinstance(incident, Outage) else "maintenance"
        mentioned = sorted(mentioned_in(reply.text))[:MOST_NAMED]
        handles = {user: await self.people.handle_of(user) for user in mentioned}
        text = as_written(reply.text, handles)
        meant = command_in(text, kind, incident.id)
        if meant is None:
            return
        why = None if meant.typed else why_no_note(text, {plan.id for plan in waiting})
        if await self._counts(meant, reply.user, decides=why is not None):
            thread_message = ThreadMessage(
                f"slack:{reply.channel}:{reply.ts}", card, datetime.fromtimestamp(float(reply.ts), UTC)
            )
            asked = _asked(reply, meant, thread_message, live=live)
            well = await (self.serve(asked) if why is None else self.refuse(asked, RefusedError(why, hint=INSTEAD)))
            if well is not None:
                await self._mark(reply, KEPT if well else REFUSED)

    async def _counts(self, meant: ThreadCommand, user: str, *, decides: bool) -> bool:
        """Return whether it is to be carried out: what others only say among themselves is none of the bot's business.

        Who types a command and may not is told so, as elsewhere.
        """
        if meant.typed:
            return True
        person = await self.people.person_of(user)
        return person.may(commands.all_commands()[meant.verb].who) or (decides and person.may(Role.APPROVER))

    async def _mark(self, reply: ThreadReply, mark: str) -> None:
        try:
            await self.client.reactions_add(channel=reply.channel, timestamp=reply.ts, name=mark)
        except NOT_SAID as error:
            # What is kept is kept all the same, and the message above shows it.
            if why_of(error) != "already_reacted":
                LOG.warning("slack user=%s mark=lost why=%r", reply.user, why_of(error))


def _asked(reply: ThreadReply, meant: ThreadCommand, thread_message: ThreadMessage, *, live: bool) -> ChatRequest:
    said = (meant.verb, meant.label) if meant.text is None else (meant.verb, "--", meant.label, meant.text)
    return ChatRequest(
        reply.user,
        " ".join(word for word in said if word != "--"),
        event=f"message:{reply.channel}:{reply.ts}" if live else "",
        channel=reply.channel,
        message=reply.thread,
        words=said,
        thread_message=thread_message,
    )

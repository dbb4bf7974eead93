"""Who a Slack user is to this fleet: what they may do, and how messages name them.

Roles come from app.yaml alone. Where a role is given to a user group, Slack says who is in it; where Slack cannot say,
nobody is (fail closed).
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.slack.trouble import NOT_SAID, why_of
from core.people import Person, Role
from core.reply import Heading, Row, Table, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slack_sdk.web.async_client import AsyncWebClient

    from core.fleet import Fleet
    from core.reply import Part, Reply
    from ops.contracts import Clock

LOG = logging.getLogger(__name__)
VIA = "slack"
GROUP_KNOWN_S = 60.0
GROUP_UNKNOWN_S = 2.0
NAME_KNOWN_S = 3600.0
NAME_UNKNOWN_S = 60.0
MOST_NAMES = 10_000
USER = re.compile(r"\bslack:([UW][A-Z0-9]{2,20})\b")


@dataclass(frozen=True, slots=True)
class _Known:
    """What Slack said, and until when (on the monotonic clock) that counts."""

    said: frozenset[str]
    until: float


class People:
    """Looks people up, and remembers for a short while what Slack said."""

    def __init__(self, fleet: Fleet, client: AsyncWebClient, clock: Clock) -> None:
        self._fleet = fleet
        self._client = client
        self._clock = clock
        self._groups: dict[str, _Known] = {}
        self._names: dict[str, _Known] = {}
        self._asking = asyncio.Lock()

    async def person_of(self, user_id: str) -> Person:
        """Return the person of a Slack user id, with the roles they hold."""
        slack = self._fleet.slack
        if slack is None:
            return Person(user_id, VIA, frozenset())
        held = {Role.OPERATOR: slack.operators, Role.APPROVER: slack.approvers}
        roles = [role for role, holders in held.items() if await self._among(user_id, holders)]
        return Person(user_id, VIA, frozenset(roles))

    async def named(self, reply: Reply) -> Reply:
        """Return the reply with people's names in place of their ids (`slack:U01ALICE`), as far as Slack tells them.

        Only what is read changes; the lines that buttons type stay as they are.
        """
        found = sorted({user for text in _texts(reply) for user in USER.findall(text)})
        names = {user: name for user in found if (name := await self.handle_of(user)) is not None}
        if not names:
            return reply

        def say(text: str) -> str:
            return USER.sub(lambda match: names.get(match[1], match[0]), text)

        return replace(reply, title=say(reply.title), parts=tuple(_reworded(part, say) for part in reply.parts))

    async def _among(self, user_id: str, holders: Iterable[str]) -> bool:
        groups = [holder for holder in holders if holder.startswith("S")]
        if user_id in holders:
            return True
        for group in groups:
            if user_id in await self._members(group):
                return True
        return False

    async def _members(self, group: str) -> frozenset[str]:
        # However many people ask at once, Slack is asked once.
        async with self._asking:
            known = self._groups.get(group)
            if known is None or self._clock.monotonic() >= known.until:
                known = self._groups[group] = await self._ask_members(group)
            return known.said

    async def _ask_members(self, group: str) -> _Known:
        try:
            answer = await self._client.usergroups_users_list(usergroup=group)
        except NOT_SAID as error:
            LOG.warning("slack group=%s members=unknown treated_as=nobody why=%r", group, why_of(error))
            return _Known(frozenset(), self._clock.monotonic() + GROUP_UNKNOWN_S)
        members = frozenset(str(user) for user in answer.get("users") or ())
        return _Known(members, self._clock.monotonic() + GROUP_KNOWN_S)

    async def handle_of(self, user_id: str) -> str | None:
        """Return the handle, `@alice`; None where Slack does not tell."""
        known = self._names.get(user_id)
        if known is None or self._clock.monotonic() >= known.until:
            known = await self._ask_name(user_id)
            if len(self._names) >= MOST_NAMES:
                self._names.clear()
            self._names[user_id] = known
        return next(iter(known.said), None)

    async def _ask_name(self, user_id: str) -> _Known:
        now = self._clock.monotonic()
        try:
            answer = await asyncio.wait_for(self._client.users_info(user=user_id), timeout=2.0)
        except NOT_SAID as error:
            LOG.info("slack user=%s name=unknown why=%r", user_id, why_of(error))
            return _Known(frozenset(), now + NAME_UNKNOWN_S)
        # The handle, not the display name: the workspace keeps it unique, so nobody can pass for somebody else.
        user = answer.get("user")
        handle = user.get("name") if isinstance(user, dict) else None
        return _Known(frozenset({f"@{handle}"} if handle else ()), now + NAME_KNOWN_S)


def _texts(reply: Reply) -> list[str]:
    texts = [reply.title]
    for part in reply.parts:
        match part:
            case Text() | Heading():
                texts.append(part.text)
            case Table():
                texts += [cell for row in part.rows for cell in row.cells if VIA in cell]
    return texts


def _reworded(part: Part, say: Callable[[str], str]) -> Part:
    match part:
        case Text() | Heading():
            return replace(part, text=say(part.text))
        case Table():
            rows = tuple(Row(tuple(say(cell) for cell in row.cells), row.tone) for row in part.rows)
            return replace(part, rows=rows)
    return part

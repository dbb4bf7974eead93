"""Who a Slack user is to this fleet: what they may do, and how messages name them.

Roles come from app.yaml alone. Where a role is given to a user group, Slack says who is in it; where Slack cannot say,
nobody is (fail closed).
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from slack_sdk.errors import SlackApiError

from bot.slack.trouble import NOT_SAID, why_of
from bot.slack.workspace import account_of
from core.errors import SettingsError
from core.fleet.workspace import Workspace, why_barred
from core.people import Person, Role
from core.reply import Heading, Row, Table, Text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from slack_sdk.web.async_client import AsyncWebClient

    from core.fleet import Fleet, SlackAccess
    from core.reply import Part, Reply
    from ops.contracts import Clock

LOG = logging.getLogger(__name__)
VIA = "slack"
GROUP_KNOWN_S = 60.0
GROUP_UNKNOWN_S = 2.0
NAME_KNOWN_S = 3600.0
ACCOUNT_KNOWN_S = 60.0
UNKNOWN_S = 60.0
MOST_KNOWN = 10_000
NO_SUCH_GROUP = "no_such_subteam"
USER = re.compile(r"\bslack:([UW][A-Z0-9]{2,20})\b")


@dataclass(frozen=True, slots=True)
class _Known:
    """What Slack said, and until when (on the monotonic clock) that counts."""

    said: frozenset[str]
    until: float


@dataclass(frozen=True, slots=True)
class _User:
    """What Slack said of a user, None where it did not tell, and when, on the monotonic clock."""

    about: Mapping[str, Any] | None
    at_s: float


class People:
    """Looks people up, and remembers for a short while what Slack said."""

    def __init__(
        self,
        fleet: Fleet,
        client: AsyncWebClient,
        clock: Clock,
        live_fleet: Callable[[], Fleet] | None = None,
        own: Callable[[], Awaitable[Workspace | None]] | None = None,
    ) -> None:
        self._access = fleet.slack
        self._live_fleet = live_fleet
        self._own = own
        self._client = client
        self._clock = clock
        self._groups: dict[str, _Known] = {}
        self._users: dict[str, _User] = {}
        self._asking = asyncio.Lock()

    async def person_of(self, user_id: str) -> Person:
        """Return the person of a Slack user id, with the roles they hold, and why they have none of them if barred."""
        slack = await self.access_now()
        if slack is None:
            return Person(user_id, VIA, frozenset())
        held = {Role.OPERATOR: slack.operators, Role.APPROVER: slack.approvers}
        entries = {role: await self._entry(user_id, holders) for role, holders in held.items()}
        roles = frozenset(role for role, entry in entries.items() if entry)
        own = await self._own() if self._own is not None else None
        about = await self._about(user_id, ACCOUNT_KNOWN_S)
        account = account_of(about) if about is not None else None
        barred = why_barred(user_id, account, own or Workspace(), slack.guests, named=bool(roles))
        return Person(user_id, VIA, roles, approves_as=entries[Role.APPROVER], barred=barred or "")

    async def access_now(self) -> SlackAccess | None:
        """Return who may do what by app.yaml as it is now; while that cannot be used, as it was last."""
        if self._live_fleet is not None:
            try:
                self._access = (await asyncio.to_thread(self._live_fleet)).slack
            except SettingsError as error:
                LOG.warning("slack people=as_before why=%r", error.message)
        return self._access

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

    async def _entry(self, user_id: str, holders: Collection[str]) -> str:
        """Return which of `holders`, a person or a group, gives this person the role; empty where none does."""
        if user_id in holders:
            return user_id
        for group in holders:
            if group.startswith("S") and user_id in await self._members(group):
                return group
        return ""

    async def _members(self, group: str) -> frozenset[str]:
        # However many people ask at once, Slack is asked once.
        async with self._asking:
            known = self._groups.get(group)
            if known is None or self._clock.monotonic() >= known.until:
                known = self._groups[group] = await self._ask_members(group)
            return known.said

    async def _ask_members(self, group: str) -> _Known:
        members = await self.members_now(group)
        known_s = GROUP_UNKNOWN_S if members is None else GROUP_KNOWN_S
        return _Known(members or frozenset(), self._clock.monotonic() + known_s)

    async def members_now(self, group: str) -> frozenset[str] | None:
        """Return who is in a user group; None where Slack does not tell."""
        try:
            answer = await self._client.usergroups_users_list(usergroup=group)
        except NOT_SAID as error:
            if isinstance(error, SlackApiError) and error.response.get("error") == NO_SUCH_GROUP:
                return frozenset()
            LOG.warning("slack group=%s members=unknown why=%r", group, why_of(error))
            return None
        users = answer.get("users")
        return frozenset(map(str, users)) if isinstance(users, list) else None

    async def handle_of(self, user_id: str) -> str | None:
        """Return the handle, `@alice`; None where Slack does not tell."""
        about = await self._about(user_id, NAME_KNOWN_S)
        # The handle, not the display name: the workspace keeps it unique, so nobody can pass for somebody else.
        return f"@{about['name']}" if about is not None and about.get("name") else None

    async def _about(self, user_id: str, known_s: float) -> Mapping[str, Any] | None:
        """Return what Slack says of a user, or said up to `known_s` ago; None where it does not tell."""
        known, now = self._users.get(user_id), self._clock.monotonic()
        if known is None or now - known.at_s >= (UNKNOWN_S if known.about is None else known_s):
            known = _User(await self._ask_about(user_id), now)
            if len(self._users) >= MOST_KNOWN:
                self._users.clear()
            self._users[user_id] = known
        return known.about

    async def _ask_about(self, user_id: str) -> Mapping[str, Any] | None:
        try:
            answer = await asyncio.wait_for(self._client.users_info(user=user_id), timeout=2.0)
        except NOT_SAID as error:
            LOG.info("slack user=%s account=unknown why=%r", user_id, why_of(error))
            return None
        user = answer.get("user")
        return user if isinstance(user, dict) else None


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

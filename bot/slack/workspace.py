"""Which workspace and app the bot serves, as its own tokens and app.yaml say: what comes from elsewhere is refused."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.slack.trouble import NOT_SAID, why_of
from core.fleet.workspace import Account, Workspace, why_not_served

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slack_bolt.context.ack.async_ack import AsyncAck
    from slack_bolt.context.respond.async_respond import AsyncRespond
    from slack_bolt.response import BoltResponse
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.slack.settings import SlackSettings
    from core.fleet import SlackAccess

LOG = logging.getLogger(__name__)
# An app-level token names its app: xapp-1-A0123456789-…
_APP_TOKEN = re.compile(r"xapp-\d+-(A[A-Z0-9]{2,})-.*", re.DOTALL)
MOST_LOGGED = 100


class OwnWorkspace:
    """Asks Slack once whose the tokens are, and compares each request with that."""

    def __init__(self, client: AsyncWebClient, settings: SlackSettings, access: SlackAccess) -> None:
        self._client = client
        self._settings = settings
        self._access = access
        self._own: Workspace | None = None
        self._logged: set[str] = set()

    async def own(self) -> Workspace | None:
        """Return what is served; None while Slack does not say and app.yaml does not either."""
        if self._own is None:
            try:
                self._own = pinned(await said_by_tokens(self._client, self._settings), self._access)
                LOG.info("slack team=%s app=%s pinned", self._own.team, self._own.app)
            except NOT_SAID as error:
                LOG.warning("slack team=unknown why=%r", why_of(error))
                return pinned(Workspace(), self._access) if self._access.team else None
        return self._own

    async def why_not(self, body: Mapping[str, Any]) -> str | None:
        """Say why a request is not served, or None; each reason is logged once."""
        own = await self.own()
        why = why_not_served(origin_of(body), own) if own is not None else "Slack does not say yet whom this bot serves"
        if why is not None and why not in self._logged and len(self._logged) < MOST_LOGGED:
            self._logged.add(why)
            LOG.warning("slack request=refused why=%r", why)
        return why

    async def refuse(self, ack: AsyncAck, respond: AsyncRespond, body: Mapping[str, Any], why: str) -> BoltResponse:
        """Acknowledge a request, telling whoever typed or pressed why nothing happens."""
        said = f"Sorry: {why}. Nothing changed."
        if "command" in body:
            return await ack(said)
        if body.get("response_url"):
            try:
                await respond(said, response_type="ephemeral", replace_original=False)
            except NOT_SAID as error:
                LOG.info("slack refusal=lost why=%r", why_of(error))
        return await ack()


def origin_of(body: Mapping[str, Any]) -> Workspace:
    """Return where a command, a press, a submitted view or an event comes from, as far as it says."""
    team, enterprise = body.get("team"), body.get("enterprise")
    return Workspace(
        team=str(body.get("team_id") or _id_of(team)),
        enterprise=str(
            body.get("enterprise_id")
            or _id_of(enterprise)
            or (team.get("enterprise_id") if isinstance(team, dict) else "")
            or ""
        ),
        app=str(body.get("api_app_id") or ""),
    )


def account_of(user: Mapping[str, Any]) -> Account:
    """Return what `users.info` says of a user."""
    grid = user.get("enterprise_user")
    return Account(
        team=str(user.get("team_id") or ""),
        enterprise=str(grid.get("enterprise_id") or "") if isinstance(grid, dict) else "",
        deleted=bool(user.get("deleted")),
        bot=bool(user.get("is_bot")),
        guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        stranger=bool(user.get("is_stranger")),
    )


def pinned(said: Workspace, access: SlackAccess) -> Workspace:
    """Return what is served: what the tokens say, where app.yaml does not say it."""
    return replace(
        said,
        team=access.team or said.team,
        enterprise=access.enterprise or said.enterprise,
        app=access.app or said.app,
    )


async def said_by_tokens(client: AsyncWebClient, settings: SlackSettings) -> Workspace:
    """Return the workspace and the app that the tokens belong to. Raises what the client raises."""
    answer = await client.auth_test()
    found = _APP_TOKEN.fullmatch(settings.app_token or "")
    app = found[1] if found is not None else await _app_of_bot(client, str(answer.get("user_id") or ""))
    return Workspace(
        team=str(answer.get("team_id") or ""),
        enterprise=str(answer.get("enterprise_id") or ""),
        app=app,
        organisation_wide=bool(answer.get("is_enterprise_install")),
    )


async def _app_of_bot(client: AsyncWebClient, user: str) -> str:
    """Return the app of a bot's user; empty where Slack does not say, which alone is no reason to serve nobody."""
    if not user:
        return ""
    try:
        about = (await client.users_info(user=user)).get("user")
    except NOT_SAID as error:
        LOG.info("slack app=unknown why=%r", why_of(error))
        return ""
    profile = about.get("profile") if isinstance(about, dict) else None
    return str(profile.get("api_app_id") or "") if isinstance(profile, dict) else ""


def _id_of(value: object) -> str:
    return str(value.get("id") or "") if isinstance(value, dict) else ""

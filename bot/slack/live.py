"""What `check --live` tries in Slack: the tokens, the scopes, the channel and the people, all failures at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from bot.slack.settings import new_session, web_client
from bot.slack.shared_channel import HINT, shared_outside
from bot.slack.trouble import NOT_SAID, SlackFailureKind, trouble_of
from bot.slack.workspace import account_of, pinned, said_by_tokens
from core.fleet.workspace import why_barred, why_not_served
from core.status.findings import Finding

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from bot.slack.settings import SlackSettings
    from core.fleet import Fleet, SlackAccess
    from core.fleet.workspace import Workspace

# What the bot uses, and for what. manifest.yaml asks for exactly these.
SCOPES: Final = {
    "commands": "take /sharpnet",
    "chat:write": "post and edit cards, answer people",
    "reactions:write": "mark replies that were kept",
    "files:write": "send the plots of status as a picture",
    "im:write": "find the direct message where that picture goes",
    "channels:read": "see whether it is in the ops channel",
    "groups:read": "the same where that channel is private",
    "channels:history": "take notes from the threads of alerts; never post a card twice after a lost answer",
    "groups:history": "the same where that channel is private",
    "users:read": "show people's handles instead of their ids",
    "usergroups:read": "know who is in a user group that holds a role",
}
REACH = "Can this machine reach Slack (HTTPS to slack.com, or SLACK_API_URL)?"


async def slack_findings(fleet: Fleet, settings: SlackSettings | None) -> tuple[Finding, ...]:
    """Try everything about Slack and return what was found; nothing is posted.

    settings None: no token is set, which is one finding of its own where app.yaml has a slack section.
    """
    slack = fleet.slack
    if slack is None and settings is None:
        return ()
    if slack is None:
        return (Finding("slack", ok=False, why="tokens are set, app.yaml has no slack section", hint="Add it."),)
    if settings is None:
        hint = "Set SLACK_BOT_TOKEN and SLACK_APP_TOKEN (docs/slack-setup.md); without them only the terminal works."
        return (Finding("slack", ok=False, why="no token is set in the environment", hint=hint),)
    async with new_session() as session:
        client = web_client(settings, session)
        first = await _bot_token(client)
        if not first[0].ok:
            return (*first, *await _connection(settings, client))
        try:
            said = await said_by_tokens(client, settings)
        except NOT_SAID as error:
            return (_failed("slack workspace", error), *await _connection(settings, client))
        own = pinned(said, slack)
        rest = await asyncio.gather(
            _connection(settings, client), _channel(client, slack.ops_channel), _holders(client, slack, own)
        )
    return (*first, *_pins(said, own), *(finding for findings in rest for finding in findings))


async def _bot_token(client: AsyncWebClient) -> tuple[Finding, ...]:
    what = "slack bot token"
    try:
        answer = await client.auth_test()
    except NOT_SAID as error:
        return (_failed(what, error),)
    found = Finding(what, ok=True, why=f"bot {answer.get('user')} in {answer.get('team')} ({answer.get('team_id')})")
    return found, _scopes({str(name).lower(): str(value) for name, value in answer.headers.items()})


def _pins(said: Workspace, own: Workspace) -> tuple[Finding, ...]:
    why = why_not_served(said, own)
    if why is None:
        return ()
    hint = "So every request is refused. Mend team, enterprise or app under slack, or take the right tokens."
    return (Finding("slack workspace", ok=False, why=why, hint=hint),)


def _scopes(headers: dict[str, str]) -> Finding:
    what = "slack scopes"
    said = headers.get("x-oauth-scopes")
    if said is None:
        return Finding(what, ok=True, why="Slack did not say which the token has (a local Slack never does)")
    held = {scope.strip() for scope in said.split(",")}
    missing = [f"{scope} (to {why})" for scope, why in SCOPES.items() if scope not in held]
    if not missing:
        return Finding(what, ok=True, why=f"all {len(SCOPES)} are there")
    hint = "Paste manifest.yaml into the app's page (App Manifest), then install the app again."
    return Finding(what, ok=False, why=f"missing: {', '.join(missing)}", hint=hint)


async def _connection(settings: SlackSettings, client: AsyncWebClient) -> tuple[Finding, ...]:
    if settings.mode == "http":
        why = f"signed requests are awaited on port {settings.port}; whether Slack reaches it shows on the app's page"
        return (Finding("slack HTTP mode", ok=True, why=why),)
    what = "slack app-level token"
    try:
        await client.apps_connections_open(app_token=settings.app_token or "")
    except NOT_SAID as error:
        hint = (
            "On the app's page: Basic Information, App-Level Tokens, scope connections:write; Socket Mode switched on."
        )
        return (_failed(what, error, hint),)
    return (Finding(what, ok=True, why="a connection can be opened"),)


async def _channel(client: AsyncWebClient, channel: str) -> tuple[Finding, ...]:
    what = f"slack ops channel {channel}"
    try:
        answer = await client.conversations_info(channel=channel)
    except NOT_SAID as error:
        return (_failed(what, error),)
    about = answer.get("channel") or {}
    name = f"#{about.get('name')}"
    if about.get("is_archived"):
        return (Finding(what, ok=False, why=f"{name} is archived", hint="Restore it, or name another in app.yaml."),)
    if not about.get("is_member"):
        return (Finding(what, ok=False, why=f"the bot is not in {name}", hint=f"Type /invite @sharpnet in {name}."),)
    shared = shared_outside(about)
    if shared is not None:
        return (Finding(what, ok=False, why=f"{name}: {shared}", hint=HINT),)
    return (Finding(what, ok=True, why=f"{name}, and the bot is in it"),)


async def _holders(client: AsyncWebClient, slack: SlackAccess, own: Workspace) -> tuple[Finding, ...]:
    roles = {"operators": slack.operators, "approvers": slack.approvers}
    findings = [
        Finding(f"slack {role}", ok=False, why="nobody", hint=f"List user ids under slack.{role} in app.yaml.")
        for role, holders in roles.items()
        if not holders
    ]
    everyone = dict.fromkeys(holder for holders in roles.values() for holder in holders)
    # One after the other: Slack limits how often each method may be called.
    looks = (_group(client, one) if one.startswith("S") else _user(client, one, slack, own) for one in everyone)
    return (*findings, *[await look for look in looks])


async def _user(client: AsyncWebClient, user: str, slack: SlackAccess, own: Workspace) -> Finding:
    what = f"slack user {user}"
    try:
        answer = await client.users_info(user=user)
    except NOT_SAID as error:
        return _failed(what, error, "Copy the id from the person's profile in Slack (Copy member ID).")
    about = answer.get("user") or {}
    if about.get("deleted"):
        return Finding(what, ok=False, why="deactivated", hint="Take the id out of app.yaml.")
    if about.get("is_bot"):
        return Finding(what, ok=False, why="a bot, no person", hint="Name people in app.yaml.")
    barred = why_barred(user, account_of(about), own, slack.guests, named=True)
    if barred is not None:
        return Finding(
            what, ok=False, why=barred.rstrip("."), hint="To serve this one, list the id under slack.guests."
        )
    return Finding(what, ok=True, why=f"@{about.get('name')}")


async def _group(client: AsyncWebClient, group: str) -> Finding:
    what = f"slack user group {group}"
    try:
        answer = await client.usergroups_users_list(usergroup=group)
    except NOT_SAID as error:
        return _failed(what, error, "Copy the group's id from its page in Slack, or name its people one by one.")
    members = answer.get("users") or ()
    if not members:
        return Finding(what, ok=False, why="nobody is in it", hint="Add people to the group in Slack.")
    return Finding(what, ok=True, why=f"{len(members)} in it")


def _failed(what: str, error: Exception, hint: str = "") -> Finding:
    trouble = trouble_of(error)
    if trouble.kind is SlackFailureKind.AWAY:
        return Finding(what, ok=False, why=trouble.why, hint=REACH)
    return Finding(
        what, ok=False, why=trouble.why, hint=hint or trouble.hint or "Slack's documentation explains the code."
    )

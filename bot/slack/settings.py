"""The environment's side of Slack: tokens and addresses. What a fleet says of Slack stands in app.yaml."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from core.errors import SettingsError, TooMuchError
from ops.limits import Intake

if TYPE_CHECKING:
    from collections.abc import Mapping

SLACK_API_URL = "https://slack.com/api/"
CALL_S = 10.0
# A thousand messages with all their blocks.
MOST_ANSWER_BYTES = 16_000_000
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """How to talk to Slack. Tokens never show in its repr.

    app_token: Socket Mode; None: HTTP mode, and then signing_secret and port are there.
    """

    bot_token: str = field(repr=False)
    app_token: str | None = field(default=None, repr=False)
    signing_secret: str | None = field(default=None, repr=False)
    port: int | None = None
    api_url: str = SLACK_API_URL

    @property
    def mode(self) -> str:
        """Which way events come: "socket" or "http"."""
        return "socket" if self.app_token else "http"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> SlackSettings | None:
        """Read the settings; None where no token is set: the bot then runs without Slack.

        Raises SettingsError with every problem at once.
        """
        bot_token = environ.get("SLACK_BOT_TOKEN", "").strip()
        app_token = environ.get("SLACK_APP_TOKEN", "").strip()
        secret = environ.get("SLACK_SIGNING_SECRET", "").strip()
        if not (bot_token or app_token or secret):
            return None
        port: int | None = None
        problems: list[str] = []
        if not app_token and not secret:
            problems.append(
                "neither SLACK_APP_TOKEN (Socket Mode) nor SLACK_SIGNING_SECRET with PORT (HTTP mode) is set"
            )
        elif not app_token:
            # With Socket Mode the bot listens nowhere, and a PORT that the platform sets is nobody's business.
            port, problems = _port(environ.get("PORT", "").strip())
        problems += _token_problems(bot_token, app_token)
        api_url = environ.get("SLACK_API_URL", "").strip() or SLACK_API_URL
        parts = urlsplit(api_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            problems.append("SLACK_API_URL is no address: it looks like https://slack.com/api/")
        if problems:
            raise SettingsError(
                f"Slack's settings in the environment are wrong: {'; '.join(problems)}.",
                problems=tuple(problems),
                hint="docs/slack-setup.md says where each of them comes from.",
            )
        return cls(
            bot_token=bot_token,
            app_token=app_token or None,
            signing_secret=secret or None,
            port=port,
            api_url=api_url.rstrip("/") + "/",
        )


def _port(text: str) -> tuple[int | None, list[str]]:
    if not text:
        return None, ["SLACK_SIGNING_SECRET is set without PORT: on which port shall the bot listen?"]
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= HIGHEST_PORT:
        return None, [f"PORT is {text!r}, not a number from 1 to {HIGHEST_PORT}"]
    return int(text), []


def _token_problems(bot_token: str, app_token: str) -> list[str]:
    problems = []
    if not bot_token:
        problems.append("SLACK_BOT_TOKEN is not set, but others of Slack's settings are")
    elif not bot_token.startswith("xoxb-"):
        problems.append("SLACK_BOT_TOKEN is no bot token: it begins with xoxb-")
    if app_token and not app_token.startswith("xapp-"):
        problems.append("SLACK_APP_TOKEN is no app-level token: it begins with xapp-")
    return problems


class BoundedResponse(aiohttp.ClientResponse):
    """An answer of which no more is read than MOST_ANSWER_BYTES."""

    async def read(self) -> bytes:
        """Return the body. Raises ClientPayloadError where it is longer."""
        if self._body is None:
            body = Intake("Slack", "an answer", MOST_ANSWER_BYTES)
            try:
                async for piece in self.content.iter_any():
                    body.add(piece)
            except TooMuchError as error:
                self.close()
                raise aiohttp.ClientPayloadError(error.message) from error
            self._body = body.whole()
        return self._body


def new_session() -> aiohttp.ClientSession:
    """Return a session for calls to Slack, whose calls all end within CALL_S and read no more than they have to."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_S), response_class=BoundedResponse)


def web_client(
    settings: SlackSettings,
    session: aiohttp.ClientSession | None = None,
    *,
    token: str | None = None,
    retry: bool = True,
) -> AsyncWebClient:
    """Return a client of Slack's Web API, with the bot's token unless another is given.

    retry: wait and ask again where Slack says "too often" (429). Nothing is ever sent a second time because its answer
    was lost (the SDK's default does that): it could be posted twice.
    """
    return AsyncWebClient(
        token=token or settings.bot_token,
        base_url=settings.api_url,
        timeout=int(CALL_S),
        session=session,
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=2)] if retry else [],
        logger=logging.getLogger("sharpnet.slack_sdk"),
    )

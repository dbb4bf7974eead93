"""What it means when a call to Slack fails, and so what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

NOT_SAID = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError)

HTTP_TOO_OFTEN = 429
HTTP_THEIRS = 500
WAIT_UNSAID_S = 30.0
# Slack asks for seconds. Whoever stands in between must not silence the bot for good.
MOST_WAIT_S = 600.0
ASK_AGAIN_S = 60.0


class SlackFailureKind(Enum):
    """What a failure means for the message that was to be sent."""

    AWAY = "away"  # nothing came back: it may have been taken or not
    TOO_OFTEN = "too often"  # not taken; Slack says when to come again
    GONE = "gone"  # the message to edit, or to reply to, is not there any more
    SHAPE = "shape"  # Slack does not take this message as it is
    SETUP = "setup"  # a person has to change something in Slack or in the settings
    OTHER = "other"  # not taken, for a reason not known here


@dataclass(frozen=True, slots=True)
class SlackFailure:
    """A failure: `why` in a few words, `hint` for who can mend it, wait_s how long to wait (None: a growing while)."""

    kind: SlackFailureKind
    why: str
    hint: str = ""
    wait_s: float | None = None

    @property
    def surely_not_sent(self) -> bool:
        """Whether nothing was posted: only where nothing came back can a message be there all the same."""
        return self.kind is not SlackFailureKind.AWAY


_INVITE = "Invite the bot to the ops channel (/invite @sharpnet there), and compare slack.ops_channel in app.yaml."
_TOKENS = "Compare SLACK_BOT_TOKEN with the app's page, OAuth & Permissions; install the app again if it was removed."
_SCOPES = "Compare the app's scopes with manifest.yaml, and install the app again after a change."
_SETUP = {
    "not_in_channel": _INVITE,
    "channel_not_found": _INVITE,
    "is_archived": "The ops channel is archived: restore it, or name another in app.yaml.",
    "restricted_action": "The ops channel does not let the bot post: change who may post there.",
    "restricted_action_read_only_channel": "The ops channel is read-only: let the bot post there.",
    "not_authed": _TOKENS,
    "invalid_auth": _TOKENS,
    "account_inactive": _TOKENS,
    "token_revoked": _TOKENS,
    "token_expired": _TOKENS,
    "missing_scope": _SCOPES,
    "not_allowed_token_type": _TOKENS,
}
_GONE = {
    "message_not_found",
    "cant_update_message",
    "thread_not_found",
    "cannot_reply_to_message",
    "edit_window_closed",
}
_SHAPE = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_metadata_format"}
_SHAPE |= {"metadata_too_large", "no_text", "invalid_arguments", "markdown_text_conflict"}
_AWAY = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "rollup_error"}


def trouble_of(error: Exception) -> SlackFailure:
    """Say what a failed call means."""
    if not isinstance(error, SlackApiError):
        return SlackFailure(SlackFailureKind.AWAY, why_of(error))
    response = error.response
    status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)
    code = why_of(error)
    if status == HTTP_TOO_OFTEN or code in {"ratelimited", "rate_limited", "message_limit_exceeded"}:
        return SlackFailure(
            SlackFailureKind.TOO_OFTEN, "ratelimited", wait_s=_retry_after_s(getattr(response, "headers", None) or {})
        )
    if status >= HTTP_THEIRS or code in _AWAY or code == type(error).__name__:
        return SlackFailure(SlackFailureKind.AWAY, f"HTTP {status}" if status >= HTTP_THEIRS else code)
    if code in _SETUP:
        return SlackFailure(SlackFailureKind.SETUP, code, _SETUP[code], ASK_AGAIN_S)
    if code in _GONE:
        return SlackFailure(SlackFailureKind.GONE, code)
    if code in _SHAPE:
        return SlackFailure(SlackFailureKind.SHAPE, code)
    return SlackFailure(SlackFailureKind.OTHER, code, wait_s=ASK_AGAIN_S)


def why_of(error: Exception) -> str:
    """Say in a few words what went wrong with a call to Slack: its own code, else the kind of the error.

    Never the text of other errors: it may hold an address with a ticket in it.
    """
    response = getattr(error, "response", None)
    get = getattr(response, "get", None)
    code = get("error") if callable(get) else None
    return str(code) if code else type(error).__name__


def _retry_after_s(headers: object) -> float:
    items = getattr(headers, "items", None)
    for name, value in items() if callable(items) else ():
        if str(name).lower() == "retry-after":
            text = str(value[0] if isinstance(value, list) else value)
            if text.isascii() and text.isdigit():
                return min(float(text), MOST_WAIT_S)
    return WAIT_UNSAID_S

"""Who is told what, and who may say yes: Slack, alerts, status pages, and the bot's own HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.fleet.access import SecretRef


@dataclass(frozen=True, slots=True)
class SlackAccess:
    """Who may do what in Slack, and where alerts go. Ids of users (U…) or user groups (S…).

    terminal: who sits at the bot's terminal: a user id for each login name (a number where the machine has no name).
    second_factor: the folder, on the bot's machine, of the secrets from which approvers' codes are made; None: an
    approval takes no code. guests: guests and people of other organisations who are served all the same. team,
    enterprise, app: whose requests are served; empty: those of the bot's tokens.
    """

    ops_channel: str
    operators: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    terminal: Mapping[str, str] = field(default_factory=dict)
    second_factor: str | None = None
    guests: tuple[str, ...] = ()
    team: str = ""
    enterprise: str = ""
    app: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """How many approvers a plan needs, and how long it waits for them."""

    needed: int = 1
    ttl: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Alerts:
    """How people are told. remind: how often while nobody has acknowledged. summary: a daily word; None: never."""

    remind: timedelta = timedelta(minutes=30)
    summary: str | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A dead-man's switch elsewhere that is told that the bot lives. url: where its address is: it holds a secret."""

    url: SecretRef
    every: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class StatusPages:
    """What the servers' status pages show to everybody.

    title: None: the fleet's name. stale_after: a page says by itself that it is old when it was written longer ago.
    """

    title: str | None = None
    hide: tuple[str, ...] = ()
    addresses: bool = False
    stale_after: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Web:
    """The bot's own HTTP, for monitoring. alertmanager: the token with which alerts may be sent; None: none may."""

    port: int
    address: str = "127.0.0.1"
    alertmanager: SecretRef | None = None

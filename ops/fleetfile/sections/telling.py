"""The sections about telling people: `slack`, `alerts`, `heartbeat`, `status_pages` and `web`."""

from pathlib import Path

from pydantic import Field

from core.fleet import Alerts, ApprovalPolicy, Heartbeat, SlackAccess, StatusPages, Web
from ops.fleetfile import fields as f
from ops.fleetfile.places import secret_in
from ops.fleetfile.sections.section import Section, default


class SlackSection(Section):
    """Who may do what in Slack."""

    ops_channel: f.SlackChannel = Field(description="The id of the channel for alerts and plans.")
    operators: list[f.SlackPerson] = Field(
        default_factory=list,
        description="Users or user groups who may sync, back up, acknowledge and ask for a failover.",
    )
    approvers: list[f.SlackPerson] = Field(
        default_factory=list, description="Users or user groups who may approve a cutover."
    )
    approvals_needed: f.Count = default(
        ApprovalPolicy, "needed", "How many approvers a plan takes. From 2 on, who asked does not count."
    )
    approval_ttl: f.Duration = default(ApprovalPolicy, "ttl", "How long a plan waits for them.")


class AlertsSection(Section):
    """How people are told."""

    remind: f.Duration = default(Alerts, "remind", "How often an alert is repeated that nobody has acknowledged.")
    summary: f.Scheduled = Field(
        default=f.NEVER, description="When the day is summed up, if there is anything to say. Cron, or off."
    )


class HeartbeatSection(Section):
    """A dead-man's switch elsewhere, told that the bot lives."""

    url: f.Secret = Field(description="Where the address to ask for is: it holds a secret.")
    every: f.Duration = default(Heartbeat, "every", "How often.")


class StatusPagesSection(Section):
    """What the servers' status pages show to everybody."""

    title: f.LabelText | None = Field(default=None, description="Their title; the fleet's name if left out.")
    hide: list[str] = default(StatusPages, "hide", "Sites that are not on them.")
    addresses: bool = default(StatusPages, "addresses", "Whether they show the servers' addresses.")
    stale_after: f.Duration = default(
        StatusPages, "stale_after", "A page that was written longer ago says by itself that it is old."
    )


class BotWebSection(Section):
    """The bot's own HTTP, for monitoring."""

    port: f.Port = Field(description="Its port.")
    address: f.Ip = default(Web, "address", "The address to listen at.")
    alertmanager: f.Secret | None = Field(
        default=None, description="Where the token is with which an Alertmanager may send alerts; left out: none may."
    )


def slack_from(slack: SlackSection | None) -> SlackAccess | None:
    """Return who may do what in Slack; None where the fleet has the terminal only."""
    if slack is None:
        return None
    return SlackAccess(slack.ops_channel, tuple(slack.operators), tuple(slack.approvers))


def approval_from(slack: SlackSection | None) -> ApprovalPolicy:
    """Return how many approvers a plan needs, and how long it waits for them."""
    return ApprovalPolicy(slack.approvals_needed, slack.approval_ttl) if slack else ApprovalPolicy()


def web_from(web: BotWebSection | None, folder: Path) -> Web | None:
    """Return the bot's own HTTP; None where it has none."""
    if web is None:
        return None
    return Web(web.port, web.address, secret_in(web.alertmanager, folder) if web.alertmanager else None)

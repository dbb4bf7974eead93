"""The sections about telling people: `slack`, `alerts`, `heartbeat`, `status_pages` and `web`."""

from typing import Any

from core.fleet import Alerts, ApprovalPolicy, Heartbeat, SlackAccess, StatusPages, Web
from ops.fleetfile import fields as f
from ops.fleetfile.sections.section import Section, setting


class SlackSection(Section, makes=SlackAccess):
    """Who may do what in Slack."""

    ops_channel: f.SlackChannel = setting("The id of the channel for alerts and plans.")
    operators: list[f.SlackPerson] = setting(
        "Users or user groups who may sync, back up, acknowledge and ask for a failover."
    )
    approvers: list[f.SlackPerson] = setting("Users or user groups who may approve a cutover.")
    terminal: dict[f.Uid, f.SlackUser] = setting(
        "Who sits at the bot's terminal: a user's id for each uid. From 2 approvals on, nobody else counts there.",
        default_factory=dict,
    )
    second_factor: f.PathHere | None = setting(
        "The folder of the approvers' secrets (`enroll`): each approval takes a code then; left out: it does not."
    )
    guests: list[f.SlackUser] = setting("Guests and people of other organisations who are served all the same.")
    team: f.SlackTeam | None = setting("The workspace that is served; the bot's own if left out.", default=None)
    enterprise: f.SlackEnterprise | None = setting("The organisation, likewise.", default=None)
    app: f.SlackApp | None = setting("The app, likewise.", default=None)
    approvals_needed: f.Count = setting(
        "How many approvers a plan takes. From 2 on, who asked does not count.", default=ApprovalPolicy().needed
    )
    approval_ttl: f.Duration = setting("How long a plan waits for them.", default=ApprovalPolicy().ttl)

    def values(self) -> dict[str, Any]:
        """Return who may do what; how a plan is approved is the fleet's (`approval`)."""
        values = {key: value for key, value in super().values().items() if not key.startswith("approval")}
        return values | {key: values[key] or "" for key in ("team", "enterprise", "app")}

    @property
    def approval(self) -> ApprovalPolicy:
        """How many approvers a plan needs, and how long it waits for them."""
        return ApprovalPolicy(self.approvals_needed, self.approval_ttl)


class AlertsSection(Section, makes=Alerts):
    """How people are told."""

    remind: f.Duration = setting("How often an alert is repeated that nobody has acknowledged.")
    summary: f.Scheduled = setting(
        "When the day is summed up, if there is anything to say. Cron, or off.", default=f.NEVER
    )


class HeartbeatSection(Section, makes=Heartbeat):
    """A dead-man's switch elsewhere, told that the bot lives."""

    url: f.Secret = setting("Where the address to ask for is: it holds a secret.")
    every: f.Duration = setting("How often.")


class StatusPagesSection(Section, makes=StatusPages):
    """What the servers' status pages show to everybody."""

    title: f.LabelText | None = setting("Their title; the fleet's name if left out.")
    hide: list[str] = setting("Sites that are not on them.")
    addresses: bool = setting("Whether they show the servers' addresses.")
    stale_after: f.Duration = setting("A page that was written longer ago says by itself that it is old.")


class BotWebSection(Section, makes=Web):
    """The bot's own HTTP, for monitoring."""

    port: f.Port = setting("Its port.")
    address: f.Ip = setting("The address to listen at.")
    alertmanager: f.Secret | None = setting(
        "Where the token is with which an Alertmanager may send alerts; left out: none may."
    )

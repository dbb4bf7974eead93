"""Whose Slack it is: which requests are the fleet's own, and which accounts have no rights in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace (T…), the organisation that it belongs to (E…), and an app in it (A…). Empty: not known, or none.

    organisation_wide: the app is installed for all workspaces of the organisation.
    """

    team: str = ""
    enterprise: str = ""
    app: str = ""
    organisation_wide: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """What Slack says of a user. guest: of one or of several channels. stranger: of another organisation."""

    team: str = ""
    enterprise: str = ""
    deleted: bool = False
    bot: bool = False
    guest: bool = False
    stranger: bool = False


def why_not_served(origin: Workspace, own: Workspace) -> str | None:
    """Say why a request from `origin` is none for this bot, or None. What either does not say is not compared."""
    if origin.app and own.app and origin.app != own.app:
        return f"the request is for the Slack app {origin.app}, and this bot is {own.app}"
    if own.organisation_wide and own.enterprise and origin.enterprise:
        if origin.enterprise != own.enterprise:
            return f"the request comes from the organisation {origin.enterprise}, and this bot serves {own.enterprise}"
        return None
    if origin.team and own.team and origin.team != own.team:
        return f"the request comes from the workspace {origin.team}, and this bot serves {own.team}"
    return None


def why_barred(
    user: str, account: Account | None, own: Workspace, guests: Collection[str], *, named: bool
) -> str | None:
    """Say why somebody has no rights and reads nothing, or None.

    account None: Slack does not say; then whoever app.yaml gives a role (named) keeps it, and nobody else reads.
    guests: guests and people of other organisations whom app.yaml lets in.
    """
    if account is None:
        return None if named else "Slack does not say who you are."
    if account.deleted:
        return "this account is deactivated."
    if account.bot:
        return "bots are not served."
    if user in guests:
        return None
    if account.guest:
        return "guests of this workspace are not served."
    same_organisation = bool(own.enterprise) and account.enterprise == own.enterprise
    elsewhere = bool(account.team and own.team) and account.team != own.team
    if account.stranger or (elsewhere and not same_organisation):
        return "people of other organisations are not served."
    return None

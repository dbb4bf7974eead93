"""Who asks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """What a person may do; each includes those before it."""

    ANYONE = 0
    OPERATOR = 1
    APPROVER = 2


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who asked, pressed or typed.

    id: a Slack user id, or the login name in the terminal. via: "slack" or "terminal". The two together name a person
    in the record. roles: which roles they hold; an approver who is no operator can approve but not ask. approves_as:
    the entry of app.yaml that makes them an approver, a user's or a user group's id; empty where none does. barred: why
    they may do and read nothing, as the end of a sentence; empty: they are not.
    """

    id: str
    via: str
    roles: frozenset[Role]
    approves_as: str = ""
    barred: str = ""

    @property
    def label(self) -> str:
        """How the record and the cards name them: `slack:U01ALICE`, `terminal:root`."""
        return f"{self.via}:{self.id}"

    def may(self, role: Role) -> bool:
        """Return whether this person holds `role`; everyone is anyone, but for those who are barred."""
        return not self.barred and (role == Role.ANYONE or role in self.roles)

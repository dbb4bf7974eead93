"""Ending work that is under way before its time: who may, and the line that does it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from core.people import Role

if TYPE_CHECKING:
    from core.people import Person

# What a cutover says that it does with the sites it claims.
CUTOVER = "a cutover"
# What works on a site, and what backs one up. A claim is on one of these, or on something that has no name of a site.
OF_A_SITE = ("site", "backup")


def why_not_end(person: Person) -> str | None:
    """Say why `person` cannot end a sync, a backup, a restore or an undo, or None: who may start them may end them."""
    if person.may(Role.OPERATOR) or person.may(Role.APPROVER):
        return None
    return "Sorry: only this fleet's operators and approvers can cancel what is under way."


def gives_way(work: str) -> bool:
    """Return whether an emergency ends that work on a site instead of waiting for it: any but another cutover."""
    return work != CUTOVER


def cancel_line(claim: str, owner: str) -> str:
    """Return what to type to end who holds `claim`, such as `site:shop`: by the site, or else by id.

    A site's backup is named by its id, since the site's name means what works on the site itself.
    """
    kind, _, name = claim.partition(":")
    return f"cancel {shlex.quote(name if kind == OF_A_SITE[0] and name else owner)}"


def or_cancel(claim: str, owner: str) -> str:
    """Return the way on for who has to wait for that work, as the end of a sentence."""
    return f"when that has ended, or end it: `{cancel_line(claim, owner)}`."

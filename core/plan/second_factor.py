"""The second factor of an approval: whose code it takes, and how often somebody may try (RFC 6238)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from core.plan.approvers import SLACK, one_person

if TYPE_CHECKING:
    from core.fleet import SlackAccess

APPROVE: Final = "approve"
QUESTION: Final = "Code of your authenticator"
STEP_S: Final = 30
DIGITS: Final = 6
# Clocks may differ by one step (RFC 6238, section 5.2), so three codes of a million are right at any moment: by five
# guesses an hour one is found within a year once in eight times.
STEPS_OFF: Final = 1
MOST_WRONG: Final = 5
WRONG_COUNTS_FOR: Final = timedelta(hours=1)


def holder_of(label: str, access: SlackAccess | None) -> str:
    """Return whose secret somebody's code is made from: a user's id, or `terminal` for whom app.yaml does not name."""
    return one_person(label, access).removeprefix(SLACK)


def needs_code(line: str, access: SlackAccess | None) -> bool:
    """Return whether a button's line takes a code of whoever presses it, which it does not hold yet."""
    return access is not None and access.second_factor is not None and line.startswith(f"{APPROVE} ")


def begin_of(step: int) -> datetime:
    """Return when a time step begins: what a code that was used is remembered by."""
    return datetime.fromtimestamp(step * STEP_S, UTC)


def code_in(text: str) -> str | None:
    """Return the code that somebody typed, with or without spaces; None where it is none."""
    code = "".join(text.split())
    return code if len(code) == DIGITS and code.isascii() and code.isdigit() else None

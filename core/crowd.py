"""How much people may ask of the bot at once. Those without a role never keep it from those who have one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Asking:
    """How much was asked for: what is under way now, and what was begun within the last minute, over or not."""

    under_way: int = 0
    lately: int = 0


LATELY_S: Final = 60.0
# Of somebody without a role, and of all of these together.
MOST_OF_ONE: Final = Asking(under_way=3, lately=20)
MOST_OF_ALL: Final = Asking(under_way=10, lately=100)
# Of somebody who has one.
MOST_WITH_ROLE: Final = 10


def why_wait(own: Asking, all_without_role: Asking, *, has_role: bool) -> str | None:
    """Return why somebody has to wait before the bot does one thing more for them; None: it may begin.

    own: what they asked for before. all_without_role: what all who hold no role did, they included.
    """
    most = MOST_WITH_ROLE if has_role else MOST_OF_ONE.under_way
    if own.under_way >= most:
        return f"{own.under_way} things that you asked for are under way"
    if has_role:
        return None
    if own.lately >= MOST_OF_ONE.lately:
        return f"you have asked for {own.lately} things of late"
    if all_without_role.under_way >= MOST_OF_ALL.under_way or all_without_role.lately >= MOST_OF_ALL.lately:
        return "many people ask for something just now"
    return None

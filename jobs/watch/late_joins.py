"""What joined a message after it was sent: who gets no edits is told once more, when nothing can join it any more.

So a thousand servers that die together are few messages by every way, and none of them is never told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from ops.store.notifications import Notifications


class LateJoins:
    """The messages that were joined, and until when they still can be, in seconds of the clock that never goes back."""

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications
        self._until_s: dict[str, float] = {}

    def joined(self, card: str, until_s: float) -> None:
        """Note that an outage was put on a message that was there already, and until when others may follow it."""
        self._until_s[card] = until_s

    async def tell(self, now_s: float, now: datetime) -> None:
        """Tell of those that nothing joins any more."""
        for card in [card for card, until_s in self._until_s.items() if now_s >= until_s]:
            await self._notifications.tell_again(card, now)
            del self._until_s[card]

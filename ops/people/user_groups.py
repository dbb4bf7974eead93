"""Who is in the user groups of the chat, for whoever has to know it now."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

# In an emergency the chat may be down too.
ASK_S = 5.0


class UserGroups:
    """Asks the chat, where this process is connected to one."""

    def __init__(self) -> None:
        self._ask: Callable[[str], Awaitable[frozenset[str] | None]] | None = None
        self._can_ask = asyncio.Event()
        self._expected = False

    def expect(self) -> None:
        """Have whoever asks wait for a chat: this process is about to have one."""
        self._expected = True

    def asked_by(self, ask: Callable[[str], Awaitable[frozenset[str] | None]]) -> None:
        """Have `ask` say from now on who is in a group; None: the chat does not tell."""
        self._ask = ask
        self._can_ask.set()

    async def members(self, groups: Iterable[str]) -> Mapping[str, frozenset[str]]:
        """Return who is in each of `groups` now; those are left out of which nobody can say it within ASK_S."""
        if self._ask is None and not self._expected:
            return {}
        asked = {group: asyncio.ensure_future(self._members(group)) for group in groups}
        if not asked:
            return {}
        try:
            await asyncio.wait(asked.values(), timeout=ASK_S)
            answers = {group: task.result() for group, task in asked.items() if task.done()}
        finally:
            for task in asked.values():
                task.cancel()
        return {group: members for group, members in answers.items() if members is not None}

    async def _members(self, group: str) -> frozenset[str] | None:
        await self._can_ask.wait()
        return await self._ask(group) if self._ask is not None else None

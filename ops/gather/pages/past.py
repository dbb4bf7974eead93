"""How everything on a status page was on each of the last days. Days that are over are read and counted once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from core.fleet.target import Target
from core.monitor.state import stale_after
from core.page.days import DAYS, days_of
from ops.cooperative import in_turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from core.fleet.target import TargetKind
    from core.page.days import Day
    from core.page.model import Page, PageTarget
    from ops.ports import Ports

# Today, and yesterday: the last looks of a day may be written when the next one has begun.
CHANGING = 2
COUNTED_AT_ONCE = 4


class PastDays:
    """Remembers days from one drawing of the page to the next; each day anew, since the oldest falls out."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._today: date | None = None
        self._over: dict[Target, tuple[Day, ...]] = {}

    async def onto(self, page: Page) -> Page:
        """Return the page with how everything on it was on each of the last days."""
        today = page.written_at.astimezone(ZoneInfo(page.timezone)).date()
        over = self._over if today == self._today else {}
        targets = [Target.server(one.name) for one in page.servers] + [Target.site(one.name) for one in page.sites]
        days = await self._counted([target for target in targets if target not in over], DAYS, page)
        changing = await self._counted([target for target in targets if target in over], CHANGING, page)
        days |= {target: over[target] + lately for target, lately in changing.items()}
        self._today, self._over = today, {target: counted[:-CHANGING] for target, counted in days.items()}

        def with_days(kind: TargetKind, entries: Iterable[PageTarget]) -> tuple[PageTarget, ...]:
            return tuple(replace(one, days=days[Target(kind, one.name)]) for one in entries)

        return replace(page, servers=with_days("server", page.servers), sites=with_days("site", page.sites))

    async def _counted(self, targets: Sequence[Target], number: int, page: Page) -> dict[Target, tuple[Day, ...]]:
        """Return the last `number` days of each target."""
        if not targets:
            return {}
        gap = stale_after(self._ports.fleet.watch)
        # A day more than is counted: what ends within the gap before the first day goes on into it.
        since_at = page.written_at - timedelta(days=number + 1)
        found = await self._ports.store.history.stretches(targets, since_at)
        return {
            target: days_of(found.get(target, ()), page.timezone, page.written_at, gap, number)
            async for some in in_turns(targets, COUNTED_AT_ONCE)
            for target in some
        }

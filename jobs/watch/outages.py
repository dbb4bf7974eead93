"""Tells people: holds what is down against the outages that are open, and opens, changes and closes them.

Nothing is remembered between two rounds that the store does not hold too: a bot that was killed and started again
finds the outage open, and goes on with the same message. Many things that die at once make at most three messages:
within the time in which they are all found, the third message takes all that follow. What drops again and again makes
one (`core.monitor.flapping`).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from core.incident.card import card_of
from core.incident.facts import OutageEnd, OutageFacts
from core.monitor.detection import found_within, which_card
from core.monitor.flapping import FlappingPhase
from jobs.watch.conditions import Conditions
from jobs.watch.flapping import Flapping, StateChanges
from jobs.watch.outage_facts import FactsReader
from jobs.watch.resolution import Resolutions
from jobs.watch.state import Resolution
from jobs.watch.suppression import Suppression
from ops.store.incident.outages import OutageOpening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from core.fleet.target import Target
    from core.incident.outage import Outage
    from core.reply import Reply
    from jobs.watch.state import ActiveCondition, WatchState
    from ops.ports import Ports
    from ops.store.incident.outages import Choose

log = logging.getLogger(__name__)

WHO = "bot:watch"
# What dies together is told together: so long the first waits for the others.
COLLECT_S = 0.25
EVERY_S = 0.25
# Facts that nothing here announces (copies, quarantine) are read again this often while an outage is open.
READ_AGAIN_S = 10.0


class OutageManager:
    """Keeps the outages in the store in step with the watch. opened: called whenever there is a new message."""

    def __init__(self, state: WatchState, ports: Ports, opened: Callable[[], None] = lambda: None) -> None:
        self._state = state
        self._ports = ports
        self._clock = ports.clock
        self._tell_opened = opened
        self._store = ports.store.outages
        self._suppression = Suppression(state, ports)
        self._resolutions = Resolutions(state, self._suppression, ports)
        self._conditions = Conditions(state, self._suppression, ports.clock)
        self._facts = FactsReader(state, self._suppression, ports.store)
        # The messages that were joined after they were sent, and until when others may join them.
        self._joined_until_s: dict[str, float] = {}
        self._open: dict[Target, Outage] = {}
        self._waiting_s: float | None = None
        self._read_s = float("-inf")
        self._cards: dict[bool, list[tuple[float, str]]] = {True: [], False: []}
        self._card_of: dict[Target, str] = {}
        self._changes = StateChanges(state.watch.every)

    def take_up(self, outages: Iterable[Outage]) -> None:
        """Go on with the outages that were open."""
        self._open = {outage.target: outage for outage in outages}
        for target, outage in self._open.items():
            facts = outage.facts
            if facts.changes and facts.first_change_at is not None:
                now_s, for_s = self._clock.monotonic(), (self._clock.now() - facts.first_change_at).total_seconds()
                self._changes.flapping[target] = Flapping(facts.changes, now_s - for_s, now_s, down=True)

    def due_in_s(self) -> float:
        """Return how many seconds may pass before the next `settle`."""
        left_s = self._waiting_s + COLLECT_S - self._clock.monotonic() if self._waiting_s is not None else EVERY_S
        # What should have been told and could not be, since the store failed, is not tried all the time.
        return left_s if 0 < left_s < EVERY_S else EVERY_S

    async def settle(self) -> None:
        """Open, change and close outages, so that they are in step with what the watch sees."""
        # What changes from here on is for the next time.
        changed, self._state.changed = self._state.changed, False
        # Nobody is alerted about work that was announced a moment before the drop.
        await self._suppression.read(at_once=self._waiting_s is not None)
        now_s = self._clock.monotonic()
        active = self._conditions.active(self._open)
        fresh = await self._suppression.to_alert(
            active.values(), self._open, lambda target, facts: self._resolutions.of(target, facts, active, self._open)
        )
        if fresh and self._waiting_s is None:
            self._waiting_s = now_s
        await self._follow_flapping(active, now_s)
        await self._close(active)
        await self._tell_of_late_joins(now_s)
        if fresh and now_s - (self._waiting_s or 0.0) >= COLLECT_S:
            await self._announce_all(fresh, now_s)
            fresh = []
        if not fresh:
            self._waiting_s = None
        if changed or now_s - self._read_s >= READ_AGAIN_S:
            self._read_s = now_s
            await self._refresh(active)

    async def _follow_flapping(self, active: Mapping[Target, ActiveCondition], now_s: float) -> None:
        """Follow what flaps: keep its message, until it is quiet, or stays down and is told anew."""
        for target in [target for target in self._changes.flapping if target in self._open]:
            outage, down = self._open[target], target in active
            resolution = None if down else self._resolutions.of(outage.target, outage.facts, active, self._open)
            if resolution is None and not down:
                continue
            if resolution is not None and resolution.how not in {OutageEnd.UP, OutageEnd.DEGRADED}:
                self._changes.over(target)
                continue
            flapping, became = self._changes.seen(target, now_s, down=down)
            facts = self._flapping_facts(outage.facts, flapping, now_s)
            if facts != outage.facts:
                await self._change([replace(outage, facts=facts)])
            if became is FlappingPhase.STAYS_DOWN:
                await self._close_as([(self._open[target], Resolution(OutageEnd.JOINED, "", self._clock.now()))])
            if became is not FlappingPhase.ON:
                self._changes.over(target)

    def _flapping_facts(self, facts: OutageFacts, flapping: Flapping, now_s: float) -> OutageFacts:
        if facts.changes == flapping.changes:
            return facts
        now = self._clock.now()
        first_at = facts.first_change_at or now - timedelta(seconds=now_s - flapping.first_s)
        return replace(
            facts, changes=flapping.changes, first_change_at=first_at, last_change_at=now, down_now=flapping.down
        )

    async def _announce_all(self, conditions: list[ActiveCondition], now_s: float) -> None:
        """Open outages: what is degraded apart from what is down, and what flaps in the message that it had."""
        plain: dict[bool, list[ActiveCondition]] = {True: [], False: []}
        for condition in conditions:
            flapping = self._changes.would_flap(condition.target, now_s)
            if flapping is None:
                plain[condition.target.kind == "degraded"].append(condition)
                continue
            facts = self._flapping_facts(await self._facts.of(condition, OutageFacts(), self._open), flapping, now_s)
            opening = OutageOpening(condition.target, condition.since_at, facts, facts.first_change_at)
            before = self._card_of.get(condition.target)
            await self._open_many([opening], _always(before))
            self._changes.dropped(condition.target, now_s)
        for degraded, group in plain.items():
            if group:
                await self._announce(group, self._cards[degraded], now_s)
            for condition in group:
                self._changes.dropped(condition.target, now_s)

    async def _announce(self, conditions: list[ActiveCondition], cards: list[tuple[float, str]], now_s: float) -> None:
        window_s = found_within(self._state.watch).total_seconds()
        recent = [(at_s, key) for at_s, key in cards if now_s - at_s < window_s]
        openings = [
            OutageOpening(one.target, one.since_at, await self._facts.of(one, OutageFacts(), self._open))
            for one in conditions
        ]
        outages = await self._open_many(
            openings, lambda made: which_card([*recent, *((now_s, key) for key in made)], now_s, window_s)
        )
        known, used = {key for _, key in recent}, dict.fromkeys(one.card for one in outages)
        for opened_s, key in recent:
            if key in used:
                self._joined_until_s[key] = opened_s + window_s
        cards[:] = [*recent, *((now_s, key) for key in used if key not in known)]

    async def _tell_of_late_joins(self, now_s: float) -> None:
        """Tell who gets no edits once more of what was joined, when nothing can join it any more."""
        for card in [card for card, until_s in self._joined_until_s.items() if now_s >= until_s]:
            await self._ports.store.notifications.tell_again(card, self._clock.now())
            del self._joined_until_s[card]

    async def _open_many(self, openings: list[OutageOpening], choose: Choose) -> tuple[Outage, ...]:
        outages = await self._store.open_many(openings, WHO, choose, self._draw, self._clock.now())
        self._open |= {outage.target: outage for outage in outages}
        self._card_of |= {outage.target: outage.card for outage in outages}
        self._tell_opened()
        for outage in outages:
            log.warning("outage=%d target=%s card=%s opened", outage.id, outage.target, outage.card)
        return outages

    async def _refresh(self, active: Mapping[Target, ActiveCondition]) -> None:
        """Change the outages that go on where their facts have changed."""
        changed: list[Outage] = []
        for target, outage in self._open.items():
            if target in active:
                facts = await self._facts.of(active[target], outage.facts, self._open)
                if facts != outage.facts:
                    changed.append(replace(outage, facts=facts))
        if changed:
            await self._change(changed)

    async def _change(self, changed: list[Outage]) -> None:
        await self._store.change_many(changed, self._draw, self._clock.now())
        self._open |= {outage.target: outage for outage in changed}

    async def _close(self, active: Mapping[Target, ActiveCondition]) -> None:
        """Close the outages that have ended; what flaps has not, until it is quiet."""
        flapping = self._changes.flapping
        settled = [outage for target, outage in self._open.items() if target not in flapping]
        resolutions = [self._resolutions.of(one.target, one.facts, active, self._open) for one in settled]
        over = [(outage, how) for outage, how in zip(settled, resolutions, strict=True) if how is not None]
        if over:
            await self._close_as(over)

    async def _close_as(self, over: list[tuple[Outage, Resolution]]) -> None:
        closings = await self._resolutions.closings(over)
        await self._store.close_many(closings, WHO, self._draw, self._clock.now())
        now_s = self._clock.monotonic()
        for outage, resolution in over:
            if resolution.how in {OutageEnd.UP, OutageEnd.DEGRADED} and not outage.facts.changes:
                self._changes.returned(outage.target, now_s)
            del self._open[outage.target]
            self._state.resumed.pop(outage.target, None)
            log.warning("outage=%d target=%s closed ending=%s", outage.id, outage.target, resolution.how)

    def _draw(self, outages: tuple[Outage, ...]) -> Reply:
        return card_of(outages, self._state.fleet.timezone, self._clock.now())


def _always(card: str | None) -> Choose:
    return lambda _made: card

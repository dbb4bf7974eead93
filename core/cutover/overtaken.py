"""What later plans have changed since of what a cutover changed: nobody waits for that any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.dns.records import serial_at_or_past
from core.plan.plan import PlanState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.plan.plan import ZoneChange
    from core.plan.progress import ZoneDone
    from core.plan.stored import StoredPlan


def moved_on(stored: StoredPlan, others: Iterable[StoredPlan]) -> Mapping[str, str]:
    """Return the names that `stored` has changed and others of the plans, oldest first, changed later: name to plan.

    What is later in a zone is told by its serial, and by the clock only where that is the same.
    """
    found: dict[str, str] = {}
    mine = _changed(stored)
    for other in others:
        if other.id == stored.id:
            continue
        theirs = _changed(other)
        for place, changes in mine.items():
            for owner, done in changes.items():
                then = theirs.get(place, {}).get(owner)
                if then is not None and _is_later(then, done):
                    found[owner] = other.id
    return found


def is_overtaken(stored: StoredPlan, names: Iterable[str]) -> bool:
    """Return whether `names` are all that a cutover has changed, so that nothing of it is left to wait for."""
    changed = {owner for changes in _changed(stored).values() for owner in changes}
    return bool(changed) and changed <= {*names}


def under_way_since(stored: StoredPlan, others: Iterable[StoredPlan]) -> bool:
    """Return whether one of the other plans is just changing again what `stored` has changed."""
    return bool(moved_on(stored, [other for other in others if other.state == PlanState.APPROVED]))


def left_to_ask(zones: Iterable[ZoneChange], names: Mapping[str, str]) -> tuple[ZoneChange, ...]:
    """Return `zones` less the changes of names that have been moved on, and less the zones that have no other."""
    left = (replace(zone, changes=tuple(c for c in zone.changes if c.owner not in names)) for zone in zones)
    return tuple(zone for zone in left if zone.changes)


def _changed(stored: StoredPlan) -> Mapping[tuple[str, str], Mapping[str, ZoneDone]]:
    """Return, by update server and zone, when each name of it was last changed by a plan."""
    found: dict[tuple[str, str], dict[str, ZoneDone]] = {}
    for zone in stored.plan.zones:
        done = stored.progress.zones.get(zone.key)
        if done is not None:
            found.setdefault((str(zone.update), zone.zone), {}).update({c.owner: done for c in zone.changes})
    return found


def _is_later(then: ZoneDone, done: ZoneDone) -> bool:
    return then.at > done.at if then.serial == done.serial else serial_at_or_past(then.serial, done.serial)

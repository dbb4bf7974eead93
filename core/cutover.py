"""Carrying out a plan, as a machine that knows what comes next.

Invariants, whatever was interrupted and however often:
- no zone is touched before the hold and every final sync have a good outcome on record;
- each zone change is asked for until it has an outcome, and never again afterwards;
- sites count as moved only when every zone change that holds their names was made;
- the end is CONFIRMED, UNFINISHED, PARTIAL or STALE; STALE only where it is certain that no zone was changed.

A step that was begun and has no outcome is taken again: every step looks before it acts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from core.plan import State
from core.records import serial_at_or_past

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.plan import Plan, ZoneChange


BATCH = 500


class Outcome(StrEnum):
    """How a step ended. UNKNOWN: it may or may not have happened. LATE: some name servers do not agree yet."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `name` is unique in its cutover and says what it is; `about` is a site or a zone change's key."""

    name: str
    about: str = ""

    @property
    def key(self) -> str:
        """How the store names it."""
        return f"{self.name} {self.about}".strip()


HOLD = Step("hold")
VERIFY = Step("verify")
SWITCH = Step("switch")
END = Step("end")


def steps_of(plan: Plan) -> tuple[Step, ...]:
    """Return every step of carrying out `plan`, in order."""
    syncs = tuple(Step("sync", site) for site in plan.sites) if plan.planned and plan.kind == "failover" else ()
    updates = tuple(Step("update", zone.key) for zone in plan.zones)
    return (HOLD, *syncs, *updates, VERIFY, SWITCH, END)


def next_steps(plan: Plan, outcomes: Mapping[str, Outcome]) -> tuple[Step, ...]:
    """Return the steps to take now: those zone updates that are open, up to `BATCH` together, or else one step.

    A refused hold or final sync ends the cutover before any zone is touched; where no zone was changed there is
    nothing to verify and nothing to switch. The last step is END; after it there is none, and the answer is empty.
    """
    stopped = stopped_before_dns(outcomes)
    made = moved_zones(plan, outcomes)
    open_steps = [
        step
        for step in steps_of(plan)
        if step.key not in outcomes and not _is_void(step, stopped=stopped, anything_made=bool(made))
    ]
    updates = [step for step in open_steps if step.name == "update"]
    if open_steps and open_steps[0].name == "update":
        return tuple(updates[:BATCH])
    return tuple(open_steps[:1])


def _is_void(step: Step, *, stopped: bool, anything_made: bool) -> bool:
    if step.name in {"sync", "update"}:
        return stopped
    return step in {VERIFY, SWITCH} and not anything_made


def stopped_before_dns(outcomes: Mapping[str, Outcome]) -> bool:
    """Return whether the hold or a final sync failed, so that no zone is to be touched."""
    return any(
        key.split(" ")[0] in {HOLD.name, "sync"} and outcome != Outcome.DONE for key, outcome in outcomes.items()
    )


def moved_zones(plan: Plan, outcomes: Mapping[str, Outcome]) -> tuple[ZoneChange, ...]:
    """Return the zone changes that were made."""
    return tuple(zone for zone in plan.zones if outcomes.get(Step("update", zone.key).key) == Outcome.DONE)


def moved_sites(plan: Plan, outcomes: Mapping[str, Outcome], names: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the sites all of whose changed names were changed everywhere; `names` are each site's names."""
    made = moved_zones(plan, outcomes)
    left_over = {change.owner for zone in plan.zones if zone not in made for change in zone.changes}
    return tuple(site for site in plan.sites if made and not left_over & set(names.get(site, ())))


def how_it_ended(plan: Plan, outcomes: Mapping[str, Outcome]) -> State:
    """Return the state in which a cutover without a next step stands."""
    made = moved_zones(plan, outcomes)
    if not made and Outcome.UNKNOWN not in outcomes.values():
        return State.STALE
    if len(made) < len(plan.zones):
        return State.PARTIAL
    return State.CONFIRMED if outcomes.get(VERIFY.key) == Outcome.DONE else State.UNFINISHED


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one name server stands in a cutover.

    agrees: it answers every new value with a serial at or past the new one. old, wrong: how many of the changed
    record sets it still answers as before, or neither way. why: what was wrong when it could not be asked. serial:
    of the zone that is furthest behind. seconds: from the update to its agreement; None until it agrees.
    """

    name: str
    agrees: bool
    old: int = 0
    wrong: int = 0
    why: str = ""
    serial: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What one name server answered for one zone: its serial and values by (owner, type); `why` where it did not."""

    serial: int | None = None
    values: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    why: str = ""


def standing(name: str, zones: Iterable[tuple[ZoneChange, tuple[int, ...]]], heard: Mapping[str, Heard]) -> Standing:
    """Judge what a name server answered against `zones`: each with the serials that its update servers then had.

    heard: by zone. Every changed record set must be answered with the new values (none where it went away), and the
    serial must be at or past that of one of the zone's update servers: a name server follows one of them.
    """
    old = wrong = 0
    agrees = True
    why = ""
    serial: int | None = None
    for zone, wanted in zones:
        said = heard.get(zone.zone, Heard(why="not asked"))
        if said.why or said.serial is None:
            agrees, why = False, said.why or "no serial"
            continue
        past = any(serial_at_or_past(said.serial, one) for one in wanted)
        if serial is None or not past:
            serial = said.serial
        agrees = agrees and past
        for change in zone.changes:
            values = said.values.get((change.owner, change.type), ())
            if values == (change.new.values if change.new else ()):
                continue
            agrees = False
            if values == (change.old.values if change.old else ()):
                old += 1
            else:
                wrong += 1
    return Standing(name, agrees=agrees, old=old, wrong=wrong, why=why, serial=serial)

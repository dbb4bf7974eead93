"""Carrying out a plan, as a machine that knows what comes next.

A plan goes wave by wave; most have one. Each wave: hold its sites, run what comes before (hooks, final copies, freezing
and a last copy), change its zones, verify, check that its sites answer, switch, bring over what arrived meanwhile, run
what comes after, thaw.

Invariants, whatever was interrupted and however often:
- no zone of a wave is touched before its hold and everything that comes before have a good outcome on record;
- no step of a wave is taken before every step of the waves before it has a good outcome: at the first trouble the
  rest stays where it is;
- each zone change is asked for until it has an outcome, and never again afterwards;
- sites count as moved only when every zone change that holds their names was made;
- what was frozen is thawed, however its wave ended; what was not is left alone;
- once somebody has cancelled it, no step begins but those that what was done before makes necessary;
- the end is CONFIRMED, UNFINISHED, PARTIAL, STALE or CANCELLED; the last two only where it is certain that no zone was
  changed.

A step that was begun and has no outcome is taken again: every step looks before it acts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from core.plan.plan import PlanState, Rollback
from core.plan.restore import Restore

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from core.plan.plan import Move, Plan, ZoneChange


BATCH = 500
BEFORE_DNS = frozenset({"hold", "before", "sync", "freeze", "resync", "restore"})
WHERE_MOVED = frozenset({"verify", "check", "switch", "catch-up", "after"})
ONE_BY_ONE = frozenset({"hold", "verify", "check", "switch", "end"})


class Outcome(StrEnum):
    """How a step ended.

    NOT_BEGUN: refused before anything of it was done. UNKNOWN: it may or may not have happened. LATE: some name servers
    do not agree yet.
    """

    DONE = "done"
    REFUSED = "refused"
    NOT_BEGUN = "not begun"
    UNKNOWN = "unknown"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its key is unique in its cutover and says what it is; `about` is a site or a zone change's key."""

    name: str
    about: str = ""
    wave: int = 0

    @property
    def key(self) -> str:
        """How the store names it."""
        about = self.about or (f"wave {self.wave + 1}" if self.wave else "")
        return f"{self.name} {about}".strip()


HOLD = Step("hold")
END = Step("end")


def does_something(keys: Iterable[str]) -> bool:
    """Return whether any of these steps, by their keys, does more than hold sites."""
    return any(key.split(" ", 1)[0] != HOLD.name for key in keys)


def next_steps(
    plan: Plan, outcomes: Mapping[str, Outcome], at_once: int = 1, *, cancelled: Collection[str] | None = None
) -> tuple[Step, ...]:
    """Return the steps to take now: steps of one kind that are open, and may be taken together.

    Up to `BATCH` zone updates, up to `at_once` of what is done site by site, or else one. The last step is END; after
    it there is none, and the answer is empty. cancelled: the keys of the steps that had begun when somebody cancelled
    it; None: nobody has.
    """
    for steps in _waves(plan):
        open_steps, all_good = _open_in_wave(steps, outcomes, at_once, cancelled)
        if open_steps:
            return open_steps
        if not all_good:
            break
    return () if END.key in outcomes else (END,)


def _waves(plan: Plan) -> Iterator[Iterator[Step]]:
    """Yield the steps of each wave, each in order. A restore is one wave that changes no zone."""
    if isinstance(plan.purpose, Restore):
        yield iter((HOLD, Step("restore", plan.purpose.site)))
        return
    moves: dict[int, list[Move]] = {wave: [] for wave in range(plan.waves)}
    for move in plan.moves:
        moves[move.wave].append(move)
    zones: dict[int, list[ZoneChange]] = {}
    for zone in plan.zones:
        zones.setdefault(zone.wave, []).append(zone)
    hooked: dict[str, set[str]] = {}
    for hook in plan.hooks:
        hooked.setdefault(hook.moment, set()).add(hook.site)
    for wave, of_wave in moves.items():
        yield _steps_of_wave(plan, wave, [move.site for move in of_wave], zones.get(wave, []), hooked)


def _steps_of_wave(
    plan: Plan, wave: int, sites: list[str], zones: list[ZoneChange], hooked: Mapping[str, set[str]]
) -> Iterator[Step]:
    def each(name: str, moment: str) -> Iterator[Step]:
        return (Step(name, site, wave) for site in sites if site in hooked.get(moment, ()))

    copied = sites if plan.copies_first else []
    yield Step("hold", wave=wave)
    yield from each("before", "before_cutover")
    yield from (Step("sync", site, wave) for site in copied)
    yield from each("freeze", "freeze")
    yield from each("resync", "freeze")
    yield from (Step("update", zone.key, wave) for zone in zones)
    yield Step("verify", wave=wave)
    if plan.wave_size:
        yield Step("check", wave=wave)
    yield Step("switch", wave=wave)
    yield from (Step("catch-up", site, wave) for site in copied)
    yield from each("after", "after_cutover")
    yield from each("thaw", "thaw")


def _open_in_wave(
    steps: Iterator[Step], outcomes: Mapping[str, Outcome], at_once: int, cancelled: Collection[str] | None
) -> tuple[tuple[Step, ...], bool]:
    """Return the steps of one wave to take now; where there are none, whether all of it went well."""
    stopped = made = False
    all_good = True
    found: list[Step] = []
    for step in steps:
        if found and (step.name != found[0].name or len(found) >= _together(step, at_once)):
            break
        outcome = outcomes.get(step.key)
        if outcome is None:
            # What was begun has to be known, whatever became of it.
            left = cancelled is not None and step.key not in cancelled
            if not _is_void(step, outcomes, stopped=stopped or left, made=made):
                found.append(step)
            continue
        made = made or (step.name == "update" and outcome == Outcome.DONE)
        stopped = stopped or (step.name in BEFORE_DNS and outcome != Outcome.DONE)
        all_good = all_good and outcome == Outcome.DONE
    return tuple(found), all_good


def _together(step: Step, at_once: int) -> int:
    if step.name == "update":
        return BATCH
    return 1 if step.name in ONE_BY_ONE else at_once


def _is_void(step: Step, outcomes: Mapping[str, Outcome], *, stopped: bool, made: bool) -> bool:
    if step.name == "update" or step.name in BEFORE_DNS:
        return stopped
    if step.name in WHERE_MOVED:
        return not made
    return outcomes.get(Step("freeze", step.about).key, Outcome.NOT_BEGUN) == Outcome.NOT_BEGUN


def when_it_failed(step: Step) -> Outcome:
    """Return how a step ended that failed by itself: what may have changed is never called unchanged, nor seen."""
    if step.name in {"update", "restore"}:
        return Outcome.UNKNOWN
    return Outcome.LATE if step.name == "verify" else Outcome.REFUSED


def moved_zones(plan: Plan, outcomes: Mapping[str, Outcome]) -> tuple[ZoneChange, ...]:
    """Return the zone changes that were made."""
    return tuple(zone for zone in plan.zones if outcomes.get(Step("update", zone.key).key) == Outcome.DONE)


def moved_sites(
    plan: Plan, outcomes: Mapping[str, Outcome], names: Mapping[str, Iterable[str]], wave: int = 0
) -> tuple[str, ...]:
    """Return the sites of a wave all of whose changed names were changed everywhere; `names` are each site's names."""
    made: list[ZoneChange] = []
    left_over: set[str] = set()
    for zone in plan.zones:
        if zone.wave != wave:
            continue
        if outcomes.get(Step("update", zone.key).key) == Outcome.DONE:
            made.append(zone)
        else:
            left_over |= {change.owner for change in zone.changes}
    sites = [move.site for move in plan.moves if move.wave == wave]
    return tuple(site for site in sites if made and not left_over & set(names.get(site, ())))


@dataclass(frozen=True, slots=True)
class CopySwitch:
    """What is true of copies once sites have moved.

    active: the server that serves each site now. quarantined: the (site, server) copies that may hold what no other
    has. released: those that are quarantined no more.
    """

    active: Mapping[str, str]
    quarantined: tuple[tuple[str, str], ...] = ()
    released: tuple[tuple[str, str], ...] = ()


def switched(plan: Plan, moved: Iterable[str]) -> CopySwitch:
    """Say what the move of the sites `moved` makes of their copies (law 4).

    The copy that a site leaves is quarantined, unless a planned move has copied it first. A rollback ends the
    quarantine of the copy that it makes active again.
    """
    sites = set(moved)
    moves = [move for move in plan.moves if move.site in sites]
    return CopySwitch(
        active={move.site: move.target for move in moves},
        quarantined=() if plan.copies_first else tuple((move.site, move.source) for move in moves),
        released=tuple((move.site, move.target) for move in moves) if isinstance(plan.purpose, Rollback) else (),
    )


def how_it_ended(plan: Plan, outcomes: Mapping[str, Outcome], *, cancelled: bool = False) -> PlanState:
    """Return the state in which a cutover without a next step stands. cancelled: somebody has cancelled it."""
    unchanged = PlanState.CANCELLED if cancelled else PlanState.STALE
    if isinstance(plan.purpose, Restore):
        restored = outcomes.get(Step("restore", plan.purpose.site).key, Outcome.REFUSED)
        return {Outcome.DONE: PlanState.CONFIRMED, Outcome.UNKNOWN: PlanState.PARTIAL}.get(restored, unchanged)
    made = moved_zones(plan, outcomes)
    if not made and Outcome.UNKNOWN not in outcomes.values():
        return unchanged
    if len(made) < len(plan.zones):
        return PlanState.PARTIAL
    return PlanState.UNFINISHED if Outcome.LATE in outcomes.values() else PlanState.CONFIRMED

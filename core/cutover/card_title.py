"""The title of a plan's card: the whole fact in one line, in every state."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from core.cutover.card_parts import name_servers_of
from core.fleet.servers import with_place
from core.plan.plan import PlanState, Rollback
from core.reply import Tone
from core.wording import all_of, clock_time, count, duration, listing

if TYPE_CHECKING:
    from core.fleet import Fleet
    from core.plan.plan import Plan
    from core.plan.stored import StoredPlan


def title_of(stored: StoredPlan, fleet: Fleet) -> tuple[str, Tone]:
    """Return the title of a plan's card, and how it is meant."""
    plan, progress = stored.plan, stored.progress
    what, servers = _what(plan, fleet), len(name_servers_of(stored, fleet)) - sum(s.gone for s in progress.nameservers)
    moved = f"{sites_in_words(plan)} moved {_way(plan, fleet)}"
    in_step = f"{progress.in_step} of {count(servers, 'name server')} in step"
    match stored.state:
        case PlanState.BLOCKED | PlanState.PLANNED:
            return _asked(stored, fleet)
        case PlanState.APPROVED:
            wave = f", wave {progress.wave + 1} of {plan.waves}" if plan.wave_size else ""
            return f"Moving {what}{wave}: {in_step}", Tone.BUSY
        case PlanState.CONFIRMED:
            approved_at, in_step_at = stored.approved_at, progress.in_step_at
            took = duration(in_step_at - approved_at) if in_step_at and approved_at else ""
            agree = "agrees" if servers == 1 else "agree"
            done = f"Done: {moved}. {all_of(servers, 'name server')} {agree}, {took} after approval"
            done += f", without {listing(progress.gone)}: no longer in the fleet file" if progress.gone else ""
            return (f"{done}, but not all else went well", Tone.WARN) if with_trouble(stored) else (done, Tone.GOOD)
        case PlanState.UNFINISHED | PlanState.OVERTAKEN:
            return _not_confirmed(stored, moved, in_step)
        case PlanState.PARTIAL:
            return f"Done in part: {_part(stored)}, moving {what}", Tone.BAD
        case PlanState.STALE:
            return _stale(stored)
        case PlanState.ROLLED_BACK:
            return f"Rolled back: {plan.title}", Tone.PLAIN
        case PlanState.LOST:
            return lost_title(plan)
        case PlanState.CANCELLED | PlanState.EXPIRED:
            return f"{stored.state.value.capitalize()}: {plan.title}. Nothing changed", Tone.PLAIN
        case _:
            assert_never(stored.state)


def _not_confirmed(stored: StoredPlan, moved: str, in_step: str) -> tuple[str, Tone]:
    progress = stored.progress
    if stored.state == PlanState.UNFINISHED:
        return f"Unfinished: {moved}, but only {in_step}; not yet: {listing(progress.late)}", Tone.WARN
    by = listing(sorted(set(progress.moved_on.values())))
    return f"Overtaken: {moved}, and on since by plan {by}, before all name servers agreed", Tone.PLAIN


def lost_title(plan: Plan) -> tuple[str, Tone]:
    """Return the title of a plan that was open in a store that was put back."""
    return f"Lost track of plan {plan.id} ({plan.title}): it may have been carried out, or in part", Tone.WARN


def _stale(stored: StoredPlan) -> tuple[str, Tone]:
    plan = stored.plan
    if stored.progress.trouble:
        return f"Nothing changed: the {plan.title} could not be carried out", Tone.BAD
    return f"Nothing changed: plan {plan.id} ({plan.title}) no longer fits", Tone.WARN


def with_trouble(stored: StoredPlan) -> bool:
    """Return whether DNS has moved all, and something else went wrong."""
    return stored.state == PlanState.CONFIRMED and bool(stored.progress.trouble)


def sites_in_words(plan: Plan) -> str:
    """Name the one site that moves, or count them."""
    return plan.moves[0].site if len(plan.moves) == 1 else count(len(plan.moves), "site")


def _asked(stored: StoredPlan, fleet: Fleet) -> tuple[str, Tone]:
    plan = stored.plan
    if stored.state == PlanState.BLOCKED:
        stays = f"{sites_in_words(plan)} {'stays' if len(plan.moves) == 1 else 'stay'} on {listing(plan.sources)}"
        return f"Cannot go ahead, {stays}: {_first_block(plan)}", Tone.BAD
    verb = "Roll back" if isinstance(plan.purpose, Rollback) else "Move"
    in_waves = f" in {count(plan.waves, 'wave')}" if plan.wave_size else ""
    records = count(sum(len(zone.changes) for zone in plan.zones), "record")
    zones = count(len({zone.zone for zone in plan.zones}), "zone") if plan.wave_size else count(len(plan.zones), "zone")
    warned = f", {count(len(plan.warnings), 'warning')}" if plan.warnings else ""
    until = clock_time(plan.expires_at, fleet.timezone, plan.asked_at)
    title = f"{verb} {_what(plan, fleet)}{in_waves}? {records} in {zones}{warned}. Plan {plan.id}, until {until}"
    return title, Tone.WARN if plan.warnings or plan.blocks else Tone.PLAIN


def _part(stored: StoredPlan) -> str:
    plan, made = stored.plan, stored.progress.zones
    if not plan.wave_size:
        return f"{len(made)} of {count(len(plan.zones), 'zone')} changed"
    whole = plan.waves - len({zone.wave for zone in plan.zones if zone.key not in made})
    return f"{whole} of {count(plan.waves, 'wave')} moved"


def _first_block(plan: Plan) -> str:
    first = plan.blocks[0].text if plan.blocks else "no record would change"
    more = f", and {len(plan.blocks) - 1} more" if len(plan.blocks) > 1 else ""
    return f"{first}{more}"


def _what(plan: Plan, fleet: Fleet) -> str:
    return f"{sites_in_words(plan)} {_way(plan, fleet)}"


def _way(plan: Plan, fleet: Fleet) -> str:
    return f"from {_places(fleet, plan.sources)} to {_places(fleet, plan.targets)}"


def _places(fleet: Fleet, servers: tuple[str, ...]) -> str:
    return listing([with_place(name, fleet.servers) for name in servers])

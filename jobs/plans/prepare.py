"""Making a plan: reads the live zones, chooses, draws, looks at everything, judges, and keeps it with its card."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.cutover.card import card_of
from core.cutover.planning import (
    choose_moves,
    draw_changes,
    in_waves,
    quarantined_since,
    served_from,
    what_changed,
)
from core.cutover.preflight_checks import judge, no_hooks_on
from core.errors import RefusedError, SettingsError
from core.fleet.target import Target
from core.plan.approval import instead_of_rolling_back, why_not_roll_back
from core.plan.basis import basis_of, fleet_differences, name_servers_changed, names_of_sites
from core.plan.hooks import hooks_of, without_freeze
from core.plan.plan import Failover, Plan, PlanState, inverse
from core.plan.restore import Restore, warnings_of
from core.plan.stored import StoredPlan
from core.wording import listing
from jobs.backup.restore_site import restore_differences
from ops.gather.preflight import gather_facts
from ops.gather.silent import silent_servers
from ops.gather.zones import ZonesRead, read_zones

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from core.cutover.planning import DnsChangeSet
    from core.people import Person
    from ops.ports import Ports

# No letters that are taken for one another when read aloud or on a small screen.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_LENGTH = 4


@dataclass(frozen=True, slots=True)
class FailoverRequest:
    """What somebody asks to be moved: names of servers and sites, and how. wave: so many sites at a time; 0: all."""

    asked: tuple[str, ...]
    to: str | None = None
    planned: bool = False
    force: str | None = None
    without: tuple[str, ...] = ()
    line: str = ""
    wave: int = 0
    without_hooks: bool = False


async def prepare_failover(ports: Ports, request: FailoverRequest, person: Person) -> StoredPlan:
    """Make a plan for `request`, keep it and its card, and return it; the same plan that still waits is returned.

    Every name in the request is one of the fleet's. Raises RefusedError where nothing can move.
    """
    fleet = ports.fleet
    asked = {*request.asked}
    candidates = [site for site in fleet.sites.values() if asked & {site.name, *site.servers}]
    read = await read_zones(ports.dns, fleet, (name for site in candidates for name in site.names))
    active = dict(await ports.store.copies.active())
    active |= {site.name: server for site in candidates if (server := served_from(fleet, site, read.readings))}
    quarantined = await ports.store.copies.quarantined()
    choice = choose_moves(fleet, active, request.asked, request.to, quarantined.keys(), request.without)
    if not choice.moves:
        raise _nothing_moves(request, choice.left_alone)
    moves = in_waves(choice.moves, request.wave)
    drawn = draw_changes(fleet, moves, read.readings)
    if not drawn.zones:
        raise _nothing_to_change(read, drawn)
    now = ports.clock.now()
    plan = Plan(
        id=await _fresh_id(ports),
        purpose=Failover(planned=request.planned),
        moves=moves,
        zones=drawn.zones,
        asked_by=person.label,
        asked_at=now,
        expires_at=now + fleet.approval.ttl,
        force=request.force,
        left_alone=choice.left_alone,
        stray_records=drawn.stray_records,
        line=request.line,
        wave_size=request.wave,
    )
    return await _judge_and_keep(ports, plan, read, drawn.unhandled_names, without_hooks=request.without_hooks)


async def prepare_rollback(
    ports: Ports, stored: StoredPlan, person: Person, force: str | None, *, without_hooks: bool = False
) -> StoredPlan:
    """Make the plan that undoes a cutover, keep it and its card, and return it.

    Raises RefusedError where the cutover cannot be undone, or the records are no longer as it left them.
    """
    within, now = ports.fleet.dns.rollback_within, ports.clock.now()
    why = why_not_roll_back(stored, within, now)
    if why is not None:
        raise RefusedError(f"Plan {stored.id} cannot be rolled back. {why}", hint=instead_of_rolling_back(stored))
    names = names_of_sites(stored.plan, ports.fleet)
    changed = stored.progress.zones.keys()
    plan = inverse(stored.plan, await _fresh_id(ports), changed, names, person.label, now)
    gone = fleet_differences(replace(plan, basis=stored.plan.basis), ports.fleet)
    if gone:
        raise RefusedError(
            f"Plan {stored.id} cannot be rolled back: {listing(gone)}.",
            hint="Put that back into app.yaml and start the bot again, or make a new plan with `failover`.",
        )
    # Which servers can be counted on to run them is judged below.
    plan = replace(plan, force=force, hooks=hooks_of(plan, ports.fleet).runs)
    read = await read_zones(ports.dns, ports.fleet, _owners(plan))
    differences = what_changed(plan, ports.fleet, read.readings)
    if differences:
        raise RefusedError(
            f"Plan {stored.id} cannot be rolled back as it is: {listing(differences)}.",
            hint="Somebody has changed these records since. Make a new plan with `failover`.",
        )
    return await _judge_and_keep(ports, plan, read, without_hooks=without_hooks)


async def differences_now(ports: Ports, plan: Plan) -> tuple[str, ...]:
    """Say what is no longer as `plan` shows it, from the live zones and the fleet file as it is now.

    An update server that is silent, or a fleet file that cannot be used, is such a difference.
    """
    try:
        fleet = await asyncio.to_thread(ports.live_fleet)
    except SettingsError:
        return ("the fleet file has changed and cannot be used: `check` says why",)
    if fleet.dns != ports.fleet.dns:
        return ("the dns section of the fleet file has changed since this process started: start it again",)
    quarantined = {copy: (one.since_at, one.why) for copy, one in (await ports.store.copies.quarantined()).items()}
    gone = (*fleet_differences(plan, fleet), *name_servers_changed(plan, fleet), *quarantined_since(plan, quarantined))
    if isinstance(plan.purpose, Restore):
        return gone or await restore_differences(ports, fleet, plan.purpose)
    if any(zone.zone not in fleet.dns.zone_set for zone in plan.zones):
        return gone
    read = await read_zones(ports.dns, fleet, _owners(plan))
    silent = tuple(f"{where}: {why}" for where, why in read.silent.items())
    return tuple(dict.fromkeys((*silent, *gone, *what_changed(plan, fleet, read.readings))))


async def changed_since(ports: Ports, stored: StoredPlan) -> tuple[str, ...]:
    """Say what is no longer as people knew it when they decided: a source that is back, and `differences_now`."""
    return (*await _sources_back(ports, stored), *await differences_now(ports, stored.plan))


async def _sources_back(ports: Ports, stored: StoredPlan) -> tuple[str, ...]:
    """Say which sources of an emergency came back since the plan was made, as far as the watch has seen."""
    if not stored.plan.is_emergency or stored.plan.force is not None:
        return ()
    sources = [Target.server(source) for source in stored.plan.sources]
    seen = await ports.store.states.states_of(sources)
    return tuple(
        f"{source.name} is up again"
        for source in sources
        if source in seen and seen[source].state == "up" and seen[source].since_at > stored.plan.asked_at
    )


async def _judge_and_keep(
    ports: Ports, plan: Plan, read: ZonesRead, unhandled_names: tuple[str, ...] = (), *, without_hooks: bool
) -> StoredPlan:
    facts = await gather_facts(ports, plan, unhandled_names, read)
    on = {hook.server for hook in hooks_of(plan, ports.fleet).runs} - {*plan.sources, *plan.targets}
    silent = tuple(await silent_servers(ports, sorted(on)))
    left_out = tuple(ports.fleet.servers) if without_hooks else no_hooks_on(plan, facts, silent)
    plan = replace(plan, no_hooks_on=left_out)
    hooked = hooks_of(plan, ports.fleet)
    plan = replace(plan, hooks=hooked.runs)
    facts = replace(
        facts,
        unfrozen=without_freeze(plan, ports.fleet),
        hooks_left_out=tuple(f"{hook.moment} of {hook.site} on {hook.server}" for hook in hooked.left_out),
        without_hooks=without_hooks,
    )
    return await _keep(ports, replace(plan, verdicts=judge(facts), basis=basis_of(plan, ports.fleet)))


async def prepare_restore(ports: Ports, restore: Restore, person: Person, line: str) -> StoredPlan:
    """Make a plan for `restore`, keep it and its card, and return it; the same plan that still waits is returned."""
    now = ports.clock.now()
    plan = Plan(
        id=await _fresh_id(ports),
        purpose=restore,
        moves=(),
        zones=(),
        asked_by=person.label,
        asked_at=now,
        expires_at=now + ports.fleet.approval.ttl,
        verdicts=warnings_of(restore, now),
        line=line,
    )
    return await _keep(ports, replace(plan, basis=basis_of(plan, ports.fleet)))


async def _keep(ports: Ports, plan: Plan) -> StoredPlan:
    waiting = await _same_that_waits(ports, plan)
    if waiting is not None:
        return waiting
    made = StoredPlan(plan, plan.first_state)
    await ports.store.plans.add(plan, card_of(made, ports.fleet))
    return made


async def _same_that_waits(ports: Ports, plan: Plan) -> StoredPlan | None:
    """Return the plan for the very same changes that still waits and has half its time left: two presses, one plan."""
    now = ports.clock.now()
    for stored in await ports.store.plans.in_state(PlanState.PLANNED):
        if _what(stored.plan) == _what(plan) and stored.plan.expires_at - now > ports.fleet.approval.ttl / 2:
            return stored
    return None


def _what(plan: Plan) -> tuple[object, ...]:
    verdicts = [(verdict.check, verdict.level) for verdict in plan.verdicts]
    return plan.purpose, plan.moves, plan.zones, plan.force, plan.hooks, plan.wave_size, plan.basis, verdicts


async def _fresh_id(ports: Ports) -> str:
    while True:
        plan_id = "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))
        if await ports.store.plans.get(plan_id) is None:
            return plan_id


def _owners(plan: Plan) -> Iterable[str]:
    return (change.owner for zone in plan.zones for change in zone.changes)


def _nothing_to_change(read: ZonesRead, drawn: DnsChangeSet) -> RefusedError:
    if read.silent:
        why = listing(list(dict.fromkeys(read.silent.values())), most=3)
        return RefusedError(
            f"No plan can be made: the zones cannot be read. {why}",
            hint="A plan is drawn from the live zones. `check --live` says what to fix.",
        )
    why = listing(drawn.unhandled_names) or "no record points at the source"
    return RefusedError(f"There is nothing to change in DNS: {why}.", hint="`dns` shows what each name server answers.")


def _nothing_moves(request: FailoverRequest, left_alone: Collection[tuple[str, str]]) -> RefusedError:
    if not left_alone:
        return RefusedError(
            f"No site is served from {listing(request.asked)} now, so there is nothing to move.",
            hint="`sites` shows where each is served from.",
        )
    return RefusedError(
        f"Nothing can move: {listing([f'{site}: {why}' for site, why in left_alone])}.",
        hint="A site needs a mirror that is not quarantined.",
    )

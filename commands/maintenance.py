"""`maintenance`: planned work: nobody is alerted about what it is on, until its planned end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, Request, argument
from core.errors import RefusedError, UsageError
from core.fleet.lookup import target_named
from core.fleet.target import FLEET
from core.incident.card_maintenance import card_of, list_reply, title_of
from core.incident.maintenance import (
    Maintenance,
    Phase,
    begun,
    cancelled,
    ended,
    extended,
    planned_start,
    why_not_plan,
)
from core.incident.notes import parse_label, plain_text
from core.people import Role
from core.reply import Reply, Tone
from core.units import parse_duration
from ops.store.incident.maintenance import NewMaintenance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

    from core.fleet.target import Target
    from ops.ports import Ports

ACTIONS = ("start", "end", "cancel", "extend")
FORM = 'Type `maintenance SERVER 2h "why"`, with --at 22:00 for later.'


async def run(request: Request, ports: Ports) -> Reply:
    """Plan or begin one, change one, or list what goes on and is planned."""
    words, now = request.options.words, ports.clock.now()
    if not words:
        return list_reply(await ports.store.maintenance.now_and_planned(), ports.fleet.timezone, now)
    if words[0] in ACTIONS and words[0] not in {*ports.fleet.servers, *ports.fleet.sites}:
        return await _change(words[0], words[1:], request, ports)
    return await _plan(words, request, ports)


async def _plan(words: list[str], request: Request, ports: Ports) -> Reply:
    needed = 3
    if len(words) < needed:
        raise UsageError("Say what, for how long, and why.", hint=FORM)
    now, zone = ports.clock.now(), ports.fleet.timezone
    scope = _scope(words[0], ports)
    length = _length(words[1])
    starts_at = planned_start(request.options.at, zone, now) if request.options.at is not None else now
    wanted = NewMaintenance(
        scope,
        plain_text(" ".join(words[2:])),
        request.person.label,
        starts_at,
        starts_at + length,
        began_at=None if request.options.at is not None else now,
    )
    made = await ports.store.maintenance.plan(
        wanted,
        now,
        lambda one: card_of(one, zone, now),
        lambda others: why_not_plan(starts_at, starts_at + length, scope, others),
    )
    if isinstance(made, str):
        raise RefusedError(
            made, hint="`maintenance` lists what is in progress and planned; `maintenance extend` is for more time."
        )
    return Reply(title_of(made, zone, now), tone=Tone.GOOD, card=made.card)


async def _change(action: str, words: list[str], request: Request, ports: Ports) -> Reply:
    extends = action == "extend"
    if len(words) != (2 if extends else 1) or request.options.at is not None:
        form = "maintenance extend M3 30m" if extends else f"maintenance {action} M3"
        raise UsageError("Say which one" + (", and by how much." if extends else "."), hint=f"Type `{form}`.")
    now, zone, who = ports.clock.now(), ports.fleet.timezone, request.person.label
    by = _length(words[1]) if extends else None
    change, kind = _changes(who, now, by)[action]
    after = await ports.store.maintenance.change(
        _number(words[0]), change, kind, who, now, lambda one: card_of(one, zone, now)
    )
    if after is None:
        raise UsageError(f"There is no maintenance {words[0]!r}.", hint="`maintenance` lists them.")
    return Reply(title_of(after, zone, now), tone=Tone.GOOD, card=after.card)


def _changes(
    who: str, now: datetime, by: timedelta | None
) -> Mapping[str, tuple[Callable[[Maintenance], Maintenance], str]]:
    return {
        "start": (lambda one: _started(one, now), "begun"),
        "end": (lambda one: ended(one, who, now), "ended"),
        "cancel": (lambda one: cancelled(one, who, now), "cancelled"),
        "extend": (lambda one: extended(one, by, now) if by is not None else one, "extended"),
    }


def _started(one: Maintenance, now: datetime) -> Maintenance:
    if one.phase(now) is not Phase.PLANNED:
        over = "it has started, or is over"
        raise RefusedError(f"Maintenance {one.label} is not planned any more: {over}. Nothing changed.")
    return begun(one, now)


def _scope(text: str, ports: Ports) -> Target:
    if text == str(FLEET) and text not in {*ports.fleet.servers, *ports.fleet.sites}:
        return FLEET
    return target_named(text, ports.fleet)


def _length(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{error}.", hint=FORM) from error


def _number(text: str) -> int:
    meant = parse_label(text)
    if meant is None:
        raise UsageError(f"{text!r} is no maintenance.", hint="`maintenance` lists them: M3, for example.")
    return meant[1]


COMMAND = Command(
    name="maintenance",
    summary="plan work on a server, a site or the fleet, or start it: alerts are muted until its planned end",
    run=run,
    who=Role.OPERATOR,
    arguments=(
        argument(
            "words",
            nargs="*",
            metavar="WHAT",
            help='SERVER, SITE or fleet, for how long, and "why"; or start, end, cancel or extend, and which',
        ),
        argument("--at", metavar="TIME", help="begin then: 22:00, 2026-11-23T22:00, or with an offset"),
    ),
    examples=(
        'maintenance SERVER 2h "new disks"',
        'maintenance fleet 30m "network" --at 22:00',
        "maintenance",
        "maintenance end M3",
        "maintenance extend M3 30m",
        "maintenance cancel M3",
    ),
    answers_json=True,
)

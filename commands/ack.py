"""`ack`: acknowledges an outage, so that nobody else has to wonder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands import Command, Request, argument
from core.errors import RefusedError, UsageError
from core.incident.card import card_of
from core.incident.notes import parse_label
from core.incident.targets import subject_of
from core.people import Role
from core.reply import Reply, Tone
from core.wording import clock_time, listing, shortened

if TYPE_CHECKING:
    from core.incident.outage import Outage
    from ops.ports import Ports


async def run(request: Request, ports: Ports) -> Reply:
    """Note that this person acknowledged the outage, and the others that its message shows."""
    store, zone, now = ports.store.outages, ports.fleet.timezone, ports.clock.now()
    outage = await _outage(request.options.id, ports)
    if outage.closed_at is not None:
        raise RefusedError(
            f"Outage {outage.id} ({subject_of(outage.target)}) was over at {clock_time(outage.closed_at, zone, now)}. "
            "Nothing changed.",
            hint="`status` shows what is open.",
        )
    person = request.person.label
    taken = await store.acknowledge(outage, person, now, lambda outages: card_of(outages, zone, now))
    what = listing([subject_of(one.target) for one in taken])
    if taken:
        return Reply(f"Outage {outage.id} acknowledged: {what}", tone=Tone.GOOD, card=outage.card)
    held = await store.get(outage.id)
    if held is None or held.acked_by is None or held.acked_at is None:
        raise RefusedError(f"Outage {outage.id} was over a moment ago. Nothing changed.")
    since = clock_time(held.acked_at, zone, now)
    if held.acked_by == person:
        return Reply(f"Outage {outage.id}: you acknowledged it at {since}", card=outage.card)
    return Reply(f"Outage {outage.id}: acknowledged by {held.acked_by} at {since}. Nothing changed", card=outage.card)


async def _outage(typed: str, ports: Ports) -> Outage:
    meant = parse_label(typed)
    found = await ports.store.outages.get(meant[1]) if meant is not None and meant[0] == "outage" else None
    if found is None:
        still = await ports.store.outages.all_open()
        hint = (
            "Open: " + listing([f"{one.id} ({subject_of(one.target)})" for one in still]) if still else "None is open."
        )
        raise UsageError(f"There is no outage {shortened(typed)!r}.", hint=hint)
    return found


COMMAND = Command(
    name="ack",
    summary="acknowledge an outage",
    run=run,
    who=Role.OPERATOR,
    arguments=(argument("id", metavar="ID", help="the outage's number, as its alert and `status` show it"),),
    examples=("ack 7",),
)

"""Which incident a person means, and what they say of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from core.errors import UsageError
from core.incident.card import card_of as outage_card
from core.incident.card_maintenance import card_of as maintenance_card
from core.incident.notes import Annotation, incident_of_card, label_of, parse_label, plain_text
from core.incident.outage import Outage
from core.incident.targets import subject_of
from core.reply import Reply, Tone
from core.wording import count, listing, shortened

if TYPE_CHECKING:
    from datetime import datetime

    from core.incident.maintenance import Maintenance
    from core.incident.notes import AnnotationKind, ThreadMessage
    from ops.ports import Ports


async def incident_named(text: str, ports: Ports) -> Outage | Maintenance:
    """Return the incident that `text` names, over or not. Raises UsageError where there is none."""
    meant = parse_label(text)
    if meant is None:
        hint = "Write the number of an outage, 7, or a maintenance, M3."
        raise UsageError(f"{shortened(text)!r} is no incident.", hint=hint)
    kind, number = meant
    store = ports.store
    found = await (store.maintenance.get(number) if kind == "maintenance" else store.outages.get(number))
    if found is None:
        what = "maintenance" if kind == "maintenance" else "outage"
        raise UsageError(f"There is no {what} {label_of(kind, number)}.", hint="`incidents --all` lists them.")
    return found


async def incident_of(card: str, ports: Ports) -> Outage | Maintenance | None:
    """Return the incident that a card shows, the oldest that is open of several, else the last; None: it shows none."""
    meant = incident_of_card(card)
    if meant is None:
        return None
    kind, number = meant
    if kind == "maintenance":
        return await ports.store.maintenance.get(number)
    outages = await ports.store.outages.on_card(card)
    return next((one for one in outages if one.closed_at is None), outages[-1] if outages else None)


async def annotate(
    kind: AnnotationKind, typed: str | None, text: str, who: str, ports: Ports, message: ThreadMessage | None = None
) -> Reply:
    """Keep what `who` says of the incident that was typed; None: of the only one that is open.

    message: the one that says it, where it stands in the thread of an incident's message.
    """
    now = ports.clock.now()
    annotation = Annotation(kind, plain_text(text), who, min(message.at, now) if message is not None else now)
    one = await incident_named(typed, ports) if typed is not None else await _only_open(kind, ports)
    words = "cause" if kind == "cause" else "note"
    if not isinstance(one, Outage):
        draw = partial(maintenance_card, timezone=ports.fleet.timezone, now=now)
        await ports.store.maintenance.annotate(one.id, annotation, draw, message)
        return Reply(f"Maintenance {one.label} of {one.subject}: the {words} is kept", tone=Tone.GOOD, card=one.card)
    draw_all = partial(outage_card, timezone=ports.fleet.timezone, now=now)
    kept = await ports.store.outages.annotate(one, annotation, draw_all, message)
    title = f"Outage {one.id} of {subject_of(one.target)}: the {words} is kept"
    if len(kept) > 1:
        title += f", also for {count(len(kept) - 1, 'other')} on the same message"
    return Reply(title, tone=Tone.GOOD, card=one.card)


async def _only_open(kind: AnnotationKind, ports: Ports) -> Outage | Maintenance:
    """Return the only incident that goes on; what one message shows counts as one."""
    now = ports.clock.now()
    outages = await ports.store.outages.all_open()
    running = [one for one in await ports.store.maintenance.now_and_planned() if _goes_on(one, now)]
    cards = {one.card: one for one in reversed(outages)} | {one.card: one for one in running}
    if len(cards) == 1:
        return next(iter(cards.values()))
    hint = f'For example: `{kind} 7 "a disk died"`. `incidents` lists them.'
    if not cards:
        raise UsageError("No incident is open: say which one you mean.", hint=hint)
    names = [f"{one.id} ({subject_of(one.target)})" for one in outages]
    names += [f"{one.label} ({one.subject})" for one in running]
    raise UsageError(
        f"{count(len(names), 'incident')} are open: say which one you mean.", hint=f"{listing(names)}. {hint}"
    )


def _goes_on(one: Maintenance, now: datetime) -> bool:
    return one.began_at is not None or one.starts_at <= now

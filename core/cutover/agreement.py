"""Whether a name server agrees with what a plan changed (law 3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.dns.records import serial_at_or_past
from core.plan.progress import NameServerProgress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.plan.plan import ZoneChange


@dataclass(frozen=True, slots=True)
class NameServerReply:
    """What one name server answered for one zone: its serial and values by (owner, type); `why` where it did not."""

    serial: int | None = None
    values: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    why: str = ""


def progress_of(
    name: str, zones: Iterable[tuple[ZoneChange, tuple[int, ...]]], replies: Mapping[str, NameServerReply]
) -> NameServerProgress:
    """Judge what a name server answered against `zones`: each with the serials that its update servers then had.

    replies: by zone. Every changed record set must be answered with the new values (none where it went away), and the
    serial must be at or past that of one of the zone's update servers: a name server follows one of them.
    """
    old = wrong = 0
    agrees = True
    why = ""
    serial: int | None = None
    for zone, wanted in zones:
        reply = replies.get(zone.zone, NameServerReply(why="not asked"))
        if reply.why or reply.serial is None:
            agrees, why = False, reply.why or "no serial"
            continue
        past = any(serial_at_or_past(reply.serial, one) for one in wanted)
        if serial is None or not past:
            serial = reply.serial
        agrees = agrees and past
        for change in zone.changes:
            values = reply.values.get((change.owner, change.type), ())
            if values == (change.new.values if change.new else ()):
                continue
            agrees = False
            if values == (change.old.values if change.old else ()):
                old += 1
            else:
                wrong += 1
    return NameServerProgress(name, agrees=agrees, old=old, wrong=wrong, why=why, serial=serial)

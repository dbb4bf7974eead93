"""The word once a day: what happened since yesterday, and what waits for somebody; values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.audit import anchor_text
from core.incident.report import list_reply
from core.reply import Heading, Part, Reply, Text, Tone
from core.wording import clock_time, count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from core.audit import Anchor
    from core.incident.maintenance import Maintenance
    from core.incident.report import Incident


@dataclass(frozen=True, slots=True)
class DailyDigest:
    """What there is to say at `now`.

    incidents: of the last day. overrun: maintenance that was to have ended. planned: what is to begin within a day.
    late, missing: how many copies are older than their site's max_age, or were never made. nowhere: sites of which
    there is no copy at all, though there should be one; chosen: how many have none since app.yaml names no place for
    one. late_backups: sites whose backup is too old. differing: copies, as `site on server`, that were compared and
    differ. unfinished: titles of plans by their ids. quarantined: how many copies by server.
    record: where the record ends.
    """

    now: datetime
    incidents: tuple[Incident, ...] = ()
    overrun: tuple[Maintenance, ...] = ()
    planned: tuple[Maintenance, ...] = ()
    late: int = 0
    missing: int = 0
    nowhere: tuple[str, ...] = ()
    chosen: int = 0
    late_backups: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    unfinished: Mapping[str, str] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)
    record: Anchor | None = None


def summary(day: DailyDigest, fleet: str, timezone: str) -> Reply | None:
    """Return the message, or None: there is nothing to say."""
    waiting = [Text(words, Tone.WARN) for words in _waiting(day, timezone)]
    coming = [
        Text(f"{one.label}, {one.subject}: planned from {clock_time(one.starts_at, timezone, day.now)}: {one.why}")
        for one in day.planned
    ]
    if not (day.incidents or waiting or coming):
        return None
    parts: list[Part] = []
    if day.incidents:
        listed = list_reply(day.incidents, " in the last day", timezone, day.now)
        parts += [Heading(listed.title), *listed.parts]
    if waiting:
        parts += [Heading("Needs attention"), *waiting]
        if day.chosen:
            parts.append(Text(f"{count(day.chosen, 'site')} with no copy anywhere, as app.yaml has it."))
    if coming:
        parts += [Heading("Scheduled maintenance"), *coming]
    if day.record is not None:
        anchor = anchor_text(day.record.number, day.record.hash)
        parts.append(Text(f"The record is at entry {day.record.number:,}: `history --verify --anchor {anchor}`."))
    still = sum(one.until_at is None for one in day.incidents)
    said = [
        count(len(day.incidents), "incident") + (f" ({still:,} open)" if still else ""),
        f"{count(len(waiting), 'thing needs', 'things need')} attention" if waiting else "nothing needs attention",
        *([f"{len(coming):,} planned"] if coming else []),
    ]
    return Reply(
        f"{fleet}, the last day: {', '.join(said)}", tuple(parts), tone=Tone.WARN if waiting or still else Tone.PLAIN
    )


def _waiting(day: DailyDigest, timezone: str) -> list[str]:
    said = [
        f"Outage {one.label}, {one.subject}: open for {duration(day.now - one.from_at)}, not acknowledged."
        for one in day.incidents
        if one.kind == "outage" and one.until_at is None and one.acked_by is None
    ]
    said += [
        f"Maintenance {one.label} of {one.subject} was to end at {clock_time(one.ends_at, timezone, day.now)}: "
        f"`maintenance end {one.label}`."
        for one in day.overrun
    ]
    said += [f"Plan {plan} is unfinished: {title}." for plan, title in day.unfinished.items()]
    if day.nowhere:
        said.append(f"No copy anywhere: {listing(day.nowhere)}.")
    if day.late or day.missing:
        missing = f", {day.missing:,} never made" if day.missing else ""
        said.append(f"{count(day.late, 'copy', 'copies')} older than allowed{missing}: `sites` lists them.")
    if day.late_backups:
        number = count(len(day.late_backups), "site")
        said.append(f"{number} with a backup that is too old, or none: {listing(day.late_backups)}.")
    if day.differing:
        said.append(f"Copies that differ: {listing(day.differing)}. `sync --verify SITE` compares again.")
    said += [
        f"{count(number, 'copy', 'copies')} on {server} in quarantine: `failback {server}` shows what differs."
        for server, number in day.quarantined.items()
    ]
    return said

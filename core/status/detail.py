"""What `status SERVER` and `status SITE` answer; values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.monitor.detection import TargetState
from core.monitor.state import Condition, tally, worst_first
from core.reply import Part, Reply, Row, Table, Text, Tone, first_rows
from core.status.overview import ROWS, TONES, condition_row, condition_words
from core.status.sites import compared_words
from core.wording import ago, count, duration, is_ahead, placed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from core.fleet import NameServer, Server
    from core.status.sites import SiteCopy, SiteProtection


def server_reply(
    server: Server, one: Condition, sites: Mapping[str, Condition], held: int, timezone: str, now: datetime
) -> Reply:
    """Answer for one server, with the `sites` that are served from it; `held`: how many sites have a copy there."""
    counted = tally(site.state for site in sites.values())
    title = f"{placed(server.name, server.location)} is {_state_and_since(one, timezone, now)}"
    title += f"; {count(counted.all, 'site')} served from it: {counted.in_words()}" if sites else "; it serves no site"
    ordered = sorted(sites.items(), key=lambda item: worst_first(item[1].state, item[0]))
    parts: list[Part] = [Text(f"Address {server.address}. It keeps the copies of {count(held, 'site')}.")]
    if ordered:
        columns = ("site", "state", "since")
        parts.append(first_rows(columns, ordered, lambda item: condition_row(*item, timezone, now), ROWS))
    well = one.state is TargetState.UP and counted.up == counted.all
    tone = TONES[one.state] if one.state is not TargetState.UP or well else Tone.WARN
    return Reply(title, tuple(parts), tone=tone, exit_code=0 if well else 1)


def site_reply(kept: SiteProtection, one: Condition, timezone: str, now: datetime, *, offsite: bool = False) -> Reply:
    """Answer for one site. offsite: whether the fleet has a place for backups."""
    site = kept.site
    title = f"{site.name} is {_state_and_since(one, timezone, now)}; served from {kept.active}"
    if kept.active != site.home:
        title += f", its home is {site.home}"
    rows = tuple(_copy_row(copy, now) for copy in kept.copies)
    parts: list[Part] = [Text(f"Names: {', '.join(site.names)}.")]
    parts.append(Table(("copy on", "age", "note"), rows) if rows else Text("It has no mirror.", Tone.WARN))
    if offsite:
        last = f"Last backed up off-site: {ago(kept.backed_up_at, now)}."
        parts.append(Text(last, Tone.GOOD if kept.backed_up_at is not None else Tone.WARN))
    if kept.nowhere:
        parts.append(Text("There is no copy of it anywhere.", Tone.BAD))
    well = one.state is TargetState.UP
    return Reply(title, tuple(parts), tone=TONES[one.state], exit_code=0 if well else 1)


def nameserver_reply(server: NameServer, one: Condition, timezone: str, now: datetime) -> Reply:
    """Answer for one name server."""
    title = f"Name server {placed(server.name, server.location)} is {_state_and_since(one, timezone, now)}"
    part = Text(f"Address {server.endpoint}. `dns` compares what the name servers answer.")
    return Reply(title, (part,), tone=TONES[one.state], exit_code=0 if one.state is TargetState.UP else 1)


def _state_and_since(one: Condition, timezone: str, now: datetime) -> str:
    words = condition_words(one, timezone, now)
    return (
        f"{one.state.value} {words}" if one.since_at is not None else ": ".join(filter(None, (one.state.value, words)))
    )


def _copy_row(copy: SiteCopy, now: datetime) -> Row:
    at, note, tone = copy.last_good_at, "", Tone.WARN
    if copy.quarantined:
        note = "in quarantine: `failback` shows what differs"
    elif at is None:
        note = "no good copy yet"
    elif is_ahead(at, now):
        note = "its age is unknown"
    elif now - at > copy.max_age:
        note = f"older than {duration(copy.max_age)}"
    else:
        tone = Tone.GOOD if copy.same else Tone.BAD
        note = compared_words(copy.compared_at, now, same=copy.same) if copy.compared_at is not None else ""
    return Row((copy.server, ago(at, now), note), tone)

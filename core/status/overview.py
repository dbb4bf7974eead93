"""What `status` answers, from a picture of the fleet; values only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.incident.card_maintenance import title_of
from core.incident.maintenance import Phase
from core.incident.targets import subject_of
from core.mailboxes.report import status_text
from core.monitor.detection import TargetState
from core.monitor.state import WORST_FIRST, Condition, StateTally, all_up, fleet_title, tally, worst_first
from core.plan.plan import PlanState
from core.reply import Heading, Part, Reply, Row, Table, Text, Tone, first_rows
from core.wording import ago, clock_time, count, listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from core.fleet import Fleet
    from core.incident.maintenance import Maintenance
    from core.incident.outage import Outage
    from core.mailboxes.result import MailboxRun

ROWS = 20
TONES = {
    TargetState.UP: Tone.GOOD,
    TargetState.DEGRADED: Tone.WARN,
    TargetState.DOWN: Tone.BAD,
    TargetState.UNKNOWN: Tone.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class CopyAges:
    """How old the fleet's copies are.

    oldest: when the oldest of them was begun, of which site, on which server; None: there is no good copy at all.
    overdue: how many are older than their site's max_age; missing: how many there should be and are not.
    exceptions: how many sites have no mirror. read_at: when this was counted. ahead: how many were made in the future,
    by the clock as it is now. nowhere: the sites of which no good copy was ever made, on a mirror or off-site.
    unbacked, oldest_backup_at: how many sites have no good off-site backup, and when the oldest of the others' newest
    was begun; both None where there is no off-site host.
    """

    oldest: tuple[datetime, str, str] | None
    overdue: int
    missing: int
    exceptions: int
    read_at: datetime
    ahead: int = 0
    nowhere: tuple[str, ...] = ()
    unbacked: int | None = None
    oldest_backup_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InProgress:
    """What is going on: (id, state, title) of each open plan, running syncs as `site to mirror`, outages.

    quarantined: how many copies of each server nobody may use yet. maintenance: what goes on and what is planned.
    """

    plans: tuple[tuple[str, str, str], ...] = ()
    syncs: tuple[str, ...] = ()
    outages: tuple[Outage, ...] = ()
    quarantined: Mapping[str, int] = field(default_factory=dict)
    maintenance: tuple[Maintenance, ...] = ()


@dataclass(frozen=True, slots=True)
class FleetPicture:
    """The whole fleet at `now`.

    worst: the first sites that are not up, worst first, (name, server, condition). served: how many sites each server
    serves. watched: whether a bot watches; otherwise all was looked at once, just now, and `unseen` sites were not.
    mailboxes: the last run on each that is kept alike.
    """

    fleet: Fleet
    now: datetime
    servers: Mapping[str, Condition]
    nameservers: Mapping[str, Condition]
    sites: StateTally
    worst: tuple[tuple[str, str, Condition], ...]
    served: Mapping[str, int]
    ages: CopyAges
    work: InProgress
    watched: bool = True
    unseen: int = 0
    mailboxes: tuple[MailboxRun, ...] = ()


def status_reply(picture: FleetPicture) -> Reply:
    """Answer for the whole fleet. Exit code 0: everything is seen to be up; 1: something is not."""
    title, tone = title_of_fleet(picture)
    parts: list[Part] = [_servers_table(picture)]
    parts += sites_parts(picture)
    parts += _nameservers_parts(picture)
    parts += ages_texts(picture)
    mail = status_text(picture.mailboxes, picture.now)
    parts += [mail] if mail is not None else []
    parts += _work_parts(picture)
    if not picture.watched:
        left = f" {count(picture.unseen, 'site was', 'sites were')} not looked at." if picture.unseen else ""
        words = f"No bot is watching: this was looked at just now, once, from this machine.{left}"
        parts.append(Text(words, Tone.WARN))
    return Reply(title, tuple(parts), tone=tone, exit_code=0 if tone is Tone.GOOD else 1)


def title_of_fleet(picture: FleetPicture) -> tuple[str, Tone]:
    """Say the whole in one line, and how it is meant: good where everything is seen to be up."""
    servers = {name: one.state for name, one in picture.servers.items()}
    states = [one.state for one in picture.nameservers.values()]
    nameservers = tally(states)
    title = fleet_title(picture.fleet.name, servers, picture.sites, nameservers)
    if all_up(servers, picture.sites, nameservers):
        return title, Tone.GOOD
    worst = min([*servers.values(), *states], key=WORST_FIRST.index, default=TargetState.UP)
    return title, TONES[worst] if worst is not TargetState.UP else Tone.WARN


def condition_words(one: Condition, timezone: str, now: datetime) -> str:
    """Say since when, and why it is not up: `since 14:02:07 BST: SSH: connection refused`."""
    since = f"since {clock_time(one.since_at, timezone, now)}" if one.since_at is not None else ""
    return ": ".join(part for part in (since, one.why) if part)


def condition_row(name: str, one: Condition, timezone: str, now: datetime, *more: str) -> Row:
    """Return one line of a table: name, state, since and why, and `more`."""
    return Row((name, one.state.value, condition_words(one, timezone, now), *more), TONES[one.state])


def _servers_table(picture: FleetPicture) -> Table:
    fleet = picture.fleet
    ordered = list(picture.servers.items())
    if len(ordered) > ROWS:
        ordered.sort(key=lambda item: worst_first(item[1].state, item[0]))

    def row(item: tuple[str, Condition]) -> Row:
        serves, where = count(picture.served.get(item[0], 0), "site"), fleet.servers[item[0]].location
        return condition_row(*item, fleet.timezone, picture.now, serves, where)

    return first_rows(("server", "state", "since", "serves", "where"), ordered, row, ROWS)


def sites_parts(picture: FleetPicture) -> list[Part]:
    """Say how many sites are in each state, and list those that are not up."""
    sites, fleet = picture.sites, picture.fleet
    troubled = sites.all - sites.up
    tone = Tone.BAD if sites.down else Tone.WARN if troubled else Tone.GOOD
    parts: list[Part] = [Text(f"Sites: {sites.in_words()}.", tone)]
    if picture.worst:
        rows = tuple(
            condition_row(name, one, fleet.timezone, picture.now, server) for name, server, one in picture.worst[:ROWS]
        )
        left = max(0, troubled - len(rows))
        parts.append(Table(("site", "state", "since", "served from"), rows, left_out=left))
    return parts


def _nameservers_parts(picture: FleetPicture) -> list[Part]:
    places = {server.name: server.location for server in picture.fleet.dns.nameservers}
    ordered = sorted(picture.nameservers.items(), key=lambda item: worst_first(item[1].state, ""))
    zone, now, columns = picture.fleet.timezone, picture.now, ("name server", "state", "since", "where")
    table = first_rows(columns, ordered, lambda item: condition_row(*item, zone, now, places[item[0]]), ROWS)
    return [table] if ordered else []


def ages_texts(picture: FleetPicture) -> list[Part]:
    """Say how old the copies are, and which are missing."""
    ages, said = picture.ages, []
    if ages.oldest is not None:
        at, site, server = ages.oldest
        said.append(f"the oldest was made {ago(at, picture.now)} ({site} on {server})")
    if ages.overdue:
        said.append(f"{ages.overdue:,} older than allowed")
    if ages.ahead:
        said.append(f"{ages.ahead:,} of unknown age, made in the future")
    if ages.missing:
        said.append(f"{ages.missing:,} never made")
    if ages.exceptions:
        said.append(f"{count(ages.exceptions, 'site')} without a mirror")
    tone = Tone.WARN if ages.overdue or ages.ahead or ages.missing else Tone.GOOD
    texts: list[Part] = [Text(f"Copies: {'; '.join(said) or 'none to make'}.", tone)]
    if ages.unbacked is not None:
        said = [f"the oldest was started {ago(ages.oldest_backup_at, picture.now)}"] if ages.oldest_backup_at else []
        said += [f"{count(ages.unbacked, 'site')} never backed up"] if ages.unbacked else []
        texts.append(Text(f"Off-site: {'; '.join(said)}.", Tone.WARN if ages.unbacked else Tone.GOOD))
    if ages.nowhere:
        texts.append(Text(f"No copy anywhere: {listing(ages.nowhere)}.", Tone.BAD))
    return texts


def _work_parts(picture: FleetPicture) -> list[Part]:
    work, zone, now = picture.work, picture.fleet.timezone, picture.now
    parts: list[Part] = []
    for outage in work.outages[:ROWS]:
        acked = f", acknowledged by {outage.acked_by}" if outage.acked_by else f"; acknowledge: `ack {outage.id}`"
        since = clock_time(outage.opened_at, zone, now)
        parts.append(Text(f"Outage {outage.id}: {subject_of(outage.target)}, since {since}{acked}.", Tone.BAD))
    for one in work.maintenance[:ROWS]:
        tone = Tone.WARN if one.phase(now) is Phase.OVERRUN else Tone.BUSY
        parts.append(Text(f"{title_of(one, zone, now).rstrip('.')}.", tone))
    for plan_id, state, title in work.plans[:ROWS]:
        if state == PlanState.PLANNED:
            parts.append(Text(f"Plan {plan_id} waits: {title}; `approve {plan_id}` carries it out.", Tone.WARN))
        else:
            parts.append(Text(f"Plan {plan_id} ({state}): {title}", Tone.BUSY))
    if work.syncs:
        running = f"{count(len(work.syncs), 'sync runs', 'syncs run')}: {listing(work.syncs)}."
        parts.append(Text(running, Tone.BUSY))
    for server, number in work.quarantined.items():
        words = f"{count(number, 'copy', 'copies')} on {server} in quarantine until someone has chosen"
        parts.append(Text(f"{words}: `failback {server}` shows what differs.", Tone.WARN))
    return [Heading("In progress"), *parts] if parts else []


def count_by_server(copies: Sequence[tuple[str, str]]) -> Mapping[str, int]:
    """Count (site, server) pairs by server."""
    return dict(sorted(Counter(server for _, server in copies).items()))

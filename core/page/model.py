"""What a status page says, as plain values: everything in them may be read by everybody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING

from core.monitor.detection import TargetState
from core.monitor.state import WORST_FIRST, StateTally
from core.wording import count, listing

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from core.audit import Anchor
    from core.page.days import Day

SITES = 120
INCIDENTS = 50
NAMED = 4


@dataclass(frozen=True, slots=True)
class PageTarget:
    """A server or a site: how it is, since when and why, and how it was.

    where: a server's place, or the server that a site is served from. note: what else is worth a word. url: of another
    server, where its own page is.
    """

    name: str
    where: str
    state: TargetState
    since_at: datetime | None = None
    why: str = ""
    days: tuple[Day, ...] = ()
    note: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class PageIncident:
    """What was down. key: stays for ever. seen: what was observed; cause: what people say it was; both may be empty."""

    key: str
    what: str
    opened_at: datetime
    closed_at: datetime | None = None
    seen: str = ""
    cause: str = ""

    @property
    def changed_at(self) -> datetime:
        """When it was last something new."""
        return self.closed_at or self.opened_at


class Stage(StrEnum):
    """How far planned work is. LATE: under way, and longer than planned."""

    PLANNED = "planned"
    RUNNING = "under way"
    LATE = "under way longer than planned"
    OVER = "over"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PlannedWork:
    """Work that people decided on: from when until when as planned (None: open), and as it was."""

    key: str
    what: str
    stage: Stage
    why: str = ""
    from_at: datetime | None = None
    until_at: datetime | None = None
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page. sites: those that are named, what is not up first; sites_left_out: how many are not.

    url: where this very copy is read; "" where that is not known or not to be said. written_on: the server that it is
    on; "" for none. seen_at: when anything was last observed; None: never. record: where the bot's record ends.
    """

    title: str
    timezone: str
    written_at: datetime
    stale_after: timedelta
    servers: tuple[PageTarget, ...]
    sites: tuple[PageTarget, ...]
    tally: StateTally
    nameservers: StateTally
    sites_left_out: int = 0
    incidents: tuple[PageIncident, ...] = ()
    incidents_left_out: int = 0
    work: tuple[PlannedWork, ...] = ()
    seen_at: datetime | None = None
    url: str = ""
    written_on: str = ""
    record: Anchor | None = None

    def on(self, server: str) -> Page:
        """Return the same page as `server` carries it."""
        there = next((one for one in self.servers if one.name == server), None)
        return replace(self, written_on=server, url=there.url if there is not None else "")


def headline(page: Page) -> tuple[TargetState, str]:
    """Say the whole in one line, and how bad it is: `uk (London) is down; 5 of 12 sites are up`."""
    troubled = (one for one in page.servers if one.state is not TargetState.UP)
    servers = sorted(troubled, key=lambda one: WORST_FIRST.index(one.state))
    states = [*(one.state for one in page.servers), *page.tally.counts]
    worst = min(states, key=WORST_FIRST.index, default=TargetState.UNKNOWN)
    names = page.nameservers
    if worst is TargetState.UP and names.down + names.degraded:
        answer = f"only {names.up:,} of {count(names.all, 'name server')} {'is' if names.all == 1 else 'are'} ok"
        return TargetState.DEGRADED, f"All is up on {count(len(page.servers), 'server')}, but {answer}"
    if worst is TargetState.UP:
        sites = f"{count(page.tally.all, 'site')} on " if page.tally.all else ""
        return worst, f"Everything is up: {sites}{count(len(page.servers), 'server')}"
    if all(state is TargetState.UNKNOWN for state in states):
        return worst, "No recent observations: the current status is unknown"
    said = [f"{one.name} ({one.where}) is {state_words(one.state)}" for one in servers]
    up = f"{page.tally.up:,} of {count(page.tally.all, 'site')} {'is' if page.tally.all == 1 else 'are'} up"
    return worst, "; ".join([*([listing(said, NAMED)] if said else []), *([up] if page.tally.all else [])])


def to_the_second(at: datetime) -> str:
    """Write a moment for programs, in UTC: `2026-06-14T13:02:07Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def state_words(state: TargetState) -> str:
    """Say a state to people who know nothing of Sharpnet."""
    return {TargetState.DEGRADED: "up in part", TargetState.UNKNOWN: "not observed"}.get(state, state.value)


def published_content(page: Page) -> tuple[object, ...]:
    """Return what of a page is news: it is written anew at once where this is another one."""
    things = [(one.name, one.where, one.state, one.since_at, one.note) for one in (*page.servers, *page.sites)]
    work = [(one.key, one.what, one.stage, one.why, one.from_at, one.until_at, one.ended_at) for one in page.work]
    incidents = [(one.key, one.closed_at, one.cause) for one in page.incidents]
    return tuple(things), page.tally, page.nameservers, tuple(incidents), tuple(work)

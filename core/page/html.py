"""A status page as HTML: whole without a script, in a text browser and on a phone; every word in it is escaped."""

from __future__ import annotations

from datetime import UTC
from html import escape
from typing import TYPE_CHECKING

from core.audit import anchor_text
from core.monitor.detection import TargetState
from core.page.bars import bars, bars_words
from core.page.days import DAYS
from core.page.model import Stage, headline, state_words, to_the_second
from core.page.style import SCRIPT, STYLE, policy
from core.wording import clock_time, count, duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from core.audit import Anchor
    from core.page.model import Page, PageIncident, PageTarget, PlannedWork

MARKS = {TargetState.UP: "✓", TargetState.DEGRADED: "!", TargetState.DOWN: "✗", TargetState.UNKNOWN: "?"}
# Its words are attributes, which only the style shows: without it there are no bars that they could explain.
KEY = (
    '<p class="soft" aria-hidden="true"><span data-says="Each bar is a day, today is on the right."></span> '
    '<span class="k" data-says="up,"><i class="ku"></i></span> '
    '<span class="k" data-says="up in part,"><i class="kg"></i></span> '
    '<span class="k" data-says="down (with a mark below),"><i class="kd"></i></span> '
    '<span class="k" data-says="not observed."><i class="kn"></i></span></p>'
)
OTHERS_NAMED = 5
SERVERS, PAST, SITES = "Servers", "Past incidents", "Sites"


def page_html(page: Page, body: str | None = None) -> str:
    """Return the page. It holds no address but those that its values hold, and asks for nothing else.

    body: the `body_parts` of it, joined by line breaks, where they are made already; they are the same on every server.
    """
    worst, said = headline(page)
    stale_s = page.stale_after.total_seconds()
    written = to_the_second(page.written_at)
    stale = duration(page.stale_after)
    old = f"If that is more than {stale} ago, this page is old, and what it says may no longer hold."
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(said)} | {escape(page.title)}</title>',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy())}">',
        '<link rel="alternate" type="application/atom+xml" title="Incidents" href="feed.atom">',
        f"<style>{STYLE}</style></head>",
        f'<body data-written="{written}" data-stale="{stale_s:g}">',
        f'<header><h1>{escape(page.title)}</h1><p id="old" class="old" role="alert" hidden></p></header><main>',
        "<h2>Current status</h2>",
        f'<p class="lead {worst.value}"><span aria-hidden="true">{MARKS[worst]} </span>{escape(said)}</p>',
        f"<p>Written {_moment(page.written_at, page)}.{escape(_on(page))}</p>",
        f'<p class="soft">{escape(old)}</p>',
        _ways(page),
        "\n".join(body_parts(page)) if body is None else body,
        "</main>",
        f"<footer>{_footer(page)}</footer><script>{SCRIPT}</script></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def body_parts(page: Page) -> Iterator[str]:
    """Give what stands on the page below its first lines, in parts: each is made quickly, and when it is asked for."""
    yield from _section("Open incidents", (_incident(one, page) for one in page.incidents if one.closed_at is None))
    yield from _section("Scheduled maintenance", (_work_entry(one, page) for one in page.work))
    yield from _section(SERVERS, (_target(one, page) for one in page.servers), KEY)
    yield from _past(page)
    yield from _sites(page)


def _on(page: Page) -> str:
    if not page.written_on:
        return ""
    names = [one.name for one in page.servers if one.name != page.written_on]
    others = ", ".join(names) if len(names) <= OTHERS_NAMED else f"{len(names)} other servers"
    return f" This copy is on {page.written_on}; it tells of {others} too." if others else ""


def _ways(page: Page) -> str:
    """Lead to the parts below many servers: a client on a phone looks for a site."""
    if len(page.servers) <= OTHERS_NAMED or not page.sites:
        return ""
    ways = (f'<a href="#{_anchor(title)}">{title}</a>' for title in (SERVERS, PAST, SITES))
    return f'<nav aria-label="On this page"><p>{" · ".join(ways)}</p></nav>'


def _section(title: str, entries: Iterator[str], *before: str) -> Iterator[str]:
    first = next(entries, None)
    if first is None and not before:
        return
    yield f'<section id="{_anchor(title)}"><h2>{escape(title)}</h2>'
    yield from before
    if first is not None:
        yield from ("<ul>", first)
        yield from entries
        yield "</ul>"
    yield "</section>"


def _target(one: PageTarget, page: Page, before: str = "") -> str:
    name = f'<a href="{escape(one.url)}">{escape(one.name)}</a>' if one.url else f"<bdi>{escape(one.name)}</bdi>"
    since = f" since {_moment(one.since_at, page)}" if one.since_at is not None else ""
    about = "; ".join(part for part in (one.why, one.note) if part)
    said = f"{_capital(state_words(one.state))}{since}{': ' if about else '.'}{escape(about)}"
    return "".join(
        [
            f'<li><h3>{name} <span class="soft">{before}{escape(one.where)}</span></h3> ',
            f'<span class="state {one.state.value}"><span aria-hidden="true">{MARKS[one.state]} </span>',
            f"{state_words(one.state)}</span>",
            f'<p class="soft">{said}</p>' if since or about else "",
            f'{bars(one.days)}<p class="soft">{escape(bars_words(one.days))}</p>' if one.days else "",
            "</li>",
        ]
    )


def _sites(page: Page) -> Iterator[str]:
    said = f"<p>{_capital(escape(_tally_words(page)))}</p>" if page.tally.all else ""
    left = page.sites_left_out
    yield from _section(SITES, (_target(one, page, "on ") for one in page.sites), *([said] if said else []))
    if left:
        be = "is" if left == 1 else "are"
        not_up = sum(one.state is not TargetState.UP for one in page.sites)
        # Whoever looks for a site that is not named here wants to know just this.
        rest = f", which {be} up" if not_up == page.tally.all - page.tally.up else f" that {be} not named here"
        yield f"<p>And {count(left, 'site')} more{rest}.</p>"


def _tally_words(page: Page) -> str:
    tally, names = page.tally, page.nameservers
    words = [f"{it:,} {state_words(state)}" for state, it in tally.counts.items() if state is not TargetState.UP]
    in_step = f" Name servers: {names.up:,} of {names.all:,} ok." if names.all else ""
    return f"{', '.join([*words, f'{tally.up:,} up'])}, of {count(tally.all, 'site')}.{in_step}"


def _work_entry(one: PlannedWork, page: Page) -> str:
    planned = one.from_at is not None
    said_already = one.stage in {Stage.PLANNED, Stage.LATE}
    kind = one.stage.value if said_already or not planned else f"planned, {one.stage.value}"
    times = []
    if one.from_at is not None:
        until = f" until {_moment(one.until_at, page)}" if one.until_at is not None else ""
        times.append(f"Planned from {_moment(one.from_at, page)}{until}.")
    if one.begun_at is not None:
        times.append(f"Started {_moment(one.begun_at, page)}.")
    if one.ended_at is not None:
        times.append(f"Ended {_moment(one.ended_at, page)}.")
    return "".join(
        [
            f'<li><h3>{escape(one.what)}</h3> <span class="state">{escape(_capital(kind))}</span>',
            f"<p><bdi>{escape(one.why)}</bdi></p>" if one.why else "",
            f'<p class="soft">{" ".join(times)}</p>' if times else "",
            "</li>",
        ]
    )


def _past(page: Page) -> Iterator[str]:
    past = [one for one in page.incidents if one.closed_at is not None]
    none = [] if past else [f"<p>No incident was observed in the last {DAYS} days.</p>"]
    yield from _section(PAST, (_incident(one, page) for one in past), *none)
    left = page.incidents_left_out
    if left:
        yield f"<p>And {count(left, 'older incident')} within these {DAYS} days.</p>"


def _incident(one: PageIncident, page: Page) -> str:
    unknown = "not known yet" if one.closed_at is None else "not published"
    if one.closed_at is None:
        times = f"Since {_moment(one.opened_at, page)}; ongoing."
    else:
        lasted = duration(one.closed_at - one.opened_at)
        times = f"From {_moment(one.opened_at, page)} until {_moment(one.closed_at, page)}: {lasted}."
    return "".join(
        [
            f'<li id="{escape(one.key.replace(":", "-"))}"><h3>{escape(one.what)}</h3>',
            f"<p>Cause: <bdi>{escape(one.cause)}</bdi></p>" if one.cause else f"<p>Cause: {unknown}.</p>",
            f'<p class="soft">Symptom: {escape(one.seen)}.</p>' if one.seen else "",
            f'<p class="soft">{times}</p></li>',
        ]
    )


def _footer(page: Page) -> str:
    said = [
        "Percentages are of the time that was observed. Up in part counts as up, planned work as what it was.",
        f"Last look at a server: {_moment(page.seen_at, page)}." if page.seen_at is not None else "Never looked.",
        *([f"The bot's record is at entry {page.record.number:,}: {_short(page.record)}."] if page.record else []),
    ]
    ways = '<a href="status.json">The same as JSON</a> · <a href="feed.atom">Incidents as an Atom feed</a>'
    return f'<p class="soft">{" ".join(said)}</p><p>{ways}</p>'


def _short(record: Anchor) -> str:
    return f"<code>{escape(anchor_text(record.number, record.hash))}</code>"


def _moment(at: datetime, page: Page) -> str:
    """Say a moment in the fleet's zone and, where clocks there show another time, in UTC."""
    local = clock_time(at, page.timezone)
    utc = at.astimezone(UTC)
    same = local.startswith(utc.strftime("%Y-%m-%d %H:%M:%S "))
    day = "" if utc.strftime("%Y-%m-%d") == local[:10] else utc.strftime("%Y-%m-%d ")
    more = "" if same else f" ({day}{utc.strftime('%H:%M:%S')} UTC)"
    return f'<time datetime="{to_the_second(at)}">{escape(local)}</time>{more}'


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

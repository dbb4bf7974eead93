"""The incidents and the planned work of a status page as an Atom feed (RFC 4287)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape, quoteattr

from core.page.model import to_the_second
from core.wording import clock_time

if TYPE_CHECKING:
    from datetime import datetime

    from core.page.model import Page, PageIncident, PlannedWork


def page_feed(page: Page, fleet: str) -> str:
    """Return the feed, newest first. An entry has the same id on every server, and for ever (section 4.2.6)."""
    entries = [(one.changed_at, _incident(one, page, fleet)) for one in page.incidents]
    entries += [(at, _work(one, page, fleet, at)) for one in page.work if (at := one.updated_at) is not None]
    entries.sort(key=lambda entry: entry[0], reverse=True)
    updated_at = entries[0][0] if entries else page.written_at
    links = ""
    if page.url:
        links = f'<link rel="self" href={quoteattr(urljoin(page.url, "feed.atom"))}/><link href={quoteattr(page.url)}/>'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="utf-8"?>',
            '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">',
            f"<id>{_id(fleet, 'feed')}</id><title>{escape(page.title)}</title>",
            f"<updated>{to_the_second(updated_at)}</updated><author><name>{escape(page.title)}</name></author>{links}",
            *(entry for _, entry in entries),
            "</feed>\n",
        ]
    )


def _incident(one: PageIncident, page: Page, fleet: str) -> str:
    said = [f"Since {clock_time(one.opened_at, page.timezone)}"]
    if one.closed_at is not None:
        said = [f"From {clock_time(one.opened_at, page.timezone)} until {clock_time(one.closed_at, page.timezone)}"]
    said.append(f"Cause: {one.cause}" if one.cause else "Cause: not known yet")
    if one.seen:
        said.append(f"Symptom: {one.seen}")
    title = one.what if one.closed_at is None else f"Resolved: {one.what}"
    id_ = _id(fleet, one.key, to_the_second(one.opened_at))
    return _entry(id_, title, ". ".join(said), one.opened_at, one.changed_at, page)


def _work(one: PlannedWork, page: Page, fleet: str, updated_at: datetime) -> str:
    times = (("Planned from", one.from_at), ("until", one.until_at), ("started", one.begun_at), ("ended", one.ended_at))
    said = [f"{word} {clock_time(at, page.timezone)}" for word, at in times if at is not None]
    content = ". ".join(part for part in (one.why, ", ".join(said)) if part) or one.what
    since_at = one.begun_at or updated_at
    title = f"Planned, {one.stage.value}: {one.what}" if one.begun_at is not None else f"Planned: {one.what}"
    return _entry(_id(fleet, one.key), title, content, min(since_at, updated_at), updated_at, page)


def _entry(id_: str, title: str, content: str, published_at: datetime, updated_at: datetime, page: Page) -> str:
    link = f"<link href={quoteattr(page.url)}/>" if page.url else ""
    return (
        f"<entry><id>{id_}</id><title>{escape(title)}</title><published>{to_the_second(published_at)}</published>"
        f'<updated>{to_the_second(updated_at)}</updated>{link}<content type="text">{escape(content)}</content></entry>'
    )


def _id(*parts: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, 'sharpnet:' + '|'.join(parts))}"

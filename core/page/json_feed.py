"""A status page for programs: the same things as plain JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from core.page.days import uptime
from core.page.model import headline
from core.wording import stamp, stamp_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.page.model import Page, PageTarget
    from core.reply import Json


def page_facts(page: Page) -> Mapping[str, Json]:
    """Return what stands in `status.json`. Shares are of 1, null where nothing was observed; times are UTC."""
    worst, said = headline(page)
    return {
        "title": page.title,
        "state": worst.value,
        "summary": said,
        "written_at": stamp(page.written_at),
        "stale_after_s": page.stale_after.total_seconds(),
        "seen_at": stamp_or_none(page.seen_at),
        "written_on": page.written_on or None,
        "record": {"number": page.record.number, "hash": page.record.hash} if page.record is not None else None,
        "servers": [{**_target(one), "location": one.where, "days": _days(one)} for one in page.servers],
        "sites": [{**_target(one), "served_from": one.where} for one in page.sites],
        "sites_left_out": page.sites_left_out,
        "site_counts": asdict(page.tally),
        "nameserver_counts": asdict(page.nameservers),
        "incidents": [
            {
                "id": one.key,
                "what": one.what,
                "opened_at": stamp(one.opened_at),
                "closed_at": stamp_or_none(one.closed_at),
                "cause": one.cause or None,
                "seen": one.seen or None,
            }
            for one in page.incidents
        ],
        "incidents_left_out": page.incidents_left_out,
        "planned_work": [
            {
                "id": one.key,
                "what": one.what,
                "why": one.why or None,
                "stage": one.stage.name.lower(),
                "from_at": stamp_or_none(one.from_at),
                "until_at": stamp_or_none(one.until_at),
                "begun_at": stamp_or_none(one.begun_at),
                "ended_at": stamp_or_none(one.ended_at),
            }
            for one in page.work
        ],
    }


def _target(one: PageTarget) -> dict[str, Json]:
    share = uptime(one.days)
    return {
        "name": one.name,
        "state": one.state.value,
        "since_at": stamp_or_none(one.since_at),
        "why": one.why or None,
        "note": one.note or None,
        "uptime_90d": share.up,
        "observed_90d": share.observed,
    }


def _days(one: PageTarget) -> list[Json]:
    return [
        {
            "date": day.date.isoformat(),
            "up_s": round(day.up_s),
            "degraded_s": round(day.degraded_s),
            "down_s": round(day.down_s),
            "not_observed_s": round(day.unobserved_s),
        }
        for day in one.days
    ]

"""Cron expressions, checked with the scheduler that will run them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from apscheduler.triggers.cron import CronTrigger

from core.units import shown
from ops.fleetfile.wrong import Wrong

FIELDS = 5
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
HINT = 'Five fields: minute, hour, day, month, weekday, like "0 3 * * *" or "30 4 * * mon-fri".'
_DAY_RANGE = re.compile(r"(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:/([0-9]{1,2}))?", re.ASCII)
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=256)
def cron(text: str) -> str:
    """Read a cron expression of five fields and return it with its weekdays by name. Raises Wrong.

    Weekdays are written out because cron counts them from Sunday and APScheduler 3 from Monday: `0 3 * * 0` would run
    a day late.
    """
    fields = text.lower().split()
    if len(fields) != FIELDS:
        raise Wrong(f"{shown(text)} is no cron expression: it has {len(fields)} of {FIELDS} fields", HINT)
    expression = " ".join([*fields[:4], _weekdays(fields[4], text)])
    try:
        trigger = CronTrigger.from_crontab(expression, timezone=UTC)
    except ValueError as error:
        why = str(error)
        raise Wrong(f"{shown(text)} is no cron expression: {why[:1].lower()}{why[1:].rstrip('.')}", HINT) from error
    if trigger.get_next_fire_time(None, _ANY_TIME) is None:
        raise Wrong(f"{shown(text)} never comes: there is no such day", HINT)
    return expression


def _weekdays(field: str, whole: str) -> str:
    days: set[int] = set()
    for part in field.split(","):
        found = _DAY_RANGE.fullmatch(part)
        first, last, step = found.groups() if found else (None, None, None)
        if first == "*" and last is None:
            start, end = 0, 6
        else:
            start, end = _day(first, whole), _day(last or first, whole)
        if step == "0" or (step and first != "*" and not last):
            raise Wrong(f"{shown(whole)} is no cron expression: its weekdays cannot be read", HINT)
        end += 7 if end < start else 0
        days.update(day % 7 for day in range(start, end + 1, int(step or 1)))
    return "*" if len(days) == len(DAYS) else ",".join(DAYS[day] for day in sorted(days))


def _day(text: str | None, whole: str) -> int:
    if text in DAYS:
        return DAYS.index(text)
    if text and text.isdigit() and int(text) <= len(DAYS):
        return int(text)
    raise Wrong(f"{shown(whole)} is no cron expression: {shown(text or '')} is no weekday", HINT)

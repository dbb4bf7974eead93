"""Which backups are let go: by the bot's own record of when each was made, so that no server can have others let go.

The rules are those of `restic forget`: the newest of each of the last so many hours, days, weeks, months and years that
have one (UTC). What no record confirms is never let go, and takes no other's place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.backup.origin import Backup, Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime


def let_go(backups: Iterable[Backup], keep: Mapping[str, int]) -> tuple[Backup, ...]:
    """Return those of one site's backups that app.yaml's `offsite.keep` does not keep; none where it says nothing.

    The newest always stays.
    """
    recorded = (one for one in backups if one.origin is Origin.RECORDED)
    newest_first = sorted(recorded, key=lambda one: (one.saved_at, one.snapshot.full_id), reverse=True)
    if not keep:
        return ()
    kept = {one.snapshot.full_id for one in newest_first[:1]}
    for kind, number in keep.items():
        periods: dict[object, str] = {}
        for one in newest_first:
            periods.setdefault(_PERIODS[kind](one.saved_at), one.snapshot.full_id)
        kept.update(list(periods.values())[:number])
    return tuple(one for one in newest_first if one.snapshot.full_id not in kept)


_PERIODS: Mapping[str, Callable[[datetime], object]] = {
    "hourly": lambda at: (at.date(), at.hour),
    "daily": lambda at: at.date(),
    "weekly": lambda at: at.isocalendar()[:2],
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: at.year,
}

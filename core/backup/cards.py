"""What the ops channel is told about backups: trouble, with its number and what to do, and when it is over."""

from __future__ import annotations

import shlex
from collections import defaultdict
from typing import TYPE_CHECKING

from core.backup.report import shrunk_hint
from core.backup.snapshots import SHRUNK
from core.failure import NOT_WORTH_A_CARD
from core.reply import Button, Reply, Text, Tone
from core.wording import ago, count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from core.backup.result import BackupResult

RUN_KEY = "backup:run"
OVERDUE_KEY = "backup:overdue"


def is_bad(result: BackupResult) -> bool:
    """Return whether somebody has to look at it."""
    return bool(result.shrank) or (result.trouble is not None and result.trouble.code not in NOT_WORTH_A_CARD)


def site_key(site: str) -> str:
    """Return the key of the card about one site's backups."""
    return f"backup:site:{site}"


def bad_card(result: BackupResult, last_good_at: datetime | None, now: datetime) -> Reply:
    """Return the card of one site whose backup went wrong or is suspicious. last_good_at: begun then; None: never."""
    line = f"backup run {shlex.quote(result.site)}"
    last = Text(f"Last good backup: {ago(last_good_at, now)}.")
    if result.trouble is None:
        return Reply(
            title=f"{result.site} has shrunk to {SHRUNK} on {result.server}: {result.shrank}",
            parts=(Text(shrunk_hint()),),
            buttons=(Button("Accept the smaller size", f"{line} --allow-shrink"),),
            tone=Tone.BAD,
        )
    verb = "was not" if result.trouble.refused else "could not be"
    return Reply(
        title=f"{result.site} {verb} backed up from {result.server}: {result.trouble.message}",
        parts=(Text(result.trouble.hint), last) if result.trouble.hint else (last,),
        buttons=(Button("Back up now", line),),
        tone=Tone.BAD,
    )


def many_bad_card(bad: Sequence[BackupResult]) -> Reply:
    """Return one card for many sites: what they have in common is what has to be mended."""
    groups: dict[str, list[BackupResult]] = defaultdict(list)
    for result in bad:
        groups[result.trouble.code if result.trouble is not None else "shrank"].append(result)
    ordered = sorted(groups.values(), key=len, reverse=True)
    others = f" ({len(ordered[0]):,} of them)" if len(ordered) > 1 else ""
    parts = []
    for group in ordered:
        said, hint = _said(group[0])
        parts.append(Text(f"{said}: {listing([result.site for result in group])}. {hint}".strip()))
    return Reply(
        title=f"Backups of {count(len(bad), 'site')} need a look: {_said(ordered[0][0])[0]}{others}",
        parts=tuple(parts),
        buttons=(Button("Back up now", "backup run"),),
        tone=Tone.BAD,
    )


def upkeep_card(why: str, hint: str) -> Reply:
    """Return the card for old backups that could not be let go."""
    text = f"{hint} Backups are made all the same; the repository grows meanwhile.".strip()
    return Reply(title=f"Old backups could not be let go: {why}", parts=(Text(text),), tone=Tone.WARN)


def overdue_card(late: Sequence[str], last: Mapping[str, datetime], max_age: timedelta, now: datetime) -> Reply:
    """Return the card for sites whose newest good backup is older than `max_age`, or that have none."""
    never = [site for site in late if site not in last]
    old = sorted((last[site], site) for site in late if site in last)
    said = []
    if old:
        said.append(
            f"{count(len(old), 'site')} not for {duration(max_age)}, {old[0][1]} the longest: {ago(old[0][0], now)}"
        )
    if never:
        said.append(f"{count(len(never), 'site')} never")
    names = listing([*never, *(site for _, site in old)], 20)
    hint = "Runs `schedule.backup` in app.yaml, and did it go well? `backup` shows every site."
    return Reply(
        title=f"Backups have not run: {'; '.join(said)}",
        parts=(Text(f"{names}."), Text(hint)),
        buttons=(Button("Back up now", "backup run"),),
        tone=Tone.BAD,
    )


def _said(result: BackupResult) -> tuple[str, str]:
    if result.trouble is None:
        return f"shrunk to {SHRUNK}", shrunk_hint()
    return result.trouble.message, result.trouble.hint

"""Times, ages, counts, sizes and paths as people say them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86400
FINE_BELOW_S = 1
PRECISE_BELOW_S = 10
# What another process noted may be a little ahead of this one's now; more is a clock that was put back since.
AHEAD = timedelta(minutes=1)
_KILO = 1000
_SIZE_UNITS = ("kB", "MB", "GB", "TB")
_DECIMAL_BELOW = 9.95
# Space that is not only spaces.
_ODD_SPACE = re.compile(r"[^\S ]\s*| +[^\S ]\s*")
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


def duration(length: timedelta) -> str:
    """Say a length in at most two units: `0.06 s`, `42 s`, `9 min 5 s`, `9 h 12 min`, `3 d 4 h`. Negative is 0 s."""
    seconds = max(0.0, length.total_seconds())
    if seconds < PRECISE_BELOW_S:
        return (f"{seconds:.2f}" if seconds < FINE_BELOW_S else f"{seconds:.1f}").rstrip("0").removesuffix(".") + " s"
    whole = round(seconds)
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        return _two_units(whole, (MINUTE_S, "min"), (1, "s"))
    if whole < DAY_S:
        return _two_units(whole, (HOUR_S, "h"), (MINUTE_S, "min"))
    return _two_units(whole, (DAY_S, "d"), (HOUR_S, "h"))


def _two_units(whole: int, larger: tuple[int, str], smaller: tuple[int, str]) -> str:
    rest = whole % larger[0] // smaller[0]
    return f"{whole // larger[0]} {larger[1]}" + (f" {rest} {smaller[1]}" if rest else "")


def ago(then: datetime | None, now: datetime) -> str:
    """Say how long ago `then` was: `9 h 12 min ago`; `never` for None; `just now` under a second."""
    if then is None:
        return "never"
    if is_ahead(then, now):
        return f"{duration(then - now)} in the future, if no clock was put back"
    passed = now - then
    if passed < timedelta(seconds=1):
        return "just now"
    return f"{duration(passed)} ago"


def is_ahead(then: datetime, now: datetime) -> bool:
    """Return whether `then` is so far in the future that nobody can know its age."""
    return then - now > AHEAD


def count(number: int, one: str, many: str | None = None) -> str:
    """Say a count with its noun: `1 site`, `12 sites`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def all_of(number: int, one: str) -> str:
    """Say that all of so many are meant, as the start of a sentence: `The only name server`, `All 6 name servers`."""
    return f"The only {one}" if number == 1 else f"All {count(number, one)}"


def placed(name: str, location: str) -> str:
    """Name a machine with its place: `uk (London)`; the name alone where no other place is known."""
    return name if location == name else f"{name} ({location})"


def shortened(text: str, most: int = 60) -> str:
    """Return the text, cut where it is longer than `most`, which an ellipsis shows."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def clock_time(at: datetime, timezone: str, now: datetime | None = None) -> str:
    """Say a moment in the fleet's zone with the zone's name: `14:02:07 BST`, with the date where it is not `now`'s."""
    local = at.astimezone(ZoneInfo(timezone))
    same_day = now is not None and local.date() == now.astimezone(ZoneInfo(timezone)).date()
    return local.strftime("%H:%M:%S %Z" if same_day else "%Y-%m-%d %H:%M:%S %Z")


def stamp(at: datetime) -> str:
    """Write a moment as stored and in JSON: ISO 8601 in UTC, `2026-06-14T13:02:07.120000Z`; sorts as text."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def stamp_or_none(at: datetime | None) -> str | None:
    """Write a moment as `stamp` does; None where there is none."""
    return stamp(at) if at is not None else None


def from_stamp(text: str) -> datetime:
    """Read what `stamp` wrote. Raises ValueError for anything else."""
    if not _STAMP.fullmatch(text):
        raise ValueError(f"not a moment as it is stored: {text!r}")
    return datetime.fromisoformat(text)


def listing(names: list[str] | tuple[str, ...], most: int = 5) -> str:
    """Join names, the first `most` of them: `a, b and 10 more`."""
    if len(names) <= most:
        return ", ".join(names)
    return ", ".join(names[:most]) + f" and {len(names) - most:,} more"


def shown_path(path: bytes) -> str:
    """Return a path as one printable line: what is not UTF-8 or not printable is written as an escape."""
    return _escaped(path.decode("utf-8", "backslashreplace"))


def printable(text: str) -> str:
    """Return the text on one line, on which no letter does anything but show.

    A line end or any other odd space becomes a space. What else no printer has a letter for (a control character, what
    turns the direction of writing, half a character) is written as an escape.
    """
    if text.isprintable():
        return text
    return _escaped(_ODD_SPACE.sub(" ", text))


def foreign(text: str, most: int = 300) -> str:
    """Return what somebody else said, as a part of a sentence of ours: printable, cut, and quoting nothing as ours."""
    return shortened(printable(text).replace("`", "'"), most)


def _escaped(text: str) -> str:
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )


def size(size_bytes: int) -> str:
    """Say a size: `512 bytes`, `3.4 MB`, `12 GB` (decimal units, as disks are sold)."""
    if size_bytes < _KILO:
        return count(size_bytes, "byte")
    amount, steps = size_bytes / _KILO, 0
    while round(amount) >= _KILO and steps < len(_SIZE_UNITS) - 1:
        amount, steps = amount / _KILO, steps + 1
    return f"{amount:.{1 if amount < _DECIMAL_BELOW else 0}f} {_SIZE_UNITS[steps]}"

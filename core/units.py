"""Durations, shares and sizes as a fleet file writes them: `30s`, `25%`, `10M`.

Reading takes exactly one spelling of each, so that nothing is guessed; writing gives back that spelling. What cannot be
read raises ValueError whose text is a whole sentence for the person who wrote it.
"""

from __future__ import annotations

import re
from datetime import timedelta

_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_UNIT_BYTES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
LONGEST = timedelta(days=3650)
EVERYTHING = 10_000  # in hundredths of a per cent
MOST_SHOWN = 40

DURATION_PATTERN = r"^[0-9]{1,12}(ms|s|m|h|d)$"
SHARE_PATTERN = r"^[0-9]{1,3}(\.[0-9]{1,2})?%$"
SIZE_PATTERN = r"^[0-9]{1,12}[KMGT]?$"


def parse_duration(text: str) -> timedelta:
    """Read `500ms`, `2s`, `10m`, `26h` or `14d`. Raises ValueError for anything else, zero and over ten years."""
    found = re.fullmatch(DURATION_PATTERN, text, re.ASCII)
    if not found:
        raise ValueError(f"{shown(text)} is no duration: write a whole number and ms, s, m, h or d, like 30s or 26h")
    number = int(text.removesuffix(found[1]))
    if number == 0:
        raise ValueError(f"{shown(text)} is no time at all: a duration is longer than zero")
    if number * _UNIT_MS[found[1]] > LONGEST // timedelta(milliseconds=1):
        raise ValueError(f"{shown(text)} is too long: at most {LONGEST.days}d")
    return timedelta(milliseconds=number * _UNIT_MS[found[1]])


def format_duration(length: timedelta) -> str:
    """Write a length in its largest whole unit: `26h`, not `1d2h`. Raises ValueError for parts of a millisecond."""
    whole_ms, rest = divmod(length, timedelta(milliseconds=1))
    if rest or whole_ms <= 0:
        raise ValueError(f"{length} is no duration of whole milliseconds")
    unit = max((unit for unit, unit_ms in _UNIT_MS.items() if whole_ms % unit_ms == 0), key=_UNIT_MS.__getitem__)
    return f"{whole_ms // _UNIT_MS[unit]}{unit}"


def parse_share(text: str) -> float:
    """Read `25%` or `12.5%` as 0.25 or 0.125. Raises ValueError for anything else and for more than 100 %."""
    if not re.fullmatch(SHARE_PATTERN, text, re.ASCII):
        raise ValueError(f"{shown(text)} is no percentage: write it like 25% or 12.5%")
    hundredths = round(float(text.removesuffix("%")) * 100)
    if hundredths > EVERYTHING:
        raise ValueError(f"{shown(text)} is more than everything: at most 100%")
    return hundredths / EVERYTHING


def format_share(share: float) -> str:
    """Write 0.25 as `25%`, to a hundredth of a per cent."""
    return f"{round(share * EVERYTHING) / 100:g}%"


def parse_size(text: str) -> int:
    """Read `512`, `64K`, `10M`, `2G` or `1T` in bytes, in steps of 1,024. Raises ValueError for anything else."""
    found = re.fullmatch(SIZE_PATTERN, text, re.ASCII)
    if not found:
        raise ValueError(f"{shown(text)} is no size: write a whole number and K, M, G or T, like 10M or 2G")
    unit = text.lstrip("0123456789")
    return int(text.removesuffix(unit)) * _UNIT_BYTES[unit]


def shown(text: str) -> str:
    """Return what someone wrote so that it can stand in a message: quoted, on one line, cut where it is long."""
    cut = text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"
    return repr(cut)

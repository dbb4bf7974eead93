"""What a server says of itself over SSH, and what of it is a warning; plain values only.

Each `Fact` is a piece of one command, and two pure functions: from what the piece printed to a value, and from the
value to a remark where a limit is passed. What a server cannot say (it has no systemd, say) is no remark.
"""

from __future__ import annotations

import math
import shlex
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from core.wording import count, duration, listing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from core.fleet import Fleet, HostLimits

MARK = "== "
# A command line has limits: where sites are many, their folders stand for them.
PATHS = 64
NAMED_UNITS = 3
# Columns of `df -P`; where it is mounted comes last, and may hold blanks.
DF_USED, DF_FREE, DF_WHERE = 2, 3, 5
LOADAVG_WORDS = 5
# A thousand failed units and all file systems say less.
MOST_LETTERS = 1_000_000
ENDLESS = "it writes without end where a command should answer"


@dataclass(frozen=True, slots=True)
class HostMeasurement:
    """What a server's answer is held against: the limits, and when it was asked and had answered, by the bot's clock.

    begun_s, ended_s: seconds since 1970.
    """

    limits: HostLimits
    begun_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a server says of itself.

    command: the piece of shell that prints it, for the paths that hold sites; in the C locale, its errors unread.
    remark: what of its output is a warning; empty: nothing. ValueError, IndexError or ArithmeticError where it cannot
    be read.
    """

    name: str
    command: Callable[[Sequence[str]], str]
    remark: Callable[[str, HostMeasurement], str]


def paths_of(fleet: Fleet, server: str) -> tuple[str, ...]:
    """Return the paths on `server` whose file systems must have room: `/`, and the sites' roots or their folders."""
    roots = [site.root_on(server) for site in fleet.sites.values() if server in site.servers]
    if len(roots) >= PATHS:
        roots = [root.rpartition("/")[0] or "/" for root in roots]
    return tuple(dict.fromkeys(["/", *roots]))[:PATHS]


def host_command(paths: Sequence[str]) -> str:
    """Return the one command that prints every fact under its name."""
    pieces = [f"printf '%s\\n' {shlex.quote(MARK + fact.name)}; {{ {fact.command(paths)}; }} 2>/dev/null"
              for fact in FACTS]  # fmt: skip
    return "export LC_ALL=C; " + "; ".join(pieces) + "; true"


def remarks_of(output: str, measure: HostMeasurement) -> tuple[str, ...] | None:
    """Return what of a server's answer is a warning, in order; None: it says nothing that can be read."""
    if len(output) > MOST_LETTERS:
        return (ENDLESS,)
    parts = sections(output)
    found, readable = [], False
    for fact in FACTS:
        try:
            remark = fact.remark(parts.get(fact.name, ""), measure)
        except (ValueError, IndexError, ArithmeticError):
            continue
        readable = True
        found += [remark] if remark else []
    return tuple(found) if readable else None


def sections(output: str) -> Mapping[str, str]:
    """Return what was printed under each name."""
    parts: defaultdict[str, list[str]] = defaultdict(list)
    name = ""
    for line in output.splitlines():
        if line.startswith(MARK):
            name = line.removeprefix(MARK)
        else:
            parts[name].append(f"{line}\n")
    return {name: "".join(lines) for name, lines in parts.items()}


def _clock(text: str, measure: HostMeasurement) -> str:
    """Read seconds since 1970. What lies between asking and answering may well be right."""
    said_s = float(text)
    if not math.isfinite(said_s):
        raise ValueError(text)
    off_s = min(0.0, said_s - measure.begun_s) + max(0.0, said_s - measure.ended_s)
    if abs(off_s) <= measure.limits.clock.total_seconds():
        return ""
    return f"its clock is {duration(timedelta(seconds=abs(off_s)))} {'ahead' if off_s > 0 else 'behind'}"


def _fullest(text: str) -> tuple[float, str] | None:
    """Return the share in use and the mount point of the fullest file system of `df -P`.

    None where none says how full it is, as some do of their inodes.
    """
    rows = [line.split(None, DF_WHERE) for line in text.splitlines()[1:]]
    if not rows or any(len(row) <= DF_WHERE for row in rows):
        raise ValueError(text)
    found = [(int(row[DF_USED]), int(row[DF_FREE]), row[DF_WHERE]) for row in rows if row[DF_FREE] != "-"]
    return max(((used / (used + free), where) for used, free, where in found if used + free > 0), default=None)


def _disk(text: str, measure: HostMeasurement) -> str:
    fullest = _fullest(text)
    if fullest is None or fullest[0] <= measure.limits.disk:
        return ""
    return f"disk {fullest[1]} {_percent(fullest[0])} full"


def _inodes(text: str, measure: HostMeasurement) -> str:
    fullest = _fullest(text)
    if fullest is None or fullest[0] <= measure.limits.inodes:
        return ""
    return f"inodes of {fullest[1]} {_percent(fullest[0])} used"


def _memory(text: str, measure: HostMeasurement) -> str:
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    if not {"MemTotal", "MemAvailable"} <= fields.keys():
        raise ValueError(text)
    total, free = (int(fields[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    used = 1 - free / total
    return f"memory {_percent(used)} used" if used > measure.limits.memory else ""


def _load(text: str, measure: HostMeasurement) -> str:
    words = text.split()
    each = float(words[1]) / int(words[LOADAVG_WORDS])
    if measure.limits.load is None or each <= measure.limits.load:
        return ""
    return f"load {each:.1f} a processor"


def _units(text: str, measure: HostMeasurement) -> str:
    """Read the exit status, and before it one failed unit a line."""
    *lines, status = text.splitlines() or [""]
    if int(status) != 0:
        raise ValueError(text)
    names = [line.split()[0] for line in lines if line.strip()]
    if not names or not measure.limits.units:
        return ""
    return f"{count(len(names), 'failed unit')}: {listing(names, NAMED_UNITS)}"


def _reboot(text: str, measure: HostMeasurement) -> str:
    if text.strip() not in {"yes", "no"}:
        raise ValueError(text)
    return "it waits for a reboot" if measure.limits.reboot and text.strip() == "yes" else ""


def _percent(share: float) -> str:
    """Say a share, never more than it is: what is not full is not called 100 %."""
    return f"{int(share * 100)} %"


def _df(flag: str) -> Callable[[Sequence[str]], str]:
    return lambda paths: f"df -P {flag} -- {_quoted(paths)}"


def _quoted(paths: Iterable[str]) -> str:
    return " ".join(shlex.quote(path) for path in paths)


FACTS = (
    Fact("clock", lambda _paths: "date +%s.%N", _clock),
    Fact("disk", _df("-k"), _disk),
    Fact("inodes", _df("-i"), _inodes),
    Fact("memory", lambda _paths: "cat /proc/meminfo", _memory),
    Fact("load", lambda _paths: "cat /proc/loadavg; nproc", _load),
    Fact("units", lambda _paths: "systemctl --failed --plain --no-legend --no-pager; echo $?", _units),
    Fact("reboot", lambda _paths: "test -e /run/reboot-required && echo yes || echo no", _reboot),
)

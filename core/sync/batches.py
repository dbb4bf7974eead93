"""Which copies can be looked at together, in one run of rsync, and what that look says of each (pure).

Sites whose roots end alike on both servers lie at the same *place* below a common base on either: `/srv/uk/www/shop`
and `/srv/us/www/shop` at `www/shop` below `/srv/uk` and `/srv/us`. One dry run from base to base over many places finds
the sites that differ. It says nothing of a site unless it is sure: whatever is not plain gets a look of its own.
"""

from __future__ import annotations

import posixpath
import re
import stat
from collections import defaultdict
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from core.failure import MOST_SAID_BYTES
from core.sync.rsync_output import MARK, read_change

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from core.fleet import Site

MOST_PLACES = 200
# Every file is held against every rule: many rules of single sites would cost more than looks of their own.
MOST_FILTERS = 200
# So many sites that exclude alike are worth a look without the others.
ALIKE = 20
SAME_MARK = b"==|"
_WILDCARDS = re.compile(r"[*?\[]")
_ENTRY = re.compile(rb"s ([0-9]+) ([0-9a-f]+) (.*)", re.DOTALL)
_OCTAL = re.compile(rb"\\([0-7]{3})")
_QUOTED = re.compile(r'"(/.*)"')


@dataclass(frozen=True, slots=True)
class SyncTarget:
    """One copy that could be looked at together with others. readable: the only folder that may be read; None: all."""

    source_root: str
    mirror_root: str
    readable: str | None
    exclude: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchLook:
    """Copies to look at together. places: by place, the number of the copy in what was asked. filters: of rsync.

    All places have the same depth, so that none lies in another.
    """

    source_base: str
    mirror_base: str
    depth: int
    filters: tuple[str, ...]
    places: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Placed:
    number: int
    source_base: str
    mirror_base: str
    place: str
    exclude: tuple[str, ...]

    @property
    def bucket(self) -> tuple[str, str, int]:
        return self.source_base, self.mirror_base, self.place.count("/") + 1


def needs_own_run(site: Site) -> bool:
    """Return whether a sync of `site` does more than to copy files, so that no look at its files settles it."""
    return bool(site.databases or site.hooks.before_sync or site.hooks.after_sync)


def batches(targets: Sequence[SyncTarget], work_folder: str) -> tuple[BatchLook, ...]:
    """Return what can be looked at together; a copy that is in none of them gets a look of its own.

    work_folder: what each site leaves out besides, at its root.
    """
    placed = [found for number, one in enumerate(targets) if (found := _placed(number, one)) is not None]
    alike: dict[tuple[object, ...], list[_Placed]] = defaultdict(list)
    for one in placed:
        alike[(*one.bucket, one.exclude)].append(one)
    mixed: dict[tuple[str, str, int], list[_Placed]] = defaultdict(list)
    together: list[BatchLook] = []
    for bucket in alike.values():
        if len(bucket) < ALIKE:
            mixed[bucket[0].bucket].extend(bucket)
        else:
            parts = (bucket[start : start + MOST_PLACES] for start in range(0, len(bucket), MOST_PLACES))
            together += (_batch(part, work_folder, alike=True) for part in parts)
    for bucket in mixed.values():
        together += (_batch(part, work_folder, alike=False) for part in _split_by_rules(bucket))
    return tuple(group for group in together if len(group.places) > 1)


def _placed(number: int, one: SyncTarget) -> _Placed | None:
    source, mirror = one.source_root.split("/"), one.mirror_root.split("/")
    ends = zip(reversed(source), reversed(mirror), strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1] and pair[0], ends))
    if one.readable is not None:
        alike = min(alike, len(source) - len([part for part in one.readable.split("/") if part]) - 1)
    place = "/".join(source[len(source) - alike :])
    if alike < 1 or not place.isprintable() or any(rewritten(pattern, "") is None for pattern in one.exclude):
        return None
    return _Placed(number, "/".join(source[:-alike]) or "/", "/".join(mirror[:-alike]) or "/", place, one.exclude)


def _split_by_rules(bucket: Sequence[_Placed]) -> Iterator[list[_Placed]]:
    part: list[_Placed] = []
    rules = 0
    for one in bucket:
        own = 1 + 2 * len(one.exclude)
        if part and (rules + own > MOST_FILTERS or len(part) == MOST_PLACES):
            yield part
            part, rules = [], 0
        part.append(one)
        rules += own
    yield part


def _batch(part: Sequence[_Placed], work_folder: str, *, alike: bool) -> BatchLook:
    """Put copies of one bucket together. alike: they exclude alike, so that one rule does for all."""
    shared = posixpath.commonpath([posixpath.dirname(one.place) for one in part])
    shift = len(shared) + 1 if shared else 0
    places: dict[str, int] = {}
    doubled = set()
    for one in part:
        place = one.place[shift:]
        if place in places:
            doubled.add(place)
        places[place] = one.number
    depth = part[0].place[shift:].count("/") + 1
    if alike:
        rules = _rules(part[0].exclude, "/*" * depth, work_folder)
    else:
        rules = [rule for one in part for rule in _rules(one.exclude, f"/{one.place[shift:]}", work_folder, exact=True)]
    return BatchLook(
        source_base=posixpath.normpath(posixpath.join(part[0].source_base, shared)),
        mirror_base=posixpath.normpath(posixpath.join(part[0].mirror_base, shared)),
        depth=depth,
        filters=tuple(rules),
        places={place: number for place, number in places.items() if place not in doubled},
    )


def _rules(exclude: Sequence[str], prefix: str, work_folder: str, *, exact: bool = False) -> list[str]:
    rules = []
    for pattern in (f"/{work_folder}/", *exclude):
        for rule in rewritten(pattern, "\0") or ():
            # A backslash is an escape only in a rule that has a wildcard (rsync(1), PATTERN MATCHING RULES).
            wild = exact and _WILDCARDS.search(prefix + rule) is not None
            here = re.sub(r"[\\*?\[]", r"\\\g<0>", prefix) if wild else prefix
            rules.append("- " + rule.replace("\0", here, 1))
    return rules


def rewritten(pattern: str, prefix: str) -> tuple[str, ...] | None:
    """Return the patterns that mean below `prefix` what `pattern` means at the root of a transfer, or None.

    None: it cannot be said exactly (rsync(1), PATTERN MATCHING RULES).
    """
    if "\\" in pattern or not pattern.strip("/"):
        return None
    if pattern.startswith("/"):
        return (prefix + pattern,)
    tail = pattern.removeprefix("**/")
    if "**" in tail:
        return None
    return (f"{prefix}/{tail}", f"{prefix}/**/{tail}")


def unchanged(lines: Iterable[bytes], places: Iterable[str], depth: int) -> frozenset[str]:
    """Return the places that hold files at the source and differ in nothing that matters. Empty where one is unsure.

    lines: `SAME_MARK` and a place where a file is the same on both sides, or a change as `read_change` takes it.
    """
    wanted = {place.encode(): place for place in places}
    above = {place[:at] for place in wanted for at in range(1, len(place)) if place[at : at + 1] == b"/"}
    same: set[bytes] = set()
    differ: set[bytes] = set()
    for line in lines:
        if line.startswith(SAME_MARK):
            # The place is written as in a change, which says how its name is escaped.
            change = read_change(MARK + b".f|0|0|" + line.removeprefix(SAME_MARK))
        elif line.startswith(MARK):
            change = read_change(line)
        else:
            continue
        if change is None:
            return frozenset()
        place = b"/".join(change.path.split(b"/", depth)[:depth])
        if place not in wanted:
            # A root that is a link at the source is listed with what it leads to.
            place = change.path.partition(b" -> ")[0]
        if place in wanted:
            if line.startswith(SAME_MARK):
                same.add(place)
            elif not change.trifling:
                differ.add(place)
        elif change.path.rstrip(b"/") not in above:
            return frozenset()
    return frozenset(wanted[place] for place in same - differ)


def exchangeable(said: bytes, places: Sequence[str]) -> frozenset[str]:
    """Return the places whose roots on the mirror could be exchanged as they are: folders, nothing mounted there.

    said: four lists, each ended by an empty entry and their entries by NUL: what `stat` says of each place and of the
    folder around it (`s DEVICE MODE NAME`), the real path of each place, the places around which nothing can be
    written, and the mount points as the kernel writes them.
    """
    lists: list[list[bytes]] = [[]]
    for entry in said.split(b"\0"):
        if entry:
            lists[-1].append(entry)
        else:
            lists.append([])
    stated, real, closed, mounts = (*lists, [], [], [], [])[:4]
    seen = {found[3]: (found[1], int(found[2], 16)) for entry in stated if (found := _ENTRY.fullmatch(entry))}
    if len(real) != len(places) or not mounts:
        return frozenset()
    mounted = [_OCTAL.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), mount) for mount in mounts]
    good = set()
    for place, path in zip(places, real, strict=True):
        name = place.encode()
        root, around = seen.get(name), seen.get(name + b"/..")
        if root is None or around is None or root[0] != around[0] or not stat.S_ISDIR(root[1]):
            continue
        if name in closed or any(mount == path or mount.startswith(path + b"/") for mount in mounted):
            continue
        good.add(place)
    return frozenset(good)


def complained_of(err: bytes, bases: Sequence[str], places: Iterable[str]) -> frozenset[str] | None:
    """Return the places that rsync complains about. None: it says something about none of them, or very much."""
    if len(err) > MOST_SAID_BYTES:
        return None
    roots = [(f"{posixpath.join(base, place)}/", place) for place in places for base in bases]
    found = set()
    for line in err.decode("utf-8", "replace").splitlines():
        if not line or line.startswith("rsync error: "):
            continue
        path = _QUOTED.search(line)
        said = f"{path[1]}/" if path is not None else ""
        about = next((place for root, place in roots if said.startswith(root)), None)
        if about is None:
            return None
        found.add(about)
    return frozenset(found)

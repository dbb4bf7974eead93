"""Whether what is pinned is known to be vulnerable: from advisories that are kept in a file, so that nothing is asked.

Advisories are in the OSV format (<https://ossf.github.io/osv-schema/>): a version is affected where it is listed, or
lies in a range from `introduced` up to, but without, `fixed`, or up to `last_affected`.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FILE = Path(__file__).with_name("advisories.json")


@dataclass(frozen=True, slots=True)
class Advisory:
    """What is known of one package. ranges: from, up to, and whether that one is affected too; None: without end."""

    id: str
    package: str
    versions: frozenset[str]
    ranges: tuple[tuple[str, str | None, bool], ...]

    def affects(self, version: Version) -> bool:
        """Return whether this version has it."""
        return str(version) in self.versions or self.in_range(version)

    def in_range(self, version: Version) -> bool:
        """Return whether a range says so."""
        return any(_lies_in(version, *one) for one in self.ranges)


def advisories_in(entry: Mapping[str, Any]) -> Iterator[Advisory]:
    """Read one entry of the database, which may be about several packages; a withdrawn one is about none."""
    for affected in () if entry.get("withdrawn") else entry.get("affected", ()):
        package = affected.get("package", {})
        if package.get("ecosystem") != "PyPI":
            continue
        ranges = (
            found
            for one in affected.get("ranges", ())
            if one.get("type") == "ECOSYSTEM"
            for found in _ranges(one.get("events", ()))
        )
        versions = frozenset(_versions(affected.get("versions", ())))
        yield Advisory(str(entry["id"]), canonicalize_name(package["name"]), versions, tuple(ranges))


def kept(advisories: Iterable[Advisory]) -> list[dict[str, Any]]:
    """Write advisories as the file keeps them; of the listed versions those of which no range says the same."""
    return [
        {
            "id": one.id,
            "package": one.package,
            "versions": sorted(text for text in one.versions if not one.in_range(Version(text))),
            "ranges": [list(found) for found in one.ranges],
        }
        for one in sorted(advisories, key=lambda one: (one.package, one.id))
    ]


def read(rows: Iterable[Mapping[str, Any]]) -> list[Advisory]:
    """Read what `kept` wrote."""
    return [
        Advisory(row["id"], row["package"], frozenset(row["versions"]), tuple((a, b, c) for a, b, c in row["ranges"]))
        for row in rows
    ]


def _versions(listed: Iterable[object]) -> Iterator[str]:
    """Give each that can be pinned, as it is written there."""
    for text in listed:
        with contextlib.suppress(InvalidVersion):
            yield str(Version(str(text)))


def _ranges(events: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, str | None, bool]]:
    begun: str | None = None
    for event in events:
        if "introduced" in event:
            begun = event["introduced"]
        elif begun is not None and "fixed" in event:
            yield begun, event["fixed"], False
            begun = None
        elif begun is not None and "last_affected" in event:
            yield begun, event["last_affected"], True
            begun = None
    if begun is not None:
        yield begun, None, False


def _lies_in(version: Version, begun: str, end: str | None, including: bool) -> bool:
    try:
        if version < Version(begun):
            return False
        return end is None or version < Version(end) or (including and version == Version(end))
    except InvalidVersion:
        # What cannot be compared may be affected: somebody has to look.
        return True

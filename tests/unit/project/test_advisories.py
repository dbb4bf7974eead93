"""Nothing that is pinned is known to be vulnerable, as far as the advisories that are kept here go."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from advisories.known import FILE, Advisory, advisories_in, kept, read
from packaging.version import Version
from unit.project.locks import Pin, pins_of

ROOT = Path(__file__).parents[3]
WHOLE = json.loads(FILE.read_text())
KNOWN = read(WHOLE["advisories"])
# Id of an advisory that is about nothing we do: why.
HARMLESS: dict[str, str] = {}
ADVISORY = Advisory("A", "paramiko", frozenset({"3", "4.0.post1"}), (("1.0", "1.5", False), ("2.0", "2.1", True)))


def pinned() -> list[tuple[str, Pin]]:
    return [(lock.name, pin) for lock in sorted(ROOT.glob("requirements*.txt")) for pin in pins_of(lock.read_text())]


def test_nothing_pinned_is_known_to_be_vulnerable() -> None:
    found = [
        f"{lock}: {pin.name} {pin.version} has {one.id}"
        for lock, pin in pinned()
        for one in KNOWN
        if one.package == pin.name and one.affects(pin.version) and one.id not in HARMLESS
    ]
    assert found == []


def test_advisories_were_looked_for_of_all_that_is_pinned() -> None:
    assert {pin.name for _, pin in pinned()} - set(WHOLE["looked_for"]) == set(), "`make advisories` takes them anew"


def test_the_page_says_until_when_the_advisories_reach() -> None:
    told = date.fromisoformat(WHOLE["taken_at"]).strftime("%-d %B %Y")
    assert f"as of {told}" in " ".join((ROOT / "CONTRIBUTING.md").read_text().split())


@pytest.mark.parametrize("version", ["1.0", "1.4.9", "1.5rc1", "2.0", "2.1", "3", "4.0.post1"])
def test_a_version_in_a_range_or_in_the_list_is_affected(version: str) -> None:
    assert ADVISORY.affects(Version(version))


@pytest.mark.parametrize("version", ["0.9", "1.5", "2.1.1", "9"])
def test_a_version_in_neither_is_not(version: str) -> None:
    assert not ADVISORY.affects(Version(version))


def test_what_is_kept_says_the_same() -> None:
    assert read(kept([ADVISORY])) == [ADVISORY]
    said_twice = Advisory("A", "paramiko", frozenset({"1.2", "3"}), ADVISORY.ranges)
    assert read(kept([said_twice])) == [Advisory("A", "paramiko", frozenset({"3"}), ADVISORY.ranges)]


def test_a_range_without_an_end_reaches_every_later_version() -> None:
    (one,) = advisories_in(entry([{"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2.0"}]))
    assert [one.affects(Version(text)) for text in ("0.1", "1.0", "2.0", "99")] == [True, False, True, True]


def test_what_was_withdrawn_and_what_is_about_another_ecosystem_is_about_nothing_here() -> None:
    whole = entry([{"introduced": "0"}])
    assert list(advisories_in({**whole, "withdrawn": "2024-01-01T00:00:00Z"})) == []
    whole["affected"][0]["package"]["ecosystem"] = "npm"
    assert list(advisories_in(whole)) == []


def test_a_version_that_cannot_be_compared_is_for_somebody_to_look_at() -> None:
    (one,) = advisories_in(entry([{"introduced": "0"}, {"fixed": "the next one"}]))
    assert one.affects(Version("1.0"))


def entry(events: list[dict[str, str]]) -> dict[str, Any]:
    package = {
        "package": {"ecosystem": "PyPI", "name": "Para_Miko"},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    return {"id": "A", "affected": [package]}

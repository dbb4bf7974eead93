"""How a store stands to what is known of it elsewhere: every way in which two can differ, beside the ones that may."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.store_standing import MOST_BYTES, Standing, StoreNote, judge_store, note_from_json, note_to_json, standing_of

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
HASHES = {1: "1" * 64, 2: "2" * 64, 3: "3" * 64}
OWN = StoreNote("mine", 3, "3" * 64, NOW, ("before", "taken-over"))


def note(store: str = "mine", number: int = 3, digest: str = "", earlier: tuple[str, ...] = ()) -> StoreNote:
    return StoreNote(store, number, digest or str(number) * 64, NOW, earlier)


CASES = {
    "the same entry": (note(), Standing.NEWEST),
    "an earlier entry of its own": (note(number=2), Standing.NEWEST),
    "that there was none yet": (note(number=0), Standing.NEWEST),
    "the entry after its last": (note(number=4), Standing.WENT_BACK),
    "a later entry with the hash of its last": (note(number=4, digest="3" * 64), Standing.WENT_BACK),
    "another entry under its last number": (note(digest="f" * 64), Standing.WENT_APART),
    "another entry under an earlier number": (note(number=1, digest="2" * 64), Standing.WENT_APART),
    "a hash before the first entry that is none": (note(number=0, digest="f" * 64), Standing.WENT_APART),
    "an id that it had before, at whatever entry": (note("before", 9), Standing.NEWEST),
    "a store whose place it took": (note("taken-over", 9), Standing.NEWEST),
    "a store that took its place, at a lower entry": (note("next", 1, earlier=("x", "mine")), Standing.WENT_BACK),
    "a store that it never heard of": (note("strange", 1), Standing.OTHER),
    "a stranger that took the place of others": (note("strange", 1, earlier=("x", "y")), Standing.OTHER),
    "a store with a common past": (note("strange", 1, earlier=("before",)), Standing.OTHER),
}


@pytest.mark.parametrize("what", CASES)
def test_a_store_stands_to_one_note_as_it_must(what: str) -> None:
    told, expected = CASES[what]
    assert standing_of(OWN, HASHES, told) is expected


def test_an_empty_store_beside_a_note_of_another_one_is_told_so() -> None:
    empty = StoreNote("new", 0, "0" * 64, NOW)
    assert standing_of(empty, {}, note("old", 3)) is Standing.OTHER
    assert standing_of(empty, {}, note("new", 0)) is Standing.NEWEST
    assert standing_of(empty, {}, note("new", 1)) is Standing.WENT_BACK


def test_an_entry_that_is_gone_from_the_record_is_no_match() -> None:
    assert standing_of(OWN, {3: "3" * 64}, note(number=2)) is Standing.WENT_APART


NOTES = (note(), note("strange", 1), note(digest="f" * 64), note(number=4))
TOLD = (None, "no answer", *NOTES)


@pytest.mark.parametrize("told", list(itertools.product(TOLD, repeat=3)))
def test_the_worst_that_anybody_knows_counts_and_who_is_silent_has_no_say(
    told: tuple[StoreNote | str | None, ...],
) -> None:
    verdict = judge_store(OWN, HASHES, dict(zip("abc", told, strict=True)))
    worst = max((NOTES.index(one) for one in told if isinstance(one, StoreNote)), default=0)
    assert verdict.standing == worst
    assert (verdict.note is None) == (worst == 0)
    if worst:
        assert verdict.note == NOTES[worst] == told["abc".index(verdict.told_by)]
    assert len(verdict.silent) + verdict.answered == 3
    assert verdict.silent == tuple(name for name, one in zip("abc", told, strict=True) if one == "no answer")
    assert verdict.knowing == sum(isinstance(one, StoreNote) for one in told)


def test_of_several_that_know_as_bad_the_one_that_was_told_last_is_named() -> None:
    told = {"a": note(number=9), "b": replace(note(number=5), at=LATER), "c": note(number=7), "d": note("strange", 1)}
    for order in itertools.permutations(told):
        verdict = judge_store(OWN, HASHES, {name: told[name] for name in order})
        assert (verdict.standing, verdict.told_by, verdict.note) == (Standing.WENT_BACK, "b", told["b"])


def test_without_witnesses_a_store_is_the_newest() -> None:
    verdict = judge_store(OWN, HASHES, {})
    assert (verdict.standing, verdict.told_by, verdict.note, verdict.answered) == (Standing.NEWEST, "", None, 0)


TEXT = st.text(max_size=8)


@given(
    st.builds(
        StoreNote,
        store=TEXT,
        number=st.integers(0, 10**9),
        hash=st.text("0123456789abcdef", min_size=64, max_size=64),
        at=st.datetimes(timezones=st.just(UTC)),
        earlier=st.lists(TEXT).map(tuple),
        quarantined=st.lists(st.tuples(TEXT, TEXT)).map(tuple),
    )
)
def test_a_note_is_read_as_it_was_written(one: StoreNote) -> None:
    assert note_from_json(note_to_json(one)) == one


GOOD = json.loads(note_to_json(OWN))
WRONG: dict[str, bytes] = {
    "nothing": b"",
    "half of it": note_to_json(OWN)[:40],
    "no text": b"\xff\xfe",
    "a list": b"[]",
    "a number": b"7",
    "depth": b"[" * 100_000,
    "length": b" " * (MOST_BYTES + 1),
    **{f"no {key}": json.dumps({k: v for k, v in GOOD.items() if k != key}).encode() for key in GOOD},
    **{
        f"{key} {value!r}": json.dumps({**GOOD, key: value}).encode()
        for key, value in (
            ("store", 7),
            ("number", "x"),
            ("number", -1),
            ("number", None),
            ("hash", "3"),
            ("hash", "G" * 64),
            ("at", "yesterday"),
            ("at", 7),
            ("earlier", 7),
            ("earlier", [7]),
            ("quarantined", [["site"]]),
            ("quarantined", [["site", 7]]),
        )
    },
}


def test_a_note_may_be_four_million_bytes_long_and_no_longer() -> None:
    whole = note_to_json(OWN).ljust(4_000_000)
    assert note_from_json(whole) == OWN
    with pytest.raises(ValueError, match="longer than 4,000,000 bytes"):
        note_from_json(whole + b" ")


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_note_is_told_apart(what: str) -> None:
    with pytest.raises(ValueError, match=r"no note of a store|no entry of a record|longer than"):
        note_from_json(WRONG[what])

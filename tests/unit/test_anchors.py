"""What is kept of the record outside of the store: up to where it proves it, and what it contradicts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audit import FIRST, Anchor, anchor_text, entry_hash, judge_anchors, read_anchor
from core.errors import NotUnderstoodError
from core.store_standing import StoreNote
from ops.durable.witnesses import BESIDE
from ops.gather.anchors import anchors_of_witnesses, page_anchor

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def chain(*whos: str) -> dict[int, str]:
    """Return the hashes of a record whose entries these people made."""
    hashes, before = {}, FIRST
    for number, who in enumerate(whos, start=1):
        before = hashes[number] = entry_hash(before, "t", "k", "s", who, {})
    return hashes


OURS = chain("ann", "bob", "cid", "dee")
REWRITTEN = chain("ann", "eve", "cid", "dee")


def anchor(number: int, hashes: dict[int, str] = OURS, where: str = "a page") -> Anchor:
    return Anchor(number, hashes[number], where)


def test_the_newest_anchor_that_fits_proves_the_record_whatever_their_order() -> None:
    for order in ((2, 4, 3), (4, 3, 2), (2, 3, 4)):
        found = judge_anchors([anchor(number) for number in order], OURS)
        assert (found.proven, found.against) == (anchor(4), ())


def test_what_came_after_the_last_anchor_is_not_proven() -> None:
    assert judge_anchors([anchor(2)], OURS).proven == anchor(2)


def test_a_record_that_was_written_anew_with_good_hashes_fits_only_what_was_before() -> None:
    found = judge_anchors([anchor(1), anchor(3)], REWRITTEN)
    assert found.proven == anchor(1)
    assert found.against == (anchor(3),)


def test_a_record_that_ends_before_an_anchor_contradicts_it() -> None:
    short = {number: OURS[number] for number in (1, 2)}
    assert judge_anchors([anchor(3)], short).against == (anchor(3),)


def test_without_anchors_nothing_is_proven_and_nothing_against_it() -> None:
    found = judge_anchors([], OURS)
    assert (found.proven, found.against) == (None, ())


def test_an_anchor_of_an_empty_record_fits_every_record_and_no_made_up_one_does() -> None:
    empty = Anchor(0, FIRST, "a page")
    assert judge_anchors([empty], OURS).proven == empty
    made_up = Anchor(0, "1" * 64, "a page")
    assert judge_anchors([made_up], OURS).against == (made_up,)


@given(st.integers(1, 4), st.integers(0, 31))
def test_half_a_hash_is_enough_and_every_digit_of_it_counts(number: int, position: int) -> None:
    typed = read_anchor(anchor_text(number, OURS[number]), "you")
    assert judge_anchors([typed], OURS).proven == typed
    digits = list(typed.hash)
    digits[position] = "0" if digits[position] != "0" else "1"
    assert judge_anchors([replace(typed, hash="".join(digits))], OURS).proven is None


def test_an_anchor_is_read_as_people_copy_it() -> None:
    digits = "0123456789abcdef" * 2
    assert read_anchor(f" 1,234:{digits.upper()} ", "you") == Anchor(1234, digits, "you")


@given(st.text() | st.from_regex(r"\d+:[0-9a-f]{1,31}", fullmatch=True))
def test_what_is_no_anchor_or_too_little_of_one_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no entry of a record"):
        read_anchor(text, "you")


def page(**record: object) -> bytes:
    return json.dumps({"written_at": "2026-11-30T12:00:00.000000Z", "record": record or None}).encode()


def test_a_status_page_says_where_the_record_was_when_it_was_written() -> None:
    assert page_anchor(page(number=3, hash=OURS[3]), "uk") == Anchor(3, OURS[3], "uk", AT)
    assert page_anchor(page(), "uk") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b'{"written_at": 3}',
        page(number="x", hash=OURS[3]),
        page(number=-1, hash=OURS[3]),
        page(number=3, hash=["a"]),
        page(number=3),
    ],
)
def test_what_is_no_status_page_of_ours_is_told_from_one(content: bytes) -> None:
    with pytest.raises(NotUnderstoodError, match=r"^uk said something else"):
        page_anchor(content, "uk")


@pytest.mark.parametrize("digits", [32, 40, 63])
def test_a_page_proves_with_a_whole_hash_or_not_at_all(digits: int) -> None:
    with pytest.raises(NotUnderstoodError, match=r"^uk said something else"):
        page_anchor(page(number=3, hash=OURS[3][:digits]), "uk")


@given(st.binary())
def test_no_bytes_whatever_make_it_fail_otherwise(content: bytes) -> None:
    with pytest.raises(NotUnderstoodError, match=r"^uk said something else"):
        page_anchor(content, "uk")


def test_of_witnesses_those_count_that_are_elsewhere_and_know_this_store() -> None:
    def note(store: str, number: int) -> StoreNote:
        return StoreNote(store, number, OURS[number], AT)

    told = {"uk": note("ours", 2), "us": note("other", 3), BESIDE: note("ours", 4), "se": None, "no": "no answer"}
    assert anchors_of_witnesses(told, "ours") == (Anchor(2, OURS[2], "the note on uk", AT),)

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audit import FIRST, Entry, entry_hash, first_broken


def record_of(bodies: list[dict[str, object]]) -> list[Entry]:
    entries: list[Entry] = []
    before = FIRST
    for seq, body in enumerate(bodies, start=1):
        digest = entry_hash(before, "2026-06-14T13:02:07.000000Z", "kind", "subject", "who", body)
        entries.append(Entry(seq, "2026-06-14T13:02:07.000000Z", "kind", "subject", "who", body, before, digest))
        before = digest
    return entries


@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text() | st.none())))
def test_a_record_as_it_was_written_is_whole(bodies: list[dict[str, object]]) -> None:
    assert first_broken(record_of(bodies)) is None


@given(st.lists(st.dictionaries(st.text(), st.integers()), min_size=2, max_size=6), st.data())
def test_read_in_two_pieces_it_is_judged_as_in_one(bodies: list[dict[str, object]], data: st.DataObject) -> None:
    entries = record_of(bodies)
    cut = data.draw(st.integers(1, len(entries) - 1))
    changed = data.draw(st.integers(0, len(entries)))
    if changed < len(entries):
        entries[changed] = replace(entries[changed], who="other")
    expected = changed + 1 if changed < len(entries) else None
    first = first_broken(entries[:cut])
    assert (first if first is not None else first_broken(entries[cut:], entries[cut - 1])) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"at": "2026-06-14T13:02:08.000000Z"},
        {"kind": "other"},
        {"subject": "other"},
        {"who": "other"},
        {"body": {"n": 99}},
        {"seq": 7},
        {"seq": 0},
        {"before": "f" * 64},
        {"hash": "f" * 64},
    ],
)
def test_a_changed_entry_is_found(change: dict[str, object]) -> None:
    entries = record_of([{"n": n} for n in range(4)])
    entries[2] = replace(entries[2], **change)  # type: ignore[arg-type]
    assert first_broken(entries) == 3


def test_a_hash_is_that_which_every_release_has_written() -> None:
    """What is stored was written by this rule; another one would call each old record tampered with."""
    body = {"b": 1, "a": "ä", "c": [True, None]}
    assert FIRST == "0000000000000000000000000000000000000000000000000000000000000000"
    digest = entry_hash(FIRST, "2026-06-14T13:02:07.000000Z", "kind", "subject", "who", body)
    assert digest == "cb93758893d4e88b1769b6dc0dfa61897a04572794e46cfbd6135cacfa5ff9e3"


def test_an_entry_taken_out_is_found() -> None:
    entries = record_of([{"n": n} for n in range(4)])
    assert first_broken([*entries[:1], *entries[2:]]) == 2


def test_an_entry_rewritten_with_its_hash_breaks_the_next() -> None:
    entries = record_of([{"n": n} for n in range(4)])
    one = entries[1]
    forged = entry_hash(one.before, one.at, one.kind, one.subject, one.who, {"n": 99})
    entries[1] = replace(one, body={"n": 99}, hash=forged)
    assert first_broken(entries) == 3

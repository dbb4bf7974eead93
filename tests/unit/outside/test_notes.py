"""What servers keep for the bot, its note of the store and the status pages, may be anybody's when it is read."""

from __future__ import annotations

import contextlib
import json

from hypothesis import example, given
from hypothesis import strategies as st
from unit.outside.harness import SAID

from core.errors import NotUnderstoodError
from core.store_standing import note_from_json, note_to_json
from ops.gather.anchors import page_anchor

HASHES = st.sampled_from(["0" * 64, "a" * 64, "f" * 64, "F" * 64, "0" * 32, "x", "٣" * 64])
# Written as Python does: also numbers without end, which JSON does not know and json.loads reads.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | HASHES,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one, max_size=2),
    max_leaves=4,
)
NUMBERS = st.sampled_from([7, "7", 1.5, -1, 10**30, float("inf"), float("nan"), None, [7]])
TIMES = st.just("2026-06-14T13:02:07.000000Z") | VALUES
NOTES = st.fixed_dictionaries(
    {"store": VALUES | st.just("s"), "number": NUMBERS, "hash": HASHES | VALUES, "at": TIMES},
    optional={"earlier": VALUES | st.just([]), "quarantined": VALUES | st.just([["shop", "uk"]])},
)
RECORDS = st.fixed_dictionaries({"number": NUMBERS, "hash": HASHES | VALUES})
PAGES = st.fixed_dictionaries({"written_at": TIMES, "record": RECORDS | VALUES})


def as_kept(value: object) -> bytes:
    return json.dumps(value).encode().replace(b"Infinity", b"1e999")


@given(kept=NOTES.map(as_kept) | VALUES.map(as_kept) | SAID)
def test_any_note_is_one_or_is_none(kept: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert note_from_json(note_to_json(note_from_json(kept))) == note_from_json(kept)


@example(page=b'{"written_at": "2026-06-14T13:02:07.000000Z", "record": {"number": 1e999, "hash": ""}}')
@given(page=PAGES.map(as_kept) | VALUES.map(as_kept) | SAID)
def test_any_page_says_something_of_the_record_or_nothing(page: bytes) -> None:
    with contextlib.suppress(NotUnderstoodError):
        found = page_anchor(page, "the page")
        assert found is None or found.number >= 0

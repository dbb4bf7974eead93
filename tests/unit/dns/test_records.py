"""Records as values, and the order of serials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dns.records import RecordChange, RecordSet, ZoneReading, serial_at_or_past

SERIALS = st.integers(0, 2**32 - 1)
OLD = RecordSet("www.garden.example", "A", 300, ("192.0.2.1",))
NEW = RecordSet("www.garden.example", "A", 60, ("192.0.2.2", "192.0.2.3"))


def test_a_record_set_reads_like_a_line_of_a_zone() -> None:
    assert str(NEW) == "www.garden.example 60 A 192.0.2.2, 192.0.2.3"


def test_record_sets_sort_by_owner_and_type_first() -> None:
    other = RecordSet("a.garden.example", "TXT", 1, ('"x"',))
    assert sorted([OLD, other]) == [other, OLD]


@pytest.mark.parametrize("change", [RecordChange(OLD, NEW), RecordChange(OLD, None), RecordChange(None, NEW)])
def test_a_change_has_an_owner_and_a_type_whichever_side_is_there(change: RecordChange) -> None:
    assert (change.owner, change.type) == ("www.garden.example", "A")


def test_a_change_undone_twice_is_itself() -> None:
    change = RecordChange(OLD, None)
    assert change.inverse() == RecordChange(None, OLD)
    assert change.inverse().inverse() == change


def test_a_change_without_sides_has_no_owner() -> None:
    with pytest.raises(ValueError, match="without old and new"):
        _ = RecordChange(None, None).owner


def test_a_reading_is_a_value() -> None:
    assert ZoneReading("garden.example", 1, (OLD,), complete=True) == ZoneReading(
        "garden.example", 1, (OLD,), complete=True
    )


@pytest.mark.parametrize(
    ("serial", "wanted", "expected"),
    [
        (5, 5, True),
        (6, 5, True),
        (5, 6, False),
        (0, 2**32 - 1, True),
        (2**32 - 1, 0, False),
        (2**31 - 1, 0, True),
        (2**31, 0, False),
        (0, 2**31, False),
        (2026112201, 2026112200, True),
    ],
)
def test_serials_are_ordered_as_rfc_1982_orders_them(serial: int, wanted: int, *, expected: bool) -> None:
    assert serial_at_or_past(serial, wanted) is expected


@given(SERIALS)
def test_a_serial_is_at_itself(serial: int) -> None:
    assert serial_at_or_past(serial, serial)


@given(SERIALS, SERIALS)
def test_two_serials_are_each_past_the_other_only_where_they_are_the_same(one: int, other: int) -> None:
    assert (serial_at_or_past(one, other) and serial_at_or_past(other, one)) == (one == other)


@given(SERIALS, st.integers(1, 2**31 - 1))
def test_a_serial_that_was_raised_by_less_than_half_the_space_is_past_the_old_one(serial: int, step: int) -> None:
    raised = (serial + step) % 2**32
    assert serial_at_or_past(raised, serial)
    assert not serial_at_or_past(serial, raised)


@given(SERIALS)
def test_half_the_space_apart_neither_is_past_the_other(serial: int) -> None:
    opposite = (serial + 2**31) % 2**32
    assert not serial_at_or_past(opposite, serial)
    assert not serial_at_or_past(serial, opposite)

"""Packets of SFTP are taken apart as they come, in whatever pieces, and what is none is said to be none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backup.sftp_packets import MOST_BYTES, Kind, MalformedPacketError, PacketReader, packet, packets_in


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, (1 << 32) - 1), st.binary(max_size=50)), max_size=5))
def test_what_was_put_together_comes_apart_the_same_in_any_pieces(sent: list[tuple[int, int, bytes]]) -> None:
    stream = b"".join(packet(kind, number, text, rest=b"end") for kind, number, text in sent)
    buffer, found = bytearray(), []
    for at in range(0, len(stream), 7):
        buffer += stream[at : at + 7]
        for one in packets_in(buffer):
            reader = PacketReader(one)
            found.append((reader.byte(), reader.number(), reader.text()))
            assert not reader.has_ended
            assert reader.rest() == b"end"
            assert reader.has_ended
    assert found == sent
    assert buffer == b""


@pytest.mark.parametrize("length", [0, MOST_BYTES + 1, (1 << 32) - 1])
def test_a_length_that_no_packet_has_is_an_error_before_anything_is_waited_for(length: int) -> None:
    with pytest.raises(MalformedPacketError):
        list(packets_in(bytearray(length.to_bytes(4, "big"))))


def test_the_longest_packet_is_taken() -> None:
    longest = packet(Kind.WRITE, rest=b"x" * (MOST_BYTES - 1))
    assert [len(one) for one in packets_in(bytearray(longest))] == [MOST_BYTES]


def test_a_field_that_is_cut_off_is_an_error() -> None:
    (whole,) = packets_in(bytearray(packet(Kind.OPEN, 1, b"/srv")))
    for length in range(1, len(whole)):
        reader = PacketReader(whole[:length])
        with pytest.raises(MalformedPacketError, match="in the middle of a field"):
            _ = (reader.byte(), reader.number(), reader.text())

"""What others may say: bytes at random, and those that our readers look for, broken up and put together anyhow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from ops.contracts import Ran, RanOffsite

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.backup.repository_access import RepositoryAccess
    from ops.contracts import End

MARKS = (
    b"\n", b"\r\n", b"\0", b"|", b" ", b"\t", b":", b".", b"-", b"/", b"./", b"../", b"=|", b"=+", b"9" * 5000,
    b"1", b"0", b"-1", b"1e999", b"nan", b"inf", b"\xff", b"\xed\xa0\x80", "é".encode(), "٣".encode(), b"yes", b"{",
    b"[", b"}", b"]",
    b'"', b"null", b"[" * 2000, b"f", b"l", b"d", b">f+++++++++", b"*deleting", b"sharpnet-status ", b"sharpnet-more ",
    b"sharpnet-now", b"sharpnet-free ", b"sharpnet-total ", b"sharpnet-stop: ", b"Number of files: ", b"(reg: ",
    b"rsync error: ", b'rsync: opendir "/srv" failed: ', b'{"message_type":"summary"', b'"snapshot_id":', b'"tags":',
    b'"paths":', b'"time":"0001-01-01T00:00:00+14:00"', b'"id":', b'{"type":"file","path":', b'"total_size":',
    b'[{"tags":["site:a"],"time":"2026-06-14T13:02:07","id":1},', b"== clock", b"== disk", b"== memory",
    b"MemTotal:", b"MemAvailable:", b"io timeout after ", b" seconds",
)  # fmt: skip
# Fields between the marks of our own scripts, as they should be and as no script of ours writes them.
FIELDS = st.sampled_from(
    (
        b"1", b"81a4", b"1718370127", b"x", b"", b"9" * 5000, b"\xff", b"nan", b"-7", b">f+++++++++", b"./a", b"f",
        b"-", b"20260614T130207-1a2b", b"sharpnet-now", b"sharpnet-more 9x", b"=",
    )
)  # fmt: skip
ROWS = st.builds(
    lambda fields, mark, end: mark.join(fields) + end,
    st.lists(FIELDS, min_size=1, max_size=7),
    st.sampled_from((b"|", b" ", b"\t", b"\0")),
    st.sampled_from((b"\n", b"\0", b"")),
)
NUMBERS = st.sampled_from(("1", "null", '"x"', "[]", "-1", "1e999", "9" * 5000))
TIMES = st.sampled_from(
    ('"2026-06-14T13:02:07Z"', '"2026-06-14T13:02:07"', '"0001-01-01T00:00:00+14:00"', '"soon"', "7", "null")
)
SNAPSHOTS = st.lists(
    st.one_of(
        st.builds('{{"id":{},"tags":["site:a"],"time":{},"paths":{}}}'.format, NUMBERS, TIMES, NUMBERS),
        st.sampled_from(("{}", "7", '{"tags":7}', '{"tags":[7]}', '{"tags":["site:a"]}')),
    ),
    max_size=3,
).map(lambda rows: f"[{','.join(rows)}]\n".encode())
OBJECTS = st.one_of(
    st.builds('{{"message_type":"summary","snapshot_id":{0},"data_added":{1}}}\n'.format, NUMBERS, NUMBERS),
    st.builds('{{"type":"file","path":{0},"size":{1}}}\n'.format, NUMBERS, NUMBERS),
    st.builds('{{"total_size":{0}}}\n'.format, NUMBERS),
    st.builds('{{"message_type":"error","item":{0},"error":{1}}}\n'.format, NUMBERS, NUMBERS),
).map(str.encode)
SAID = st.one_of(
    st.just(b""),
    st.binary(max_size=200),
    st.lists(st.sampled_from(MARKS) | st.binary(max_size=4), max_size=14).map(b"".join),
    st.lists(ROWS | OBJECTS | SNAPSHOTS, max_size=5).map(b"".join),
)
ENDED = st.just(0) | st.sampled_from((1, 3, 11, 12, 23, 24, 90, 124, 127, 255))


class AnySsh:
    """Every server says `out` and `err`, whatever it is asked. Implements `ops.contracts.Ssh`."""

    def __init__(self, exit_code: int, out: bytes, err: bytes) -> None:
        self._ran = Ran(exit_code, out, err)

    async def run(
        self, server: str, command: str, *, timeout_s: float, stdin: bytes = b"",
        on_output: Callable[[bytes], None] | None = None,
    ) -> Ran:  # fmt: skip
        """Answer."""
        del server, command, timeout_s, stdin
        if on_output is None:
            return self._ran
        on_output(self._ran.out)
        return Ran(self._ran.exit_code, b"", self._ran.err)

    async def with_offsite(self, end: End, allowed: RepositoryAccess, *, timeout_s: float) -> RanOffsite:
        """Answer, and have stored a snapshot."""
        del end, allowed, timeout_s
        return RanOffsite(self._ran.exit_code, self._ran.out, self._ran.err, ("1a2b3c4d" * 8,))

    async def from_here(self, command: str, first: bytes, *, timeout_s: float) -> Ran:
        """Answer."""
        del command, first, timeout_s
        return self._ran


SERVERS = st.builds(AnySsh, ENDED, SAID, SAID)

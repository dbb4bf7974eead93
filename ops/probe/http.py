"""Reading one HTTP/1.1 answer as its bytes arrive (RFC 9112), no more of it than is asked for."""

from __future__ import annotations

import re

HEAD_LIMIT_BYTES = 64 * 1024
CHUNK_LINE_LIMIT_BYTES = 1024
END_OF_HEAD = b"\r\n\r\n"
END_OF_LINE = b"\r\n"
FIRST_FINAL_STATUS = 200
BODILESS = frozenset({204, 304})
# No body is longer; reading a number takes ever longer with its digits.
LENGTH = re.compile(rb"[0-9]{1,18}")
CHUNK_LENGTH = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*")
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9][0-9])(?: |\r|$)")


class NotHttpError(ValueError):
    """What arrives is no HTTP/1.x answer."""


class HttpAnswer:
    """One answer. `status` is None until its head is here; `location` is where it redirects to.

    body: grows up to the limit, without chunks' framing. whole: nothing of interest will follow: the body has ended, or
    the limit is reached.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.status: int | None = None
        self.location = ""
        self.body = bytearray()
        self.whole = False
        self.cut = False
        self._limit_bytes = limit_bytes
        self._waiting = bytearray()
        self._left_bytes: int | None = None
        self._chunked = False

    def feed(self, received: bytes) -> None:
        """Take in what arrived. Raises NotHttpError; then nothing more can be read."""
        self._waiting += received
        while self.status is None and self._take_head():
            pass
        if self.status is None or self.whole:
            return
        if self._chunked:
            self._take_chunks()
        else:
            self._take(self._left_bytes)

    def end(self) -> None:
        """Take in that the connection was closed."""
        if self.status is not None:
            self.whole = True

    def _take_head(self) -> bool:
        """Take one head from what waits; return whether another one may follow it at once."""
        head, end, rest = bytes(self._waiting).partition(END_OF_HEAD)
        if not end:
            enough = len(b"HTTP/1.1 200")
            if len(self._waiting) > HEAD_LIMIT_BYTES or (len(head) >= enough and not STATUS_LINE.match(head)):
                raise NotHttpError
            return False
        found = STATUS_LINE.match(head)
        if found is None:
            raise NotHttpError
        self._waiting = bytearray(rest)
        status = int(found.group(1))
        if status < FIRST_FINAL_STATUS:
            return True
        fields = _fields(head)
        self.status = status
        self.location = fields.get(b"location", b"").decode("utf-8", "replace")
        self._chunked = fields.get(b"transfer-encoding", b"").lower().endswith(b"chunked")
        length = fields.get(b"content-length", b"")
        if status in BODILESS:
            self.whole = True
        elif not self._chunked and LENGTH.fullmatch(length):
            self._left_bytes = int(length)
            self.whole = self._left_bytes == 0
        return False

    def _take(self, most: int | None) -> int:
        """Move up to `most` waiting bytes (None: all) to the body; return how many were moved."""
        piece = bytes(self._waiting[:most])
        del self._waiting[: len(piece)]
        room = self._limit_bytes - len(self.body)
        self.body += piece[:room]
        self.cut = self.cut or len(piece) > room
        if self._left_bytes is not None:
            self._left_bytes -= len(piece)
        if self.cut or (not self._chunked and self._left_bytes == 0):
            self.whole = True
        return len(piece)

    def _take_chunks(self) -> None:
        while not self.whole:
            if self._left_bytes is None:
                line, end, _ = bytes(self._waiting[:CHUNK_LINE_LIMIT_BYTES]).partition(END_OF_LINE)
                if not end:
                    if len(self._waiting) >= CHUNK_LINE_LIMIT_BYTES:
                        raise NotHttpError
                    return
                self._left_bytes = _chunk_length(line)
                del self._waiting[: len(line) + len(end)]
                if self._left_bytes == 0:
                    self.whole = True
                    return
            if self._left_bytes:
                if not self._take(self._left_bytes):
                    return
                continue
            if len(self._waiting) < len(END_OF_LINE):
                return
            del self._waiting[: len(END_OF_LINE)]
            self._left_bytes = None


def _fields(head: bytes) -> dict[bytes, bytes]:
    pairs = (line.partition(b":") for line in head.split(END_OF_LINE)[1:])
    return {name.strip().lower(): content.strip() for name, _, content in pairs}


def _chunk_length(line: bytes) -> int:
    length = CHUNK_LENGTH.fullmatch(line.partition(b";")[0])
    if length is None:
        raise NotHttpError
    return int(length[1], 16)

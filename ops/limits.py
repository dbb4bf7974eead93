"""How much is read of what somebody else sends (law 14). Whatever reads from outside counts with one of these."""

from __future__ import annotations

import threading

from core.errors import TooMuchError
from core.wording import size


class Intake:
    """Bytes of one answer, `most_bytes` at most. whose: who sends, what: the answer, both as people know them."""

    def __init__(self, whose: str, what: str, most_bytes: int) -> None:
        self._whose = whose
        self._what = what
        self._most_bytes = most_bytes
        self._taken = bytearray()

    def add(self, piece: bytes) -> None:
        """Take in one more piece. Raises TooMuchError."""
        if len(self._taken) + len(piece) > self._most_bytes:
            raise too_much(self._whose, self._what, self._most_bytes)
        self._taken += piece

    def whole(self) -> bytes:
        """Return what has come so far."""
        return bytes(self._taken)


class Allowance:
    """How much may be held at once of what one machine sends, however many read from it, in whatever thread."""

    def __init__(self, whose: str, most_bytes: int) -> None:
        self._whose = whose
        self._most_bytes = most_bytes
        self._held_bytes = 0
        self._lock = threading.Lock()

    def take(self, size_bytes: int, what: str) -> None:
        """Count what is held from now on. Raises TooMuchError, and then it is not counted."""
        with self._lock:
            if self._held_bytes + size_bytes > self._most_bytes:
                raise too_much(self._whose, what, self._most_bytes)
            self._held_bytes += size_bytes

    def give_back(self, size_bytes: int) -> None:
        """Count what is held no more."""
        with self._lock:
            self._held_bytes -= size_bytes


def too_much(whose: str, what: str, most_bytes: int, hint: str = "") -> TooMuchError:
    """Return what to raise when `what` of `whose` is longer than is read."""
    return TooMuchError(f"{whose}: {what} is longer than {size(most_bytes)}. The rest was not read.", hint=hint)

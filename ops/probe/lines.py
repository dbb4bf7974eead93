"""What a conversation is about; and one in lines, in which what is said next depends on what was heard."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

from ops.contracts import Look

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_BYTES = 64 * 1024
SHOWN_LETTERS = 80


class Listener(Protocol):
    """What a conversation is about. Each method returns None to go on listening, or what the look found."""

    def opening(self) -> bytes:
        """Return what to say first: nothing, where the other side begins."""
        return b""

    def heard(self, received: bytes) -> Look | None:
        """Take in what arrived; at first nothing, once connected and `opening` is said."""
        ...

    def ended(self) -> Look:
        """Take in that the other side closed the connection before enough was known."""
        ...


class Dialogue(Listener):
    """Listens line by line; `protocol` is its name, with which whatever goes wrong is said.

    say: says something to the other side; there as soon as it is connected.
    """

    protocol: str
    say: Callable[[bytes], None]

    def __init__(self) -> None:
        self._waiting = b""
        self._heard_bytes = 0

    def heard(self, received: bytes) -> Look | None:
        """Take in whole lines, until one says enough."""
        self._heard_bytes += len(received)
        self._waiting += received
        while b"\n" in self._waiting:
            line, _, self._waiting = self._waiting.partition(b"\n")
            found = self.line(line.rstrip(b"\r"))
            if found is not None:
                return found
        if self._heard_bytes > LIMIT_BYTES:
            return Look(ok=False, why=f"it answers, but not in {self.protocol}")
        return None

    @abstractmethod
    def line(self, line: bytes) -> Look | None:
        """Take in one line; None to go on."""

    def ended(self) -> Look:
        """Say that it ended the conversation too soon."""
        return Look(ok=False, why="it closed the connection too soon")

    def trouble(self, line: bytes) -> Look:
        """Return the look of a line that is not what should have come."""
        plain = "".join(letter if letter.isprintable() else "?" for letter in line.decode("utf-8", "replace"))
        return Look(ok=False, why=f"it says {plain[:SHOWN_LETTERS]!r}" if plain else "it says nothing")

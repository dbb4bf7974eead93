"""What an engine's file has to hold, and what can be done with a database of that engine on one server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from core.databases.accounts import DatabaseAccount
    from core.databases.copies import DatabaseState
    from ops.databases.asking import DatabaseLocation
    from ops.work_folder import AskTurn


class Dialect(Protocol):
    """A database on one server, in its engine's own words. Each method raises DatabaseError and what SSH raises."""

    async def look(self, name: str, /) -> DatabaseState:
        """Return what the server has under `name`."""

    async def beside(self) -> tuple[str, ...]:
        """Return the names of all that stands beside the database, as `core.databases.copies` names it."""

    async def usable(self, source: DatabaseState, /) -> frozenset[str]:
        """Return those roles of `source` that exist here and may be given what is loaded."""

    async def account(self) -> DatabaseAccount:
        """Return what the bot's account may do here. Asked before `load_line`, which depends on it."""

    def strangers(self, source: DatabaseState, usable: frozenset[str], /) -> tuple[str, ...]:
        """Return whose belongings in `source` would become the bot's account's, as far as that is known before."""

    def dump_line(self, source: DatabaseState, usable: frozenset[str], /) -> str:
        """Return the shell line that writes a complete, consistent dump, and fails where it is not."""

    async def make(self, fresh: str, source: DatabaseState, usable: frozenset[str], /) -> None:
        """Make the database `fresh`, empty, as `source` was made; drop one of that name."""

    def load_line(self, fresh: str, path: str | None = None, /) -> str:
        """Return the shell line that loads a dump into `fresh`, from standard input or from a file."""

    async def loaded(self, fresh: str, said: bytes, /) -> tuple[int, int] | None:
        """Return how many rows were sent and how many are there; None: not all of the dump came."""

    def notes(self, source: DatabaseState, usable: frozenset[str], said: bytes, /) -> tuple[str, ...]:
        """Say, as sentences, what people should know about what was loaded. said: what its line has written."""

    async def exchange(self, incoming: str, outgoing: str, ask: AskTurn, /) -> None:
        """Let the database be what `incoming` is, and `outgoing` what the database is now; both or none.

        ask: asked for the run's turn right before that is sent, since the server refuses it outside of that.
        """

    async def recover(self) -> bool:
        """Bring to an end, or back, an exchange that was interrupted; return whether one was brought to its end."""

    async def drop(self, names: Iterable[str], /) -> None:
        """Drop these databases, which stand beside the database."""


@dataclass(frozen=True, slots=True)
class DatabaseEngine:
    """What discovery finds in an engine's file.

    names: by the name that `engine` of the fleet file says, how people write it. first: what the clients are sent
    first, of a password or of none.
    """

    names: Mapping[str, str]
    dialect: Callable[[DatabaseLocation], Dialect]
    first: Callable[[str | None], bytes]

    @property
    def name(self) -> str:
        """By which it is found: the first of its names."""
        return next(iter(self.names))

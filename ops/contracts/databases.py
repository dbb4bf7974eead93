"""Databases of sites, as jobs may ask for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from core.databases.accounts import DatabaseAccount
    from core.databases.copies import DatabaseCopy, DatabaseState, ReplacedDatabase
    from core.failure import Failure
    from core.fleet import Database
    from ops.work_folder import AskTurn


@dataclass(frozen=True, slots=True)
class LoadedDatabase:
    """What a run has loaded on `server`: the fresh database `fresh`, to be exchanged for the one that is there.

    first: what its client gets first on standard input, a password or nothing.
    """

    database: Database
    server: str
    first: bytes = field(repr=False)
    fresh: str
    source: DatabaseState
    before: DatabaseState
    rows: int
    notes: tuple[str, ...] = ()


class Databases(Protocol):
    """Databases of sites on the fleet's servers.

    A copy is loaded beside what is there, checked, and then exchanged for it; what was there is kept under another name
    (`core.databases.copies`). What goes wrong is returned as a `Failure`; only what SSH raises is raised.
    """

    def dump_line(self, database: Database, server: str) -> tuple[str, bytes]:
        """Return the shell line that writes a complete, consistent dump, and what its standard input gets first.

        It ends with another status than 0 where the dump is not complete. Raises SettingsError.
        """

    async def look(self, database: Database, server: str) -> DatabaseState | Failure:
        """Return what `server` has of the database; what an interrupted exchange has left is settled before."""

    async def look_only(self, database: Database, server: str) -> DatabaseState | Failure:
        """Return what `server` has of the database, and change nothing."""

    async def account(self, database: Database, server: str) -> DatabaseAccount | Failure:
        """Return what the account may do that loads copies of the database on `server`."""

    async def why_not_load(self, database: Database, server: str, source: DatabaseState) -> Failure | None:
        """Return why the account on `server` may not load what `source` holds, or None: what loading itself asks."""

    async def load(
        self,
        database: Database,
        source: str,
        target: str,
        run: str,
        on_bytes: Callable[[int], None],
        looked: tuple[DatabaseState, DatabaseState] | None = None,
    ) -> LoadedDatabase | Failure:
        """Make a fresh copy of `source`'s database on `target`, beside the one there, and check it.

        looked: what `look` has just found of both; None: it is looked now. What dead runs have left there is dropped.
        """

    async def publish(
        self, ready: Sequence[LoadedDatabase], run: str, at: datetime, ask: AskTurn
    ) -> Failure | tuple[DatabaseCopy, ...]:
        """Exchange what was loaded for what is there, all or none; return the copies, with what is kept as what.

        ask: asked right before each is exchanged, for the run's turn there.
        """

    async def take_back(self, ready: Sequence[LoadedDatabase], run: str, at: datetime, ask: AskTurn) -> Failure | None:
        """Exchange back what `publish` has put in place for that run; return why one could not be."""

    async def give_up(self, ready: Sequence[LoadedDatabase]) -> Failure | None:
        """Drop what was loaded and will not be put in place; return why one could not be."""

    async def forget(self, database: Database, server: str, before: datetime) -> Failure | None:
        """Drop what was replaced before `before`."""

    async def kept(self, database: Database, server: str) -> tuple[ReplacedDatabase, ...] | Failure:
        """Return the databases on `server` that runs have replaced, newest first."""

    async def restore(
        self, database: Database, server: str, path: str, like: str, run: str, at: datetime, ask: AskTurn
    ) -> DatabaseCopy | Failure:
        """Load the dump in the file `path` on `server` and put it in place of what is there; the same run does it once.

        like: the server whose database a new one is made like; `server` itself where that has one.
        """

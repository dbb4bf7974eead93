"""A site's databases in a sync: looked at, loaded beside those on the mirror, and put in place with the files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from core.databases.copies import DatabaseCopy, why_not_load
from core.failure import Failure
from ops.databases import no_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from core.databases.copies import DatabaseState
    from core.fleet import Site
    from ops.contracts import LoadedDatabase
    from ops.ports import Ports
    from ops.work_folder import AskTurn


@dataclass(slots=True)
class SiteDatabases:
    """The databases of one site on their way from `source` to `mirror`; those of a site without any do nothing.

    looked: what source and mirror have. loaded: what is ready to be put in place. max_delete: the share of tables that
    may go; None: any number.
    """

    ports: Ports
    site: Site
    source: str
    mirror: str
    run: str
    max_delete: float | None
    looked: list[tuple[DatabaseState, DatabaseState]] = field(default_factory=list)
    loaded: list[LoadedDatabase] = field(default_factory=list)

    async def look(self, *, dry_run: bool) -> tuple[DatabaseCopy, ...] | Failure:
        """Return what there is to copy, or why it must not be. `dry_run`: what was interrupted is left as it is."""
        copies = []
        self.looked.clear()
        for database in self.site.databases:
            looking = self.ports.databases.look_only if dry_run else self.ports.databases.look
            there = await self.ports.databases.look_only(database, self.source)
            here = await looking(database, self.mirror)
            if isinstance(there, Failure):
                return there
            if isinstance(here, Failure):
                return here
            if not there.exists:
                return no_database(database, self.source)
            trouble = why_not_load(database.name, there, here, max_delete=self.max_delete)
            if trouble is None and dry_run:
                # What is loaded is asked for right before it.
                trouble = await self.ports.databases.why_not_load(database, self.mirror, there)
            if trouble is not None:
                return trouble
            self.looked.append((there, here))
            copies.append(DatabaseCopy(database.engine, database.name, there.size_bytes, len(there.tables)))
        return tuple(copies)

    async def load(self, on_bytes: Callable[[int], None]) -> Failure | None:
        """Load what was looked at beside what is on the mirror, and check it; return why one could not be."""
        done = 0

        def arrived(so_far: int) -> None:
            on_bytes(done + so_far)

        for database, looked in zip(self.site.databases, self.looked, strict=True):
            ready = await self.ports.databases.load(database, self.source, self.mirror, self.run, arrived, looked)
            if isinstance(ready, Failure):
                await self.give_up()
                return ready
            done += ready.source.size_bytes
            self.loaded.append(ready)
        return None

    async def publish(self, at: datetime, ask: AskTurn) -> tuple[DatabaseCopy, ...] | Failure:
        """Exchange what was loaded for what is there: all or none. ask: for the run's turn, right before each."""
        if not self.loaded:
            return ()
        copies = await self.ports.databases.publish(self.loaded, self.run, at, ask)
        if isinstance(copies, Failure):
            await self.give_up()
        return copies

    async def take_back(self, at: datetime, ask: AskTurn) -> Failure | None:
        """Exchange back what was put in place, since the files could not be."""
        return await self.ports.databases.take_back(self.loaded, self.run, at, ask) if self.loaded else None

    async def give_up(self) -> None:
        """Drop what was loaded. What cannot be dropped now is dropped by the next run."""
        if self.loaded:
            await self.ports.databases.give_up(self.loaded)

    async def forget(self, at: datetime) -> tuple[str, ...]:
        """Drop what was replaced longer ago than it is kept; say what could not be dropped."""
        before = at - self.ports.fleet.sync.keep_replaced
        troubles = [await self.ports.databases.forget(one, self.mirror, before) for one in self.site.databases]
        return tuple(f"Old databases could not be dropped: {one.message}." for one in troubles if one is not None)


def not_exchanged(trouble: Failure, back: Failure | None) -> Failure:
    """Return why the files could not be put in place, with what that means for the databases."""
    if back is None:
        return trouble
    return replace(
        trouble, hint=f"{trouble.hint} The databases stayed the new ones: {back.message}. {back.hint}".strip()
    )

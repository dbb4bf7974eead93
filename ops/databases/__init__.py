"""Databases of sites, by engines that are found in `ops.databases.engines`.

A copy is loaded into a fresh database beside the one that is there, checked, and then exchanged for it; the one before
is kept under another name (`core.databases.copies`). Killed at any instant, the mirror's database is the one before or
the one after. What goes wrong is returned as a Failure; only what SSH and the store raise is raised.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from core.databases.accounts import why_not_give, why_not_load_as
from core.databases.copies import (
    DatabaseCopy,
    DatabaseState,
    fresh_name,
    replaced_databases,
    replaced_name,
    unfinished_copies,
    was_replaced_by,
    why_not_whole,
)
from core.databases.failures import failure_of_database
from core.failure import Failure, FailureCode
from ops.contracts import End, LoadedDatabase
from ops.databases.asking import DatabaseError, DatabaseLocation
from ops.databases.engine import DatabaseEngine
from ops.discovery import found_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
    from datetime import datetime

    from core.databases.accounts import DatabaseAccount
    from core.databases.copies import ReplacedDatabase
    from core.databases.failures import Doing
    from core.fleet import Database, SecretRef
    from ops.contracts import Ssh
    from ops.databases.engine import Dialect
    from ops.work_folder import AskTurn

Given = ParamSpec("Given")
Result = TypeVar("Result")
LOAD_S = 12 * 3600.0
CUT_OFF = 255
_NOT_SENT = Failure(
    FailureCode.NOT_WHOLE,
    "the dump of the database {name} did not come to its end",
    "Nothing was put in place. Sync again.",
)


@cache
def all_engines() -> Mapping[str, DatabaseEngine]:
    """Return every engine by each of its names. Raises TypeError for a file without a proper ENGINE."""
    found: dict[str, DatabaseEngine] = {}
    for engine in found_in("ops.databases.engines", "ENGINE", DatabaseEngine).values():
        for name in engine.names:
            if name in found:
                raise TypeError(f"two files hold the database engine {name}")
            found[name] = engine
    return found


def label(database: Database) -> str:
    """Name a database for people: its name and its engine."""
    return f"{database.name} ({all_engines()[database.engine].names[database.engine]})"


def _or_failure(work: Callable[Given, Awaitable[Result]]) -> Callable[Given, Coroutine[Any, Any, Result | Failure]]:
    """Return what goes wrong with a database as the result of `work`; what else is raised is raised."""

    @wraps(work)
    async def done(*given: Given.args, **named: Given.kwargs) -> Result | Failure:
        try:
            return await work(*given, **named)
        except DatabaseError as error:
            return error.trouble

    return done


@dataclass(frozen=True, slots=True)
class SshDatabases:
    """Implements `ops.contracts.Databases`. secret: reads a password when it is needed; raises SettingsError."""

    ssh: Ssh
    secret: Callable[[SecretRef], str]

    def dump_line(self, database: Database, server: str) -> tuple[str, bytes]:
        """Return the shell line that writes a complete, consistent dump, and what its standard input gets first."""
        place, dialect = self._at(database, server)
        return dialect.dump_line(DatabaseState(exists=True), frozenset()), place.first

    @_or_failure
    async def look(self, database: Database, server: str) -> DatabaseState:
        """Return what `server` has of the database; what an interrupted exchange has left is settled before."""
        _, dialect = self._at(database, server)
        await dialect.recover()
        return await dialect.look(database.name)

    @_or_failure
    async def look_only(self, database: Database, server: str) -> DatabaseState:
        """Return what `server` has of the database, and change nothing."""
        return await self._at(database, server)[1].look(database.name)

    @_or_failure
    async def account(self, database: Database, server: str) -> DatabaseAccount:
        """Return what the account may do that loads copies of the database on `server`."""
        return await self._at(database, server)[1].account()

    @_or_failure
    async def why_not_load(self, database: Database, server: str, source: DatabaseState) -> Failure | None:
        """Return why the account on `server` may not load what `source` holds, or None; nothing is changed."""
        place, dialect = self._at(database, server)
        return await _why_not(place, dialect, source, await dialect.usable(source))

    @_or_failure
    async def load(
        self,
        database: Database,
        source: str,
        target: str,
        run: str,
        on_bytes: Callable[[int], None],
        looked: tuple[DatabaseState, DatabaseState] | None = None,
    ) -> LoadedDatabase | Failure:
        """Make a fresh copy of `source`'s database on `target`, beside the one there, and check it."""
        (giver, giving), (taker, taking), name = self._at(database, source), self._at(database, target), database.name
        if looked is None:
            await taking.recover()
            looked = await giving.look(name), await taking.look(name)
        first, before = looked
        if not first.exists:
            return no_database(database, source)
        fresh = fresh_name(name, run)
        await taking.drop(unfinished_copies(name, await taking.beside()))
        usable = await taking.usable(first)
        refused = await _why_not(taker, taking, first, usable)
        if refused is not None:
            return refused
        await taking.make(fresh, first, usable)
        dumped, loaded = await self.ssh.stream(
            End(giver.server, giving.dump_line(first, usable), giver.first),
            End(taker.server, taking.load_line(fresh), taker.first),
            timeout_s=LOAD_S,
            on_bytes=on_bytes,
        )
        trouble = _of_both((giver, dumped.exit_code, dumped.err), (taker, loaded.exit_code, loaded.err))
        rows = await taking.loaded(fresh, loaded.out) if trouble is None else None
        if rows is not None:
            again, now = await giving.look(name), await taking.look(fresh)
            trouble = why_not_whole(name, first, again, now, sent_rows=rows[0], loaded_rows=rows[1])
        if trouble is not None or rows is None:
            # Where it cannot be dropped now, the next run does.
            with contextlib.suppress(DatabaseError):
                await taking.drop([fresh])
            return trouble or _NOT_SENT.about(name=name)
        notes = taking.notes(first, usable, loaded.out)
        return LoadedDatabase(database, target, taker.first, fresh, first, before, rows[1], notes)

    async def publish(
        self, ready: Sequence[LoadedDatabase], run: str, at: datetime, ask: AskTurn
    ) -> Failure | tuple[DatabaseCopy, ...]:
        """Exchange what was loaded for what is there, all or none; return the copies, with what is kept as what.

        ask: asked right before each is exchanged, for the run's turn there.
        """
        copies: list[DatabaseCopy] = []
        for number, one in enumerate(ready):
            kept = replaced_name(one.database.name, run, at)
            try:
                await self._dialect(one).exchange(one.fresh, kept, ask)
                if not one.before.tables:
                    await self._dialect(one).drop([kept])
            except DatabaseError as error:
                trouble = await self.take_back(ready[:number], run, at, ask)
                return trouble or error.trouble
            copy = DatabaseCopy(one.database.engine, one.database.name, one.source.size_bytes, len(one.source.tables))
            copies.append(replace(copy, rows=one.rows, kept=kept if one.before.tables else "", notes=one.notes))
        return tuple(copies)

    async def take_back(self, ready: Sequence[LoadedDatabase], run: str, at: datetime, ask: AskTurn) -> Failure | None:
        """Exchange back what `publish` has put in place for that run; return why one could not be."""
        for one in ready:
            try:
                if one.before.tables:
                    await self._dialect(one).exchange(replaced_name(one.database.name, run, at), one.fresh, ask)
            except DatabaseError as error:
                hint = f"The one before is kept there as {replaced_name(one.database.name, run, at)}. {error.hint}"
                where = f"{one.database.name} on {one.server}"
                return Failure(error.trouble.code, f"{where} could not be put back: {error.trouble.message}", hint)
        return await self.give_up(ready)

    @_or_failure
    async def give_up(self, ready: Sequence[LoadedDatabase]) -> None:
        """Drop what was loaded and will not be put in place; return why one could not be."""
        for one in ready:
            await self._dialect(one).drop([one.fresh])

    @_or_failure
    async def forget(self, database: Database, server: str, before: datetime) -> None:
        """Drop what was replaced before `before`."""
        _, dialect = self._at(database, server)
        kept = replaced_databases(database.name, await dialect.beside())
        await dialect.drop([one.name for one in kept if one.replaced_at < before])

    @_or_failure
    async def kept(self, database: Database, server: str) -> tuple[ReplacedDatabase, ...]:
        """Return the databases on `server` that runs have replaced, newest first."""
        return replaced_databases(database.name, await self._at(database, server)[1].beside())

    @_or_failure
    async def restore(
        self, database: Database, server: str, path: str, like: str, run: str, at: datetime, ask: AskTurn
    ) -> DatabaseCopy | Failure:
        """Load the dump in the file `path` on `server` and put it in place of what is there; a run does it once."""
        place, dialect = self._at(database, server)
        await dialect.recover()
        beside = await dialect.beside()
        before = await dialect.look(database.name)
        done = [one for one in replaced_databases(database.name, beside) if was_replaced_by(one, run)]
        if done:
            return DatabaseCopy(
                database.engine, database.name, before.size_bytes, len(before.tables), kept=done[0].name
            )
        model = before if before.exists else await self._at(database, like)[1].look(database.name)
        if not model.exists:
            return no_database(database, server)
        fresh = fresh_name(database.name, run)
        await dialect.drop(unfinished_copies(database.name, beside))
        usable = await dialect.usable(model)
        refused = await _why_not(place, dialect, model, usable)
        if refused is not None:
            return refused
        await dialect.make(fresh, model, usable)
        said = await place.run(dialect.load_line(fresh, path), doing="loaded")
        rows = await dialect.loaded(fresh, said)
        now = await dialect.look(fresh)
        if rows is None or rows[0] != rows[1]:
            await dialect.drop([fresh])
            return _NOT_SENT.about(name=database.name)
        ready = LoadedDatabase(database, server, place.first, fresh, now, before, rows[1])
        copies = await self.publish([ready], run, at, ask)
        return copies if isinstance(copies, Failure) else copies[0]

    def _at(self, database: Database, server: str) -> tuple[DatabaseLocation, Dialect]:
        engine = all_engines()[database.engine]
        password = self.secret(database.password) if database.password is not None else None
        place = DatabaseLocation(self.ssh, database, server, engine.first(password))
        return place, engine.dialect(place)

    def _dialect(self, one: LoadedDatabase) -> Dialect:
        place = DatabaseLocation(self.ssh, one.database, one.server, one.first)
        return all_engines()[one.database.engine].dialect(place)


async def _why_not(
    place: DatabaseLocation, dialect: Dialect, source: DatabaseState, usable: frozenset[str]
) -> Failure | None:
    account, name, server = await dialect.account(), place.name, place.server
    strangers = dialect.strangers(source, usable)
    return why_not_load_as(account, name, server) or why_not_give(account, name, server, strangers)


def _of_both(source: tuple[DatabaseLocation, int, bytes], sink: tuple[DatabaseLocation, int, bytes]) -> Failure | None:
    """Return what went wrong at the end that failed by itself, and not because the other one did."""
    ends: tuple[tuple[tuple[DatabaseLocation, int, bytes], Doing], ...] = ((source, "dumped"), (sink, "loaded"))
    found = [
        failure_of_database(place.name, place.server, doing, exit_code, err)
        for (place, exit_code, err), doing in ends
        if exit_code != CUT_OFF
    ]
    said = next((trouble for trouble in found if trouble is not None), None)
    if said is None and CUT_OFF in (source[1], sink[1]):
        return _NOT_SENT.about(name=source[0].name)
    return said


def no_database(database: Database, server: str) -> Failure:
    """Return why nothing can be copied of a database that is not there."""
    return Failure(
        FailureCode.NO_DATABASE,
        f"there is no database {label(database)} on {server}, or the bot's user there may not see it",
        "Is its name right in app.yaml?",
        refused=True,
    )

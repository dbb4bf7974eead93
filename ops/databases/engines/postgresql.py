"""PostgreSQL: a consistent dump, loaded into a fresh database that then takes the other's name in one transaction."""

# ruff: noqa: S608 -- whatever is put into a statement goes through `named` or `text`
from __future__ import annotations

import re
from typing import TYPE_CHECKING

from core.databases.copies import DatabaseState, stem
from core.failure import FailureCode
from ops.databases.asking import DatabaseError, asked, understood, unhex
from ops.databases.engine import DatabaseEngine
from ops.databases.engines import _postgresql_script as script
from ops.databases.engines._postgresql_state import STATE, account_of, assigned, named, read_account, state, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.databases.accounts import DatabaseAccount
    from core.databases.failures import Doing
    from ops.databases.asking import DatabaseLocation
    from ops.work_folder import AskTurn

# Every cluster has them, unless somebody has dropped the first.
MAINTENANCE = ("postgres", "template1")
TRIES = 5
_SAFE = "SET search_path = pg_catalog;"


class PostgreSql:
    """What can be done with a database of PostgreSQL on one server."""

    def __init__(self, place: DatabaseLocation) -> None:
        self._place = place
        self._maintenance: str | None = None
        self._giving = False

    async def look(self, name: str) -> DatabaseState:
        """Return what the server has under `name`; `like` is its encoding, provider, locales, owner and settings."""
        line = script.line(self._place, script.STATEMENTS, name)
        try:
            rows = await self._place.rows(line, f"{_SAFE}{STATE}")
        except DatabaseError as error:
            if error.trouble.code != FailureCode.NO_DATABASE:
                raise
            return DatabaseState(exists=False)
        with understood(self._place):
            return state(rows)

    async def beside(self) -> tuple[str, ...]:
        """Return the names of all that stands beside the database."""
        rows = await self._ask(
            f"SELECT datname FROM pg_database WHERE starts_with(datname::text, {text(stem(self._place.name))});"
        )
        return tuple(row[0] for row in rows)

    async def usable(self, source: DatabaseState) -> frozenset[str]:
        """Return those roles of `source` that exist here, and as owners those that the bot's user may act for."""
        rows = await self._ask(
            "SELECT encode(convert_to(rolname, 'UTF8'), 'hex'), pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles;"
        )
        with understood(self._place):
            may = {unhex(row[0]): row[1] == "t" for row in rows}
        owners = {role for role in source.owners if may.get(role, False)}
        return frozenset(owners | {role for role in source.others if role in may and role not in source.owners})

    async def account(self) -> DatabaseAccount:
        """Return what the bot's role may do here."""
        rows = await self._ask(account_of(self._place.name))
        with understood(self._place):
            account = read_account(rows)
        self._giving = not account.elsewhere
        return account

    def strangers(self, source: DatabaseState, usable: frozenset[str]) -> tuple[str, ...]:
        """Return which roles own something there that the bot's role cannot act for here."""
        return tuple(role for role in source.owners if role not in usable)

    def dump_line(self, source: DatabaseState, usable: frozenset[str]) -> str:
        """Return the shell line that dumps the database, without what it says of roles that cannot be used."""
        options = [
            *(["--no-owner"] if set(source.owners) - usable else []),
            *(["--no-privileges"] if {*source.owners, *source.others} - usable else []),
        ]
        return script.line(self._place, script.DUMP, self._place.name, *options)

    async def make(self, fresh: str, source: DatabaseState, usable: frozenset[str]) -> None:
        """Make the database `fresh`, empty; drop one of that name."""
        encoding, provider, collate, ctype, locale, owner, *settings = source.like
        await self.drop([fresh])
        options = [
            "TEMPLATE template0",
            f"ENCODING {text(encoding)}",
            f"LC_COLLATE {text(collate)}",
            f"LC_CTYPE {text(ctype)}",
            *([f"LOCALE_PROVIDER icu ICU_LOCALE {text(locale)}"] if provider == "i" else []),
            *([f"LOCALE_PROVIDER builtin BUILTIN_LOCALE {text(locale)}"] if provider == "b" else []),
            *([f"OWNER {named(owner)}"] if owner in usable else []),
        ]
        await self._ask(f"CREATE DATABASE {named(fresh)} {' '.join(options)};")
        if settings:
            await self._ask("".join(f"ALTER DATABASE {named(fresh)} SET {assigned(one)};" for one in settings))

    def load_line(self, fresh: str, path: str | None = None) -> str:
        """Return the shell line that loads a dump into `fresh`, from standard input or from a file."""
        whose = "given" if self._giving else "kept"
        return script.line(self._place, script.LOAD, fresh, whose, *([] if path is None else [path]))

    async def loaded(self, _fresh: str, said: bytes) -> tuple[int, int] | None:
        """Return how many rows were sent, and how many the server says it has taken; None: not all of the dump came."""
        sent = re.search(rb"^sharpnet-rows\t(\d+)$", said, re.MULTILINE)
        there = re.search(rb"^sharpnet-there\t(\d+)$", said, re.MULTILINE)
        return (int(sent[1]), int(there[1])) if sent is not None and there is not None else None

    def notes(self, source: DatabaseState, usable: frozenset[str], _said: bytes) -> tuple[str, ...]:
        """Say which roles of the source are not there."""
        name, server = self._place.name, self._place.server
        said = [
            f"In the database {name} on {server} all belongs to the bot's user: the role {role} does not exist there, "
            "or that user may not act for it."
            for role in source.owners
            if role not in usable
        ]
        missing = [role for role in source.others if role not in usable]
        if missing:
            why = f"the role {missing[0]} does not exist there"
            said.append(f"Rights in the database {name} were not copied to {server}: {why}.")
        elif said:
            said.append(f"Rights in the database {name} were not copied to {server} either.")
        return tuple(said)

    async def exchange(self, incoming: str, outgoing: str, ask: AskTurn) -> None:
        """Let the database be what `incoming` is, and `outgoing` what the database is now."""
        name = self._place.name
        there = await self._ask(f"SELECT 1 FROM pg_database WHERE datname = {text(name)};")
        leave = f"ALTER DATABASE {named(name)} RENAME TO {named(outgoing)};" if there else ""
        for attempt in range(1, TRIES + 1):
            try:
                await self._ask(
                    f"{_alone(name, incoming)} BEGIN; {leave}"
                    f"ALTER DATABASE {named(incoming)} RENAME TO {named(name)}; COMMIT;",
                    "put in place",
                    ask,
                )
            except DatabaseError as error:
                if error.trouble.code != FailureCode.DATABASE_BUSY or attempt == TRIES:
                    raise
            else:
                return

    async def recover(self) -> bool:
        """Do nothing: two names change in one transaction."""
        return False

    async def drop(self, names: Iterable[str]) -> None:
        """Drop these databases, which stand beside the database."""
        for name in names:
            await self._ask(f"{_alone(name)} DROP DATABASE IF EXISTS {named(name)};")

    async def _ask(self, sql: str, doing: Doing = "asked", ask: AskTurn | None = None) -> list[list[str]]:
        """Carry out statements outside the database itself. ask: for the turn in which alone they may be."""
        for name in MAINTENANCE if self._maintenance is None else (self._maintenance,):
            line = script.line(self._place, script.STATEMENTS, name)
            if ask is not None:
                line = (await asked(ask)).guarding(line)
            try:
                rows = await self._place.rows(line, f"{_SAFE}\n{sql}", doing)
            except DatabaseError as error:
                last = name == MAINTENANCE[-1] or self._maintenance is not None
                if last or error.trouble.code != FailureCode.NO_DATABASE:
                    raise
            else:
                self._maintenance = name
                return rows
        raise AssertionError(MAINTENANCE)


def _alone(*names: str) -> str:
    """Return the statement that ends the sessions of others in these databases."""
    inside = ", ".join(map(text, names))
    return (
        "SELECT FROM pg_stat_activity, pg_terminate_backend(pid) "
        f"WHERE datname IN ({inside}) AND pid <> pg_backend_pid();"
    )


ENGINE = DatabaseEngine(names={"postgresql": "PostgreSQL"}, dialect=PostgreSql, first=script.first)

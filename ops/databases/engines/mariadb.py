"""MariaDB and MySQL: a consistent dump, loaded into a fresh database whose tables then take the places of those before.

They cannot rename a database. One RENAME TABLE exchanges all tables at once; what is bound to a database by its name
(views, triggers, routines, events) is made anew right after it, from a journal that lies in the database itself, so
that whoever comes next brings to an end, or back, what was interrupted. docs/decisions/0005 has the reasons.
"""

# ruff: noqa: S608 -- whatever is put into a statement goes through `named` or `text`
from __future__ import annotations

import re
from typing import TYPE_CHECKING

from core.databases.accounts import why_not_give
from core.databases.copies import stem, unfinished_copies
from core.failure import Failure, FailureCode
from core.wording import listing
from ops.databases.asking import DatabaseError, asked, settled, understood, unhex
from ops.databases.engine import DatabaseEngine
from ops.databases.engines import _mariadb_script as script
from ops.databases.engines._mariadb_objects import DatabaseObjects, definers, given, moves, named, remade, text
from ops.databases.engines._mariadb_state import ACCOUNT, read_account, state, state_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.databases.accounts import DatabaseAccount
    from core.databases.copies import DatabaseState
    from ops.databases.asking import DatabaseLocation
    from ops.work_folder import AskTurn

JOURNAL = "sharpnet_journal"
EXCHANGED = "sharpnet_journal_done"
NOT_COUNTED = "'MRG_MyISAM', 'MRG_MYISAM', 'FEDERATED', 'BLACKHOLE', 'SPIDER', 'CONNECT', 'SEQUENCE'"
WAIT_S = 20
NAMED = 3
NOT_BEGUN = frozenset({FailureCode.OVERTAKEN, FailureCode.TOO_LATE, FailureCode.BUSY})
_AWAKE = re.compile(r"^(/\*!50106 CREATE\*/ .*?PRESERVE )ENABLE( |$)", re.MULTILINE)
_SETTINGS = f"SET SESSION sql_mode = '', lock_wait_timeout = {WAIT_S}, foreign_key_checks = 0;"


class MariaDb:
    """What can be done with a database of MariaDB or MySQL on one server."""

    def __init__(self, place: DatabaseLocation) -> None:
        self._place = place
        self._line = script.line(place, script.STATEMENTS)
        self._giving = False

    async def look(self, name: str) -> DatabaseState:
        """Return what the server has under `name`. Names of tables come in hexadecimal."""
        rows = await self._ask(state_of(name))
        with understood(self._place):
            return state(rows)

    async def beside(self) -> tuple[str, ...]:
        """Return the names of all that stands beside the database."""
        pattern = text(stem(self._place.name).replace("_", r"\_") + "%")
        rows = await self._ask(
            f"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE {pattern} ESCAPE '\\\\';"
        )
        return tuple(row[0] for row in rows)

    async def account(self) -> DatabaseAccount:
        """Return what the bot's account may do here."""
        rows = await self._ask(ACCOUNT)
        with understood(self._place):
            account = read_account(rows, self._place.name)
        self._giving = not account.elsewhere
        return account

    def strangers(self, _source: DatabaseState, _usable: frozenset[str]) -> tuple[str, ...]:
        """Return nobody: where the dump does not leave out whose it is, the server itself refuses what is another's."""
        return ()

    def dump_line(self, _source: DatabaseState, _usable: frozenset[str]) -> str:
        """Return the shell line that dumps the database."""
        return script.line(self._place, script.DUMP, self._place.name)

    async def usable(self, _source: DatabaseState) -> frozenset[str]:
        """Return the roles that can own what is loaded; MariaDB's definers are names and are kept as they are."""
        return frozenset()

    async def make(self, fresh: str, source: DatabaseState, _usable: frozenset[str]) -> None:
        """Make the database `fresh`, empty; drop one of that name."""
        charset, collation = source.like
        await self._ask(
            f"DROP DATABASE IF EXISTS {named(fresh)};"
            f"CREATE DATABASE {named(fresh)} CHARACTER SET {charset} COLLATE {collation};",
        )

    def load_line(self, fresh: str, path: str | None = None) -> str:
        """Return the shell line that loads a dump into `fresh`, from standard input or from a file."""
        whose = "given" if self._giving else "kept"
        return script.line(self._place, script.LOAD, fresh, whose, *([] if path is None else [path]))

    async def loaded(self, fresh: str, said: bytes) -> tuple[int, int] | None:
        """Return how many rows were sent and how many are there; None: not all of the dump came."""
        sent = re.search(rb"^sharpnet-rows\t(\d+)$", said, re.MULTILINE)
        if sent is None:
            return None
        answer = await self._ask(f"""
            SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {text(fresh)} AND STATUS = 'ENABLED';
            SELECT HEX(TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {text(fresh)}
                AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND ENGINE NOT IN ({NOT_COUNTED});""")
        with understood(self._place):
            awake, *rows = answer
            counts = "".join(f"SELECT COUNT(*) FROM {named(fresh)}.{named(unhex(row[0]))};" for row in rows)
        counted = await self._ask(counts) if counts else []
        with understood(self._place):
            there = sum(int(row[0]) for row in counted)
        if awake[0] != "0":
            raise DatabaseError(
                Failure(
                    FailureCode.EVENTS_AWAKE,
                    f"events of the database {self._place.name} would have run on {self._place.server}",
                    "Nothing was put in place. Give them plain names.",
                )
            )
        return int(sent[1]), there

    def notes(self, source: DatabaseState, _usable: frozenset[str], said: bytes) -> tuple[str, ...]:
        """Say what people should know about what was loaded."""
        gave = sorted(set(re.findall(r"^sharpnet-gave\t(.+)$", said.decode("utf-8", "replace"), re.MULTILINE)))
        if not gave:
            return settled(source)
        given_away = (
            f"In the database {self._place.name} on {self._place.server} what belonged to {listing(gave, NAMED)} "
            "belongs to the bot's user of that database: it does what that user may."
        )
        return (*settled(source), given_away)

    async def exchange(self, incoming: str, outgoing: str, ask: AskTurn) -> None:
        """Let the database be what `incoming` is, and `outgoing` what the database is now."""
        name, place = self._place.name, self._place
        arriving, leaving = await self._objects(incoming), await self._objects(name)
        after = await self._statements(incoming, arriving)
        before = await self._statements(name, leaving)
        if after or before:
            account = await self.account()
            after, before = self._own(after, account), self._own(before, account)
        charset = f"CHARACTER SET {arriving.like[0]} COLLATE {arriving.like[1]}"
        journal = {"incoming": incoming, "after": after, "before": before, "charset": charset}
        values = ", ".join(f"({text(what)}, {text(value)})" for what, value in journal.items())
        renamed = [
            *moves(leaving.tables, name, outgoing),
            f"{named(outgoing)}.{JOURNAL} TO {named(outgoing)}.{EXCHANGED}",
            *moves(arriving.tables, incoming, name),
        ]
        batch = f"""
            CREATE DATABASE IF NOT EXISTS {named(name)} {charset};
            CREATE DATABASE {named(outgoing)} {charset};
            CREATE TABLE {named(outgoing)}.{JOURNAL}
                (what VARCHAR(20) PRIMARY KEY, value LONGTEXT) ENGINE=InnoDB CHARACTER SET utf8mb4;
            INSERT INTO {named(outgoing)}.{JOURNAL} VALUES {values};
            {leaving.drops(name)}
            {arriving.drops(incoming)}
            RENAME TABLE {", ".join(renamed)};
            {remade(name, after)}
            ALTER DATABASE {named(name)} {charset};"""
        line = (await asked(ask)).guarding(self._line)
        try:
            await place.told(line, f"{_SETTINGS}\n{batch}")
        except DatabaseError as error:
            # What is there to be brought to an end may be what a newer run is doing.
            if error.trouble.code in NOT_BEGUN:
                raise
            if await self.recover(strict=True):
                return
            trouble = error.trouble
            raise DatabaseError(
                Failure(trouble.code, f"{trouble.message}; {name} on {place.server} is as it was", trouble.hint)
            ) from error
        await self._end(outgoing, incoming, before)

    async def recover(self, *, strict: bool = False) -> bool:
        """Bring to an end, or back, what was interrupted; return whether something was brought to its end.

        strict: views and routines that cannot be made are an error; otherwise the next copy brings them.
        """
        done = False
        rows = await self._ask(
            "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE"
            f" TABLE_NAME IN ('{JOURNAL}', '{EXCHANGED}');"
        )
        with understood(self._place):
            own = [(outgoing, table) for outgoing, table in rows if outgoing.startswith(stem(self._place.name))]
        for outgoing, table in own:
            found = await self._ask(f"SELECT what, HEX(value) FROM {named(outgoing)}.{table};")
            with understood(self._place):
                journal = {row[0]: unhex(row[1]) for row in found}
            if "incoming" not in journal:
                # It was interrupted before anything was changed.
                await self.drop([outgoing])
            elif table == EXCHANGED:
                await self._forward(outgoing, journal, strict=strict)
                done = True
            else:
                await self._back(outgoing, journal)
        return done

    async def drop(self, names: Iterable[str]) -> None:
        """Drop these databases, which stand beside the database."""
        for name in names:
            await self._ask(f"DROP DATABASE IF EXISTS {named(name)};")

    async def _forward(self, outgoing: str, journal: dict[str, str], *, strict: bool) -> None:
        """Bring an exchange to its end whose tables have moved."""
        name, incoming = self._place.name, journal["incoming"]
        left = await self._objects(incoming)
        if left.tables:
            await self._tell(f"RENAME TABLE {', '.join(moves(left.tables, incoming, name))};")
        made = await self._objects(name)
        await self._tell(f"{made.drops(name)}\nALTER DATABASE {named(name)} {journal['charset']};")
        try:
            await self._tell(remade(name, journal["after"]))
        except DatabaseError:
            if strict:
                raise
        await self._end(outgoing, incoming, journal["before"])

    async def _back(self, outgoing: str, journal: dict[str, str]) -> None:
        """Take an exchange back whose tables have not all left."""
        name, incoming = self._place.name, journal["incoming"]
        gone = await self._objects(outgoing)
        tables = [table for table in gone.tables if table != JOURNAL]
        if tables:
            await self._tell(f"RENAME TABLE {', '.join(moves(tables, outgoing, name))};")
        made = await self._objects(name)
        await self._tell(f"{made.drops(name)}\n{remade(name, journal['before']) if journal['before'] else ''}")
        if not unfinished_copies(name, [incoming]):
            kept = await self._objects(incoming)
            await self._tell(f"{kept.drops(incoming)}\n{remade(incoming, journal['after'])}")
        await self.drop([outgoing])

    async def _end(self, outgoing: str, incoming: str, before: str) -> None:
        """Give what was replaced its own views and routines again, and clear away what is no longer needed."""
        made = await self._objects(outgoing)
        if before:
            asleep = _AWAKE.sub(r"\1DISABLE ON SLAVE\2", before)
            # What refers to something that is gone cannot be made, and must not keep the next copies from coming.
            try:
                await self._tell(f"{made.drops(outgoing)}\n{remade(outgoing, asleep)}")
            except DatabaseError:
                made = await self._objects(outgoing)
                await self._tell(made.drops(outgoing))
        await self._ask(f"DROP DATABASE IF EXISTS {named(incoming)}; DROP TABLE {named(outgoing)}.{EXCHANGED};")

    async def _objects(self, name: str) -> DatabaseObjects:
        at = text(name)
        rows = await self._ask(f"""
            SELECT 'like', HEX(DEFAULT_CHARACTER_SET_NAME) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {at};
            SELECT 'like', HEX(DEFAULT_COLLATION_NAME) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {at};
            SELECT IF(TABLE_TYPE LIKE '%VIEW', 'view', 'table'), HEX(TABLE_NAME) FROM information_schema.TABLES
                WHERE TABLE_SCHEMA = {at};
            SELECT 'trigger', HEX(TRIGGER_NAME) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {at};
            SELECT ROUTINE_TYPE, HEX(ROUTINE_NAME) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {at};
            SELECT 'event', HEX(EVENT_NAME) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {at};""")
        found: dict[str, list[str]] = {}
        with understood(self._place):
            for kind, one in rows:
                found.setdefault(kind, []).append(unhex(one))
        return DatabaseObjects(
            like=tuple(found.pop("like", ())),
            tables=tuple(found.pop("table", ())),
            views=tuple(found.pop("view", ())),
            triggers=tuple(found.pop("trigger", ())),
            events=tuple(found.pop("event", ())),
            routines=tuple((kind, one) for kind, names in found.items() for one in names),
        )

    async def _statements(self, name: str, objects: DatabaseObjects) -> str:
        """Return the statements that make anew what `name` holds but for its tables; empty where there is none."""
        if not (objects.views or objects.triggers or objects.routines or objects.events):
            return ""
        line = script.line(self._place, script.OBJECTS, name, *objects.views)
        said = (await self._place.run(line, doing="dumped")).decode("utf-8", "surrogateescape")
        return "\n".join(row for row in said.split("\n") if not row.startswith("/*M!999999"))

    def _own(self, statements: str, account: DatabaseAccount) -> str:
        """Return the statements as the bot's account may carry them out. Raises DatabaseError where it may not."""
        strangers = sorted(definers(statements) - {account.name})
        refused = why_not_give(account, self._place.name, self._place.server, strangers)
        if refused is not None:
            raise DatabaseError(refused)
        return given(statements) if strangers else statements

    async def _ask(self, sql: str) -> list[list[str]]:
        return await self._place.rows(self._line, f"SET SESSION sql_mode = '';\n{sql}")

    async def _tell(self, sql: str) -> None:
        await self._place.told(self._line, f"{_SETTINGS}\n{sql}")


ENGINE = DatabaseEngine(names={"mariadb": "MariaDB", "mysql": "MySQL"}, dialect=MariaDb, first=script.first)

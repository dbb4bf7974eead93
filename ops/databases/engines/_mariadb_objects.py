"""What is in a database of MariaDB or MySQL, and how statements name it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


# Where the dump program says whose a view, routine, trigger or event is: `user`@`host`, or a role.
_DEFINER = re.compile(
    r"^(CREATE|/\*!50013|/\*!50003 CREATE\*/ /\*!50017|/\*!50106 CREATE\*/ /\*!50117) "
    r"DEFINER=((?:`(?:[^`]|``)*`@)?`(?:[^`]|``)*`)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class DatabaseObjects:
    """What is in a database: its tables, and what is bound to its name. like: its character set and collation."""

    like: tuple[str, ...]
    tables: tuple[str, ...]
    views: tuple[str, ...]
    triggers: tuple[str, ...]
    routines: tuple[tuple[str, str], ...]
    events: tuple[str, ...]

    def drops(self, database: str) -> str:
        """Return the statements that drop all but the tables."""
        inside = named(database)
        return "\n".join(
            [
                *(f"DROP EVENT {inside}.{named(one)};" for one in self.events),
                *(f"DROP TRIGGER {inside}.{named(one)};" for one in self.triggers),
                *(f"DROP {kind} {inside}.{named(one)};" for kind, one in self.routines),
                *(f"DROP VIEW {inside}.{named(one)};" for one in self.views),
            ]
        )


def named(name: str) -> str:
    """Write a name as SQL has it."""
    return "`" + name.replace("`", "``") + "`"


def text(value: str) -> str:
    """Write a value as SQL has it."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def definers(statements: str) -> frozenset[str]:
    """Return whose is what the statements of a dump program make, as `user@host`."""
    return frozenset(found[2].replace("`@`", "@")[1:-1].replace("``", "`") for found in _DEFINER.finditer(statements))


def given(statements: str) -> str:
    """Return the statements without whose it is: it belongs to whoever makes it."""
    return _DEFINER.sub(r"\1 ", statements)


def moves(tables: Iterable[str], old: str, new: str) -> list[str]:
    """Return what RENAME TABLE takes, to move tables from one database to another."""
    return [f"{named(old)}.{named(table)} TO {named(new)}.{named(table)}" for table in tables]


def remade(name: str, statements: str) -> str:
    """Return the statements, to be carried out inside the database `name`."""
    return f"USE {named(name)};\n{statements}" if statements else ""

"""What is in a database of MariaDB or MySQL, and how statements name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


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


def moves(tables: Iterable[str], old: str, new: str) -> list[str]:
    """Return what RENAME TABLE takes, to move tables from one database to another."""
    return [f"{named(old)}.{named(table)} TO {named(new)}.{named(table)}" for table in tables]


def remade(name: str, statements: str) -> str:
    """Return the statements, to be carried out inside the database `name`."""
    return f"USE {named(name)};\n{statements}" if statements else ""

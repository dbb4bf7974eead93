"""What is asked about a database of MariaDB or MySQL and about an account, and how the answers are read."""

# ruff: noqa: S608 -- whatever is put into a statement goes through `text`
from __future__ import annotations

import re
from typing import TYPE_CHECKING

from core.databases.accounts import account_of_grants
from core.databases.copies import DatabaseState
from ops.databases.asking import unhex
from ops.databases.engines._mariadb_objects import text

if TYPE_CHECKING:
    from core.databases.accounts import DatabaseAccount

WITH_SNAPSHOT = frozenset({"InnoDB", "ROCKSDB", "TokuDB", ""})
CHARSET_AND_COLLATION = 2
ACCOUNT = "SELECT CURRENT_USER(); SHOW GRANTS;"
_WORD = re.compile(r"\w+", re.ASCII)
_ESCAPE = re.compile(r"\\[\\tn]")
_ESCAPED = {"\\\\": "\\", "\\t": "\t", "\\n": "\n"}


def state_of(name: str) -> str:
    """Return the question what a server has under `name`. Names of tables come in hexadecimal."""
    at = text(name)
    return f"""
        SELECT 'like', DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA
            WHERE SCHEMA_NAME = {at};
        SELECT 'table', HEX(TABLE_NAME), TABLE_TYPE, COALESCE(ENGINE, ''), COALESCE(DATA_LENGTH + INDEX_LENGTH, 0)
            FROM information_schema.TABLES WHERE TABLE_SCHEMA = {at};"""


def state(rows: list[list[str]]) -> DatabaseState:
    """Read the answer to `state_of`. Raises ValueError, IndexError for what is none.

    `like` is character set and collation: another server has said them, and they go into statements as they are.
    """
    tables = [row[1:] for row in rows if row[0] == "table"]
    like = next((tuple(row[1:]) for row in rows if row[0] == "like"), None)
    if like is not None and not (len(like) == CHARSET_AND_COLLATION and all(_WORD.fullmatch(one) for one in like)):
        raise ValueError(like)
    return DatabaseState(
        exists=like is not None,
        size_bytes=sum(int(row[3]) for row in tables),
        tables=frozenset(unhex(row[0]) for row in tables),
        like=like or (),
        unsettled=tuple(
            sorted(unhex(row[0]) for row in tables if row[2] not in WITH_SNAPSHOT and row[1] == "BASE TABLE")
        ),
    )


def read_account(rows: list[list[str]], database: str) -> DatabaseAccount:
    """Read the answer to `ACCOUNT`, of whoever loads a copy of `database`. Raises ValueError for what is none."""
    (name,), *grants = rows
    lines = (_ESCAPE.sub(lambda found: _ESCAPED[found[0]], "\t".join(row)) for row in grants)
    return account_of_grants(name, lines, database)

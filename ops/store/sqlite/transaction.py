"""Transactions of SQLite, as the store's parts use them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ops.contracts import LeaseTime
    from ops.store.sqlite.driver import sqlite3


class SqliteTransaction:
    """Implements `ops.contracts.Transaction` on a connection whose owner begins and ends it."""

    def __init__(self, connection: sqlite3.Connection, lease_clock: Callable[[], LeaseTime]) -> None:
        self._connection = connection
        self._lease_clock = lease_clock

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Change something, and return how many rows it made, changed or deleted."""
        return self._connection.execute(sql, parameters).rowcount

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Do the same once for each row of parameters."""
        self._connection.executemany(sql, rows)

    def query(
        self, sql: str, parameters: Sequence[object] = (), *, given: Mapping[str, Sequence[str]] | None = None
    ) -> list[dict[str, Any]]:
        """Return all rows, each by its columns' names; `given` becomes a table of that name."""
        if given is not None:
            columns = ", ".join(f"value ->> {number} AS {name}" for number, name in enumerate(given))
            # One JSON parameter, since the number of parameters is limited; read once, however often it is asked.
            sql = f"WITH given AS MATERIALIZED (SELECT {columns} FROM json_each(?)) {sql}"  # noqa: S608 - names of ours
            parameters = [json.dumps(list(zip(*given.values(), strict=True))), *parameters]
        cursor = self._connection.execute(sql, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def lease_time(self) -> LeaseTime:
        """Return the present moment by the clock of this machine, whose processes alone share the file."""
        return self._lease_clock()

"""What every part of the store is made of: the database, one statement at a time, and its rows as values."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from core.fleet.target import Target
from core.wording import from_stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from _typeshed import DataclassInstance

    from ops.contracts import Db

    Value = TypeVar("Value", bound=DataclassInstance)


class StorePart:
    """A subject of the store, over any database that implements `ops.contracts.Db`."""

    def __init__(self, db: Db) -> None:
        self._db = db

    async def _query(
        self, sql: str, parameters: Sequence[object] = (), *, given: Mapping[str, Sequence[str]] | None = None
    ) -> list[dict[str, Any]]:
        """Return all rows of one question, as `Transaction.query` does."""
        return await self._db.read(lambda transaction: transaction.query(sql, parameters, given=given))

    async def _execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Change something in a transaction of its own, and return how many rows it made, changed or deleted."""
        return await self._db.write(lambda transaction: transaction.execute(sql, parameters))


def newest_by(key: str, table: str, at: str, where: str = "TRUE") -> str:
    """Return the SQL for the newest row `at` of each `key`, columns of `table`, among those of which `where` is true.

    All of it is SQL of ours; `where` stands in it twice, and so do its parameters.
    """
    newest = f"SELECT {key}, max({at}) AS {at} FROM {table} WHERE {where} GROUP BY {key}"  # noqa: S608 - literals of ours
    return f"SELECT {table}.* FROM ({newest}) AS newest JOIN {table} USING ({key}, {at}) WHERE {where}"  # noqa: S608 - likewise


def value_of(kind: type[Value], row: Mapping[str, Any], **others: object) -> Value:
    """Return a row as a value of `kind`: each field is of `others`, or what the column of its name holds."""
    names = [one.name for one in fields(kind) if one.name not in others]
    return kind(**{name: _read(name, row[name]) for name in names}, **others)


def _read(name: str, column: Any) -> Any:  # noqa: ANN401 - what a column holds
    """Read times (`at`, `…_at`), targets and JSON (`body`) as what they are."""
    if column is None:
        return None
    if name == "at" or name.endswith("_at"):
        return from_stamp(column)
    if name in {"target", "scope"}:
        return Target.parse(column)
    return json.loads(column) if name == "body" else column

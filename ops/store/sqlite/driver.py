"""The SQLite that keeps the store: the one that sqlite-utils works with, so that the two can never differ.

Where pysqlite3 is installed that is the SQLite it brings, else Python's own. Two of them in one process must not open
the same file: each drops the other's locks on it (<https://sqlite.org/howtocorrupt.html>, section 2.2).
"""

from __future__ import annotations

from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined] # its own modules take it from there

__all__ = ["DRIVER", "VERSION", "sqlite3"]

VERSION = sqlite3.sqlite_version_info
DRIVER = sqlite3.__name__

"""Trying the store: which SQLite keeps it, and whether every page and index of it is as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import StoreError
from core.status.findings import Finding
from core.store_trouble import named
from ops.store.sqlite import DRIVER, VERSION

if TYPE_CHECKING:
    from ops.store import Store


async def store_findings(store: Store) -> tuple[Finding, ...]:
    """Read the whole store once, which may take seconds where it is large."""
    what = f"the store, by SQLite {named(VERSION)} of {DRIVER}"
    try:
        await store.examine()
    except StoreError as error:
        return (Finding(what, ok=False, why=error.message, hint=error.hint),)
    return (Finding(what, ok=True, why="every page and index is whole"),)

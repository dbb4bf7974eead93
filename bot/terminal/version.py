"""`sharpnet --version`: what runs here, and on which files; told also where none of them can be used."""

from __future__ import annotations

import platform
import stat
from importlib import metadata
from typing import TYPE_CHECKING

from bot.settings import fleet_file_from, settings_from
from core.errors import SettingsError
from core.store_trouble import named

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PACKAGE = "sharpnet"


def version_lines(environ: Mapping[str, str], config: str | None = None) -> list[str]:
    """Return Sharpnet's version, Python's, SQLite's, and where fleet file and store are; raise nothing for these.

    config: the fleet file as given on the command line. Neither file is opened.
    """
    fleet_file = fleet_file_from(environ, config)
    return [
        f"sharpnet {_own_version()}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite_version()}",
        f"fleet file {fleet_file} ({_whether_there(fleet_file)})",
        f"store {_store(environ, config)}",
    ]


def sqlite_version() -> str:
    """Return the version of the SQLite that the store uses, which need not be Python's own."""
    # Here and not above: whoever asks for nothing of the store does not wait for it.
    from ops.store.sqlite.driver import VERSION  # noqa: PLC0415

    return named(VERSION)


def _own_version() -> str:
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return "of this folder (not installed)"


def _store(environ: Mapping[str, str], config: str | None) -> str:
    try:
        store = settings_from(environ, config).store
    except SettingsError as error:
        return f"not known: {error.message} {error.hint}"
    return f"{store} ({_whether_there(store)})"


def _whether_there(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "not there"
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    return "there" if stat.S_ISREG(mode) else "there, but no file"

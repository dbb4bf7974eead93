"""What the environment says: where the fleet file and the store are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the fleet file and the store are, both absolute."""

    config: Path
    store: Path


def settings_from(environ: Mapping[str, str], config: str | None = None) -> Settings:
    """Read SHARPNET_CONFIG (default app.yaml) and DATABASE_URL (default: sharpnet.db beside it).

    config: as given on the command line; it wins. Raises SettingsError for a database that this release does not know.
    """
    path = fleet_file_from(environ, config)
    url = environ.get("DATABASE_URL", "")
    if not url:
        return Settings(path, path.parent / "sharpnet.db")
    if not url.startswith(SQLITE):
        raise SettingsError(
            f"DATABASE_URL begins with {url.split(':')[0]!r}, which is not known here.",
            hint="Use sqlite:///PATH, or leave it out for sharpnet.db beside app.yaml.",
        )
    return Settings(path, path.parent / url.removeprefix(SQLITE))


def fleet_file_from(environ: Mapping[str, str], config: str | None = None) -> Path:
    """Return where the fleet file is, absolute, whatever the other settings are."""
    return Path(config or environ.get("SHARPNET_CONFIG") or "app.yaml").absolute()

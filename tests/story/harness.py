"""What was written on either side in a story, and where each of its bytes is in the end."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from cutover.harness import Stage

SERVERS = ("oslo", "lima")


@dataclass
class Ledger:
    """Everything that was written, as (site, path, bytes)."""

    stage: Stage
    written: list[tuple[str, str, bytes]] = field(default_factory=list)

    def root(self, site: str, server: str) -> Path:
        """Say where this machine has what the site has on a server."""
        return self.stage.lab.path_on(server, self.stage.ports.fleet.sites[site].root_on(server))

    def write(self, site: str, server: str, path: str, content: bytes) -> None:
        """Write a file as the server's SSH user, and remember it."""
        file = self.root(site, server) / path
        owner = self.root(site, server).stat()
        missing = [folder for folder in file.parents if not folder.exists()]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        for made in (*missing, file):
            os.chown(made, owner.st_uid, owner.st_gid)
        self.written.append((site, path, content))

    def served_by(self, site: str, server: str) -> set[tuple[str, bytes]]:
        """Return which of what was written is served there."""
        root = self.root(site, server)
        return {(path, text) for of, path, text in self.written if of == site and _has(root / path, text)}

    def kept_aside(self, site: str) -> set[tuple[str, bytes]]:
        """Return which of what was written was kept aside, on any server."""
        kept = set()
        for server in SERVERS:
            work = self.root(site, server).parent / ".sharpnet"
            for run in work.glob(f"{site}-*/replaced/*"):
                kept |= {(path, text) for of, path, text in self.written if of == site and _has(run / path, text)}
        return kept

    def all_of(self, site: str) -> set[tuple[str, bytes]]:
        """Return all that was written of a site."""
        return {(path, text) for of, path, text in self.written if of == site}


def tree_of(root: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of every file below a root."""
    found = {}
    for folder, _, files in os.walk(root):
        for name in files:
            status = os.lstat(f"{folder}/{name}")
            found[os.path.relpath(f"{folder}/{name}", root)] = (status.st_size, int(status.st_mtime))
    return found


def _has(file: Path, content: bytes) -> bool:
    return file.is_file() and file.read_bytes() == content

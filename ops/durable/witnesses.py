"""Where a store's note is kept outside of it: on each server, beside its sites, and in a file beside the store.

On a server it lies in `.sharpnet` beside the root of the first site that it holds, where nothing is served, readable by
the bot's SSH user alone. It names quarantined copies, and with them sites.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import posixpath
import secrets
import shlex
from typing import TYPE_CHECKING, Protocol

from core.errors import SharpnetError, UnreachableError
from core.failure import OF_WORK_FOLDER, why_stopped
from core.store_standing import MOST_BYTES, note_from_json, note_to_json
from ops.work_folder import SAFE_FOLDER, WORK_FOLDER, site_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from core.fleet import Fleet
    from core.store_standing import StoreNote
    from ops.contracts import Ssh

BESIDE = "beside the store"

# Arguments: the folder around the one that the note is in, that one, the note's name, and a word that nobody knows.
_READ = (
    SAFE_FOLDER
    + rf"""
go_above "$1" && [ -d "./$2" ] || exit 0
open_folder "$2"
[ ! -e "./$3" ] || head -c {MOST_BYTES + 1} -- "./$3"
"""
)
_WRITE = (
    SAFE_FOLDER
    + r"""
go_above "$1" || exit 0
open_folder "$2"
new=.$3.$4.part
cat >"$new" && sync -- "$new" && mv -f -T -- "./$new" "./$3" || { rm -f -- "$new"; exit 1; }
"""
)


class Witness(Protocol):
    """Keeps one note."""

    async def read(self, within_s: float) -> StoreNote | None:
        """Return the note; None: it has none. Raises SharpnetError where it cannot say."""

    async def write(self, note: StoreNote, within_s: float) -> None:
        """Keep this one instead, whole or not at all. Raises SharpnetError."""


class ServerWitness:
    """A server of the fleet; path: of its note there."""

    def __init__(self, ssh: Ssh, server: str, path: str) -> None:
        self._ssh = ssh
        self.server = server
        self.path = path

    async def read(self, within_s: float) -> StoreNote | None:
        """Return the note."""
        kept = await self._run(_READ, within_s)
        return _parsed(kept, self.server) if kept else None

    async def write(self, note: StoreNote, within_s: float) -> None:
        """Keep this one instead; nothing happens where the server has no such place yet."""
        await self._run(_WRITE, within_s, note_to_json(note))

    async def _run(self, script: str, within_s: float, stdin: bytes = b"") -> bytes:
        folder, name = posixpath.split(self.path)
        words = ["exec", "sh", "-c", script, "sharpnet-note", *posixpath.split(folder), name, secrets.token_hex(4)]
        ran = await self._ssh.run(self.server, shlex.join(words), timeout_s=within_s, stdin=stdin)
        if ran.exit_code:
            said = ran.err.decode(errors="replace")
            stopped = why_stopped(ran.exit_code, said, OF_WORK_FOLDER)
            if stopped is not None:
                found = stopped[0].about(server=self.server)
                raise UnreachableError(f"{found.message} ({stopped[1]}).", hint=found.hint)
            why = " ".join(said.split())[:200]
            raise UnreachableError(f"The note of the store on {self.server} cannot be had: {why or ran.exit_code}.")
        return ran.out


class FileWitness:
    """A file on this machine; the cheapest, and the first to notice that a copy was put in the place of the store."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self, within_s: float) -> StoreNote | None:
        """Return the note."""
        del within_s
        try:
            kept = await asyncio.to_thread(self._path.read_bytes)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreachableError(f"{self._path} cannot be read: {error.strerror}.") from error
        return _parsed(kept, str(self._path))

    async def write(self, note: StoreNote, within_s: float) -> None:
        """Keep this one instead."""
        del within_s
        await asyncio.to_thread(self._write, note_to_json(note))

    def _write(self, kept: bytes) -> None:
        part = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}.part")
        try:
            with open(part, "xb", opener=_for_its_owner) as file:
                file.write(kept)
            part.replace(self._path)
        except OSError as error:
            raise UnreachableError(f"{self._path} cannot be written: {error.strerror}.") from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()


def witnesses_of(fleet: Fleet, ssh: Ssh, store: Path) -> Mapping[str, Witness]:
    """Return every witness of a store at that path, by the name that people know it by."""
    found: dict[str, Witness] = {BESIDE: FileWitness(store.with_name(f".{store.name}.known"))}
    for site in fleet.sites.values():
        for server in site.servers:
            if server not in found:
                folder = posixpath.join(posixpath.normpath(site.work_on(server)), WORK_FOLDER)
                path = posixpath.join(folder, f"store-{site_key(fleet.name)}.json")
                found[server] = ServerWitness(ssh, server, path)
    return found


def _parsed(kept: bytes, whose: str) -> StoreNote:
    try:
        return note_from_json(kept)
    except ValueError as error:
        raise SharpnetError(f"The note of the store on {whose} cannot be read: {error}.") from error


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

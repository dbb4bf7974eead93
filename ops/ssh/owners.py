"""Whose files on a server are, asked over SFTP, which also a login without a shell has."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paramiko

from core.backup.host_limits import Owner
from core.errors import UnreachableError
from ops.ssh.command import too_late

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class OwnerLook:
    """Asks for the owners of `paths` by `over` in a thread; given up from another one. name: as people know it."""

    name: str
    paths: Sequence[str]
    deadline_s: float
    _given_up: threading.Event = field(default_factory=threading.Event)
    _channel: paramiko.Channel | None = None

    def give_up(self) -> None:
        """End it. May block for a moment."""
        self._given_up.set()
        if self._channel is not None:
            self._channel.close()

    def over(self, channel: paramiko.Channel) -> dict[str, Owner]:
        """Return the owners of the paths that are there. Raises TimedOutError, UnreachableError."""
        self._channel = channel
        channel.settimeout(self.deadline_s)
        try:
            channel.invoke_subsystem("sftp")
            sftp = paramiko.SFTPClient(channel)
            found = {path: self._owner(sftp, path) for path in self.paths}
        except (paramiko.SSHException, EOFError, OSError) as error:
            if self._given_up.is_set() or isinstance(error, TimeoutError):
                raise too_late(self.name, self.deadline_s) from error
            raise UnreachableError(
                f"{self.name} broke off while it was asked for owners of files.", hint="Does it offer SFTP?"
            ) from error
        return {path: owner for path, owner in found.items() if owner is not None}

    def _owner(self, sftp: paramiko.SFTPClient, path: str) -> Owner | None:
        try:
            seen = sftp.stat(path)
        except (FileNotFoundError, PermissionError):
            return None
        return Owner(seen.st_uid, seen.st_mode) if seen.st_uid is not None and seen.st_mode is not None else None

"""Files put on a server over SFTP, each whole or not at all: written beside, flushed to disk, renamed.

Whoever dies in the middle, here or there, leaves what was there before, and a part that the next one clears away.
"""

from __future__ import annotations

import contextlib
import logging
import posixpath
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paramiko
from paramiko.sftp import CMD_EXTENDED, CMD_EXTENDED_REPLY, CMD_STATUS

from core.errors import RefusedError, TimedOutError, UnreachableError
from core.wording import count, foreign

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

log = logging.getLogger(__name__)

PART = ".part"
PIECE_BYTES = 32_768
EVERYBODY_READS = 0o644
# By the server's own clock: nobody still writes what is so old.
LEFT_AFTER_S = 3600
MOST_ENTRIES = 10_000
# OpenSSH, PROTOCOL, section 4.
FSYNC = "fsync@openssh.com"


@dataclass(slots=True)
class Upload:
    """Puts `files` (content by absolute path) on a server by `over` in a thread; given up from another one.

    name: the server as messages name it. token: tells the parts of this process from those of others.
    """

    name: str
    files: Mapping[str, bytes]
    token: str
    deadline_s: float
    _given_up: threading.Event = field(default_factory=threading.Event)
    _channel: paramiko.Channel | None = None

    def give_up(self) -> None:
        """End it, whatever it does; `over` then raises soon. May block for a moment."""
        self._given_up.set()
        if self._channel is not None:
            self._channel.close()

    def over(self, channel: paramiko.Channel) -> None:
        """Put them, the last one last. Raises TimedOutError, UnreachableError, RefusedError."""
        self._channel = channel
        channel.settimeout(self.deadline_s)
        ends_at = time.monotonic() + self.deadline_s
        at = ""
        try:
            if self._given_up.is_set():
                raise self._too_late()
            channel.invoke_subsystem("sftp")
            sftp = paramiko.SFTPClient(channel)
            parts = {path: _part_of(path, self.token) for path in self.files}
            try:
                for path, content in self.files.items():
                    at = path
                    self._write(sftp, parts[path], content, ends_at)
                for path, part in parts.items():
                    at = path
                    sftp.posix_rename(part, path)
            except OSError:
                self._remove(sftp, parts.values())
                raise
            _clear(sftp, self.files)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._why(error, at) from error

    def _write(self, sftp: paramiko.SFTPClient, part: str, content: bytes, ends_at: float) -> None:
        with sftp.open(part, "wb") as file:
            file.chmod(EVERYBODY_READS)
            for begin in range(0, len(content), PIECE_BYTES):
                if time.monotonic() > ends_at:
                    raise TimeoutError
                file.write(content[begin : begin + PIECE_BYTES])
            _flush(sftp, file)

    def _remove(self, sftp: paramiko.SFTPClient, parts: Iterable[str]) -> None:
        """Take the parts away again, as long as the server answers."""
        for part in parts:
            try:
                sftp.remove(part)
            except FileNotFoundError:
                continue
            except (paramiko.SSHException, EOFError, OSError):
                return

    def _why(self, error: Exception, at: str) -> TimedOutError | UnreachableError | RefusedError:
        if self._given_up.is_set() or isinstance(error, TimeoutError):
            return self._too_late()
        if isinstance(error, OSError) and at and self._channel is not None and not self._channel.closed:
            # Unlike elsewhere these are the server's own words.
            said = foreign(error.strerror or str(error)) or type(error).__name__
            return RefusedError(
                f"{self.name} does not take {at}: {said}. What was there stays.",
                hint=f"Does the folder {posixpath.dirname(at)} exist, is it the SSH user's, and has its disk room?",
            )
        return UnreachableError(
            f"{self.name} broke off while files were put there. What was there stays.",
            hint="Does its sshd have `Subsystem sftp`, and is it up?",
        )

    def _too_late(self) -> TimedOutError:
        return TimedOutError(
            f"{self.name} did not take {count(len(self.files), 'file')} within {self.deadline_s:.3g} s. "
            "Each is the old one or the new one.",
            hint="The server may be overloaded.",
        )


def _part_of(path: str, token: str) -> str:
    folder, name = posixpath.split(path)
    return posixpath.join(folder, f".{name}.{token}{PART}")


def _flush(sftp: paramiko.SFTPClient, file: paramiko.SFTPFile) -> None:
    """Have what was written reach the disk, where the server can do that: a rename may overtake it otherwise."""
    # paramiko has no public way to an extension.
    kind, _ = sftp._request(CMD_EXTENDED, FSYNC, file.handle)  # type: ignore[attr-defined]  # noqa: SLF001
    if kind not in {CMD_STATUS, CMD_EXTENDED_REPLY}:
        raise paramiko.SSHException(f"an answer of kind {kind} to {FSYNC}")


def _clear(sftp: paramiko.SFTPClient, files: Mapping[str, bytes]) -> None:
    """Remove the parts of these files that someone left who died while he wrote them."""
    for path in files:
        folder, name = posixpath.split(path)
        written_at = sftp.stat(path).st_mtime or 0
        left = []
        for number, entry in enumerate(sftp.listdir_iter(folder)):
            if number >= MOST_ENTRIES:
                log.warning("ssh=put folder=%r has more than %d entries: old parts may stay", folder, MOST_ENTRIES)
                break
            is_part = entry.filename.startswith(f".{name}.") and entry.filename.endswith(PART)
            if is_part and (entry.st_mtime or 0) < written_at - LEFT_AFTER_S:
                left.append(entry.filename)
        # Not while it lists: it has asked ahead, and its answers would be taken for those to the removals.
        for filename in left:
            with contextlib.suppress(FileNotFoundError):
                sftp.remove(posixpath.join(folder, filename))

"""What runs have replaced or deleted on a server: listed, and put back (see `ops.rsync.replaced_script`)."""

from __future__ import annotations

import shlex
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.failure import Failure, FailureCode, why_stopped
from core.sync.failures import failure_of
from core.sync.undo import ReplacedFile, ReplacedSize, UndoResult, is_run_name
from ops.rsync.mirror import MirrorCopy
from ops.rsync.replaced_script import ENTRIES, PUT, PUT_BACK, RUNS
from ops.rsync.turn import take_turn
from ops.understood import understood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.fleet import Server, Site
    from ops.contracts import Ran, Ssh

LOOK_S = 600.0
PUT_BACK_S = 12 * 3600.0
MOST_NAMED = 1000
_FIELDS = 3
_PLAIN = {ord(character): character for character in string.ascii_letters + string.digits + "/._-"}


@dataclass(frozen=True, slots=True)
class ReplacedListing:
    """What is kept of a run. files: the first ones by name; count and size_bytes: of them all."""

    count: int
    size_bytes: int
    files: tuple[ReplacedFile, ...]


_NOT_KEPT = Failure(FailureCode.NOT_KEPT, "nothing of that run is kept on {server} any more", refused=True)
_NO_ROOT = Failure(
    FailureCode.NO_ROOT, "the site's root is missing on {server}", "Copy the site there first.", refused=True
)


async def replaced_runs(ssh: Ssh, site: Site, server: Server) -> tuple[ReplacedSize, ...] | Failure:
    """Return how much is kept of each run that changed `site` on `server`. Raises UnreachableError."""
    ran = await ssh.run(server.name, _line(RUNS, [_location(site, server).work]), timeout_s=LOOK_S)
    if ran.exit_code != 0:
        return _failure(ran, server)
    found = (line.split("|") for line in ran.out.decode("utf-8", "replace").splitlines())
    with understood(server.name, "what it keeps"):
        return tuple(
            ReplacedSize(fields[0], int(fields[1]), int(fields[2]))
            for fields in found
            if len(fields) == _FIELDS and is_run_name(fields[0])
        )


async def replaced_files(
    ssh: Ssh, site: Site, server: Server, run: str, paths: Sequence[bytes]
) -> ReplacedListing | Failure:
    """Return what is kept of `run`: all of it, or what `paths` name. Raises UnreachableError."""
    words = [_location(site, server).work, run, str(MOST_NAMED)]
    ran = await ssh.run(server.name, _line(ENTRIES, words, paths), timeout_s=LOOK_S)
    if ran.exit_code != 0:
        return _failure(ran, server)
    with understood(server.name, "what it keeps"):
        counted, *entries = ran.out.split(b"\0")
        count, size_bytes = (int(number) for number in counted.split(b"|"))
        fields = (entry.split(b"|", _FIELDS - 1) for entry in entries if entry)
        files = tuple(ReplacedFile(kind.decode(), int(size), path.removeprefix(b"./")) for kind, size, path in fields)
        return ReplacedListing(count, size_bytes, files)


async def put_back(ssh: Ssh, site: Site, server: Server, run: str, undo: str, paths: Sequence[bytes]) -> UndoResult:
    """Put back what is kept of `run`, all of it or what `paths` name; what is there now is kept as the run `undo`.

    Raises UnreachableError: some of it may have been put back; every path is whole, and it can be asked for again.
    """
    location = _location(site, server)
    turn = await take_turn(ssh, location, undo)
    if isinstance(turn, Failure):
        return UndoResult(trouble=turn)
    words = [*location.place, run, undo, turn.name, str(turn.latest), PUT]
    ran = await ssh.run(server.name, _line(PUT_BACK, words, paths), timeout_s=PUT_BACK_S)
    if ran.exit_code != 0:
        return UndoResult(trouble=_failure(ran, server))
    return _read(ran, server)


def _read(ran: Ran, server: Server) -> UndoResult:
    same = done = left = 0
    named: dict[bytes, list[bytes]] = {b"linked": [], b"failed": []}
    for entry in ran.out.split(b"\0"):
        word, _, rest = entry.partition(b"|")
        if word == b"counts":
            first, second = rest.split(b"|")
            same, done = same + int(first), done + int(second)
        elif word in named:
            left += 1
            if len(named[word]) < MOST_NAMED:
                named[word].append(rest)
    trouble = _failure(ran, server) if named[b"failed"] and not (same or done) else None
    return UndoResult(same + done, same, tuple(named[b"linked"]), tuple(named[b"failed"]), left, trouble)


def _location(site: Site, server: Server) -> MirrorCopy:
    """Return where the site's root and work folder are there: nothing is copied from anywhere."""
    return MirrorCopy(site, server, server)


def _line(script: str, words: Sequence[str], paths: Sequence[bytes] = ()) -> str:
    names = ["".join(_PLAIN.get(byte, f"\\0{byte:03o}") for byte in path) for path in paths]
    return shlex.join(["exec", "sh", "-c", script, "sharpnet-undo", *words, *names])


def _failure(ran: Ran, server: Server) -> Failure:
    stopped = why_stopped(ran.exit_code, ran.err.decode("utf-8", "replace"), (_NOT_KEPT, _NO_ROOT))
    if stopped is not None:
        return stopped[0].about(server=server.name)
    found = failure_of(ran.exit_code or 1, ran.err, source=server.name, mirror=server.name) or _NOT_KEPT
    if found.code == FailureCode.FAILED:
        return Failure(FailureCode.FAILED, f"putting back on {server.name} failed", found.hint)
    return found

"""A copy compared with its source by checksum, from the mirror and with its key. Nothing is changed on either side."""

from __future__ import annotations

import asyncio
import posixpath
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.errors import SharpnetError
from core.failure import STOPPED, Failure
from core.sync.rsync_output import OUT_FORMAT, OutputReader, is_below, why_not_apply
from core.verify.compare import FileStat, PathDifference, Side, read_difference
from ops.rsync.mirror import MirrorCopy, failure_on, run_reading
from ops.understood import seconds, understood
from ops.work_folder import PRELUDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.sync.rsync_output import Stats
    from ops.contracts import Clock, Ran, Ssh

COMPARE_S = 12 * 3600.0
LOOK_S = 1800.0
# So many paths that differ are judged one by one; a copy that is further away is not proven, but to be made anew.
MOST_JUDGED = 20_000
MORE_MARK = b"sharpnet-more "
_NOW = b"sharpnet-now"
_FIELDS = 6

# Arguments: root, parent, work, how many changes to say; then rsync's. What comes after those is counted, so that no
# output grows with the site. rsync escapes in them what is not printable ASCII, so they are lines of text.
COMPARE = (
    PRELUDE
    + r"""
most=$1; shift
check_root
[ -d "$root" ] || named=$work/nothing
{ rsync --dry-run $super "$@" "$named/"; printf 'sharpnet-status %d\n' "$?"; } | awk -v most="$most" '
  substr($0, 1, 2) == "=|" && ++said > most { next }
  /^sharpnet-status / { status = $2; next }
  { print }
  END { if (said > most) print "sharpnet-more " said - most; exit status }'
"""
)

# Arguments: the root, then 1 where content is to be read too. Standard input: paths in it, each ended by NUL. For each
# that is there: mode, size, mtime, ctime, digest, path.
LOOK_AT = r"""
set -u
LC_ALL=C; export LC_ALL
cd -P -- "$1" 2>/dev/null || { printf 'sharpnet-stop: root-closed\n' >&2; exit 90; }
printf 'sharpnet-now|%s\0' "$(date +%s.%N)"
if [ "$2" = 1 ]; then
  xargs -0 -r sh -c '
    for path; do
      digest=-
      if [ -h "$path" ]; then
        digest=$(readlink -- "$path" | sha256sum)
      elif [ -f "$path" ]; then
        digest=$(sha256sum <"$path")
      fi
      stat --printf "%f|%s|%Y|%Z|${digest%% *}|%n\0" -- "$path"
    done' sh 2>/dev/null
else
  xargs -0 -r stat --printf '%f|%s|%Y|%Z||%n\0' -- 2>/dev/null
fi
exit 0
"""


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What differs. more: how many paths differ besides. stats: what rsync counted on both sides."""

    differences: tuple[PathDifference, ...]
    more: int
    stats: Stats


@dataclass(frozen=True, slots=True)
class PathStats:
    """What lies at some paths of one server, and how many seconds its clock is ahead of ours."""

    seen: Side
    ahead_s: float


async def compare(ssh: Ssh, copy: MirrorCopy) -> VerifyResult | Failure:
    """Return what differs between the source and the mirror, by content and by everything that a sync brings over.

    Raises UnreachableError, LoginRefusedError: the mirror itself could not be asked.
    """
    found = await differences_of(ssh, replace(copy, checksum=True), MOST_JUDGED)
    return found if isinstance(found, Failure) else why_not_apply(found.stats, max_delete=None) or found


async def differences_of(ssh: Ssh, copy: MirrorCopy, most: int) -> VerifyResult | Failure:
    """Return in what both sides differ, `most` paths of it, compared as `copy` says; raises as `compare` does."""
    extra = ["--delete", f"--out-format={OUT_FORMAT}", "--info=stats2"]
    ran, _ = await run_reading(ssh, copy, COMPARE, [str(most)], extra, timeout_s=COMPARE_S)
    trouble = failure_on(ran, copy)
    if trouble is not None:
        return trouble
    with understood(copy.mirror.name, "what differs"):
        return await asyncio.to_thread(_read, ran.out)


async def look_at(
    ssh: Ssh, clock: Clock, server: str, root: str, paths: Sequence[bytes], *, content: bool = False
) -> PathStats:
    """Return what lies at `paths` below `root` on `server`; those that are not there are left out.

    content: read it too, for its digest. Raises UnreachableError, LoginRefusedError, SharpnetError: no such root.
    """
    words = ["exec", "sh", "-c", LOOK_AT, "sharpnet-verify", posixpath.normpath(root), "1" if content else "0"]
    stdin = b"".join(b"./" + path + b"\0" for path in paths)
    asked_at = clock.now()
    ran = await ssh.run(server, shlex.join(words), timeout_s=COMPARE_S if content else LOOK_S, stdin=stdin)
    if ran.exit_code != 0:
        raise SharpnetError(f"{server} could not say what lies in {root}: {_why(ran)}.")
    ahead_s, seen = 0.0, Side()
    with understood(server, "what lies there"):
        for entry in ran.out.split(b"\0"):
            fields = entry.split(b"|", _FIELDS - 1)
            if fields[0] == _NOW:
                ahead_s = seconds(fields[1]) - asked_at.timestamp()
            elif len(fields) == _FIELDS:
                mode, size_bytes, written_s, touched_s = int(fields[0], 16), *(int(number) for number in fields[1:4])
                name = fields[5].removeprefix(b"./")
                seen[name] = FileStat(mode, size_bytes, written_s, touched_s, fields[4].decode())
    return PathStats(seen, ahead_s)


def _why(ran: Ran) -> str:
    if ran.exit_code == STOPPED:
        return "the folder is not there, or closed to the SSH user"
    said = ran.err.decode("utf-8", "replace").strip().splitlines()
    return said[-1][:300] if said else f"status {ran.exit_code}"


def _read(out: bytes) -> VerifyResult:
    lines = out.split(b"\n")
    more = next((int(line.removeprefix(MORE_MARK)) for line in lines if line.startswith(MORE_MARK)), 0)
    found = (read_difference(line) for line in lines)
    differences = tuple(one for one in found if one is not None and is_below(one.key))
    return VerifyResult(differences, more, OutputReader.of(out, most=0).stats)

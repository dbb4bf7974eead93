"""Many copies looked at in one run of rsync: which of them are the same on both sides. Changes nothing.

A look of its own for every site costs an SSH handshake each; one look at two hundred costs one.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.failure import STOPPED
from core.sync.batches import complained_of, exchangeable, unchanged
from core.sync.failures import attributes_refused, failure_of
from core.sync.rsync_output import OUT_FORMAT
from ops.rsync.mirror import ATTRIBUTES, LOOK_S, POWERLESS, STALLED_S
from ops.rsync.peer import is_limited, remote_shell, source_of
from ops.shell import OWNERS

if TYPE_CHECKING:
    from core.failure import Failure
    from core.fleet import Fleet
    from core.sync.batches import BatchLook
    from ops.contracts import Ssh

# rsync(1): partial transfer due to error.
PARTLY = 23
NOT_SAID = -1
STATUS = b"sharpnet-status "
_STATUS = re.compile(rb"[0-9]{1,3}")

# Arguments: the base, the depth of places, rsync's words as one line for a shell; then the places.
#
# rsync names every file, also those that are the same (-ii): a place of which nothing is said was not looked at. awk
# lets the first line of each kind in each place through, so that it does not matter how many files there are. As
# nothing is changed, deletions may be listed even where something could not be read. A root that is a link at the
# source is looked at as a link, which differs: it may lead to the whole machine.
SCRIPT = (
    OWNERS
    + r"""
set -u
LC_ALL=C; export LC_ALL
unset RSYNC_OLD_ARGS RSYNC_PROTECT_ARGS RSYNC_RSH RSYNC_PARTIAL_DIR
base=$1 depth=$2 options=$3; shift 3
command -v rsync >/dev/null || { printf 'sharpnet-stop: no-rsync\n' >&2; exit 90; }
{
  printf '%s\0' "$@" | eval "rsync --dry-run $super $options"
  printf '\nsharpnet-status %s\n' "$?"
} | awk -v depth="$depth" '
  /^sharpnet-status / { print; next }
  !/^=\|/ { next }
  {
    item = substr($0, 3); item = substr(item, 1, index(item, "|") - 1)
    if (item ~ /^\.d *$/) next
    name = $0
    for (i = 0; i < 4; i++) name = substr(name, index(name, "|") + 1)
    place = ""
    for (i = 0; i < depth; i++) {
      at = index(name, "/")
      if (!at) { place = place name; break }
      place = place substr(name, 1, at); name = substr(name, at + 1)
    }
    same = item ~ /^\.[^d] *$/ || (item ~ /^h[^d] *$/ && !index($0, " => "))
    if (same) item = ""
    if ((item, place) in seen) next
    seen[item, place] = 1
    print same ? "==|" place : $0
  }'
printf '\0'
cd -- "$base" 2>/dev/null || exit 0
about() {
  for place; do set -- "$@" "$place/.."; done
  stat --printf='s %d %f %n\0' -- "$@" 2>/dev/null
}
about "$@"
printf '\0'
readlink -fz -- "$@" 2>/dev/null
printf '\0'
for place; do
  if [ ! -w "$place/.." ] || [ ! -x "$place/.." ]; then printf '%s\0' "$place"; fi
done
printf '\0'
[ ! -r /proc/self/mountinfo ] || while read -r _ _ _ _ at _; do printf '%s\0' "$at"; done </proc/self/mountinfo
"""
)


@dataclass(frozen=True, slots=True)
class CopyRoute:
    """From which server to which one, by their names, and with which options all the same.

    bandwidth: the most that may be taken, in bytes a second. owners: what `ops.rsync.mirror.owners` says.
    """

    source: str
    mirror: str
    bandwidth: int | None = None
    owners: tuple[str, ...] = ()


async def dry_run_batch(ssh: Ssh, fleet: Fleet, route: CopyRoute, batch: BatchLook) -> frozenset[str] | Failure:
    """Return the places that are the same on both sides and could be copied as they are; or what went wrong with all.

    A place that is not among them needs a look of its own, which says why.
    Raises UnreachableError, LoginRefusedError: the mirror itself could not be asked.
    """
    for preserved_attributes in ATTRIBUTES:
        ran = await ssh.run(route.mirror, _command(fleet, route, batch, preserved_attributes), timeout_s=LOOK_S)
        exit_code, lines, about = _read(ran.out)
        if not attributes_refused(exit_code, ran.err):
            break
    if ran.exit_code not in (0, STOPPED) or exit_code == NOT_SAID:
        exit_code = ran.exit_code or NOT_SAID
    bases = (batch.source_base, batch.mirror_base)
    complaints = complained_of(ran.err, bases, batch.places) if exit_code == PARTLY else frozenset[str]()
    if complaints is None:
        return frozenset()
    trouble = failure_of(exit_code, ran.err, source=route.source, mirror=route.mirror)
    if trouble is not None and exit_code != PARTLY:
        return trouble
    return unchanged(lines, batch.places, batch.depth) & exchangeable(about, tuple(batch.places)) - complaints


def _read(out: bytes) -> tuple[int, list[bytes], bytes]:
    """Return rsync's exit status, what it said of places, and what was found of their roots on the mirror."""
    said, _, about = out.partition(b"\0")
    lines = said.split(b"\n")
    ended = [line.removeprefix(STATUS) for line in lines if line.startswith(STATUS)]
    return (int(ended[-1]) if ended and _STATUS.fullmatch(ended[-1]) else NOT_SAID), lines, about


def _command(fleet: Fleet, route: CopyRoute, batch: BatchLook, preserved_attributes: str) -> str:
    source = fleet.servers[route.source]
    options = [
        *(preserved_attributes, "-r", "-ii", "--delete", "--ignore-errors", "--from0", "--files-from=-"),
        *("--no-h", *POWERLESS, f"--timeout={STALLED_S}", f"--out-format={OUT_FORMAT}%L"),
        *([f"--bwlimit={max(1, route.bandwidth // 1024)}"] if route.bandwidth is not None else []),
        *route.owners,
        *(["-s"] if not is_limited(source) else []),
        *(f"--filter={rule}" for rule in batch.filters),
        *("-e", remote_shell(source, fleet.servers[route.mirror], None)),
        source_of(source, batch.source_base),
        f"{batch.mirror_base.rstrip('/')}/",
    ]
    words = [SCRIPT, "sharpnet-sync", batch.mirror_base, str(batch.depth), shlex.join(options), *batch.places]
    return f"exec sh -c {shlex.join(words)}"

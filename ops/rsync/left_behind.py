"""Counting at the source what a copy does not take along: set-uid and set-gid bits, and device nodes."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from core.errors import SharpnetError
from core.sync.left_behind import read_left_behind
from ops.rsync.mirror import LOOK_S, filters_of, source_root
from ops.shell import SETTLED

if TYPE_CHECKING:
    from ops.contracts import Ssh
    from ops.rsync.mirror import MirrorCopy

UNKNOWN = "How many files lost set-uid or set-gid, and how many device nodes were left out, could not be counted."

# Arguments: those of rsync, which lists what a copy would look at; a line of it begins with kind and mode. It prints
# nothing where not all could be listed; what has gone meanwhile (24) is nothing that a copy would take.
COUNT = (
    SETTLED
    + r"""
unset RSYNC_OLD_ARGS RSYNC_PROTECT_ARGS
{ rsync -r --links --devices --list-only --no-h "$@"; printf 'sharpnet-status %d\n' "$?"; } | awk '
  BEGIN { status = 1 }
  /^sharpnet-status / { status = $2; next }
  /^-..[sS]/ || /^-.....[sS]/ { files++ }
  /^[bc]/ { devices++ }
  END { if (status == 0 || status == 24) print files + 0, devices + 0 }'
"""
)


async def left_behind(ssh: Ssh, copy: MirrorCopy) -> tuple[str, ...]:
    """Return what a copy does not take along, as sentences; where it cannot be counted, that."""
    words = [*filters_of(copy.site), "--", f"{source_root(copy)}/"]
    line = shlex.join(["exec", "sh", "-c", COUNT, "sharpnet-left", *words])
    try:
        ran = await ssh.run(copy.source.name, line, timeout_s=LOOK_S)
    except SharpnetError:
        return (UNKNOWN,)
    found = read_left_behind(ran.out)
    return (UNKNOWN,) if found is None else found.remarks

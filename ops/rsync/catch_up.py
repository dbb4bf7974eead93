"""Bringing over what arrived at a site's old server after its last copy began, into the copy that is served now.

Nothing newer is overwritten, nothing is deleted, each file arrives whole by a rename, and what one replaces is kept
aside with what syncs have replaced. May be killed at any instant and be run again.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from core.cutover.late_files import only_vanished, read_arrived, since_mark
from core.failure import Failure, FailureCode
from core.sync.rsync_output import OUT_FORMAT, OutputReader
from ops.rsync.mirror import FILL_S, LOOK_S, failure_on, run_reading
from ops.rsync.script import INTO_SERVED, LOOK
from ops.rsync.turn import run_in_turn
from ops.understood import seconds, understood

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from core.cutover.late_files import LateFile
    from core.sync.rsync_output import PathChange
    from ops.contracts import Ran, Ssh
    from ops.rsync.mirror import MirrorCopy

CLOCK_S = 10.0
FIND_S = 900.0
# More than this in the minutes of a cutover is no stragglers: somebody should look first.
MOST_ARRIVED = 20_000
_SAYING_CHANGES = [f"--out-format={OUT_FORMAT}"]

# Arguments: the root, the moment, how many at most.
FIND = r"""
LC_ALL=C; export LC_ALL
cd -- "$1" || exit 1
{ find . -path ./.sharpnet -prune -o \( -type f -o -type l \) -newerct "$2" -printf '%y %T@ %P\0'; } | head -z -n "$3"
"""

# Arguments: root, parent, work, run, turn, latest; then rsync's. Standard input: `KIND SECONDS PATH`, each ended by
# NUL.
BRING = (
    INTO_SERVED
    + r"""
remove "$work/coming" && mkdir -- "$work/coming" || exit 1
# Left out: what lies behind a link, which may lead out of the site; what is of another kind here; what is newer here.
xargs -0 -r sh -c '
  cd -- "$0" || exit 255
  for entry; do
    kind=${entry%% *} file=${entry#* }
    modified=${file%% *} file=${file#* }
    folder=$file new=
    while case $folder in */*) true ;; *) false ;; esac; do
      folder=${folder%/*}
      if [ -h "./$folder" ]; then continue 2; fi
      if [ -d "./$folder" ]; then continue; fi
      if [ -e "./$folder" ]; then continue 2; fi
      new=1
    done
    if [ -h "./$file" ]; then
      if [ "$kind" != l ] || [ "$(stat -c %Y -- "./$file")" -gt "$modified" ]; then continue; fi
    elif [ -e "./$file" ]; then
      if [ "$kind" != f ] || [ ! -f "./$file" ] || [ "$(stat -c %Y -- "./$file")" -gt "$modified" ]; then continue; fi
    fi
    # Folders that are not here yet come with their modes and owners.
    folder=$file
    while [ -n "$new" ] && case $folder in */*) true ;; *) false ;; esac; do
      folder=${folder%/*}
      [ -d "./$folder" ] || printf "./%s\0" "$folder"
    done
    printf "./%s\0" "$file"
  done' "$root" >"$work/caught.list" || exit 1
status=0
if [ -s "$work/caught.list" ]; then
  rsync $super --no-implied-dirs --from0 --files-from="$work/caught.list" "$@" "$work/coming/"
  status=$?
fi
rm -f -- "$work/caught.list"
put_in || exit 1
exit "$status"
"""
)


async def clock_of(ssh: Ssh, server: str) -> float | Failure:
    """Return what time it is on a server by its own clock, in seconds of the epoch.

    Raises UnreachableError, LoginRefusedError.
    """
    ran = await ssh.run(server, "date +%s.%N", timeout_s=CLOCK_S)
    try:
        return seconds(ran.out)
    except ValueError:
        return Failure(FailureCode.CLOCK, f"{server} does not say what time it is", "GNU date should be there.")


async def arrived_since(ssh: Ssh, copy: MirrorCopy, mark_s: float) -> Mapping[bytes, LateFile] | Failure:
    """Return the files and links that changed at the source after `mark_s` by its clock.

    Raises UnreachableError, LoginRefusedError.
    """
    words = (copy.site.root_on(copy.source.name), since_mark(mark_s), str(MOST_ARRIVED + 1))
    line = " ".join(["exec", "sh", "-c", shlex.quote(FIND), "sharpnet-find", *map(shlex.quote, words)])
    ran = await ssh.run(copy.source.name, line, timeout_s=FIND_S)
    if not only_vanished(ran.err):
        said = ran.err.decode("utf-8", "replace").splitlines()[0]
        return Failure(FailureCode.FIND, f"{copy.source.name} could not say what arrived there: {said}")
    with understood(copy.source.name, "what arrived there"):
        found = read_arrived(ran.out)
    if len(found) > MOST_ARRIVED:
        return Failure(
            FailureCode.TOO_MANY, f"more than {MOST_ARRIVED:,} files changed on {copy.source.name} meanwhile"
        )
    return found


async def differing(ssh: Ssh, copy: MirrorCopy) -> tuple[PathChange, ...] | Failure:
    """Return what differs between the source and the copy that is served now, less what the site excludes."""
    ran, _ = await run_reading(ssh, copy, LOOK, [], _SAYING_CHANGES, timeout_s=LOOK_S)
    return _changes(ran, copy)


async def bring(ssh: Ssh, copy: MirrorCopy, run: str, wanted: Iterable[LateFile]) -> tuple[PathChange, ...] | Failure:
    """Bring the wanted files over and return what came; what one replaced is kept aside under `run`."""
    stdin = b"".join(one.entry + b"\0" for one in wanted)
    ran = await run_in_turn(ssh, copy, BRING, run, _SAYING_CHANGES, timeout_s=FILL_S, stdin=stdin)
    return ran if isinstance(ran, Failure) else _changes(ran, copy)


def _changes(ran: Ran, copy: MirrorCopy) -> tuple[PathChange, ...] | Failure:
    return failure_on(ran, copy) or tuple(OutputReader.of(ran.out, MOST_ARRIVED).changes)

r"""The work folder of a site on a server, and how every script begins that works in it, in POSIX sh.

Everything that is not content lies in the work folder, `.sharpnet/KEY` beside the root: on the same disk, so that a
rename is enough to put content in place, and outside the root, so that it is never served.

    lock      held while a phase runs, by whatever it has started as well
    turn      a number that only grows, and the run that has begun last: what puts anything in place names it
    stage     the next content: begun as hard links to the present one, then made like the source by rsync
    stage-of  the inode of the root that the stage was begun from
    stage-own there where the stage holds copies instead of links
    leaving   what rsync has replaced or deleted in the stage
    ready     the run whose stage is complete
    swapping  the inodes of stage and root, while they are exchanged: tells a later run what happened
    old       the content before, until it is cleared away
    partial   files that have arrived in part
    tmp       files that are arriving
    replaced  what runs have replaced or deleted, one folder a run

What standard error says with `sharpnet-stop:` is read by `core.sync.failures`.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from core.failure import Failure
from ops.shell import SETTLED

WORK_FOLDER = ".sharpnet"
KEY_LENGTH = 40

# Arguments: root, parent and work folder.
PRELUDE = (
    SETTLED
    + r"""
unset RSYNC_OLD_ARGS RSYNC_PROTECT_ARGS RSYNC_RSH RSYNC_PARTIAL_DIR
root=$1 parent=$2 work=$3; shift 3
inode() { stat -c %d:%i -- "$1" 2>/dev/null; }
# A mount moves along with the folder that it is in: clearing away the old content would then empty it.
check_mounts() {
  real=$(cd -P -- "$root" && pwd -P && echo x) || stop root-closed
  real=${real%?x}
  [ ! -r /proc/self/mountinfo ] || while read -r _ _ _ _ at _; do
    at=$(printf '%b' "$at")
    case $at in
      "$real") stop root-mount-point ;;
      "$real"/*) stop mount-inside "$at" ;;
    esac
  done </proc/self/mountinfo
}
check_root() {
  command -v rsync >/dev/null || stop no-rsync
  [ -d "$parent" ] || stop no-parent
  [ ! -h "$root" ] || stop root-symlink
  if [ -e "$root" ]; then
    [ -d "$root" ] || stop root-not-folder
    [ "$(stat -c %d -- "$root")" = "$(stat -c %d -- "$parent")" ] || stop root-mount-point
    check_mounts
  fi
  if [ ! -w "$parent" ] || [ ! -x "$parent" ]; then stop parent-closed; fi
}
take_lock() {
  mkdir -p -- "$work" || exit 1
  command -v flock >/dev/null || stop no-flock
  exec 9>"$work/lock" || exit 1
  flock -n 9 || stop busy
}
# Asked with the lock held: who has the turn now keeps it until the lock is free again.
check_turn() { [ "$(cat -- "$work/turn" 2>/dev/null)" = "$1" ] || stop overtaken; }
# Argument: the latest moment by this server's clock. What was sent and then lay somewhere comes too late.
check_time() { [ "$(date +%s)" -le "$1" ] || stop too-late; }
# What came into the root after its links were made is in none of the other trees: it goes on living in the new content,
# or, where that has something else in its place, with what was replaced.
rescue() {
  cd -- "$work/old" || return 1
  found=$({ { find . ! -type d -links 1 -exec sh -c '
    leaving=$1; shift
    for file; do
      if [ ! -e "$leaving/$file" ] && [ ! -h "$leaving/$file" ]; then printf "%s\0" "$file"; fi
    done' sh "$work/leaving" {} +; printf '%s' "$?" >&3; } | xargs -0 -r sh -c '
    root=$1 leaving=$2; shift 2
    # Most often they live on already, with other attributes: asked of many at once, since one by one takes hours.
    if here=$(sha256sum -- "$@" 2>/dev/null) && there=$(cd -- "$root" && sha256sum -- "$@" 2>/dev/null); then
      [ "$here" != "$there" ] || exit 0
    fi
    for file; do
      file=${file#./} to=$root
      if [ -e "$root/$file" ] || [ -h "$root/$file" ]; then
        if [ ! -h "$file" ] && cmp -s -- "$file" "$root/$file"; then continue; fi
        to=$leaving
      fi
      case $file in */*) mkdir -p -- "$to/${file%/*}" ;; esac
      mkdir -p -- "$to" && mv -f -- "$file" "$to/$file"
    done' sh "$root" "$work/leaving" >&2; printf '%s' "$?" >&3; } 3>&1)
  [ "$found" = 00 ] && cd /
}
remove() {
  [ -d "$1" ] || return 0
  # Only folders: the modes of files belong to other links as well.
  find "$1" -type d ! -perm -u=rwx -exec chmod u+rwx {} \; 2>/dev/null
  rm -rf --one-file-system -- "$1"
}
clear_away() {
  if [ -d "$work/old" ]; then
    rescue || return 1
    remove "$work/old" || return 1
  fi
  if [ -d "$work/leaving" ] && ! rmdir -- "$work/leaving" 2>/dev/null; then
    mkdir -p -- "$work/replaced" && mv -T -- "$work/leaving" "$work/replaced/$1" || return 1
  fi
  remove "$work/partial" && remove "$work/tmp" &&
    rm -f -- "$work/ready" "$work/stage-of" "$work/stage-own" "$work/swapping"
}
# Brings to an end what a killed run has left between the two contents.
recover() {
  [ -f "$work/swapping" ] || return 0
  read -r new before <"$work/swapping" || new= before=
  if [ ! -e "$root" ] && [ "$(inode "$work/stage")" = "$new" ]; then mv -T -- "$work/stage" "$root" || return 1; fi
  if [ -n "$new" ] && [ "$(inode "$root")" = "$new" ]; then
    if [ -n "$before" ] && [ "$(inode "$work/stage")" = "$before" ]; then
      mv -T -- "$work/stage" "$work/old" || return 1
    fi
    clear_away "$1"
  else
    if [ ! -e "$root" ] && [ -d "$work/old" ]; then mv -T -- "$work/old" "$root" || return 1; fi
    rm -f -- "$work/swapping"
  fi
}
"""
)


# Arguments: root, parent, work, run, and `make` where the folder around the root may be made. It prints the turn that
# the run now has, and what time it is. Whoever had one before is overtaken.
TAKE_TURN = (
    PRELUDE
    + r"""
run=$1
[ "$2" != make ] || [ -d "$parent" ] || mkdir -p -- "$parent" 2>/dev/null || stop no-parent
check_root
take_lock
{ read -r number _ <"$work/turn"; } 2>/dev/null || number=0
case $number in ''|*[!0-9]*) number=0 ;; esac
printf '%s\n' "$((number + 1)) $run" >"$work/turn.new" && mv -f -- "$work/turn.new" "$work/turn" ||
  { rm -f -- "$work/turn.new"; exit 1; }
cat -- "$work/turn" && date +%s
"""
)

# Arguments: root, parent, work, turn, latest; then a command, during which nobody else takes a turn.
_IN_TURN = (
    PRELUDE
    + r"""
turn=$1 latest=$2; shift 2
take_lock
check_turn "$turn"
check_time "$latest"
exec "$@"
"""
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a run needs to put anything in place on a server, and until when: the server itself refuses what is older.

    place: root, parent and work folder. name: its number and its run, as the work folder has them. latest: the last
    second, by the server's own clock, at which it is taken.
    """

    place: tuple[str, str, str]
    name: str
    latest: int

    def guarding(self, line: str) -> str:
        """Return the shell line that runs `line`, which begins with `exec`, in this turn only."""
        words = [*self.place, self.name, str(self.latest)]
        before = " ".join(["exec", "sh", "-c", shlex.quote(_IN_TURN), "sharpnet-turn", *map(shlex.quote, words)])
        return f"{before} {line.removeprefix('exec ')}"


# Asked right before something is put in place: whether the run may still do that, and until when.
AskTurn: TypeAlias = Callable[[], Awaitable[Turn | Failure]]


def site_key(name: str) -> str:
    """Return a folder name for a site, its own for every name, whatever characters that has."""
    plain = re.sub(r"[^A-Za-z0-9.-]", "_", name)[:KEY_LENGTH].lstrip(".")
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def work_folder(root: str, site: str) -> str:
    """Return the folder of `site` for everything that is not served, where its content is at `root`."""
    return posixpath.join(posixpath.dirname(root), WORK_FOLDER, site_key(site))

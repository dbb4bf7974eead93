r"""The work folder of a site on a server, and how every script begins that works in it, in POSIX sh.

Everything that is not content lies in the work folder, `.sharpnet/KEY`, beside the root or where app.yaml has it: on
the same disk, so that a rename is enough to put content in place; outside the root, so that it is never served. Where
others than root and the SSH user could put another one in its place, it is in the nearest folder above where they
cannot.

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
    arrived   what came into the root meanwhile, on its way from `old` into the new content
    replaced  what runs have replaced or deleted, one folder a run
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
from ops.foreign_tree import PLACE, STEPS, TAKE_OUT
from ops.shell import OWNERS, SETTLED

WORK_FOLDER = ".sharpnet"
KEY_LENGTH = 40

# `go_to` enters a folder; `go_above` the nearest one above it in which nobody but root and this user can put anything,
# itself if it can be; `open_folder` one in that, made where it is missing.
SAFE_FOLDER = (
    SETTLED
    + STEPS
    + r"""
go_to() {
  enter "$@" && return 0
  [ "$?" != 2 ] || stop way-link "$1"
  return 1
}
# Whoever can put another folder in its place has everything written and read wherever they like.
is_safe() {
  set -- /
  way=${PWD#/} at=
  while [ -n "$way" ]; do
    at=$at/${way%%/*}
    set -- "$@" "$at"
    case $way in */*) way=${way#*/} ;; *) way= ;; esac
  done
  closed "$@"
}
one_disk() {
  disks=$(stat -c %d -- "$@") && [ "${disks%
*}" = "${disks#*
}" ]
}
go_above() {
  go_to "$1" || return 1
  is_safe && return
  above=${open%/*}
  [ -n "$above" ] && one_disk "$above" . || stop work-open "$open"
  go_to "$above" && { [ -w . ] || [ -d ./.sharpnet ]; } || stop work-open "$open"
}
open_folder() {
  [ -d "./$1" ] || mkdir -p -- "./$1" || exit 1
  rest=$1/
  while [ -n "$rest" ]; do
    step "${rest%%/*}" || stop way-link "$PWD"
    rest=${rest#*/}
  done
  is_safe || stop work-open "$open"
}
"""
)

# Arguments: root, parent and work folder. Once it was looked at, `root` is a name in the folder around it as a
# descriptor, so that it stays the one that was looked at, and `real` is where that is; `named` is how app.yaml has it.
PRELUDE = (
    SAFE_FOLDER
    + OWNERS
    + f"take_out={shlex.quote(TAKE_OUT)} place={shlex.quote(PLACE)}"
    + r"""
unset RSYNC_OLD_ARGS RSYNC_PROTECT_ARGS RSYNC_RSH RSYNC_PARTIAL_DIR
root=$1 named=$1 parent=$2 work=$3; shift 3
inode() { stat -c %d:%i -- "$1" 2>/dev/null; }
# A mount moves along with the folder that it is in: clearing away the old content would then empty it.
check_mounts() {
  [ ! -r /proc/self/mountinfo ] || while read -r _ _ _ _ at _; do
    at=$(printf '%b' "$at")
    case $at in
      "$real") stop root-mount-point ;;
      "$real"/*) stop mount-inside "$at" ;;
    esac
  done </proc/self/mountinfo
}
find_root() {
  go_to "$parent" || stop no-parent
  if [ ! -r . ] || [ ! -w . ] || [ ! -x . ]; then stop parent-closed; fi
  exec 8<.
  real=${PWD%/}/${named##*/} root=/proc/self/fd/8/${named##*/}
  cd /
}
check_root() {
  command -v rsync >/dev/null || stop no-rsync
  find_root
  [ ! -h "$root" ] || stop root-symlink
  if [ -e "$root" ]; then
    [ -d "$root" ] || stop root-not-folder
    one_disk "$root" "${root%/*}/." || stop root-mount-point
    [ -x "$root" ] || stop root-closed
    check_mounts
  fi
}
open_work() {
  around=${work%/*/*}
  go_above "$around" || stop no-parent
  open_folder "${work#"$around"/}"
  work=$PWD
  [ "$root" = "$named" ] || one_disk . "${root%/*}/." || stop work-elsewhere "$work"
  cd /
}
take_lock() {
  open_work
  command -v flock >/dev/null || stop no-flock
  exec 9>"$work/lock" || exit 1
  flock -n 9 || stop busy
}
# Asked with the lock held, and once more right before anything is put in place: a cutover waits for no lock.
check_turn() { [ "$(cat -- "$work/turn" 2>/dev/null)" = "$1" ] || stop overtaken; }
# Argument: the latest moment by this server's clock. What was sent and then lay somewhere comes too late.
check_time() { [ "$(date +%s)" -le "$1" ] || stop too-late; }
# Makes a folder of links to what lies in the root. It is walked through by name, and a folder in it may become a link
# meanwhile; find(1) follows none, so that what it does not find there is no part of the site. Nor are device nodes.
link_root() {
  remove "$1" && mkdir -- "$1" && cp -al -- "$root/." "$1/" 2>/dev/null || return 1
  inodes "$root" "$work/links.root" ! -type b ! -type c
  inodes "$1" "$work/links" && comm -z -13 "$work/links.root" "$work/links" >"$work/links.other" || return 1
  if [ -s "$work/links.other" ]; then
    cd -- "$1" && cut -z -d ' ' -f 2- <"$work/links.other" | xargs -0 -r rm -f -- && cd / || return 1
  fi
  rm -f -- "$work"/links*
}
# Makes a folder of copies instead. tar follows no link in what it reads.
copy_root() {
  remove "$1" && mkdir -- "$1" && tar -C "$root" --acls --xattrs -cf - . 2>/dev/null |
    tar -C "$1" --acls --xattrs $as_owner -xpf -
}
inodes() {
  tree=$1 list=$2; shift 2
  find "$tree" -mindepth 1 ! -type d "$@" -printf '%i %P\0' >"$list"
  found=$?
  sort -z -o "$list" -- "$list" && return "$found"
}
# What came into the root after its links were made is in none of the other trees: it goes on living in the new content,
# or, where that has something else in its place, with what was replaced.
rescue() {
  if [ -d "$work/old" ] && [ ! -h "$work/old" ]; then
    cd -- "$work/old" || return 1
    find . ! -type d ! -type b ! -type c -links 1 -exec sh -c '
      leaving=$1; shift
      for file; do
        if [ ! -e "$leaving/$file" ] && [ ! -h "$leaving/$file" ]; then printf "%s\0" "$file"; fi
      done' sh "$work/leaving" {} + | sort -z >"$work/late" || return 1
  fi
  if [ -s "$work/late" ]; then
    # Most often they live on already, with other attributes: asked of many at once, since one by one takes hours.
    mkdir -p -- "$work/arrived" && sums <"$work/late" >"$work/late.old" &&
      cd -- "$root" && sums <"$work/late" >"$work/late.new" || return 1
    comm -z -12 "$work/late.old" "$work/late.new" | cut -z -c 67- | sort -z >"$work/late.same" &&
      comm -z -23 "$work/late" "$work/late.same" >"$work/late.own" &&
      xargs -0 -r sh -c "$take_out" sh "$work/old" "$work/arrived" <"$work/late.own" || return 1
  fi
  cd / && rm -f -- "$work"/late*
  [ -d "$work/arrived" ] || return 0
  mkdir -p -- "$work/leaving" && cd -- "$work/arrived" && find . -type d -print0 | sort -z |
    xargs -0 -r sh -c "$place" sh keep "$real" "$work/arrived" "$work/leaving" || return 1
  cd / && remove "$work/arrived"
}
# The hashes of those paths that are plain files.
sums() {
  xargs -0 -r sh -c 'for file; do
      if [ -f "$file" ] && [ ! -h "$file" ]; then printf "%s\0" "$file"; fi
    done' sh | xargs -0 -r sha256sum -z -- 2>/dev/null | sort -z
}
remove() {
  is_there "$1" || return 0
  if [ -z "$gives" ]; then
    # Only folders: the modes of files belong to other links as well.
    find "$1" -type d ! -perm -u=rwx -exec chmod u+rwx {} \; 2>/dev/null
  elif rm -rf --one-file-system -- "$1" 2>/dev/null; then
    return 0
  else
    # Somebody still writes in there. From above, each folder is ours alone before what lies in it is looked at.
    find "$1" -type d -execdir chown -h "$(id -u):$(id -g)" {} \; -execdir chmod 700 {} \; 2>/dev/null
  fi
  rm -rf --one-file-system -- "$1"
}
clear_away() {
  rescue && remove "$work/old" || return 1
  if [ -d "$work/leaving" ] && ! rmdir -- "$work/leaving" 2>/dev/null; then
    mkdir -p -- "$work/replaced" && mv -T -- "$work/leaving" "$work/replaced/$1" || return 1
  fi
  remove "$work/partial" && remove "$work/tmp" &&
    rm -f -- "$work/ready" "$work/stage-of" "$work/stage-own" "$work/swapping"
}
# Brings to an end what a killed run has left between the two contents.
recover() {
  [ -f "$work/swapping" ] || return 0
  [ "$root" != "$named" ] || find_root
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


# Arguments: root, parent, work, run, and `make` where the folder around the root may be made, or `at once` where what
# runs there is not waited for. It prints the run's turn and what time it is. Whoever had one before is overtaken.
TAKE_TURN = (
    PRELUDE
    + r"""
run=$1
[ "$2" != make ] || go_to "$parent" make || stop no-parent
check_root
if [ "$2" = 'at once' ]; then open_work; new=turn.once; else take_lock; new=turn.new; fi
{ read -r number _ <"$work/turn"; } 2>/dev/null || number=0
case $number in ''|*[!0-9]*) number=0 ;; esac
printf '%s\n' "$((number + 1)) $run" >"$work/$new" && mv -f -- "$work/$new" "$work/turn" ||
  { rm -f -- "$work/$new"; exit 1; }
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


def work_folder(root: str, site: str, around: str | None = None) -> str:
    """Return the folder of `site` for everything that is not served, where its content is at `root`.

    around: the folder in which app.yaml has it; None: the one around the root.
    """
    return posixpath.join(around or posixpath.dirname(root), WORK_FOLDER, site_key(site))

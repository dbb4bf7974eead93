r"""The scripts that bring something of a backup back on a server, in POSIX sh: as those of `ops.restic.script`.

The folder around a site's root may be its owner's, and so may all that lies in the root: no path there is named,
folders are entered one after the other (`ops.foreign_tree`). What comes back does so in the work folder, where nobody
else can put anything.
"""

from __future__ import annotations

import shlex

from ops.foreign_tree import STEPS
from ops.restic.script import PRELUDE
from ops.work_folder import PRELUDE as IN_WORK_FOLDER

# Where a backup is restored to, and where a sample of one, in the work folder.
RESTORED = "tmp/restored"
SAMPLED = "proof"

# Arguments: root, parent and work folder as of a copy (`ops.work_folder`); the repository; the run, its turn, the
# snapshot, the root and the folder of dumps (or nothing) that were saved, restic's options for just these two, the
# owner of the files or nothing; then rsync's exclude filters. It makes what the exchange of `ops.rsync.script` puts in
# place: the restored content as the stage, and links to all that it replaces in `leaving`. What is excluded is linked
# into the stage instead: it goes on living in the restored content.
#
# What is in a snapshot is the word of a server. It comes into a folder that was not there before and only the SSH user
# may enter; nothing in it counts that is reached over a link, and no device or set-user-ID file stays (chown takes away
# capabilities as well).
RESTORE = (
    IN_WORK_FOLDER
    + PRELUDE
    + r"""
run=$1 turn=$2 snapshot=$3 inside=$4 dumps=$5 only=$6 also=$7 owner=$8; shift 8
command -v rsync >/dev/null || stop no-rsync
check_root
take_lock
check_turn "$turn"
recover "$run" || exit 1
# It was killed after the exchange.
[ ! -d "$work/replaced/$run" ] || exit 0
forget() {
  for made in stage stage.new leaving tmp; do remove "$work/$made" || return 1; done
  rm -f -- "$work/ready" "$work/stage-of"
}
# Argument: a path as it was saved. Returns whether what came back has a folder there, and no link on the way to it.
came_back() {
  case $1/ in /|[!/]*|*//*|*/./*|*/../*) return 1 ;; esac
  at=$work/tmp/restored rest=${1#/}/
  while [ -n "$rest" ]; do
    at=$at/${rest%%/*} rest=${rest#*/}
    if [ -h "$at" ] || [ ! -d "$at" ]; then return 1; fi
  done
}
forget && mkdir -- "$work/tmp" "$work/tmp/restored" || exit 1
join
sharpnet_restic --no-lock restore "$snapshot" --target "$work/tmp/restored" --verify "$only" "$also" ||
  { status=$?; forget; exit "$status"; }
new=$work/tmp/restored$inside
came_back "$inside" && [ -n "$(find "$new" ! -type d 2>/dev/null | head -n 1)" ] || { forget; stop not-restored; }
if [ -n "$dumps" ]; then
  came_back "$dumps" && [ -z "$(find "$work/tmp/restored$dumps" -mindepth 1 ! -type f | head -n 1)" ] ||
    { forget; stop not-restored; }
fi
find "$new" \( -type b -o -type c \) -delete && find "$new" -type f -exec chmod a-s {} + -exec chown : {} + ||
  { forget; exit 1; }
[ -z "$gives" ] || [ -z "$owner" ] || chown -hR -- "$owner" "$new" || { forget; exit 1; }
mv -T -- "$new" "$work/stage" || exit 1
link_present() {
  present=$work/tmp/present
  link_root "$present" || copy_root "$present" || return 1
  mkdir -- "$work/leaving" && rsync $super -a --link-dest="$present" "$@" "$present/" "$work/leaving/" &&
    cd -- "$work/leaving" &&
    find . ! -type d -exec sh -c 'cd -- "$0" && rm -f -- "$@"' "$present" {} + && cd / || return 1
  find "$present" -mindepth 1 -depth -type d -empty -delete && cp -aln -- "$present/." "$work/stage/"
}
if [ -d "$root" ]; then link_present "$@" || { forget; exit 1; }; fi
sync -f -- "$work/stage" 2>/dev/null || sync
printf '%s\n' "$run" >"$work/ready"
"""
)

# Arguments: root, parent and work folder, the turn. It throws away what was made for an exchange that is not to be.
GIVE_UP = (
    IN_WORK_FOLDER
    + r"""
turn=$1
take_lock
check_turn "$turn"
recover given-up || exit 1
for made in stage stage.new leaving tmp; do remove "$work/$made" || exit 1; done
rm -f -- "$work/ready" "$work/stage-of"
"""
)

# Arguments: root, parent and work folder; the repository; then those of `restic restore`. It restores into a folder
# that is made anew.
SAMPLE = (
    IN_WORK_FOLDER
    + PRELUDE
    + f"sampled={SAMPLED}"
    + r"""
open_work
join
remove "$work/$sampled" && mkdir -- "$work/$sampled" || exit 1
sharpnet_restic --no-lock restore --target "$work/$sampled" "$@"
"""
)

# `reach` enters the folder that a relative path lies in, step by step, and leaves its last name in `name`.
_REACH = (
    STEPS
    + r"""
reach() {
  name=$1
  while case $name in */*) ;; *) false ;; esac; do
    step "${name%%/*}" || return
    name=${name#*/}
  done
}
"""
)

_SUM = (
    _REACH
    + r"""
sampled=$1 around=$2 root=$3; shift 3
# The file may become a link or a pipe as soon as it was looked at.
sum() {
  if [ -h "./$name" ] || [ ! -f "./$name" ]; then echo -; return; fi
  { dd iflag=nofollow,nonblock bs=1M if="./$name" 2>/dev/null || echo sharpnet-not-read; } | sha256sum | cut -c 1-64
}
while [ $# -ge 2 ]; do
  restored=- live=- changed=0
  cd -P -- "$sampled" && reach "$1" && restored=$(sum)
  if enter "$around" && step "$root" && reach "$2"; then
    live=$(sum)
    changed=$(stat -c %Z -- "./$name" 2>/dev/null || echo 0)
  fi
  printf '%s %s %s\n' "$restored" "$live" "$changed"
  shift 2
done
"""
)

# Arguments: root, parent and work folder. Standard input: pairs of paths, each ending in NUL: as it was saved, without
# the first slash, and in the root. It writes a line a pair: the two hashes (`-` where there is no file), and when the
# second was last changed in any way.
COMPARE = (
    IN_WORK_FOLDER
    + f"sampled={SAMPLED} sums={shlex.quote(_SUM)}"
    + r"""
open_work
exec xargs -0 -r -n 200 sh -c "$sums" sums "$work/$sampled" "$parent" "${named##*/}"
"""
)

_ENDS = (
    _REACH
    + r"""
sampled=$1; shift
for path; do
  cd -P -- "$sampled" && reach "$path" && [ ! -h "./$name" ] && [ -f "./$name" ] || name=
  case $([ -n "$name" ] && tail -c 400 -- "./$name" 2>/dev/null) in
    *"-- Dump completed"*|*"PostgreSQL database dump complete"*) echo whole ;;
    *) echo broken ;;
  esac
done
"""
)

# Arguments: root, parent and work folder. Standard input: paths of dumps as they were saved, without the first slash,
# each ending in NUL. It writes `whole` or `broken` for each: dumps end with a mark.
ENDS = (
    IN_WORK_FOLDER
    + f"sampled={SAMPLED} ends={shlex.quote(_ENDS)}"
    + r"""
open_work
exec xargs -0 -r sh -c "$ends" ends "$work/$sampled"
"""
)

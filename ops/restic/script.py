r"""The scripts around restic that run on a server, in POSIX sh: every value is an argument of its own, and quoted.

restic speaks SFTP with a relay between its pipes and the SSH channel's own standard input and output (6 and 7 here),
and the bot joins that channel to the off-site host, through a filter. So no server can log in there. The repository's
password is the first line of standard input: it gets into restic's environment, and nowhere else. What restic says goes
to standard error. What only reads makes no lock, since that would be writing.

Either end of the relay ends the other: when the bot or the off-site host is gone, so is restic.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ops.shell import SETTLED
from ops.work_folder import SAFE_FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

# First argument: the repository's path. `own` is a private folder for restic's cache and its exclude patterns.
PRELUDE = (
    SETTLED
    + r"""
IFS= read -r RESTIC_PASSWORD || exit 91
RESTIC_REPOSITORY=sftp:offsite:$1; shift
RESTIC_PROGRESS_FPS=0.01 TZ=UTC
export RESTIC_PASSWORD RESTIC_REPOSITORY RESTIC_PROGRESS_FPS TZ
unset RESTIC_PASSWORD_FILE RESTIC_PASSWORD_COMMAND RESTIC_REPOSITORY_FILE RESTIC_CACHE_DIR RESTIC_KEY_HINT
command -v restic >/dev/null || stop no-restic
own=${HOME:-/nonexistent}/.cache/sharpnet-restic
if ! mkdir -p -- "$own" 2>/dev/null || [ ! -w "$own" ]; then
  own=$(mktemp -d) || exit 1
  trap 'rm -rf -- "$own"' EXIT
fi
there='cat <&6 & a=$!' back='{ cat <&5 >&7; kill $a; } 2>/dev/null & b=$!'
# What is lost is lost: by itself restic would try again for a quarter of an hour, over a relay that is gone.
relay="sh -c 'exec 5<&0; $there; $back; wait \$a && kill -9 \$PPID; kill \$b 2>/dev/null; wait'"
join() { exec 6<&0 7>&1 </dev/null >&2; }
in_view() { "$@"; }
sharpnet_restic() {
  in_view nice -n 10 restic --cache-dir "$own" -o sftp.command="$relay" "$@"
  ended=$?
  [ "$ended" = 137 ] || return "$ended"
  echo "sharpnet-stop: offsite-lost" >&2
  return 90
}
"""
)

# Arguments: the repository; then restic's.
ANY = (
    PRELUDE
    + r"""
join
sharpnet_restic "$@"
"""
)

# Arguments: the repository, a name for the site, its root; then those of `restic backup`. Standard input: exclude
# patterns, one a line, up to an empty one.
#
# restic names each file by its whole path, and a folder on it may become a link meanwhile. Where the script may, restic
# has a view of the files of its own (mount_namespaces(7)), in which no link is followed below the first folder that
# others could put something into (mount(8), nosymfollow: Linux 5.10).
SAVE = (
    SAFE_FOLDER
    + PRELUDE
    + r"""
patterns=$own/$1.exclude root=$2; shift 2
while IFS= read -r line && [ -n "$line" ]; do printf '%s\n' "$line"; done >"$patterns" || exit 1
go_to "${root%/*}/" || stop source-missing
is_safe && open=${PWD%/}/${root##*/}
cd /
follow_none='
  top=$1; shift
  mount --rbind -- "$top" "$top" && while read -r _ _ _ _ at _; do
    at=$(printf %b "$at")
    case $at in "$top"|"$top"/*) mount -o remount,bind,nosymfollow -- "$at" || exit ;; esac
  done </proc/self/mountinfo'
if [ "$(id -u)" = 0 ] && [ "$open" != / ] && unshare -m sh -c "$follow_none" sh "$open" 2>/dev/null; then
  in_view() { unshare -m sh -c "$follow_none; exec \"\$@\"" sh "$open" "$@"; }
fi
join
sharpnet_restic backup --json --exclude-file "$patterns" "$@"
status=$?
rm -f -- "$patterns"
exit "$status"
"""
)

# Arguments: the repository, the snapshot, how many files, the largest size, a seed, the folder of dumps. It writes the
# lines of `restic ls --json` of the files that were chosen, and how much there is in all.
CHOOSE = (
    PRELUDE
    + r"""
snapshot=$1 want=$2 most=$3 seed=$4 DUMPS=$5
export DUMPS
join
choose='
  BEGIN { srand(seed); largest = -1; dumps = "\"path\":\"" ENVIRON["DUMPS"] "/" }
  /"type":"file"/ {
    files++; size = 0; time = ""
    if (match($0, /"size":[0-9]+/)) size = substr($0, RSTART + 7, RLENGTH - 7) + 0
    if (match($0, /"mtime":"[^"]*"/)) time = substr($0, RSTART + 9, RLENGTH - 10)
    bytes += size
    if (index($0, dumps)) { print; next }
    if (size > most) next
    if (time > newest) { newest = time; first = $0 }
    if (size > largest) { largest = size; big = $0 }
    seen++
    if (seen <= want) pick[seen] = $0
    else { place = int(rand() * seen) + 1; if (place <= want) pick[place] = $0 }
  }
  END {
    if (first != "") { print first; print big }
    for (place in pick) print pick[place]
    printf "sharpnet-total %.0f %.0f\n", files, bytes
  }'
status=$(
  { { sharpnet_restic --no-lock ls --json "$snapshot" 4>&-; echo "$?" >&4; } |
    awk -v want="$want" -v most="$most" -v seed="$seed" "$choose" >&2; } 4>&1
)
exit "$status"
"""
)


def line(text: str, words: Sequence[str]) -> str:
    """Return the shell line that runs a script with arguments."""
    return " ".join(["exec", "sh", "-c", shlex.quote(text), "sharpnet-backup", *(shlex.quote(word) for word in words)])

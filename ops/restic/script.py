r"""The scripts around restic that run on a server, in POSIX sh: every value is an argument of its own, and quoted.

restic speaks SFTP with a relay between its pipes and the SSH channel's own standard input and output (6 and 7 here),
and the bot joins that channel to the off-site host, through a filter. So no server can log in there. The repository's
password is the first line of standard input: it gets into restic's environment, and nowhere else. What restic says goes
to standard error. What only reads makes no lock, since that would be writing.

Either end of the relay ends the other: when the bot or the off-site host is gone, so is restic.
"""

from __future__ import annotations

from ops.shell import SETTLED
from ops.work_folder import PRELUDE as IN_WORK_FOLDER

# Where a backup is restored to, in the work folder.
RESTORED = "tmp/restored"

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
sharpnet_restic() {
  nice -n 10 restic --cache-dir "$own" -o sftp.command="$relay" "$@"
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

# Arguments: the repository, a name for the site; then those of `restic backup`. Standard input: exclude patterns, one a
# line, up to an empty one.
SAVE = (
    PRELUDE
    + r"""
patterns=$own/$1.exclude; shift
while IFS= read -r line && [ -n "$line" ]; do printf '%s\n' "$line"; done >"$patterns" || exit 1
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

# Arguments: the repository, the folder to restore into, made anew; then those of `restic restore`.
SAMPLE = (
    PRELUDE
    + r"""
scratch=$1; shift
join
rm -rf --one-file-system -- "$scratch" && mkdir -p -- "$scratch" || exit 1
sharpnet_restic --no-lock restore --target "$scratch" "$@"
"""
)

# Standard input: pairs of paths, each ending in NUL. It writes a line a pair: the two hashes (`-` where there is no
# file), and when the second was last changed in any way.
COMPARE = (
    SETTLED
    + r"""
exec xargs -0 -r -n 2 sh -c '
  sum() { if [ -f "$1" ] && [ ! -h "$1" ]; then sha256sum <"$1" | cut -c 1-64; else echo -; fi; }
  printf "%s %s %s\n" "$(sum "$1")" "$(sum "$2")" "$(stat -c %Z -- "$2" 2>/dev/null || echo 0)"' sum
"""
)

# Standard input: paths of dumps, each ending in NUL. It writes `whole` or `broken` for each: dumps end with a mark.
ENDS = (
    SETTLED
    + r"""
exec xargs -0 -r -n 1 sh -c '
  case $([ -f "$1" ] && [ ! -h "$1" ] && tail -c 400 -- "$1" 2>/dev/null) in
    *"-- Dump completed"*|*"PostgreSQL database dump complete"*) echo whole ;;
    *) echo broken ;;
  esac' ends
"""
)

# Argument: a folder, or a file.
REMOVE = (
    SETTLED
    + r"""
[ ! -d "$1" ] || find "$1" -type d ! -perm -u=rwx -exec chmod u+rwx {} \; 2>/dev/null
exec rm -rf --one-file-system -- "$1"
"""
)

# Arguments: the root; then rsync's. It writes what is excluded and how much is left, and changes nothing.
SURVEY = (
    SETTLED
    + r"""
root=$1; shift
command -v rsync >/dev/null || stop no-rsync
[ ! -h "$root" ] || stop source-symlink
[ -d "$root" ] || stop source-missing
if [ ! -r "$root" ] || [ ! -x "$root" ]; then stop source-closed; fi
exec rsync -a --dry-run --no-h --info=stats2 --debug=filter1 "$@" "$root/" /nonexistent/sharpnet/
"""
)

# Arguments: the folder for dumps, the file's name, the shell line that dumps. A dump is there whole or not at all, and
# only the SSH user can read it.
DUMP = (
    SETTLED
    + r"""
mkdir -p -- "$1" || exit 1
file=$1/$2
sh -c "$3" >"$file.part" && mv -f -- "$file.part" "$file" && exit 0
status=$?
rm -f -- "$file.part"
exit "$status"
"""
)

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
[ -d "$parent" ] || mkdir -p -- "$parent" 2>/dev/null || stop no-parent
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
  own=$work/tmp/own
  mkdir -- "$work/leaving" "$own" && rsync $super -a --link-dest="$root" "$@" "$root/" "$work/leaving/" || return 1
  if ! cp -al -- "$root/." "$own/" 2>/dev/null; then
    remove "$own" && mkdir -- "$own" && cp -a --reflink=auto -- "$root/." "$own/" || return 1
  fi
  cd -- "$work/leaving" && find . ! -type d -exec sh -c 'cd -- "$0" && rm -f -- "$@"' "$own" {} + && cd / || return 1
  find "$own" -mindepth 1 -depth -type d -empty -delete && cp -aln -- "$own/." "$work/stage/"
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

# Argument: a root. It writes `missing`, `empty` or `files`: what a restore would replace.
THERE = (
    SETTLED
    + r"""
[ -e "$1" ] || [ -h "$1" ] || { echo missing; exit 0; }
if [ -d "$1" ] && [ -z "$(find "$1/" ! -type d 2>/dev/null | head -n 1)" ]; then echo empty; else echo files; fi
"""
)

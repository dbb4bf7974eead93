r"""The phases of a copy that run on a mirror, in POSIX sh: every value is an argument of its own, and quoted.

Each phase may be killed at any instant and be run again; the root is always the content before or the content after.
What lies in the work folder is said in `ops.work_folder`.
What standard error says with `sharpnet-stop:` is read by `core.failure.why_stopped`.
"""

from __future__ import annotations

from core.sync.rsync_output import KEPT_CHANGES, KEPT_RELINKS
from ops.work_folder import PRELUDE

# How each begins that brings files into content that is served. Arguments: root, parent, work, run, turn, latest.
INTO_SERVED = (
    PRELUDE
    + r"""
run=$1 turn=$2 latest=$3; shift 3
check_root
take_lock
check_turn "$turn"
check_time "$latest"
recover "$run" || exit 1
[ -d "$root" ] || stop root-not-folder
# Puts what has arrived beside the root into it, where others write; what that replaces is kept aside.
put_in() {
  mkdir -p -- "$work/replaced/$run" && cd -- "$work/coming" && find . -type d -print0 | sort -z |
    xargs -0 -r sh -c "$place" sh replace "$real" "$work/coming" "$work/replaced/$run"
  placed=$?
  cd / && remove "$work/coming"
  rmdir -- "$work/replaced/$run" 2>/dev/null
  [ "$placed" != 124 ] || exit 90
  return "$placed"
}
"""
)

# Of a million files that differ the first of each kind are named, and the others counted: `=+COUNT|KIND|x`. Those of
# which only attributes differ are named up to a number of their own.
CONDENSE = rf"""
condense() {{
  command -v awk >/dev/null || {{ cat; return; }}
  awk '
    /^=\|/ {{
      item = substr($0, 3); item = substr(item, 1, index(item, "|") - 1)
      folder = /\/$/ ? "x/" : "x"
      most = item ~ /^[*<>ch]/ || item ~ /^..[+]/ || folder == "x/" ? {KEPT_CHANGES} : {KEPT_RELINKS}
      if (++seen[item, folder] > most) {{ more[item "|" folder]++; next }}
    }}
    {{ print }}
    END {{ for (key in more) printf "=+%d|%s\n", more[key], key }}'
}}
"""

# Arguments: root, parent, work; then rsync's. It changes nothing.
LOOK = (
    PRELUDE
    + CONDENSE
    + r"""
check_root
stat -f -c '%a %S' -- "$parent" | {
  read -r blocks block && printf '\nsharpnet-free %s\n' "$((blocks * block))"
}
[ -d "$root" ] || named=$work/nothing
exec 4>&1
status=$({ { rsync --dry-run $super "$@" "$named/" 3>&- 4>&-; printf '%s' "$?" >&3; } | condense >&4 3>&-; } 3>&1)
exit "${status:-1}"
"""
)

# Files of others would become this user's, where it may give nothing away.
OWN_FILES = r"""
check_owners() {
  if [ -d "$root" ] && [ -z "$gives" ]; then
    found=$(find "$root" ! -user "$(id -u)" -printf '/%P\n' 2>/dev/null | head -n 1)
    [ -z "$found" ] || stop foreign-owner "$named$found"
  fi
}
"""

# Arguments: root, parent, work, run, stamp, how, turn; then rsync's. Standard input: files of which only attributes
# change, each ended by NUL. They get an inode of their own in the stage, or what is served would change before the rest
# does. how `own`: they are too many to be named, so that every file gets one.
FILL = (
    PRELUDE
    + OWN_FILES
    + r"""
run=$1 stamp=$2 how=$3 turn=$4; shift 4
check_root
take_lock
check_turn "$turn"
recover "$stamp" || exit 1
rm -f -- "$work/ready"
mkdir -p -- "$work/partial" "$work/tmp" || exit 1
# What a killed rsync was receiving is named NAME.XXXXXX: kept as NAME, it need not come again.
for file in "$work/tmp"/*.?????? "$work/tmp"/.*.??????; do
  [ -f "$file" ] || continue
  name=${file##*/}
  mv -f -- "$file" "$work/partial/${name%.*}"
done
check_owners
drop_stage() {
  remove "$work/stage" && remove "$work/stage.new" && remove "$work/stage.more" && remove "$work/leaving" &&
    rm -f -- "$work/stage-of" "$work/stage-own"
}
begin_stage() {
  drop_stage && mkdir -- "$work/stage.new" || return 1
  if [ -d "$root" ]; then
    if ! link_root "$work/stage.more"; then
      # Not every file system has hard links, or enough of them.
      copy_root "$work/stage.new" || { remove "$work/stage.new"; return 1; }
    elif [ "$how" = own ]; then
      cp -a --reflink=auto -- "$work/stage.more/." "$work/stage.new/" || { remove "$work/stage.new"; return 1; }
    else
      mv -T -- "$work/stage.more" "$work/stage.new" || return 1
    fi
    remove "$work/stage.more" || return 1
  fi
  [ "$how" != own ] || : >"$work/stage-own"
  inode "$root" >"$work/stage-of"
  mv -T -- "$work/stage.new" "$work/stage"
}
own_inodes() {
  [ -d "$root" ] || return 0
  remove "$work/tmp/own" && mkdir -- "$work/tmp/own" && cd -- "$work/stage" || return 1
  xargs -0 -r sh -c 'for file; do
      way=. rest=$file/
      while [ -n "$rest" ]; do
        way=$way/${rest%%/*} rest=${rest#*/}
        if [ -h "$way" ] || [ "${way##*/}" = .. ]; then continue 2; fi
      done
      if [ -f "$way" ]; then printf "%s\0" "$way"; fi
    done' sh | xargs -0 -r cp -a --parents -t "$work/tmp/own" -- || return 1
  cp -al --remove-destination -- "$work/tmp/own/." . 2>/dev/null ||
    cp -a --remove-destination -- "$work/tmp/own/." . || return 1
  remove "$work/tmp/own" && cd /
}
copy() {
  { said=$(rsync $super --delete --backup --backup-dir="$work/leaving" --temp-dir="$work/tmp" \
      --partial-dir="$work/partial" "$@" "$work/stage/" 2>&1 1>&3 3>&-); } 3>&1
  status=$?
}
again=
if [ -d "$work/stage" ] && [ "$(cat -- "$work/stage-of" 2>/dev/null)" = "$(inode "$root")" ] &&
  { [ "$how" != own ] || [ -f "$work/stage-own" ]; }; then
  again=1
  # What has come into the root since, such as files that are excluded.
  if [ -d "$root" ] && link_root "$work/stage.more"; then
    cp -aln -- "$work/stage.more/." "$work/stage/" 2>/dev/null
  fi
  remove "$work/stage.more" || exit 1
else
  begin_stage || exit 1
fi
own_inodes || exit 1
copy "$@"
if [ "$status" = 25 ] && [ -n "$again" ]; then
  # The stage may hold what the source has dropped since: then it is not the mirror that would lose too much.
  begin_stage || exit 1
  copy "$@"
fi
printf '%s\n' "$said" >&2
case $status in
  0|24) sync -f -- "$work/stage" 2>/dev/null || sync
        printf '%s\n' "$run" >"$work/ready" || exit 1 ;;
  25)   drop_stage ;;
  *)    case $said in
          # What is served there needs room more than the next run needs what has arrived.
          *"No space left on device"*|*"Disk quota exceeded"*)
            drop_stage && remove "$work/partial" && remove "$work/tmp" ;;
        esac ;;
esac
exit "$status"
"""
)

# Arguments: root, parent, work, run, stamp, the stamp before which what was replaced is no longer kept, turn, latest.
SWAP = (
    PRELUDE
    + r"""
run=$1 stamp=$2 forget=$3 turn=$4 latest=$5
check_root
take_lock
check_turn "$turn"
recover "$stamp" || exit 1
[ "$(cat -- "$work/ready" 2>/dev/null)" = "$run" ] || stop not-ready
exchange() {
  mv --exchange -T -- "$1" "$2" 2>/dev/null && return 0
  # renameat2(AT_FDCWD, old, AT_FDCWD, new, RENAME_EXCHANGE); its number is another on every kind of machine.
  command -v perl >/dev/null && perl -MConfig -e '
    my %numbers = ("x86_64" => 316, "aarch64" => 276, "riscv64" => 276, "arm" => 382, "i386" => 353, "i486" => 353,
                   "i586" => 353, "i686" => 353, "s390x" => 347, "powerpc64le" => 357);
    my $number = $numbers{(split /-/, $Config{archname})[0]} or exit 1;
    exit(syscall($number, -100, "$ARGV[0]", -100, "$ARGV[1]", 2) == 0 ? 0 : 1);' "$1" "$2" 2>/dev/null && return 0
  return 1
}
new=$(inode "$work/stage") before=$(inode "$root")
[ -n "$new" ] || stop not-ready
remove "$work/old" || exit 1
check_turn "$turn"
check_time "$latest"
printf '%s %s\n' "$new" "$before" >"$work/swapping" && sync -f -- "$work/swapping" || exit 1
if [ ! -e "$root" ]; then
  mv -T -- "$work/stage" "$root"
elif exchange "$work/stage" "$root"; then
  mv -T -- "$work/stage" "$work/old"
else
  mv -T -- "$root" "$work/old" && { mv -T -- "$work/stage" "$root" || mv -T -- "$work/old" "$root"; }
fi
[ "$(inode "$root")" = "$new" ] || { rm -f -- "$work/swapping"; stop not-exchanged; }
clear_away "$stamp" || exit 1
for kept in "$work/replaced"/*; do
  if expr "x${kept##*/}" \< "x$forget" >/dev/null; then remove "$kept"; fi
done
exit 0
"""
)

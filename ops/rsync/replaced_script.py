r"""The scripts that list and put back what runs have replaced, in POSIX sh: every value an argument of its own.

What is put back goes into content that may be served and written to while that happens, perhaps by somebody hostile, so
each folder is entered step by step and no link on the way is followed, whoever puts it there at whatever instant: after
each step the shell asks where it really is, and from then on names nothing but what lies in that folder. What is there
is linked aside before the kept file is renamed over it, so a path that was there is there all the time.

May be killed at any instant and be run again: a path is as it is now, or as it was before the run.
"""

from __future__ import annotations

from ops.foreign_tree import STEPS
from ops.work_folder import PRELUDE, SAFE_FOLDER

# Argument: the work folder. It enters what runs have replaced, where there is anything.
_REPLACED = (
    SAFE_FOLDER
    + r"""
go_replaced() {
  around=${1%/*/*}
  go_above "$around" || return 1
  cd -P -- "./${1#"$around"/}/replaced" 2>/dev/null
}
"""
)

# Argument: the work folder. One line a run: its name, how many files and links, their bytes.
RUNS = (
    _REPLACED
    + r"""
go_replaced "$1" || exit 0
for run in *; do
  [ -d "./$run" ] && [ ! -h "./$run" ] || continue
  counted=$(find "./$run" ! -type d -printf '%s\n' | awk '{ n++; bytes += $1 } END { printf "%.0f|%.0f", n, bytes }')
  printf '%s|%s\n' "$run" "$counted"
done
"""
)

# Paths arrive as ASCII, their other bytes written as printf(1) reads them: a command line takes no bytes beside UTF-8.
_READ_PATHS = r"""
left=$#
while [ "$left" -gt 0 ]; do
  path=$(printf '%b' "$1" && echo x)
  shift
  set -- "$@" "${path%x}"
  left=$((left - 1))
done
"""

_CHOSEN = r"""
# Prints of each file that is kept what find(1) is told to: all, or those in the paths that follow. What lies behind a
# link is none of the run's.
chosen() {
  say=$1; shift
  [ "$#" -gt 0 ] || find . ! -type d -printf "$say"
  for path; do
    way=. rest=$path link=
    while case $rest in */*) ;; *) false ;; esac; do
      way=$way/${rest%%/*}
      rest=${rest#*/}
      [ ! -h "$way" ] || link=1
    done
    if [ -n "$link" ] || { [ ! -e "./$path" ] && [ ! -h "./$path" ]; }; then continue; fi
    find "./$path" ! -type d -printf "$say"
  done
}
"""

# Arguments: the work folder, the run, how many to name; then paths, none for all. The first entry is how many there are
# and their bytes; then kind, bytes and path of the first ones by name.
ENTRIES = (
    _REPLACED
    + _CHOSEN
    + r"""
work=$1 run=$2 most=$3; shift 3
"""
    + _READ_PATHS
    + r"""
go_replaced "$work" && cd -P -- "./$run" 2>/dev/null || stop not-kept
chosen '%s\n' "$@" | awk '{ n++; bytes += $1 } END { printf "%.0f|%.0f", n, bytes }'
printf '\0'
chosen '%y|%s|%p\0' "$@" | sort -z -t '|' -k 3 | head -z -n "$most"
"""
)

# Arguments: the root as it really is, what is kept of the run, where what is there now is kept, the folder for what
# arrives; then paths. Says `same`, `done`, `linked` or `failed` of each, with its path but for the first two.
PUT = (
    STEPS
    + r"""
root=$1 kept=$2 aside=$3 arriving=$4; shift 4
same=0 done=0 entered=
said() { printf '%s|%s\0' "$1" "$path"; }
make_like() { mkdir -- "$1" && chown --reference="$2" -- "$1" 2>/dev/null; chmod --reference="$2" -- "$1"; }
# Makes the folder for what is kept aside, with the modes of those that it stands for.
make_aside() {
  to= left=${1:+$1/}
  while [ -n "$left" ]; do
    to=${to:+$to/}${left%%/*}
    left=${left#*/}
    [ -d "$aside/$to" ] || make_like "$aside/$to" "$root/$to" || return 1
  done
}
enter_folder() {
  cd -P -- "$root" && [ "$PWD" = "$root" ] || return 1
  at= rest=${1:+$1/}
  while [ -n "$rest" ]; do
    folder=$at name=${rest%%/*}
    rest=${rest#*/}
    at=${folder:+$folder/}$name new=
    [ ! -h "./$name" ] || return 2
    if [ ! -d "./$name" ]; then
      if [ -e "./$name" ]; then
        make_aside "$folder" && mv -f -T -- "./$name" "$aside/$at" || return 1
      fi
      mkdir -- "./$name" || return 1
      new=1
    fi
    step "$name" || return
    if [ -n "$new" ]; then
      chown --reference="$kept/$at" . 2>/dev/null
      chmod --reference="$kept/$at" . || return 1
    fi
  done
}
is_same() {
  if [ -h "$1" ] || [ -h "$2" ]; then
    [ -h "$1" ] && [ -h "$2" ] && [ "$(readlink -- "$1" && echo x)" = "$(readlink -- "$2" && echo x)" ]
  else
    [ -f "$1" ] && [ -f "$2" ] && [ "$(stat -c '%f %u %g %Y' -- "$1")" = "$(stat -c '%f %u %g %Y' -- "$2")" ] &&
      cmp -s -- "$1" "$2"
  fi
}
# A folder that was put aside as a whole is still open to whoever had it open.
take() {
  rm -rf -- "$arriving/one"
  (
    rest=$path
    cd -P -- "$kept" && [ "$PWD" = "$kept" ] || exit 1
    while case $rest in */*) ;; *) false ;; esac; do
      step "${rest%%/*}" || exit 1
      rest=${rest#*/}
    done
    cp -a -T --reflink=auto -- "./$rest" "$arriving/one"
  )
}
put() {
  take || return 1
  if is_there "./$name"; then
    make_aside "$folder" || return 1
    if [ -d "./$name" ] && [ ! -h "./$name" ]; then
      mv -T -- "./$name" "$aside/$path" || return 1
    else
      ln -P -T -- "./$name" "$aside/$path" 2>/dev/null || cp -a -T -- "./$name" "$aside/$path" || return 1
    fi
  fi
  mv -f -T -- "$arriving/one" "./$name"
}
for path; do
  path=${path#./}
  case $path in */*) in=${path%/*} ;; *) in= ;; esac
  if [ "$entered" != "/$in" ]; then
    entered=
    enter_folder "$in"
    case $? in
      0) entered=/$in ;;
      2) said linked; continue ;;
      *) said failed; continue ;;
    esac
  fi
  folder=$in name=${path##*/}
  if is_same "$kept/$path" "./$name"; then
    same=$((same + 1))
  elif put; then
    done=$((done + 1))
  else
    said failed
  fi
done
printf 'counts|%s|%s\0' "$same" "$done"
"""
)

# Arguments: root, parent, work; the run, the run that putting back is, its turn, its latest moment, PUT; then paths,
# none for all.
PUT_BACK = (
    PRELUDE
    + r"""
run=$1 undo=$2 turn=$3 latest=$4 put=$5; shift 5
"""
    + _READ_PATHS
    + r"""
check_root
[ -d "$root" ] || stop no-root
take_lock
check_turn "$turn"
check_time "$latest"
recover "$undo" || exit 1
[ -d "$work/replaced/$run" ] || stop not-kept
mkdir -p -- "$work/replaced/$undo" "$work/back" || exit 1
cd -P -- "$work/replaced/$run" || stop not-kept
kept=$(pwd -P && echo x)
kept=${kept%?x}
"""
    + _CHOSEN
    + r"""
chosen '%p\0' "$@" | sort -z | xargs -0 -r sh -c "$put" sh "$real" "$kept" "${kept%/*}/$undo" "${kept%/*/*}/back"
cd /
sync -f -- "$root" 2>/dev/null || sync
remove "$work/back"
rmdir -- "$work/replaced/$undo" 2>/dev/null
exit 0
"""
)

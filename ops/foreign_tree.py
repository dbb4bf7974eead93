r"""Working as root in folders that others write to at the same time, in POSIX sh.

Any name on a path can become a link between the moment when it is looked at and the one when it is used. So no path of
more than one name is used there: each folder is entered step by step, and after each step the shell asks where it
really is. From then on its own folder is the descriptor, whatever becomes of the names on the way there, and it names
nothing but what lies in it, with programs that do not follow a link in the last place.
"""

from __future__ import annotations

# `enter` and `step` leave the shell in the folder, or somewhere where it must do nothing.
STEPS = r"""
me=
is_there() { [ -e "$1" ] || [ -h "$1" ]; }
# Whether nobody but root and this user can take a name away in the folders given, or put another one there. Says which
# is the first where somebody can.
closed() {
  [ -n "$me" ] || me=$(id -u)
  open=$(stat -c '%u %g %A' -- "$@" | while read -r owner group mode; do
    case $owner in 0|"$me") ;; *) printf '%sx' "$1"; break ;; esac
    # In a sticky folder nobody can take away what is another's.
    case $mode in
      *[tT]) ;;
      ????????w*) printf '%sx' "$1"; break ;;
      ?????w*) own_group "$group" && ! has_list "$1" || { printf '%sx' "$1"; break; } ;;
    esac
    shift
  done)
  open=${open%x}
  [ -z "$open" ]
}
# Whether nobody but this user is in a group, as where each user has one of his own.
own_group() {
  [ "$1" = "$(id -g)" ] || [ "$1" = 0 ] || return 1
  members=$(getent group "$1") || return 1
  case ${members##*:} in ''|"$(id -un)") ;; *) return 1 ;; esac
  getent passwd | { while IFS=: read -r _ _ uid gid _; do
    [ "$gid" != "$1" ] || [ "$uid" = 0 ] || [ "$uid" = "$me" ] || exit 1
  done; }
}
# Whether there is an access list: what stands where the group's rights do is then the most that anybody in it may.
has_list() { case $(ls -ld -- "$1") in ??????????+*) ;; *) return 1 ;; esac; }
step() {
  above=$PWD
  if [ -h "./$1" ] || [ ! -d "./$1" ]; then return 2; fi
  cd -P -- "./$1" || return 1
  [ "$PWD" = "${above%/}/$1" ] || return 2
}
# Enters the folder at an absolute path; told to, it makes what is missing. A link on the way is followed only where
# nobody else could have put it. 1: it is not there, or closed; 2: there is such a link.
enter() {
  way=$1/ make=${2-} links=0
  cd / || return 1
  while [ -n "$way" ]; do
    name=${way%%/*} way=${way#*/}
    case $name in
      ''|.) continue ;;
      ..) cd -P .. || return 1; continue ;;
    esac
    if [ -h "./$name" ]; then
      links=$((links + 1))
      case $(stat -c %u -- "./$name") in 0|"$(id -u)") ;; *) return 2 ;; esac
      if [ "$links" -gt 40 ] || ! closed .; then return 2; fi
      to=$(readlink -- "./$name" && echo x) || return 1
      to=${to%?x}
      case $to in /*) cd / || return 1 ;; esac
      way=$to/$way
      continue
    fi
    is_there "./$name" || [ "$make" != make ] || mkdir -- "./$name" 2>/dev/null || return 1
    [ -d "./$name" ] || return 1
    step "$name" || return
  done
}
"""

# Brings what came into a folder into one that nobody else can reach, as links. Arguments: the two folders, as they
# really are; then paths in the first one.
TAKE_OUT = (
    STEPS
    + r"""
base=$1 to=$2; shift 2
make_like() { mkdir -- "$1" && chown --reference=. -- "$1" 2>/dev/null; chmod --reference=. -- "$1"; }
for path; do
  path=${path#./} at= rest=${path#./}
  cd -P -- "$base" && [ "$PWD" = "$base" ] || exit 1
  while case $rest in */*) ;; *) false ;; esac; do
    at=$at/${rest%%/*}
    step "${rest%%/*}" || continue 2
    rest=${rest#*/}
    [ -d "$to$at" ] || make_like "$to$at" || exit 1
  done
  ln -P -T -- "./$rest" "$to$at/$rest" 2>/dev/null || [ ! -f "./$rest" ] || cp -dp -T -- "./$rest" "$to$at/$rest"
done
"""
)

# Moves files from a folder that nobody else can reach into a tree that others write to. Arguments: `replace` or `keep`,
# which is what happens to what is there already, the other one going aside; that tree, as it really is; the folder that
# they come from; the one for what goes aside; then folders in it, each after the one that it lies in. It may be killed
# at any instant and be run again: what is there already is there all the time.
PLACE = (
    STEPS
    + r"""
how=$1 root=$2 from=$3 aside=$4; shift 4
failed=0
# Makes a folder in one that nobody else can reach. What lies in there may be a link all the same.
make_aside() {
  to= left=${1:+$1/}
  while [ -n "$left" ]; do
    to=$to/${left%%/*}
    left=${left#*/}
    [ ! -h "$aside$to" ] || return 1
    [ -d "$aside$to" ] && continue
    mkdir -- "$aside$to" || return 1
    chown --reference="$root$to" -- "$aside$to" 2>/dev/null
    chmod --reference="$root$to" -- "$aside$to" 2>/dev/null
  done
}
enter_folder() {
  cd -P -- "$root" && [ "$PWD" = "$root" ] || return 1
  at= rest=${1:+$1/}
  while [ -n "$rest" ]; do
    around=$at name=${rest%%/*}
    rest=${rest#*/} at=${around:+$around/}$name
    if [ ! -h "./$name" ] && [ -d "./$name" ]; then
      step "$name" || return
      continue
    fi
    if is_there "./$name"; then
      [ "$how" = replace ] && make_aside "$around" && ! is_there "$aside/$at" || return 2
      mv -T -- "./$name" "$aside/$at" || return 1
    fi
    mkdir -- "./$name" && step "$name" && [ -O . ] || return 1
    chown --reference="$from/$at" . 2>/dev/null
    chmod --reference="$from/$at" . || return 1
  done
}
# Says each file of the folder for which what follows is true, as $1 begins it.
each() {
  before=$1; shift
  for path in "$from/$in"/* "$from/$in"/.[!.]* "$from/$in"/..?*; do
    name=${path##*/}
    if is_there "$path" && { [ -h "$path" ] || [ ! -d "$path" ]; } && "$@" "$name"; then
      printf '%s\0' "$before$name"
    fi
  done
}
any() { true; }
is_here() { is_there "./$1"; }
to_link_aside() { is_there "./$1" && ! is_there "$aside/$in/$1" && { [ -h "./$1" ] || [ ! -d "./$1" ]; }; }
folder_here() { [ ! -h "./$1" ] && [ -d "./$1" ] && ! is_there "$aside/$in/$1"; }
replace() {
  if [ -n "$(each '' is_here | tr -c x x | head -c 1)" ]; then
    make_aside "$in" || return 1
    each './' folder_here | xargs -0 -r mv -t "$aside/$in" -- || return 1
    each './' to_link_aside | xargs -0 -r ln -P -t "$aside/$in" -- 2>/dev/null ||
      each './' to_link_aside | xargs -0 -r cp -dp -t "$aside/$in" -- || return 1
  fi
  each "$from/$in/" any | xargs -0 -r mv -f -t . --
}
put_aside() {
  each "$from/$in/" any >"$from.left"
  [ -s "$from.left" ] || return 0
  if ! make_aside "$in"; then
    # A link or a file stands in its way there: it is kept under a name that nobody could know.
    in=.arrived.$$/$in
    mkdir -p -- "$aside/$in" || return 1
  fi
  xargs -0 -r mv -n -t "$aside/$in" -- <"$from.left"
}
for folder; do
  in=${folder#.} in=${in#/}
  enter_folder "$in"
  status=$?
  if [ "$how" = keep ]; then
    [ "$status" != 0 ] || each "$from/$in/" any | xargs -0 -r mv -n -t . -- || failed=1
    put_aside || failed=1
  elif [ "$status" = 2 ]; then
    printf 'sharpnet-stop: way-changed %s\n' "$in" >&2
    exit 255
  else
    [ "$status" = 0 ] && replace || failed=1
  fi
done
rm -f -- "$from.left"
exit "$failed"
"""
)

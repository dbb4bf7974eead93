r"""The scripts that look at a site on its server and make it ready to be saved, in POSIX sh: every value is quoted.

The folder around a site's root may be its owner's: it is entered step by step, and dumps lie where nobody else can put
anything (`ops.foreign_tree`, `ops.work_folder`).
"""

from __future__ import annotations

from ops.contracts import DUMPS
from ops.work_folder import PRELUDE as IN_WORK_FOLDER
from ops.work_folder import SAFE_FOLDER

# Arguments: the folder around the root and the root's name there; then rsync's. It writes what is excluded and how much
# is left, and changes nothing.
SURVEY = (
    SAFE_FOLDER
    + r"""
around=$1 root=$2; shift 2
command -v rsync >/dev/null || stop no-rsync
go_to "$around" || stop source-missing
[ ! -h "./$root" ] || stop source-symlink
[ -d "./$root" ] || stop source-missing
if [ ! -r "./$root" ] || [ ! -x "./$root" ]; then stop source-closed; fi
step "$root" || stop source-symlink
exec rsync -a --dry-run --no-h --info=stats2 --debug=filter1 "$@" ./ /nonexistent/sharpnet/
"""
)

# Arguments: the folder around the root and the root's name there. It writes `missing`, `empty` or `files`: what a
# restore would replace.
THERE = (
    SAFE_FOLDER
    + r"""
root=$2
go_to "$1" && is_there "./$root" || { echo missing; exit 0; }
if step "$root" && [ -z "$(find . ! -type d 2>/dev/null | head -n 1)" ]; then echo empty; else echo files; fi
"""
)

# Arguments: root, parent and work folder. It writes where that folder really is.
WORK = (
    IN_WORK_FOLDER
    + r"""
open_work
printf '%s' "$work"
"""
)

# Arguments: root, parent and work folder, as it really is; the file's name, the shell line that dumps. A dump is there
# whole or not at all, and only the SSH user can read it.
DUMP = (
    IN_WORK_FOLDER
    + f"dumps={DUMPS}"
    + r"""
known=$work
open_work
[ "$work" = "$known" ] || stop work-open "$known"
dumps=$work/$dumps
[ ! -h "$dumps" ] && mkdir -p -- "$dumps" || exit 1
file=$dumps/$1
sh -c "$2" >"$file.part" && mv -f -- "$file.part" "$file" && exit 0
status=$?
rm -f -- "$file.part"
exit "$status"
"""
)

# Arguments: root, parent and work folder; the name of a folder of ours in that.
REMOVE = (
    IN_WORK_FOLDER
    + r"""
open_work
remove "$work/$1"
"""
)

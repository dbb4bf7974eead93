"""Where rsync starts on a source whose key takes any command: in the root, whatever becomes of the names on the way."""

from __future__ import annotations

import posixpath
import shlex

from ops.work_folder import SAFE_FOLDER

# Arguments: the folder around the root and the root's name there; then rsync's.
_FROM_ROOT = (
    SAFE_FOLDER
    + r"""
around=$1 root=$2; shift 2
enter "$around"
case $? in
  1) stop source-missing ;;
  2) stop source-way-link "$around" ;;
esac
[ ! -h "./$root" ] || stop source-symlink
[ -d "./$root" ] || stop source-missing
step "$root" || stop source-closed
exec rsync "$@"
"""
)


def starting_in(root: str) -> str:
    """Return the option that has rsync on the source start in `root`, of which a link is not followed."""
    words = ["exec", "sh", "-c", _FROM_ROOT, "sharpnet-source", *posixpath.split(root)]
    return f"--rsync-path={shlex.join(words)}"

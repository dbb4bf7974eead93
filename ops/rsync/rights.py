r"""Whether a server's SSH user may do there what a copy needs: asked of many sites at once, and nothing is changed.

What a real run would be stopped by half-way, a trial and `check --live` are to say before (see `ops.rsync.script`).
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from core.status.rights import Lacking
from core.sync.failures import failure_of
from ops.rsync.mirror import MirrorCopy
from ops.rsync.script import OWN_FILES
from ops.work_folder import PRELUDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.failure import Failure
    from core.fleet import Server, Site
    from ops.contracts import Ssh

ASK_S = 300.0
_FIELDS = 3
_WORDS = 5

# Arguments: root, parent, work; `read`, `write` or `both`. Of a root that is missing only the way there is looked at.
_ONE = (
    PRELUDE
    + OWN_FILES
    + r"""
what=$1
if [ "$what" != read ]; then
  # Where a root that is a link leads is settled before anything is copied (ops.rsync.locate).
  if [ -h "$named" ]; then find_root; else check_root; fi
  command -v flock >/dev/null || stop no-flock
  go_above "${work%/*/*}" || stop no-parent
  [ -d "./.sharpnet" ] || [ -w . ] || stop work-closed "$PWD"
  one_disk . "${root%/*}/." || stop work-elsewhere "$PWD"
  cd /
  [ ! -h "$named" ] || root=$named/.
  check_owners
fi
if [ "$what" != write ] && [ -z "$gives" ] && [ -d "$named" ]; then
  found=$(find "$named/" \( ! -readable -o -type d ! -executable \) -printf '/%P\n' -quit 2>/dev/null)
  [ -z "$found" ] || stop source-unreadable "$named$found"
fi
exit 0
"""
)

# Argument: the script; xargs adds a number and its arguments. It writes the number, how it ended and what it said.
_EACH = r"""
said=$(sh -c "$1" sharpnet-rights "$3" "$4" "$5" "$6" 2>&1 </dev/null)
printf '%s\0%s\0%s\0' "$2" "$?" "$said"
"""


async def rights_lacking(ssh: Ssh, server: Server, sites: Sequence[Site], what: str = "both") -> Lacking:
    """Return what the SSH user of `server` lacks to read or write the copies of `sites` there.

    what: `read`, as where a site is copied from; `write`, as where it is copied to; `both`, as either may come.
    Raises UnreachableError, LoginRefusedError.
    """
    words = [[str(number), *MirrorCopy(site, server, server).place, what] for number, site in enumerate(sites)]
    line = ["exec", "xargs", "-0", "-r", "-n", str(_WORDS), "sh", "-c", _EACH, "sharpnet-rights", _ONE]
    stdin = b"".join(word.encode() + b"\0" for asked in words for word in asked)
    ran = await ssh.run(server.name, shlex.join(line), timeout_s=ASK_S, stdin=stdin)
    said = ran.out.split(b"\0")
    failures: dict[str, Failure] = {}
    heard = set()
    for start in range(0, len(said) - _FIELDS, _FIELDS):
        number, status, err = said[start : start + _FIELDS]
        if not (number.isdigit() and status.isdigit() and int(number) < len(sites)):
            continue
        site = sites[int(number)]
        heard.add(site.name)
        failure = failure_of(int(status), err, source=server.name, mirror=server.name)
        if failure is not None:
            failures[site.name] = failure
    return Lacking(failures, len(sites) - len(heard))


async def why_not_write(ssh: Ssh, copy: MirrorCopy) -> Failure | None:
    """Return what a real run of `copy` would be stopped by for want of rights, or None where nothing was found.

    Raises UnreachableError, LoginRefusedError.
    """
    name = copy.site.name
    lacking = (await rights_lacking(ssh, copy.mirror, [copy.site], "write")).failures.get(name)
    if lacking is not None or copy.site.exclude:
        # What is left out need not be readable.
        return lacking
    return (await rights_lacking(ssh, copy.source, [copy.site], "read")).failures.get(name)

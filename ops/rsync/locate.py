"""Where a site's content really is on a server whose root for it is a symbolic link, or why that is not followed."""

from __future__ import annotations

import posixpath
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from core.failure import OF_WORK_FOLDER, Failure, FailureCode, why_stopped
from core.sync.root_link import is_within, read_root_link, where_it_leads
from ops.rsync.mirror import dry_run, source_root
from ops.rsync.peer import is_limited, limited_root
from ops.work_folder import SAFE_FOLDER, WORK_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.fleet import Fleet, Server, Site
    from ops.contracts import Ssh
    from ops.rsync.mirror import DryRun, MirrorCopy

ASK_S = 60.0
_LINKS = frozenset({FailureCode.SOURCE_SYMLINK, FailureCode.ROOT_SYMLINK})

# Arguments: the root, the folder around it. Of a root that is a link: where it leads, the same within that folder, and
# `own`, each ended by NUL.
ASK = (
    SAFE_FOLDER
    + r"""
root=${1##*/}
go_to "$2" && [ -h "./$root" ] || exit 0
around=${PWD%/} own=
! (closed .) || own=own
to=$(readlink -- "./$root" && echo x) || exit 1
maker=$(stat -c %u -- "./$root") to=${to%?x}
case $to in /*) rest=$to/ to= ;; *) rest=$around/$to/ to= ;; esac
while [ -n "$rest" ]; do
  case ${rest%%/*} in
    ''|.) ;;
    ..) to=${to%/*} ;;
    *) to=$to/${rest%%/*} ;;
  esac
  rest=${rest#*/}
done
within=
case $to in "$around"/*) within=${to#"$around"/} ;; esac
rest=${within:+$within/}
while [ -n "$rest" ]; do
  step "${rest%%/*}" || { within= rest=; break; }
  rest=${rest#*/}
done
[ "$(stat -c %u .)" != "$maker" ] || own=own
printf '%s\0%s\0%s\0' "${to:-/}" "$within" "$own"
"""
)


async def located(ssh: Ssh, fleet: Fleet, site: Site, servers: Iterable[Server]) -> Site | Failure:
    """Return `site` with the folders that its content is in on `servers`, or why the link to one is not followed.

    Raises UnreachableError, LoginRefusedError.
    """
    found: dict[str, str] = {}
    for server in servers:
        at = await _located(ssh, fleet, site, server)
        if isinstance(at, Failure):
            return at
        found[server.name] = at
    return replace(site, located=found)


async def dry_run_located(ssh: Ssh, fleet: Fleet, copy: MirrorCopy) -> tuple[MirrorCopy, DryRun] | Failure:
    """Return what `ops.rsync.mirror.dry_run` does, and the copy with the folders that its roots lead to.

    Raises UnreachableError, LoginRefusedError.
    """
    compared = await dry_run(ssh, copy)
    if copy.site.located:
        return compared if isinstance(compared, Failure) else (copy, compared)
    if isinstance(compared, Failure):
        if compared.code not in _LINKS:
            return compared
    elif not is_limited(copy.source) or not compared.output.serious:
        return copy, compared
    # Where a key is limited, the source follows a root that is a link without being asked.
    site = await located(ssh, fleet, copy.site, (copy.mirror, copy.source))
    if isinstance(site, Failure):
        return site
    found = replace(copy, site=site)
    if not isinstance(compared, Failure) and (found.root, source_root(found)) == (copy.root, source_root(copy)):
        return found, compared
    compared = await dry_run(ssh, found)
    return compared if isinstance(compared, Failure) else (found, compared)


async def _located(ssh: Ssh, fleet: Fleet, site: Site, server: Server) -> str | Failure:
    root = posixpath.normpath(site.named_root_on(server.name))
    words = ["exec", "sh", "-c", ASK, "sharpnet-root", root, posixpath.dirname(root)]
    ran = await ssh.run(server.name, shlex.join(words), timeout_s=ASK_S)
    stopped = why_stopped(ran.exit_code, ran.err.decode("utf-8", "replace"), OF_WORK_FOLDER)
    if stopped is not None:
        return stopped[0].about(server=server.name)
    link = read_root_link(ran.out)
    if link is None:
        return root
    others = [
        posixpath.normpath(other.named_root_on(server.name))
        for other in fleet.sites.values()
        if other.name != site.name and server.name in other.servers
    ]
    found = where_it_leads(root, link, others, WORK_FOLDER)
    return found if found is not None else _not_followed(root, link.to, server)


def _not_followed(root: str, to: str, server: Server) -> Failure:
    limit = limited_root(server)
    code, leads = FailureCode.ROOT_SYMLINK, f"to {to}"
    if limit is not None and not is_within(to, limit):
        code, leads = FailureCode.SOURCE_OUTSIDE, f"that leads out of {limit}, all that its key lets others read"
    elif is_within(root, to):
        code, leads = FailureCode.SOURCE_ABOVE, f"to {to}, in which it lies itself"
    return Failure(
        code,
        f"the root on {server.name} is a symbolic link {leads}, and is not followed",
        "Put the content back, or correct the link: to a folder of the site's own, in the folder around the root.",
        refused=True,
    )

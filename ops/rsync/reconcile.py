"""A returned server's copy beside the served one: what differs, and bringing chosen paths into the served one.

What is brought arrives file by file, each whole by a rename; what one replaces is kept aside with what syncs have
replaced, and nothing is deleted. May be killed at any instant and be run again.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.failback.compare import judge
from core.failback.keep import left_out, missing_folders, paths_to_look_at, why_not_keep
from core.failure import Failure, FailureCode
from core.sync.rsync_output import OUT_FORMAT, OutputReader, why_not_apply
from core.wording import listing, shown_path
from ops.rsync.mirror import FILL_S, LOOK_S, MirrorCopy, failure_on, run_reading, why_not_copy
from ops.rsync.script import INTO_SERVED, LOOK
from ops.rsync.turn import run_in_turn
from ops.rsync.verify import COMPARE, MORE_MARK, differences_of, look_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.failback.compare import File
    from core.fleet import Server, Site
    from core.sync.rsync_output import PathChange
    from core.verify.compare import Side
    from ops.contracts import Clock, Ran, Ssh

# So many paths are looked at one by one; of those beyond it is said how many they are.
MOST_JUDGED = 50_000
AT_ONCE = 5000
MOST_BROUGHT = 100_000
# Newer versions of rsync complain of a name that is excluded; older ones leave it out of their list.
_REJECTED = re.compile(rb"rejecting excluded file-list name: (.+)")
_SAYING = [f"--out-format={OUT_FORMAT}", "--info=stats2"]
_NAMES = ["--from0", "--files-from=-", "--no-implied-dirs"]

# Arguments: root, parent, work, run, turn, latest; then rsync's. Standard input: the paths, each ended by NUL.
BRING = (
    INTO_SERVED
    + r"""
remove "$work/coming" && mkdir -- "$work/coming" || exit 1
rsync $super "$@" "$work/coming/"
status=$?
put_in || exit 1
exit "$status"
"""
)


@dataclass(frozen=True, slots=True)
class ReturnedSite:
    """A site, the server whose copy has returned, and the one that serves it."""

    site: Site
    returned: Server
    active: Server


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """What differs. more: how many paths besides. returned_files: how many the returned server has."""

    files: tuple[File, ...]
    more: int
    returned_files: int


async def compare(ssh: Ssh, clock: Clock, sides: ReturnedSite, *, every_byte: bool) -> ReconcileResult | Failure:
    """Return what differs, asked with the key of either server that may read the other. Nothing is changed.

    Raises SharpnetError: one of the servers could not be asked.
    """
    copy = MirrorCopy(sides.site, sides.active, sides.returned, every_byte)
    trouble = why_not_copy(copy)
    if trouble is not None:
        copy = MirrorCopy(sides.site, sides.returned, sides.active, every_byte)
        if why_not_copy(copy) is not None:
            return trouble
    found = await differences_of(ssh, copy, MOST_JUDGED)
    if isinstance(found, Failure):
        return found
    changes = [one.change for one in found.differences if not one.change.is_folder]
    files: list[File] = []
    for start in range(0, len(changes), AT_ONCE):
        some = changes[start : start + AT_ONCE]
        returned, active = await look_at_both(ssh, clock, sides, [change.path for change in some])
        judged = (judge(change, returned.get(change.path), active.get(change.path)) for change in some)
        files += [file for file in judged if file is not None]
    returned_files = found.stats.mirror_files if copy.mirror is sides.returned else found.stats.files
    return ReconcileResult(tuple(files), found.more, returned_files)


async def look_at_both(ssh: Ssh, clock: Clock, sides: ReturnedSite, paths: Sequence[bytes]) -> tuple[Side, Side]:
    """Return what lies at `paths` on the returned server and on the one that serves.

    Raises SharpnetError: one of them could not be asked, or has no such root.
    """
    site = sides.site
    both = await asyncio.gather(
        *(look_at(ssh, clock, one.name, site.root_on(one.name), paths) for one in (sides.returned, sides.active))
    )
    return both[0].seen, both[1].seen


async def why_not_bring(ssh: Ssh, clock: Clock, sides: ReturnedSite, paths: Sequence[bytes]) -> Failure | None:
    """Return why `paths` cannot be brought into the served copy, or None. Nothing is changed.

    Raises SharpnetError: one of the servers could not be asked.
    """
    copy = _reverse_copy(sides)
    trouble = why_not_copy(copy)
    if trouble is not None:
        return trouble
    returned, active = await look_at_both(ssh, clock, sides, paths_to_look_at(paths))
    trouble = why_not_keep(paths, returned, active, (sides.returned.name, sides.active.name))
    if trouble is not None:
        return trouble
    # With the folders around them, which may be what is excluded. Doubled, -i lists what is the same already too.
    by_name = paths_to_look_at(paths)
    listed = await _looked(ssh, copy, ["--dirs", "-ii", *_NAMES], _names(by_name))
    if isinstance(listed, Failure):
        return listed
    excluded = left_out(by_name, listed.changes)
    if excluded:
        return _excluded(excluded)
    wanted = await _looked(ssh, copy, ["--recursive", *_NAMES], _names(paths))
    if isinstance(wanted, Failure):
        return wanted
    return why_not_apply(wanted.stats, max_delete=None, free_bytes=wanted.free_bytes) if wanted.stats.files else None


async def bring(
    ssh: Ssh, clock: Clock, sides: ReturnedSite, run: str, paths: Sequence[bytes]
) -> tuple[PathChange, ...] | Failure:
    """Bring `paths`, folders with all that is in them, and return what came; files are read to tell what is the same.

    What they replace is kept aside under `run` on the serving server. Raises SharpnetError: a part may have come.
    """
    _, active = await look_at_both(ssh, clock, sides, paths_to_look_at(paths))
    brought: list[PathChange] = []
    # Folders around them that are not here yet come by themselves first, or they would come with all that is in them.
    for some, depth in ((missing_folders(paths, active), "--dirs"), (paths, "--recursive")):
        came = await _bring(ssh, _reverse_copy(sides), run, some, depth) if some else ()
        if isinstance(came, Failure):
            return came
        brought += came
    return tuple(brought)


async def _bring(
    ssh: Ssh, copy: MirrorCopy, run: str, paths: Sequence[bytes], depth: str
) -> tuple[PathChange, ...] | Failure:
    """Bring what differs in `paths`. It arrives beside the root, where it is not compared with anything."""
    extra, comparing = [*_SAYING, depth, *_NAMES], replace(copy, checksum=True)
    ran, _ = await run_reading(
        ssh, comparing, COMPARE, [str(MOST_BROUGHT)], extra, timeout_s=FILL_S, stdin=_names(paths)
    )
    differing = await _read(ran, copy)
    if isinstance(differing, Failure) or not differing.changes:
        return differing if isinstance(differing, Failure) else ()
    names = _names([change.path.rstrip(b"/") for change in differing.changes])
    brought = await run_in_turn(ssh, copy, BRING, run, ["--dirs", *_NAMES], timeout_s=FILL_S, stdin=names)
    trouble = brought if isinstance(brought, Failure) else failure_on(brought, copy)
    if trouble is None and MORE_MARK in ran.out:
        trouble = Failure(FailureCode.TOO_MANY, f"more than {MOST_BROUGHT:,} files and folders differ")
    return trouble or tuple(differing.changes)


def _reverse_copy(sides: ReturnedSite) -> MirrorCopy:
    """Return the way in which files are brought: the serving server pulls, with its own key."""
    return MirrorCopy(sides.site, sides.returned, sides.active)


def _excluded(paths: Sequence[bytes]) -> Failure:
    return Failure(
        FailureCode.EXCLUDED,
        f"app.yaml excludes {listing([shown_path(path) for path in paths])} from copies",
        "What is excluded is neither compared nor replaced; copy it by hand where it is wanted.",
        refused=True,
    )


def _names(paths: Sequence[bytes]) -> bytes:
    # The leading ./ keeps a name that begins with # or ; from being taken for a comment.
    return b"".join(b"./" + path + b"\0" for path in paths)


async def _looked(ssh: Ssh, copy: MirrorCopy, extra: list[str], stdin: bytes) -> OutputReader | Failure:
    ran, _ = await run_reading(ssh, copy, LOOK, [], [*_SAYING, *extra], timeout_s=LOOK_S, stdin=stdin)
    return await _read(ran, copy)


async def _read(ran: Ran, copy: MirrorCopy) -> OutputReader | Failure:
    if rejected := _REJECTED.findall(ran.err):
        return _excluded(rejected)
    trouble = failure_on(ran, copy)
    if trouble is not None:
        return trouble
    return await asyncio.to_thread(OutputReader.of, ran.out, MOST_BROUGHT)

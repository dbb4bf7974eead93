"""Which paths of a returned copy may be brought into the served one, and why not; values only.

A path is relative to the site's root. Neither on the returned server nor on the serving one may it lead through a
symbolic link, or what is brought would come from outside the site or land outside it.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import UsageError
from core.failure import Failure, FailureCode, trouble_facts
from core.sync.rsync_output import ChangeKind
from core.wording import count, shown_path, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from core.sync.rsync_output import PathChange
    from core.verify.compare import FileStat


@dataclass(frozen=True, slots=True)
class KeepResult:
    """How bringing paths into the served copy ended.

    run: its name, under which the serving server keeps what was replaced. brought: what came, folders too. trouble: why
    it did not come, or not all of it; what came before is in place, each file whole.
    """

    site: str
    returned: str
    active: str
    paths: tuple[bytes, ...]
    run: str = ""
    brought: tuple[PathChange, ...] = ()
    trouble: Failure | None = None

    @property
    def files(self) -> tuple[PathChange, ...]:
        """The files and links whose content came."""
        return tuple(
            one for one in self.brought if one.kind in (ChangeKind.CREATED, ChangeKind.CHANGED) and not one.is_folder
        )

    @property
    def replaced(self) -> tuple[PathChange, ...]:
        """Those that took the place of another one, which is kept aside."""
        return tuple(one for one in self.files if one.kind is ChangeKind.CHANGED)

    @property
    def summary(self) -> str:
        """What came, in a few words."""
        if not self.files:
            return "nothing to bring, it is there already"
        came = f"{count(len(self.files), 'file')} ({size(sum(one.size_bytes for one in self.files))})"
        return f"{came} brought from {self.returned}, {len(self.replaced):,} of them in the place of another one"

    @property
    def facts(self) -> Mapping[str, object]:
        """The same as plain JSON values, for the record and for scripts."""
        return {
            "run": self.run,
            "server": self.active,
            "returned": self.returned,
            "paths": [shown_path(path) for path in self.paths],
            "files": len(self.files),
            "replaced": len(self.replaced),
            **trouble_facts(self.trouble),
        }


def read_paths(typed: Iterable[str]) -> tuple[bytes, ...]:
    """Return the paths that somebody typed, each once, without those that lie in another one of them.

    Raises UsageError for one that is no path below the root.
    """
    paths = sorted({_read_path(text) for text in typed})
    return tuple(path for path in paths if not any(folder in paths for folder in folders_around(path)))


def _read_path(text: str) -> bytes:
    # What a terminal could not read as UTF-8 comes as surrogates, and goes back to the bytes that it was.
    path = text.encode("utf-8", "surrogateescape")
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    why = None
    if path.startswith(b"/"):
        why = "is absolute"
    elif b".." in parts:
        why = "leads upwards"
    elif b"\0" in path:
        why = "holds a NUL"
    elif not parts:
        why = "names no file or folder"
    if why is not None:
        raise UsageError(
            f"--keep {shown_path(path)!r} {why}.",
            hint="A path is relative to the site's root, as `failback SITE` lists it; all of it is a `rollback`.",
        )
    return b"/".join(parts)


def folders_around(path: bytes) -> tuple[bytes, ...]:
    """Return the folders that a path lies in, the outermost first, without the root."""
    parts = path.split(b"/")
    return tuple(b"/".join(parts[:end]) for end in range(1, len(parts)))


def paths_to_look_at(paths: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return what to ask both servers about before `why_not_keep` can be answered."""
    return tuple(dict.fromkeys(one for path in paths for one in (*folders_around(path), path)))


def why_not_keep(
    paths: Sequence[bytes],
    returned: Mapping[bytes, FileStat],
    active: Mapping[bytes, FileStat],
    servers: tuple[str, str],
) -> Failure | None:
    """Return why one of `paths` must not be brought, or None. servers: the returned one and the one that serves."""
    for path in paths:
        why = _why_not_through(path, returned, active, servers) or _why_not_itself(path, returned, active, servers)
        if why is not None:
            return Failure(
                FailureCode.CANNOT_KEEP,
                f"{shown_path(path)}: {why}",
                "Nothing was changed. `failback SITE` lists what differs.",
                refused=True,
            )
    return None


def _why_not_through(
    path: bytes, returned: Mapping[bytes, FileStat], active: Mapping[bytes, FileStat], servers: tuple[str, str]
) -> str | None:
    for folder in folders_around(path):
        for side, server in ((returned, servers[0]), (active, servers[1])):
            seen = side.get(folder)
            if seen is not None and stat.S_ISLNK(seen.mode):
                return f"{shown_path(folder)} is a symbolic link on {server}, and may lead out of the site"
            if seen is not None and not stat.S_ISDIR(seen.mode):
                return f"{shown_path(folder)} is no folder on {server}"
    return None


def _why_not_itself(
    path: bytes, returned: Mapping[bytes, FileStat], active: Mapping[bytes, FileStat], servers: tuple[str, str]
) -> str | None:
    there, here = returned.get(path), active.get(path)
    if there is None:
        return f"{servers[0]} has no such file or folder"
    if not any(is_kind(there.mode) for is_kind in (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK)):
        return f"it is neither a file nor a folder on {servers[0]}"
    if here is not None and stat.S_ISDIR(there.mode) != stat.S_ISDIR(here.mode):
        folder, other = servers if stat.S_ISDIR(there.mode) else servers[::-1]
        return f"it is a folder on {folder} and none on {other}"
    return None


def missing_folders(paths: Iterable[bytes], active: Mapping[bytes, FileStat]) -> tuple[bytes, ...]:
    """Return the folders around `paths` that the served copy lacks, each after the one that it lies in."""
    return tuple(dict.fromkeys(one for path in paths for one in folders_around(path) if one not in active))


def left_out(paths: Iterable[bytes], listed: Iterable[PathChange]) -> tuple[bytes, ...]:
    """Return those of `paths` that rsync, asked for each by name, did not list: app.yaml excludes them."""
    there = {one.path.rstrip(b"/") for one in listed}
    return tuple(path for path in paths if path not in there)

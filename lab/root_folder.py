"""Gives a lab host a root folder of its own: the machine's programs, and its own files under its own paths.

What the fleet file says stands at /srv/uk/www on that server does stand there, seen from inside; on the machine it is
in the host's folder, and nothing of it is left when the host is gone.
"""

import os
from pathlib import Path

from lab import syscalls

INSIDE = "/.lab"
"""Where a host sees its own folder: short, since the path of a socket ends at 108 bytes (unix(7))."""

ALWAYS_OWN = ("/home", "/root", "/run", "/srv", "/tmp", "/var")
ACCOUNT_FILES = ("/etc/passwd", "/etc/shadow", "/etc/group")
_SHARED = frozenset({"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "sys", "usr"})


def own_paths(needed: list[str]) -> list[str]:
    """Choose what a host has to itself so that every path in `needed` is its own; none lies inside another.

    That is the whole top folder, unless the machine's programs are in it too: then it is the first part of the path
    that the machine does not have.
    """
    chosen = {*ALWAYS_OWN, *(_to_own(path) for path in needed)}
    return sorted(path for path in chosen if not any(path.startswith(other + "/") for other in chosen))


def on_host(folder: Path, path: str) -> Path:
    """Say where the host's own file `path` is on the machine."""
    return folder / "root" / path.lstrip("/")


def enter(folder: Path, own: list[str]) -> None:
    """Move this process, in a mount namespace of its own, to the host's root folder."""
    new_root = str(folder / "new-root")
    syscalls.keep_mounts_private()
    _clone("/", new_root, leave_out={path for path in (*own, INSIDE, "/proc") if path.count("/") == 1})
    for path in ("/proc", INSIDE):
        Path(new_root + path).mkdir()
    syscalls.mount_proc(new_root + "/proc")
    syscalls.mount("tmpfs", new_root + "/dev/shm", "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV)
    syscalls.bind(str(folder), new_root + INSIDE)
    roomy = {"/"}
    for path in own:
        parent = path.rpartition("/")[0] or "/"
        target = Path(new_root + path)
        if not target.exists():
            if parent not in roomy:
                _clone(parent, new_root + parent, leave_out=set())
                roomy.add(parent)
            target.mkdir()
        syscalls.bind(str(on_host(folder, path)), str(target))
    for path in ACCOUNT_FILES:
        syscalls.bind(str(on_host(folder, path)), new_root + path)
    syscalls.change_root(new_root)


def _to_own(path: str) -> str:
    parts = path.strip("/").split("/")
    if parts[0] not in _SHARED:
        return "/" + parts[0]
    for count in range(2, len(parts)):
        start = "/" + "/".join(parts[:count])
        if not os.path.lexists(start):
            return start
    return "/" + "/".join(parts)


def _clone(source: str, target: str, leave_out: set[str]) -> None:
    """Make `target` a folder with the same entries as `source`, into which more can be put."""
    with os.scandir(source) as entries:
        found = list(entries)
        syscalls.mount("tmpfs", target, "tmpfs", options="mode=755")
        for entry in found:
            place = f"{target.rstrip('/')}/{entry.name}"
            if entry.path in leave_out:
                continue
            if entry.is_symlink():
                Path(place).symlink_to(Path(entry.path).readlink())
            elif entry.is_dir():
                Path(place).mkdir()
                syscalls.bind(entry.path, place)
            elif entry.is_file():
                Path(place).touch()
                syscalls.bind(entry.path, place)

"""The few system calls that Python has no function for (see mount(2), pivot_root(2), unshare(2), prctl(2))."""

import ctypes
import os
import signal

MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

_MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    """Mount `source` on `target`, or raise OSError naming the target."""
    answer = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        options.encode() if options else None,
    )
    _check(answer, f"mount {source} on {target}")


def bind(source: str, target: str) -> None:
    """Make the file or folder `source`, with all that is mounted in it, appear at `target`."""
    mount(source, target, flags=MS_BIND | MS_REC)


def keep_mounts_private() -> None:
    """Keep every later mount of this mount namespace from showing up outside it."""
    mount("none", "/", flags=MS_REC | MS_PRIVATE)


def mount_proc(target: str) -> None:
    """Mount a /proc that shows this PID namespace alone."""
    mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def change_root(new_root: str) -> None:
    """Make the mounted folder `new_root` this mount namespace's root, and let go of the old one."""
    os.chdir(new_root)
    # Both arguments alike stack the old root under the new one, where it can be detached: pivot_root(2), NOTES.
    _check(_libc.pivot_root(b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _MNT_DETACH), "umount of the old root")
    os.chdir("/")


def unshare(namespaces: int) -> None:
    """Leave the given namespaces for new ones; a new PID namespace begins with the next child."""
    _check(_libc.unshare(namespaces), "unshare")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however it ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


def _check(answer: int, what: str) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")

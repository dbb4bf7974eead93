"""A site's owner who is hostile: swaps folders of the site for links to another customer's, as fast as that goes.

Run as a program by root, whose rights it gives up for those of that owner, on the root of the site, until it is ended.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync.harness import Rig

    from core.fleet import Site

CUSTOMER, NEIGHBOUR = 61_001, 61_002
EXCHANGE = 2
FOLDERS = [f"{kind}{number}" for kind in ("page", "cache") for number in range(20)]
# What the customer writes while the site is copied: a program, and a file of the same name as one of the neighbour's.
LATE = ("shell.php", "password.php")
SECRET = "s3cret"


@dataclass(frozen=True)
class Neighbour:
    """Another customer's site beside the hostile one's, which nobody else can enter."""

    root: Path

    def make(self) -> None:
        """Write the site: the same folders, and in each a file that others may not read."""
        for folder in FOLDERS:
            (self.root / folder).mkdir(parents=True, exist_ok=True)
            (self.root / folder / "password.php").write_text(SECRET)
        for path in (self.root, *self.root.rglob("*")):
            os.chown(path, NEIGHBOUR, NEIGHBOUR)
        self.root.chmod(0o750)

    def is_as_it_was(self) -> bool:
        """Return whether all of it is there, and nothing else."""
        found = {
            str(path.relative_to(self.root)): path.read_text() if path.is_file() else ""
            for path in self.root.rglob("*")
            if not path.is_dir()
        }
        owners = {path.lstat().st_uid for path in (self.root, *self.root.rglob("*"))}
        expected = {f"{folder}/password.php": SECRET for folder in FOLDERS}
        return found == expected and owners == {NEIGHBOUR} and self.root.stat().st_mode & 0o777 == 0o750

    def is_in(self, tree: Path) -> bool:
        """Return whether anything of it lies in another tree."""
        own = {path.stat().st_ino for path in self.root.rglob("*")}
        return any(
            path.lstat().st_ino in own or (path.is_file() and not path.is_symlink() and SECRET in path.read_text())
            for path in tree.rglob("*")
        )


def let_in(folder: Path) -> None:
    """Let the customer write to a folder that is root's, by an access list alone: acl(5), as the kernel keeps it."""
    everybody = 0xFFFFFFFF
    entries = ((1, 7, everybody), (2, 7, CUSTOMER), (4, 5, everybody), (16, 7, everybody), (32, 5, everybody))
    packed = b"".join(struct.pack("<HHI", *entry) for entry in entries)
    os.chown(folder, 0, 0)
    os.setxattr(folder, "system.posix_acl_access", struct.pack("<I", 2) + packed)


def write_site(root: Path) -> None:
    """Write the hostile customer's site."""
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "index.html").write_text("hello")
    for path in (root, *root.rglob("*")):
        os.chown(path, CUSTOMER, CUSTOMER, follow_symlinks=False)


def at_a_customers(rig: Rig, site: Site) -> Site:
    """Give a site that lies in a folder of the customer's, as at most hosts, and is made on both servers."""
    site = replace(site, name=f"{site.name}.home", root=f"/srv/{{server}}/www/home/{site.name}/public_html")
    for server in site.servers:
        root = rig.root(site, server)
        if not root.parent.parent.exists():
            root.parent.parent.mkdir()
            owner = root.parent.parent.parent.stat()
            os.chown(root.parent.parent, owner.st_uid, owner.st_gid)
        root.mkdir(parents=True)
        (root / "index.html").write_text("hello")
        for path in (root.parent, root, root / "index.html"):
            os.chown(path, CUSTOMER, CUSTOMER)
    return site


def release(rig: Rig, site: Site, server: str) -> Path:
    """Have the site's root on a server be a link to a release beside it, and give that."""
    root = rig.root(site, server)
    releases = root.with_name(f"{root.name}.releases")
    releases.mkdir()
    owner = root.parent.stat()
    os.chown(releases, owner.st_uid, owner.st_gid)
    root.rename(releases / "42")
    root.symlink_to(f"{releases.name}/42")
    return releases / "42"


@contextmanager
def hostile(root: Path, target: str) -> Iterator[int]:
    """Have the customer work on the site meanwhile, and give the process.

    target: the neighbour's root, by its path on the server.
    """
    with subprocess.Popen([sys.executable, __file__, root, target]) as working:
        try:
            yield working.pid
            assert working.poll() is None
        finally:
            working.kill()


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """Have the customer stand still, so that the trees can be looked at."""
    os.kill(process, signal.SIGSTOP)
    os.waitid(os.P_PID, process, os.WSTOPPED | os.WNOWAIT)
    yield
    os.kill(process, signal.SIGCONT)


def work(root: str, target: str) -> None:
    """Swap and write for ever, in the content that is served and in the one before."""
    rename = ctypes.CDLL(None).renameat2
    os.chdir(Path(root).parent)
    os.setgroups([])
    os.setgid(CUSTOMER)
    os.setuid(CUSTOMER)
    name = Path(root).name
    opened: dict[int, int] = {}
    while True:
        with suppress(OSError):
            if (there := Path(name).stat().st_ino) not in opened:
                opened[there] = os.open(name, os.O_PATH)
        while len(opened) > 2:
            os.close(opened.pop(next(iter(opened))))
        for within in opened.values():
            for folder in FOLDERS:
                # For a moment each: the folder with a file that is new, and the link in its place.
                for late in LATE:
                    with suppress(OSError):
                        os.close(os.open(f"{folder}/{late}", os.O_CREAT | os.O_NOFOLLOW, dir_fd=within))
                with suppress(OSError):
                    os.symlink(f"{target}/{folder}", f"{folder}.link", dir_fd=within)
                rename(within, folder.encode(), within, f"{folder}.link".encode(), EXCHANGE)


if __name__ == "__main__":
    work(*sys.argv[1:])

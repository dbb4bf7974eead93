"""What a site's owner does while root saves and restores it gains nothing: nothing of others is read or written."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sync.customer import CUSTOMER, FOLDERS, SECRET, Neighbour, hostile, stopped, write_site
from sync.killed_script import NEVER, Place

from ops.restic.restore_script import RESTORE, SAMPLE
from ops.restic.script import SAVE
from ops.restic.source_script import DUMP, REMOVE
from ops.rsync.script import SWAP

if TYPE_CHECKING:
    from collections.abc import Iterator

# So many runs each, in which forty folders are swapped some thousand times a second.
RUNS = int(os.environ.get("SHARPNET_RACES", "6"))
FORGET = "20251201T000000Z"
PASSWORD = "secret"
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
RULES = ("--filter=- cache*", "--filter=- *.link")


@dataclass
class HostileServer(Place):
    """A server on which two customers' sites lie side by side, in a folder of the hostile one's, and a repository."""

    @property
    def root(self) -> Path:
        return self.folder / "home/customer/www/shop"

    @property
    def work(self) -> Path:
        return self.folder / "home/.sharpnet/shop"

    @property
    def where(self) -> list[str]:
        return [str(self.root), str(self.root.parent), str(self.root.parent / ".sharpnet/shop")]

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    @property
    def neighbour(self) -> Neighbour:
        return Neighbour(self.folder / "home/neighbour")

    def make(self) -> None:
        self.folder.chmod(0o755)
        self.neighbour.make()
        write_site(self.root)
        for folder in (self.root.parent, self.root.parent.parent):
            os.chown(folder, CUSTOMER, CUSTOMER)
        self.restic("init")

    def restic(self, *words: str) -> str:
        """Run restic on the repository as its owner does, and return what it says."""
        argv = ["restic", "-q", "--no-cache", "-r", str(self.repository), *words]
        environ = {**os.environ, "RESTIC_PASSWORD": PASSWORD}
        return subprocess.run(argv, env=environ, capture_output=True, text=True, check=True, timeout=60).stdout

    def offsite(self, script: str, *words: str, first: str = "") -> int:
        """Run a script that is joined to an SFTP server, and return how it ended. first: what it gets to read."""
        reading, writing = os.pipe()
        os.write(writing, f"{PASSWORD}\n{first}".encode())
        argv = ["sh", "-c", script, "sharpnet", *words]
        environ = {**os.environ, "HOME": str(self.folder / "root")}
        with (
            subprocess.Popen(
                argv, stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
            ) as working,
            subprocess.Popen([SFTP_SERVER], stdin=working.stdout, stdout=writing),
        ):
            os.close(writing)
            os.close(reading)
            assert working.stdout is not None
            working.stdout.close()
            said = working.communicate(timeout=60)[1]
        assert working.returncode in (0, 3), said
        return working.returncode

    def shell(self, script: str, *own: str) -> subprocess.CompletedProcess[bytes]:
        """Run a script on the place as a server would."""
        argv = ["sh", "-c", script, "sharpnet", *self.where, *own]
        return subprocess.run(argv, capture_output=True, check=False, timeout=60)

    def save(self) -> None:
        """Save the site as a backup does."""
        self.offsite(SAVE, str(self.repository), "shop", str(self.root), "--", str(self.root), first="\n")

    def restore(self, run: str) -> None:
        """Make the newest backup ready, and put it in place."""
        inside = f"--include={self.root}"
        words = [run, self.take_turn(run), "latest", str(self.root), "", inside, inside, "", *RULES]
        self.offsite(RESTORE, *self.where, str(self.repository), *words)
        assert self.shell(SWAP, run, run, FORGET, self.turn, NEVER).returncode == 0

    def has_saved(self, secret: str) -> bool:
        """Return whether the newest snapshot holds a text in any file."""
        return secret in self.restic("dump", "latest", "/")


@pytest.fixture
def server() -> Iterator[HostileServer]:
    """Give a server with both sites, in memory."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        made = HostileServer(Path(folder))
        made.make()
        yield made


def run_name(number: int) -> str:
    return f"20260101T{number:06d}Z-race"


def test_folders_that_become_links_while_a_site_is_saved_bring_nothing_of_the_neighbours_into_the_backup(
    server: HostileServer,
) -> None:
    with hostile(server.root, str(server.neighbour.root)):
        for number in range(RUNS):
            server.save()
            assert not server.has_saved(SECRET), number
    assert server.has_saved("hello")


def test_folders_that_become_links_while_a_site_is_restored_lead_nobody_to_the_neighbours_files(
    server: HostileServer,
) -> None:
    server.save()
    with hostile(server.root, str(server.neighbour.root)) as customer:
        for number in range(RUNS):
            server.restore(run_name(number))
            with stopped(customer):
                assert server.neighbour.is_as_it_was(), number
                assert not server.neighbour.is_in(server.root), number
                assert not server.neighbour.is_in(server.work), number


def planted(server: HostileServer) -> Path:
    """Have the customer lead our folders in his to one of root's, and give that."""
    theirs = server.folder / "root/keys"
    theirs.mkdir(parents=True, exist_ok=True)
    for name in ("backup", "proof"):
        (theirs / name).mkdir()
        (theirs / name / "kept").write_text("root's")
    ours = server.root.parent / ".sharpnet"
    ours.mkdir()
    (ours / "shop").symlink_to(theirs)
    for path in (ours, ours / "shop"):
        os.chown(path, CUSTOMER, CUSTOMER, follow_symlinks=False)
    return theirs


def test_a_link_in_the_place_of_our_folder_leads_no_dump_elsewhere(server: HostileServer) -> None:
    theirs = planted(server)
    server.shell(DUMP, "mariadb-shop.sql", "echo dumped")
    assert sorted(path.name for path in theirs.rglob("*")) == ["backup", "kept", "kept", "proof"]


def test_a_link_in_the_place_of_our_folder_has_nothing_of_roots_removed(server: HostileServer) -> None:
    theirs = planted(server)
    for name in ("backup", "proof"):
        server.shell(REMOVE, name)
    assert sorted(path.name for path in theirs.rglob("*")) == ["backup", "kept", "kept", "proof"]


def test_a_link_in_the_place_of_our_folder_leads_no_sample_elsewhere(server: HostileServer) -> None:
    server.save()
    theirs = planted(server)
    page = f"--include={server.root}/{FOLDERS[0]}/index.html"
    server.offsite(SAMPLE, *server.where, str(server.repository), "latest", page)
    assert sorted(path.name for path in theirs.rglob("*")) == ["backup", "kept", "kept", "proof"]

"""What a site's owner does in it while root works there gains nothing: nothing of others is read or written."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sync.customer import CUSTOMER, FOLDERS, Neighbour, hostile, stopped, write_site
from sync.killed_script import NEVER, REFUSED, Place

from ops.rsync.catch_up import BRING as CATCH_UP
from ops.rsync.reconcile import BRING
from ops.rsync.replaced_script import PUT, PUT_BACK
from ops.rsync.script import FILL, SWAP

if TYPE_CHECKING:
    from pathlib import Path

# So many runs each, in which forty folders are swapped some thousand times a second.
RUNS = int(os.environ.get("SHARPNET_RACES", "6"))
FORGET = "20251201T000000Z"


@dataclass
class HostilePlace(Place):
    """A server on which two customers' sites lie side by side, and a source of the hostile one's."""

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def neighbour(self) -> Neighbour:
        return Neighbour(self.root.parent / "neighbour")

    def make(self) -> None:
        self.neighbour.make()
        write_site(self.root)
        write_site(self.source)

    def write(self, text: str) -> None:
        """Have another text in every page of the source."""
        for folder in FOLDERS:
            (self.source / folder / "index.html").write_text(text)

    def shell(self, script: str, *own: str, stdin: bytes = b"") -> int:
        """Run a script on the place as a server would, and return how it ended."""
        argv = ["sh", "-c", script, "sharpnet", *self.where, *own]
        return subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=60).returncode

    def fill(self, run: str, how: str = "linked") -> int:
        rules = ["--filter=- cache*", "--filter=- *.link"]
        return self.shell(FILL, run, run, how, self.take_turn(run), "-aHAX", *rules, f"{self.source}/")

    def swap(self, run: str) -> int:
        return self.shell(SWAP, run, run, FORGET, self.turn, NEVER)

    def has(self, text: str) -> bool:
        """Return whether any page of the site, wherever its owner has put it just now, has that text."""
        pages = (page for page in self.root.rglob("index.html") if page.is_file() and not page.is_symlink())
        return any(page.read_text() == text for page in pages)

    def gained(self) -> list[str]:
        """Say what is not as it should be between the two sites."""
        neighbour = self.neighbour
        return [
            *([] if neighbour.is_as_it_was() else ["something was changed at the neighbour's"]),
            *(["the customer has something of the neighbour's"] if neighbour.is_in(self.root) else []),
        ]


@pytest.fixture
def place(tmp_path: Path) -> HostilePlace:
    """Give a place with both sites."""
    place = HostilePlace(tmp_path)
    place.make()
    return place


def run_name(number: int) -> str:
    return f"20260101T{number:06d}Z-race"


@pytest.mark.parametrize("how", ["linked", "own"])
def test_folders_that_become_links_while_a_site_is_copied_lead_nobody_to_the_neighbours_files(
    place: HostilePlace, how: str
) -> None:
    with hostile(place.root, str(place.neighbour.root)) as customer:
        for number in range(RUNS):
            place.write(f"text {number}")
            assert (place.fill(run_name(number), how), place.swap(run_name(number))) == (0, 0)
            with stopped(customer):
                assert place.gained() == [], number


def test_folders_that_become_links_at_the_source_bring_nothing_of_the_neighbours_to_the_mirror(
    place: HostilePlace,
) -> None:
    copied = 0
    with hostile(place.source, str(place.neighbour.root)) as customer:
        for number in range(RUNS):
            run = run_name(number)
            with stopped(customer):
                shutil.rmtree(place.root)
                write_site(place.root)
            # rsync complains of what it finds changed meanwhile.
            if place.fill(run) == 0:
                assert place.swap(run) == 0
                copied += 1
            assert not place.neighbour.is_in(place.root)
            assert not place.neighbour.is_in(place.work)
    assert copied


def test_folders_that_become_links_while_files_are_brought_lead_nobody_to_the_neighbours_files(
    place: HostilePlace,
) -> None:
    for folder in FOLDERS:
        (place.source / folder / "password.php").write_text("of the site")
    names = b"".join(f"./{folder}/{name}\0".encode() for folder in FOLDERS for name in ("index.html", "password.php"))
    late = b"".join(f"f 9999999999 {folder}/password.php\0".encode() for folder in FOLDERS)

    def bring(number: int) -> tuple[int, int]:
        place.write(f"text {number}")
        own = [run_name(number), place.take_turn(run_name(number)), NEVER, "-aHAX"]
        brought = place.shell(BRING, *own, "--dirs", "--from0", "--files-from=-", f"{place.source}/", stdin=names)
        return brought, place.shell(CATCH_UP, *own, f"{place.source}/", stdin=late)

    assert bring(RUNS) == (0, 0), "where nobody hinders them, both bring all"
    shutil.rmtree(place.root)
    write_site(place.root)
    brought = 0
    with hostile(place.root, str(place.neighbour.root)) as customer:
        for number in range(RUNS):
            bring(number)
            with stopped(customer):
                assert place.gained() == [], number
                brought += place.has(f"text {number}")
    assert brought


def test_folders_that_become_links_while_a_run_is_undone_lead_nobody_to_the_neighbours_files(
    place: HostilePlace,
) -> None:
    place.write("before it is undone")
    assert (place.fill(run_name(0)), place.swap(run_name(0))) == (0, 0)
    with hostile(place.root, str(place.neighbour.root)) as customer:
        for number in range(1, RUNS):
            undo = run_name(number)
            assert place.shell(PUT_BACK, run_name(0), undo, place.take_turn(undo), NEVER, PUT) == 0
            with stopped(customer):
                assert place.gained() == [], number


def test_what_came_meanwhile_is_not_put_aside_through_a_link_that_the_run_put_aside(place: HostilePlace) -> None:
    way = place.root / "way"
    way.symlink_to(place.neighbour.root)
    (place.source / "way").mkdir()
    (place.source / "way/shell.php").write_text("of the source")
    assert place.fill(run_name(0)) == 0
    way.unlink()
    way.mkdir()
    (way / "shell.php").write_text("of the customer")
    assert place.swap(run_name(0)) == 0
    assert place.gained() == []
    assert (way / "shell.php").read_text() == "of the source"
    kept = [path for path in (place.work / "replaced").rglob("shell.php") if path.is_file()]
    assert [path.read_text() for path in kept] == ["of the customer"]


def test_a_root_that_its_owner_makes_a_link_during_the_exchange_is_not_followed(place: HostilePlace) -> None:
    assert place.fill(run_name(0)) == 0
    # As in the instant after it was looked at: the exchange brings what lies there into the work folder.
    looked = '[ ! -h "$root" ] || stop root-symlink\n'
    assert looked in SWAP
    swapping = f'mv -T -- "$root" "$work/was" && ln -s {place.neighbour.root} "$root"\n'
    script = SWAP.replace('[ "$(cat -- "$work/ready"', swapping + '[ "$(cat -- "$work/ready"')
    assert script != SWAP
    assert place.shell(script, run_name(0), run_name(0), FORGET, place.turn, NEVER) == 0
    assert place.gained() == []
    assert place.has("hello")


def test_a_pipe_that_comes_into_the_root_meanwhile_lives_on_and_is_not_waited_for(place: HostilePlace) -> None:
    assert place.fill(run_name(0)) == 0
    os.mkfifo(place.root / "pipe")
    assert place.swap(run_name(0)) == 0
    assert (place.root / "pipe").is_fifo()


def test_a_folder_that_comes_into_the_root_meanwhile_stays_its_owners(place: HostilePlace) -> None:
    assert place.fill(run_name(0)) == 0
    (place.root / "new/deep").mkdir(parents=True)
    (place.root / "new/deep/late").write_text("late")
    for path in (place.root / "new", place.root / "new/deep"):
        path.chmod(0o2750)
        os.chown(path, CUSTOMER, CUSTOMER)
    (place.root / "new").chmod(0o750)
    assert place.swap(run_name(0)) == 0
    made = [(place.root / name).stat() for name in ("new", "new/deep")]
    assert [(one.st_uid, one.st_mode & 0o7777) for one in made] == [(CUSTOMER, 0o750), (CUSTOMER, 0o2750)]
    assert (place.root / "new/deep/late").read_text() == "late"


def test_a_folder_around_the_root_is_reached_by_no_link_that_others_could_have_made(place: HostilePlace) -> None:
    turn = place.take_turn("one")
    www, theirs = place.root.parent, place.folder / "theirs"
    www.rename(theirs)
    www.symlink_to(theirs)
    os.chown(www, CUSTOMER, CUSTOMER, follow_symlinks=False)
    refused = place.shell(FILL, "one", "one", "linked", turn, "-aHAX", f"{place.source}/")
    os.chown(www, 0, 0, follow_symlinks=False)
    followed = place.fill(run_name(0))
    assert (refused, followed) == (REFUSED, 0)

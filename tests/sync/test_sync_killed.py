"""The script on the mirror may be killed before any of its commands, and be run again: the root is always whole."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sync.harness import contents_at, tree_at
from sync.killed_script import FOR_EVER, NEVER, REFUSED, Place

from ops.rsync.script import FILL, SWAP

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIONS = ["-aHAX", "--no-h", "--info=stats2", "--filter=- cache/"]


@dataclass
class Mirror(Place):
    """A mirror and a source as folders of this machine, and the script's phases on them."""

    path: str = os.environ["PATH"]
    how: str = "linked"  # own: its stages hold copies, not links

    @property
    def source(self) -> Path:
        return self.folder / "source"

    def make(self) -> None:
        """Make both, different in every way that counts."""
        source = {"same": "same", "changed": "after", "new/file": "new", "mode": "m"}
        there = {"same": "same", "changed": "before!", "gone/file": "gone", "mode": "m", "cache/own": "own"}
        self.fill_anew({self.source: source, self.root: there})
        (self.source / "mode").chmod(0o600)

    def fill(self, left: int = FOR_EVER, run: str = "20260101T000000Z-one") -> int:
        """Run the phase that makes the next content; `left`: commands until it is killed."""
        own = [run, run, self.how, self.take_turn(run), *OPTIONS, f"{self.source}/"]
        return self._phase(FILL, left, own, b"mode\0")

    def swap(self, left: int = FOR_EVER, run: str = "20260101T000000Z-one") -> int:
        """Run the phase that puts it in place."""
        return self._phase(SWAP, left, [run, run, "20251201T000000Z", self.turn, NEVER])

    def _phase(self, script: str, left: int, own: list[str], stdin: bytes = b"") -> int:
        ended = self.run(script, left, own, stdin, {"PATH": self.path})
        assert ended != REFUSED
        return ended

    def is_done(self) -> bool:
        """Return whether the root is what the source is, with what is excluded, and all else is kept and cleared."""
        after = {name: kept for name, kept in tree_at(self.root).items() if not name.startswith("cache")}
        kept = contents_at(self.work / "replaced")
        return (
            after == tree_at(self.source)
            and (self.root / "cache/own").read_text() == "own"
            and sorted((name.partition("/")[2], text) for name, text in kept.items())
            == [("changed", b"before!"), ("gone/file", b"gone")]
            and {path.name for path in self.work.iterdir()} == {"lock", "replaced", "turn"}
        )


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    """Give a mirror in memory, where waiting for the disk costs nothing."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Mirror(Path(folder) / "m")


@pytest.fixture
def old_mirror(mirror: Mirror, tmp_path: Path) -> Mirror:
    """Give a mirror that cannot exchange two folders at once: no `mv --exchange`, no perl."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/perl").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin/perl").chmod(0o755)
    return Mirror(mirror.folder, path=f"{tmp_path}/bin:{os.environ['PATH']}")


def test_without_a_kill_the_mirror_becomes_what_the_source_is(mirror: Mirror) -> None:
    mirror.make()
    assert (mirror.fill(), mirror.swap()) == (0, 0)
    assert mirror.is_done()


@pytest.mark.parametrize("how", ["linked", "own"])
def test_killed_at_any_moment_of_filling_the_root_is_as_it_was_and_the_next_run_succeeds(
    mirror: Mirror, how: str
) -> None:
    mirror.how = how
    left, killed = 1, True
    while killed:
        mirror.make()
        before = tree_at(mirror.root)
        killed = mirror.fill(left) != 0
        assert tree_at(mirror.root) == before, left
        assert mirror.fill(run="20260102T000000Z-two") == 0
        assert mirror.swap(run="20260102T000000Z-two") == 0
        assert mirror.is_done(), left
        left += 1
    assert left > 20


@pytest.mark.parametrize("how", ["linked", "own"])
def test_killed_at_any_moment_of_the_exchange_the_root_is_as_it_was_or_whole(mirror: Mirror, how: str) -> None:
    mirror.how = how
    left, killed = 1, True
    while killed:
        mirror.make()
        before = contents_at(mirror.root)
        after = {**contents_at(mirror.source), "cache/own": b"own"}
        assert mirror.fill() == 0
        killed = mirror.swap(left) != 0
        assert contents_at(mirror.root) in (before, after), left
        assert mirror.fill(run="20260102T000000Z-two") == 0
        assert mirror.swap(run="20260102T000000Z-two") == 0
        assert mirror.is_done(), left
        left += 1
    assert left > 20


def test_killed_twice_in_a_row_the_next_run_still_succeeds(mirror: Mirror) -> None:
    for first in range(1, 60, 12):
        for second in range(1, 60, 17):
            mirror.make()
            mirror.fill(first)
            mirror.fill(second, run="20260102T000000Z-two")
            assert mirror.fill(run="20260103T000000Z-three") == 0
            mirror.swap(first, run="20260103T000000Z-three")
            mirror.fill(second, run="20260104T000000Z-four")
            assert mirror.fill(run="20260105T000000Z-five") == 0
            assert mirror.swap(run="20260105T000000Z-five") == 0
            assert mirror.is_done(), (first, second)


def test_where_two_renames_have_to_do_a_killed_one_is_finished_by_the_next_run(old_mirror: Mirror) -> None:
    left, killed = 1, True
    while killed:
        old_mirror.make()
        assert old_mirror.fill() == 0
        killed = old_mirror.swap(left) != 0
        assert old_mirror.fill(run="20260102T000000Z-two") == 0
        assert old_mirror.swap(run="20260102T000000Z-two") == 0
        assert old_mirror.is_done(), left
        left += 1
    assert left > 20


def test_what_comes_into_the_root_while_it_is_copied_lives_on(mirror: Mirror) -> None:
    mirror.make()
    assert mirror.fill() == 0
    (mirror.root / "cache/late").write_text("late")
    (mirror.root / "changed").unlink()
    (mirror.root / "changed").write_text("by hand")
    assert mirror.swap() == 0
    assert (mirror.root / "cache/late").read_text() == "late"
    assert (mirror.root / "changed").read_text() == "after"
    kept = contents_at(mirror.work / "replaced")
    assert {"before!", "gone"} <= {str(text, "utf-8") for text in kept.values() if isinstance(text, bytes)}


def test_what_another_run_has_made_ready_is_not_put_in_place(mirror: Mirror) -> None:
    mirror.make()
    before = tree_at(mirror.root)
    assert mirror.fill(run="20260101T000000Z-one") == 0
    words = [*mirror.where, "other", "other", "20251201T000000Z", mirror.turn, NEVER]
    ran = subprocess.run(["sh", "-c", SWAP, "x", *words], capture_output=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (REFUSED, b"sharpnet-stop: not-ready\n")
    assert tree_at(mirror.root) == before


def test_a_run_is_refused_while_another_one_works_there(mirror: Mirror) -> None:
    mirror.make()
    mirror.work.mkdir(parents=True)
    with subprocess.Popen(["flock", str(mirror.work / "lock"), "sleep", "60"]) as holder:
        while (
            subprocess.run(["flock", "-n", str(mirror.work / "lock"), "true"], check=False, timeout=60).returncode == 0
        ):
            pass
        words = [*mirror.where, "r", "r", "linked", "1 r", *OPTIONS, f"{mirror.source}/"]
        ran = subprocess.run(["sh", "-c", FILL, "x", *words], capture_output=True, check=False, timeout=60)
        holder.kill()
    assert (ran.returncode, ran.stderr) == (REFUSED, b"sharpnet-stop: busy\n")

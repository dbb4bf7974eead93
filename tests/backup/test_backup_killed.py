"""The script that restores may be killed before any of its commands, and be run again: the root is always whole."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sync.rig import contents_at, tree_at

from ops.restic_script import RESTORE
from ops.rsync_script import SWAP

if TYPE_CHECKING:
    from collections.abc import Iterator

# Before each simple command of the script bash counts one down and kills itself at nought.
LOCKED = "\ntake_lock\n"
DIES = "set -T; left={left}; trap '[ $((left -= 1)) -ne 0 ] || kill -9 $$' DEBUG\n"
FOR_EVER = 10**9
RUN = "20260101T000000Z-K7Q2"
RESTIC = """#!/bin/sh
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/srv" && cp -a "$SAVED" "$2/srv/shop"
"""


@dataclass
class Place:
    """A server's folder, and a restic that knows one snapshot."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "www/shop"

    @property
    def saved(self) -> Path:
        return self.folder / "saved"

    @property
    def work(self) -> Path:
        return self.folder / "www/.sharpnet/shop"

    def make(self) -> None:
        """Make the content that is there and the one that was saved, different in every way that counts."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for base, files in (
            (self.saved, {"same": "same", "changed": "before", "lost/file": "lost"}),
            (self.root, {"same": "same", "changed": "after!", "new/file": "new", "cache/own": "own"}),
        ):
            for name, text in files.items():
                (base / name).parent.mkdir(parents=True, exist_ok=True)
                (base / name).write_text(text)
                os.utime(base / name, (1_500_000_000, 1_500_000_000 + len(text)))
        (self.folder / "bin").mkdir()
        (self.folder / "bin/restic").write_text(RESTIC)
        (self.folder / "bin/restic").chmod(0o755)

    def restore(self, left: int = FOR_EVER) -> int:
        """Run the script that restores; `left`: commands until it is killed."""
        words = ["/repository", RUN, "01234567", "/srv/shop", "", "--filter=- cache/"]
        return self._run(RESTORE, left, words)

    def swap(self, left: int = FOR_EVER) -> int:
        """Run the exchange."""
        return self._run(SWAP, left, [RUN, RUN, "20251201T000000Z"])

    def _run(self, script: str, left: int, own: list[str]) -> int:
        dying = script.replace(LOCKED, LOCKED + DIES.format(left=left))
        assert dying != script
        words = [str(self.root), str(self.root.parent), str(self.work), *own]
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "SAVED": str(self.saved), "HOME": str(self.folder)}
        argv = ["bash", "-c", dying, "sharpnet-backup", *words]
        ran = subprocess.run(argv, input=b"secret\n", capture_output=True, check=False, timeout=60, env=env)
        assert ran.returncode in (0, 90, -signal.SIGKILL), ran.stderr
        return ran.returncode

    @property
    def after(self) -> dict[str, bytes | str | None]:
        """What the root holds when all is done: what was saved, and what is excluded."""
        return {**contents_at(self.saved), "cache/own": b"own"}

    def is_done(self) -> bool:
        """Return whether the root is restored, what it had is kept aside, and all else is cleared away."""
        kept = contents_at(self.work / "replaced" / RUN)
        return (
            contents_at(self.root) == self.after
            and {"changed": b"after!", "new/file": b"new"}.items() <= kept.items()
            and {path.name for path in self.work.iterdir()} == {"lock", "replaced"}
        )


@pytest.fixture
def place() -> Iterator[Place]:
    """Give a place in memory, where waiting for the disk costs nothing."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Place(Path(folder) / "p")


def test_without_a_kill_the_root_becomes_what_was_saved(place: Place) -> None:
    place.make()
    assert (place.restore(), place.swap()) == (0, 0)
    assert place.is_done()


def test_killed_at_any_moment_of_restoring_the_root_is_as_it_was_and_the_next_try_succeeds(place: Place) -> None:
    left, killed = 1, True
    while killed:
        place.make()
        before = tree_at(place.root)
        killed = place.restore(left) != 0
        assert tree_at(place.root) == before, left
        assert (place.restore(), place.swap()) == (0, 0), left
        assert place.is_done(), left
        left += 3
    assert left > 20


def test_killed_at_any_moment_of_the_exchange_the_root_is_whole_and_doing_it_again_ends_it(place: Place) -> None:
    left, killed = 1, True
    while killed:
        place.make()
        before = contents_at(place.root)
        assert place.restore() == 0
        killed = place.swap(left) != 0
        assert contents_at(place.root) in (before, place.after), left
        assert place.restore() == 0, left
        assert place.swap() in (0, 90), left
        assert place.is_done(), left
        left += 3
    assert left > 20

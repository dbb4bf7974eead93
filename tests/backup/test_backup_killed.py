"""The script that restores may be killed before any of its commands, and be run again: the root is always whole."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sync.harness import contents_at, tree_at
from sync.killed_script import FOR_EVER, NEVER, REFUSED, Place

from ops.restic.restore_script import RESTORE
from ops.rsync.script import SWAP

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = "20260101T000000Z-K7Q2"
RESTIC = """#!/bin/sh
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/srv" && cp -a "$SAVED" "$2/srv/shop"
"""


@dataclass
class Server(Place):
    """A server's folder, and a restic that knows one snapshot."""

    @property
    def saved(self) -> Path:
        return self.folder / "saved"

    def make(self) -> None:
        """Make the content that is there and the one that was saved, different in every way that counts."""
        saved = {"same": "same", "changed": "before", "lost/file": "lost"}
        there = {"same": "same", "changed": "after!", "new/file": "new", "cache/own": "own"}
        self.fill_anew({self.saved: saved, self.root: there})
        (self.folder / "bin").mkdir()
        (self.folder / "bin/restic").write_text(RESTIC)
        (self.folder / "bin/restic").chmod(0o755)

    def restore(self, left: int = FOR_EVER) -> int:
        """Run the script that restores; `left`: commands until it is killed."""
        saved = ["/srv/shop", "", "--include=/srv/shop", "--include=/srv/shop"]
        words = ["/repository", RUN, self.take_turn(RUN), "01234567", *saved, "", "--filter=- cache/"]
        return self._run(RESTORE, left, words)

    def swap(self, left: int = FOR_EVER) -> int:
        """Run the exchange."""
        return self._run(SWAP, left, [RUN, RUN, "20251201T000000Z", self.turn, NEVER])

    def _run(self, script: str, left: int, own: list[str]) -> int:
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        return self.run(
            script, left, own, b"secret\n", {"PATH": path, "SAVED": str(self.saved), "HOME": str(self.folder)}
        )

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
            and {path.name for path in self.work.iterdir()} == {"lock", "replaced", "turn"}
        )


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a server in memory, where waiting for the disk costs nothing."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Server(Path(folder) / "p")


def test_without_a_kill_the_root_becomes_what_was_saved(server: Server) -> None:
    server.make()
    assert (server.restore(), server.swap()) == (0, 0)
    assert server.is_done()


def test_killed_at_any_moment_of_restoring_the_root_is_as_it_was_and_the_next_try_succeeds(server: Server) -> None:
    left, killed = 1, True
    while killed:
        server.make()
        before = tree_at(server.root)
        killed = server.restore(left) != 0
        assert tree_at(server.root) == before, left
        assert (server.restore(), server.swap()) == (0, 0), left
        assert server.is_done(), left
        left += 3
    assert left > 20


def test_killed_at_any_moment_of_the_exchange_the_root_is_whole_and_doing_it_again_ends_it(server: Server) -> None:
    left, killed = 1, True
    while killed:
        server.make()
        before = contents_at(server.root)
        assert server.restore() == 0
        killed = server.swap(left) != 0
        assert contents_at(server.root) in (before, server.after), left
        assert server.restore() == 0, left
        assert server.swap() in (0, REFUSED), left
        assert server.is_done(), left
        left += 3
    assert left > 20

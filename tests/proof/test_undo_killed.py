"""Putting back may be killed before any of its commands and be asked for again; no link on the way is ever followed."""

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
from sync.harness import contents_at

from ops.rsync.replaced_script import PUT

if TYPE_CHECKING:
    from collections.abc import Iterator

# Before each simple command, functions included, bash counts one down and does something at nought.
FIRST = "said() {"
AT_NOUGHT = "set -T; countdown={left}; trap '[ $((countdown -= 1)) -ne 0 ] || {{ {does}; }}' DEBUG\n"
FOR_EVER = 10**9
PATHS = ("./edited", "./in/the/way")


@dataclass
class There:
    """A root on a server, what is kept of a run, and the script that puts it back."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "www/shop"

    def make(self) -> None:
        """Make what there is after a run that replaced one file and deleted others, one of which became a folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        files = {
            "www/shop/edited": "afterwards",
            "www/shop/in/the": "a file now",
            "www/shop/folder/new": "new",
            "kept/run/edited": "before",
            "kept/run/folder/deep/too": "too",
            "kept/run/in/the/way": "way",
            "elsewhere/own": "own",
        }
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def put(self, aside: str, left: int = FOR_EVER, does: str = "kill -9 $$", paths: tuple[str, ...] = PATHS) -> int:
        """Run the script; `left`: commands until `does`."""
        for folder in (f"kept/{aside}", "back"):
            (self.folder / folder).mkdir(exist_ok=True)
        script = PUT.replace(FIRST, AT_NOUGHT.format(left=left, does=does) + FIRST)
        assert script != PUT
        places = [self.root, self.folder / "kept/run", self.folder / "kept" / aside, self.folder / "back"]
        argv = ["bash", "-c", script, "sh", *(str(place.resolve()) for place in places), *paths]
        ran = subprocess.run(argv, capture_output=True, check=False, timeout=60)
        return ran.returncode

    def is_done(self) -> bool:
        """Return whether everything is back, and all that it took the place of is kept somewhere."""
        kept = [path.read_bytes() for path in (self.folder / "kept").rglob("*") if path.is_file()]
        return contents_at(self.root) == {
            "edited": b"before",
            "folder/new": b"new",
            "in/the/way": b"way",
        } and {b"afterwards", b"a file now"} <= set(kept)


@pytest.fixture
def there() -> Iterator[There]:
    """Give a server in memory, where waiting for the disk costs nothing."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield There(Path(folder).resolve() / "s")


def test_killed_at_any_moment_every_path_is_whole_and_the_next_time_ends_it(there: There) -> None:
    left, killed = 1, True
    while killed:
        there.make()
        killed = there.put("first", left) == -signal.SIGKILL
        assert (there.root / "edited").read_text() in ("before", "afterwards")
        assert (there.root / "folder/new").read_text() == "new"
        assert there.put("second") == 0
        assert there.is_done(), left
        left += 1
    assert left > 50


def test_a_folder_that_becomes_a_link_at_any_moment_leads_nowhere(there: There) -> None:
    swap = 'mv "{0}/folder" "{0}/moved" 2>/dev/null && ln -s "{1}" "{0}/folder"'
    left, reached = 1, True
    while reached:
        there.make()
        elsewhere = there.folder / "elsewhere"
        elsewhere.chmod(0o711)
        there.put("first", left, swap.format(there.root, elsewhere), ("./folder/deep/too",))
        reached = os.path.lexists(there.root / "moved")
        assert contents_at(elsewhere) == {"own": b"own"}, left
        assert (elsewhere.stat().st_mode & 0o777) == 0o711
        left += 1
    assert left > 30

"""A script that works on one site's root, and can be killed before any of its commands."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Before each simple command of the script, functions included, bash counts one down and kills itself at nought. That
# begins when the lock is held: until then the script only looks.
LOCKED = "\ntake_lock\n"
DIES = "set -T; left={left}; trap '[ $((left -= 1)) -ne 0 ] || kill -9 $$' DEBUG\n"
FOR_EVER = 10**9
REFUSED = 90


@dataclass
class Place:
    """A folder of this machine as a server: a site's root, and the work folder beside it."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "www/shop"

    @property
    def work(self) -> Path:
        return self.folder / "www/.sharpnet/shop"

    def fill_anew(self, trees: Mapping[Path, Mapping[str, str]]) -> None:
        """Clear the place, and write files under each of these folders, of times that follow from their sizes."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for base, files in trees.items():
            for name, text in files.items():
                (base / name).parent.mkdir(parents=True, exist_ok=True)
                (base / name).write_text(text)
                os.utime(base / name, (1_500_000_000, 1_500_000_000 + len(text)))

    def run(self, script: str, left: int, own: list[str], stdin: bytes = b"", env: Mapping[str, str] = {}) -> int:
        """Run a script on the place and return how it ended; `left`: commands until it is killed."""
        dying = script.replace(LOCKED, LOCKED + DIES.format(left=left))
        assert dying != script
        argv = ["bash", "-c", dying, "sharpnet", str(self.root), str(self.root.parent), str(self.work), *own]
        ran = subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=60, env={**os.environ, **env})
        assert ran.returncode in (0, REFUSED, -signal.SIGKILL), ran.stderr
        return ran.returncode

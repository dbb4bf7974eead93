"""A script that works on one site's root, and can be killed before any of its commands."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ops.work_folder import TAKE_TURN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Before each simple command of the script, functions included, bash counts one down and kills itself at nought. That
# begins when the lock is held: until then the script only looks.
LOCKED = "\ntake_lock\n"
DIES = "set -T; left={left}; trap '[ $((left -= 1)) -ne 0 ] || kill -9 $$' DEBUG\n"
FOR_EVER = 10**9
REFUSED = 90
# A moment by the clock of this machine that no test sees.
NEVER = "99999999999"


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

    @property
    def where(self) -> list[str]:
        """What every script that works there gets first."""
        return [str(self.root), str(self.root.parent), str(self.work)]

    @property
    def turn(self) -> str:
        """The turn that a run has taken last."""
        return (self.work / "turn").read_text().strip()

    def take_turn(self, run: str) -> str:
        """Begin a run, and return its turn."""
        if (self.work / "lock").exists():
            # What a killed run had started holds it until that has ended as well.
            subprocess.run(["flock", "--timeout=30", self.work / "lock", "true"], check=True)
        argv = ["sh", "-c", TAKE_TURN, "sharpnet", *self.where, run, "make"]
        said = subprocess.run(argv, capture_output=True, check=True, timeout=60).stdout.decode()
        assert said.splitlines()[0] == self.turn
        return self.turn

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
        argv = ["bash", "-c", dying, "sharpnet", *self.where, *own]
        ran = subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=60, env={**os.environ, **env})
        assert ran.returncode in (0, REFUSED, -signal.SIGKILL), ran.stderr
        return ran.returncode

"""Finds the machine's programs, runs the small ones, and copies those that must not be run in place."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab import root_folder
from lab.errors import LabError

_RUN_S = 30.0


def find(program: str) -> str:
    """Give the path of a program, also of those that an ordinary user's PATH leaves out."""
    found = shutil.which(program, path=f"/usr/sbin:/usr/bin:/sbin:/bin:{os.environ.get('PATH', '')}")
    if found is None:
        raise LabError(f"{program} is not installed", "Run lab/install-debian.sh: it installs all that the lab needs.")
    return found


def run(argv: Sequence[str | Path], text_in: str = "", *, folder: Path | None = None, timeout_s: float = _RUN_S) -> str:
    """Run a program to its end and give what it printed; LabError with its complaint where it fails."""
    words = [str(word) for word in argv]
    done = subprocess.run(
        [find(words[0]), *words[1:]],
        input=text_in,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=timeout_s,
        check=False,
    )
    if done.returncode != 0:
        raise LabError(f"{words[0]} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def copy_into(folder: Path, program: str) -> str:
    """Copy a program into a host's folder and give the path that it has inside.

    AppArmor's profiles go by path: Debian's for /usr/sbin/named would keep it from its files in the lab.
    """
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    copy = folder / "bin" / program
    if not copy.exists():
        shutil.copy(find(program), copy)
    return f"{root_folder.INSIDE}/bin/{program}"


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file that only `mode` may read, from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)

"""Those that watch web sites: Sharpnet and its peers, each set up as its manual says and run as it is.

Each module says which PROGRAMS it needs, and runs them on a `Task` for as long as a block lasts.
"""

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

# Where Debian puts programs that an ordinary user's PATH leaves out.
SEARCHED = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/nagios/plugins"
# What every page holds, and all look for.
CONTAINS = "Welcome"
TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class Target:
    """A web site: who it is in alerts and in the request, and where it is."""

    name: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Task:
    """Look at each target every so many seconds over a new connection.

    authority: the certificate authority to trust; None: plain HTTP.
    told: the address of an HTTP server that takes alerts; None: alerts are left out.
    """

    targets: Sequence[Target]
    every_s: int
    authority: Path | None = None
    told: str | None = None


@dataclass(frozen=True, slots=True)
class Watcher:
    """One of them: its name in the table, what it needs, and how it is run; that gives its process ids."""

    name: str
    programs: tuple[str, ...]
    run: Callable[[Path, Task], AbstractContextManager[list[int]]]


def missing(watcher: Watcher) -> list[str]:
    """Return what it needs and this machine lacks."""
    return [program for program in watcher.programs if shutil.which(program, path=SEARCHED) is None]


def teller(folder: Path, told: str) -> Path:
    """Write a program that tells the receiver the name that it is given, and return its path."""
    host, _, port = told.removeprefix("http://").strip("/").partition(":")
    program = folder / "tell"
    program.write_text(
        "#!/bin/bash\n"
        f'exec 3<>/dev/tcp/{host}/{port} && printf "GET /%s HTTP/1.0\\r\\n\\r\\n" "$1" >&3 && cat <&3 >/dev/null\n',
        encoding="ascii",
    )
    program.chmod(0o755)
    return program

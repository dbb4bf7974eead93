"""Real content from Debian's packages for tests: unpacked beside the machine's own, never installed.

`lab content` fetches it once into a cache of the person's; after that it needs no network.
"""

import os
import pwd
import re
import shutil
import tempfile
from pathlib import Path

from lab import programs
from lab.errors import LabError
from lab.state import make_folders, person

# Distributions number them differently: of those that a pattern fits, the first that this machine knows is taken.
# WordPress makes do with whichever of its own themes is there.
_PATTERNS = (
    "wordpress",
    "wordpress-theme-twenty[a-z]+",
    "php-getid3",
    "libjs-cropper",
    "libjs-underscore",
    "openjdk-[0-9]+-doc",
    "rust-doc",
)
_DOCUMENTATION = {
    "openjdk": "usr/share/doc/openjdk-*-jre-headless/api",
    "rust": "usr/share/doc/rust-doc/html/core",
}
PROGRAMS = ("php-fpm", "php-mysql", "php-xml")
"""The Debian packages that WordPress needs to run: these have to be installed."""

_FETCH_S = 300.0
_DONE = "complete"


def cache() -> Path:
    """Say where it is kept: in the folder for caches of the person who asked, also through sudo."""
    home = pwd.getpwuid(person()[0]).pw_dir
    return Path(os.environ.get("XDG_CACHE_HOME") or Path(home) / ".cache") / "sharpnet-lab"


def fetch() -> Path:
    """Have it all in the cache, and say where that is. What is there already is not fetched again."""
    wanted = "\n".join(_PATTERNS) + "\n"
    marker = cache() / _DONE
    if marker.exists() and marker.read_text(encoding="utf-8") == wanted:
        return cache()
    make_folders(cache().parent)
    shutil.rmtree(cache(), ignore_errors=True)
    # Made beside its place and renamed: what is there is whole.
    with tempfile.TemporaryDirectory(dir=cache().parent, prefix="sharpnet-lab-") as folder:
        programs.run(["apt-get", "download", "--quiet", *_packages()], folder=Path(folder), timeout_s=_FETCH_S)
        unpacked = Path(folder) / "unpacked"
        for package in Path(folder).glob("*.deb"):
            programs.run(["dpkg-deb", "--extract", package, unpacked], timeout_s=_FETCH_S)
        (unpacked / _DONE).write_text(wanted, encoding="utf-8")
        unpacked.chmod(0o755)
        unpacked.rename(cache())
    return cache()


def documentation(name: str) -> Path:
    """Give a tree of more than 10,000 files: "openjdk" or "rust"."""
    return _there(_DOCUMENTATION[name])


def wordpress() -> Path:
    """Give WordPress as its package has it: some of its files are links to files of other packages."""
    return _there("usr/share/wordpress")


def _packages() -> list[str]:
    """Choose one package for each pattern; LabError where this machine's distribution has none."""
    known = programs.run(["apt-cache", "pkgnames"], timeout_s=_FETCH_S).split()
    found = {pattern: [name for name in known if re.fullmatch(pattern, name)] for pattern in _PATTERNS}
    missing = [pattern for pattern, names in found.items() if not names]
    if missing:
        raise LabError(
            f"this distribution has no package {', '.join(missing)}",
            "Run `apt-get update`. Tests with real content need a Debian or Ubuntu that has them all.",
        )
    return [min(names) for names in found.values()]


def _there(pattern: str) -> Path:
    if not (cache() / _DONE).exists():
        raise LabError("the real content is not here", "Fetch it: lab content")
    return next(cache().glob(pattern))

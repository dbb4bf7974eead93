"""Fills each site's folder at its home, with file names as awkward as people's are; mirrors begin empty."""

import os
from pathlib import Path, PurePosixPath

from lab.fleet import ServerSpec, SiteSpec

_ODD_NAMES = (
    "about us.html",
    "it's.txt",
    'say "hello".txt',
    "two\nlines.txt",
    "naïve-ünïcode-日本.txt",
    "$HOME `id` $(id).txt",
    "semi;colon & more.txt",
    "-rf",
    "back\\slash.txt",
    "percent%20.txt",
    "star*?[a].txt",
    " leading and trailing ",
    ".hidden",
    "empty.txt",
    "images/logo.svg",
    "css/site.css",
    "deep/er/and/deeper/still.txt",
    "pages/one.html",
    "pages/two.html",
    "pages/three.html",
)
_TIMES = 10


def make_folder(folder: Path, path: str, uid: int) -> Path:
    """Make the host's folder `path`, and say where it is; what is made belongs to `uid`, but for a top folder."""
    made = folder / "root"
    for depth, part in enumerate(PurePosixPath(path).parts[1:]):
        made /= part
        if not made.is_dir():
            made.mkdir(parents=True)
            if depth:
                os.chown(made, uid, uid)
    return made


def rows(site: SiteSpec) -> dict[str, list[str]]:
    """Give what a site's databases hold at its home: values by table, each with its number from 1 on as its key."""
    entries = [f"{name!r} of {site.names[0]}" for name in _ODD_NAMES]
    return {"marker": [site.key], "entries": entries * _TIMES}


def fill(site: SiteSpec, home: ServerSpec, folder: Path, uid: int) -> None:
    """Write the site's page and about twenty small files at its home."""
    root = site.roots[home.name]
    page = site.check_path.partition("?")[0].lstrip("/")
    if not page or page.endswith("/"):
        page += "index.html"
    for name in {*_ODD_NAMES, "index.html", page}:
        file = make_folder(folder, f"{root}/{name}".rpartition("/")[0], uid) / name.rpartition("/")[2]
        file.write_text("" if name == "empty.txt" else _text(site, name), encoding="utf-8")
        os.chown(file, uid, uid)


def _text(site: SiteSpec, name: str) -> str:
    if name.endswith(".html") or name == site.check_path.lstrip("/"):
        return (
            "<!doctype html>\n<meta charset=utf-8>\n"
            f"<title>{site.names[0]}</title>\n<h1>{site.check_contains}</h1>\n<p>{site.names[0]}, {name}</p>\n"
        )
    return f"{name!r} of {site.names[0]}\n"

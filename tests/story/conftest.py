"""A lab with real content, and a stage on it: what a whole cycle is played on."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from cutover.harness import Stage, staged

from lab import Lab, real_content
from lab.small_fleet import address_blocks, write_small_fleet
from lab.wordpress import WordPress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BLOCKS = address_blocks()
DOCUMENTATION = {"java.ski.example": "openjdk", "rust.ski.example": "rust"}


BLOG = "blog.ski.example"
FREEZE = "echo '<?php $upgrading = time();' >\"$ROOT/.maintenance\""
THAW = 'rm -f "$ROOT/.maintenance"'


def with_blog(tree: dict[str, Any]) -> None:
    """Give the fleet a WordPress instead of its small sites: in Oslo, and frozen in the way that WordPress has."""
    # On a busy machine PHP takes its time.
    tree["watch"]["timeout"] = "10s"
    tree["sites"] = {
        BLOG: {
            "home": "oslo",
            "mirrors": ["lima"],
            "names": [BLOG],
            "root": f"/srv/{{server}}/www/{BLOG}",
            "exclude": [".maintenance"],
            "check": {"path": "/", "status": 200, "contains": "Notes from the slope"},
            "databases": [{"engine": "mariadb", "name": "blog", "user": "blog", "password": "env:BLOG_PASSWORD"}],
            "hooks": {
                "freeze": [{"on": "source", "run": FREEZE}],
                "thaw": [{"on": "source", "run": THAW}],
            },
        }
    }


def with_documentation(tree: dict[str, Any]) -> None:
    """Give the fleet two large sites instead of its small ones; both live in Oslo, whose key is limited."""
    tree["sites"] = {
        name: {
            "home": "oslo",
            "mirrors": ["lima"],
            "names": [name],
            "root": f"/srv/{{server}}/www/{name}",
            "check": {"path": "/index.html", "status": 200, "contains": "</html>"},
        }
        for name in DOCUMENTATION
    }


@pytest.fixture
async def documented(tmp_path: Path) -> AsyncIterator[Stage]:
    """Open a stage with real documentation trees at home, and nothing on the mirror yet."""
    config = write_small_fleet(tmp_path, next(BLOCKS), with_documentation)
    with Lab(config, tmp_path / ".lab") as lab:
        for site, tree in DOCUMENTATION.items():
            fill(lab.path_on("oslo", f"/srv/oslo/www/{site}"), real_content.documentation(tree))
        async with staged(lab, tmp_path) as stage:
            yield stage


@pytest.fixture
async def blogging(tmp_path: Path) -> AsyncIterator[tuple[Stage, WordPress]]:
    """Open a stage with a WordPress that has just been installed at home, and nothing on the mirror yet."""
    config = write_small_fleet(tmp_path, next(BLOCKS), with_blog)
    with Lab(config, tmp_path / ".lab", with_php=[BLOG]) as lab:
        wordpress = WordPress(lab, BLOG)
        wordpress.install()
        async with staged(lab, tmp_path) as stage:
            yield stage, wordpress


def fill(root: Path, tree: Path) -> None:
    """Put a copy of a tree in a root's place, as files of whoever has the folder around it."""
    owner = root.parent.stat()
    shutil.rmtree(root)
    shutil.copytree(tree, root, symlinks=True)
    for folder, folders, files in os.walk(root):
        for name in (".", *folders, *files):
            os.chown(f"{folder}/{name}", owner.st_uid, owner.st_gid, follow_symlinks=False)

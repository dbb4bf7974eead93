"""Debian's Chromium, with a home of its own: what it keeps there and beside its temporary files goes with it."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

_PROGRAM = "/usr/bin/chromium"
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
_IN_HOME = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run it, and end it however the test ends."""
    kept = {name: value for name, value in os.environ.items() if name not in _IN_HOME}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_PROGRAM, args=_FLAGS, env={**kept, "HOME": home, "TMPDIR": home}
        )
        try:
            yield browser
        finally:
            browser.close()

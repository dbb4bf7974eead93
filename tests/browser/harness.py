"""What a test does on the local Slack's page in a real browser, and the pictures that it takes of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
DESKTOP = {"width": 1180, "height": 900}
PHONE = {"width": 390, "height": 1500}
ON_A_PHONE = """
.sidebar, .topbar, .channel-header, .composer, .inspector-toggle, .msg-hover-actions { display: none !important }
"""
WAIT_MS = 40_000


def card(page: Page, text: str) -> Locator:
    """Return the newest message that holds `text`."""
    return page.locator(".msg").filter(has_text=text).last


def press(where: Locator, label: str) -> None:
    """Press a button. The local Slack shows no dialog that asks to confirm: the press arrives at once."""
    where.get_by_role("button", name=label, exact=True).click()


def keep_picture(page: Page, what: Locator, name: str) -> None:
    """Take pictures of a message on a desktop and on a phone, and keep them where somebody asked for it."""
    style = page.add_style_tag(content=".msg-hover-actions { display: none !important }")
    what.scroll_into_view_if_needed()
    desktop = what.screenshot()
    page.set_viewport_size(PHONE)
    phone_style = page.add_style_tag(content=ON_A_PHONE)
    what.scroll_into_view_if_needed()
    overflow = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    phone = what.screenshot()
    for one in (style, phone_style):
        one.evaluate("node => node.remove()")
    page.set_viewport_size(DESKTOP)
    assert overflow <= 0, f"{name} is wider than a phone by {overflow} px"
    if os.environ.get("SHARPNET_PICTURES"):
        PICTURES.mkdir(parents=True, exist_ok=True)
        (PICTURES / f"{name}.png").write_bytes(desktop)
        (PICTURES / f"phone-{name}.png").write_bytes(phone)

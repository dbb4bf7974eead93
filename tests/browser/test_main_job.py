"""The main job in a real browser: type the command, press the buttons, see the rows turn.

`make pictures` keeps what it looked like in docs/pictures.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import Demo
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


def press(page: Page, where: Locator, label: str) -> None:
    """Press a button; a dialog that asks to confirm is answered with yes."""
    where.get_by_role("button", name=label, exact=True).click()
    yes = page.locator(".modal button.primary, .confirm button.primary")
    if yes.count():
        yes.first.click()


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


@pytest.mark.timeout(240)
def test_a_server_drops_a_person_approves_and_every_name_server_turns(demo: Demo, page: Page) -> None:
    expect.set_options(timeout=WAIT_MS)
    typing = page.locator(".composer-input")
    typing.fill("/sharpnet status")
    typing.press("Enter")
    status = card(page, "sharpnet: uk up, us up")
    expect(status).to_contain_text("12 of 12 sites served, 6 of 6 name servers in step")
    keep_picture(page, status, "status")

    demo.lab.drop("uk")
    alert = card(page, "uk is down since")
    expect(alert).to_contain_text("seen from 2 places")
    expect(alert).to_contain_text("1 site has no mirror")
    expect(page.locator(".msg").filter(has_text="uk is down since")).to_have_count(1)
    keep_picture(page, alert, "alert")

    press(page, alert, "Prepare failover")
    plan = card(page, "What changes")
    expect(plan).to_contain_text("Move 6 sites from uk (London) to us (Dallas)?")
    expect(plan).to_contain_text("127.10.0.1 → 127.20.0.1")
    keep_picture(page, plan, "plan")

    demo.lab.freeze("ns5")
    press(page, plan, "Approve")
    moving = card(page, "5 of 6 name servers in step")
    expect(moving).to_contain_text("ns1 · London · new")
    keep_picture(page, moving, "moving")
    demo.lab.back("ns5")
    done = card(page, "Done: 6 sites moved from uk (London) to us (Dallas)")
    expect(done).to_contain_text("All 6 name servers agree")
    expect(done).to_contain_text("ns5 · Sydney · new")
    expect(done).to_contain_text("Resolvers may answer the old address until")
    keep_picture(page, done, "done")
    for number in range(1, 7):
        assert demo.lab.query(f"ns{number}", "www.garden.example", "A") == ["127.20.0.1"]

    demo.lab.back("uk")
    expect(card(page, "uk is back after")).to_contain_text("quarantined")
    press(page, done, "Roll back")
    # Whoever pressed is also told where the plan is; the plan is the message that shows what changes.
    asked = page.locator(".msg").filter(has_text="Roll back 6 sites from us (Dallas) to uk (London)?")
    press(page, asked.filter(has_text="What changes").last, "Approve")
    expect(card(page, "Done: 6 sites moved from us (Dallas) to uk (London)")).to_contain_text("All 6 name servers")
    assert demo.lab.query("ns6", "www.garden.example", "A") == ["127.10.0.1"]
    verified = demo.type("history", "--verify")
    assert verified.returncode == 0, verified.stdout
    assert "The record is whole" in verified.stdout

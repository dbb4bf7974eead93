"""The Home tab in a real browser, on a desktop and on a phone: what waits is decided there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser.harness import WAIT_MS, card, keep_picture, press
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import Demo
    from playwright.sync_api import Page


@pytest.mark.timeout(240)
def test_what_waits_is_seen_and_decided_in_the_home_tab_and_a_cause_is_asked_for(demo: Demo, page: Page) -> None:
    expect.set_options(timeout=WAIT_MS)
    place = page.locator(".sidebar-item")
    place.filter(has_text="sharpnet").click()
    home = page.locator(".home-inner")
    expect(home).to_contain_text("sharpnet: uk up, us up; 12 of 12 sites served")

    demo.lab.drop("uk")
    expect(home).to_contain_text("uk is down since")
    press(home, "Prepare failover")
    expect(home).to_contain_text("waits for approval until")
    expect(home.get_by_role("button", name="Approve", exact=True)).to_have_count(1)
    keep_picture(page, home, "home")
    press(home, "Cancel")
    expect(home.get_by_role("button", name="Approve", exact=True)).to_have_count(0)

    place.filter(has_text="ops").click()
    alert = card(page, "uk is down since")
    press(alert, "Acknowledge")
    alert.get_by_role("button", name="Add cause", exact=True).click()
    window = page.locator(".modal")
    expect(window).to_contain_text("Cause (public")
    window.locator(".bk-plain-input").fill("the provider\u2019s switch died")
    keep_picture(page, window, "cause")
    window.get_by_role("button", name="Publish", exact=True).click()
    expect(card(page, "Cause: the provider's switch died")).to_contain_text("uk is down since")

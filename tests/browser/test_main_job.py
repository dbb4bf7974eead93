"""The main job in a real browser: type the command, press the buttons, see the rows turn.

`make pictures` keeps what it looked like in docs/pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyotp
import pytest
from browser.harness import WAIT_MS, card, keep_picture, press
from playwright.sync_api import expect
from ruamel.yaml import YAML

if TYPE_CHECKING:
    from conftest import Demo
    from playwright.sync_api import Page


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

    press(alert, "Prepare failover")
    plan = card(page, "What changes")
    expect(plan).to_contain_text("Move 6 sites from uk (London) to us (Dallas)?")
    expect(plan).to_contain_text("127.10.0.1 → 127.20.0.1")
    keep_picture(page, plan, "plan")

    demo.lab.freeze("ns5")
    press(plan, "Approve")
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
    press(done, "Roll back")
    # Whoever pressed is also told where the plan is; the plan is the message that shows what changes.
    asked = page.locator(".msg").filter(has_text="Roll back 6 sites from us (Dallas) to uk (London)?")
    press(asked.filter(has_text="What changes").last, "Approve")
    expect(card(page, "Done: 6 sites moved from us (Dallas) to uk (London)")).to_contain_text("All 6 name servers")
    assert demo.lab.query("ns6", "www.garden.example", "A") == ["127.10.0.1"]
    verified = demo.type("history", "--verify")
    assert verified.returncode == 0, verified.stdout
    assert "The record is whole" in verified.stdout


@pytest.mark.timeout(240)
def test_where_the_file_begins_to_ask_for_a_code_the_button_asks_for_it_and_takes_it(demo: Demo, page: Page) -> None:
    expect.set_options(timeout=WAIT_MS)
    yaml = YAML(typ="safe", pure=True)
    tree = yaml.load(demo.config)
    tree["slack"]["second_factor"] = "keys/totp"
    yaml.dump(tree, demo.config)
    enrolled = demo.type("enroll", "U01ALICE")
    assert enrolled.returncode == 0, enrolled.stdout
    address = "".join(enrolled.stdout.split())
    secret = pyotp.parse_uri(address[address.index("otpauth://") :])
    assert isinstance(secret, pyotp.TOTP)
    demo.lab.drop("uk")
    press(card(page, "uk is down since"), "Prepare failover")
    plan = card(page, "What changes")
    press(plan, "Approve")
    asking = page.locator(".modal").filter(has_text="Code of your authenticator")
    asking.locator("input, textarea").first.fill(secret.now())
    asking.get_by_role("button", name="Approve", exact=True).click()
    expect(card(page, "Done: 6 sites moved from uk (London) to us (Dallas)")).to_contain_text(
        "All 6 name servers agree"
    )

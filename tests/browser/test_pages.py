"""The status pages in a real browser: on a desktop and a phone, light and dark, with and without a script.

`make pictures` keeps what they looked like in docs/pictures.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser.chromium import chromium
from playwright.sync_api import expect
from ruamel.yaml import YAML

from bot.settings import Settings
from bot.wiring import open_ports
from commands import answer, split_line
from core.fleet.target import Target
from core.incident.facts import OutageEnd, OutageFacts
from core.incident.notes import Annotation
from core.people import Person, Role
from core.reply import Reply
from core.wording import stamp
from jobs.pages import publish
from lab import Lab
from ops.gather.pages import stored_page, with_days
from ops.store.incident.outages import OutageClosing, OutageOpening
from ops.store.monitor.states import ObservedState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import BrowserContext, Page

    from core.incident.outage import Outage
    from ops.ports import Ports

TOP = Path(__file__).parents[2]
PICTURES = TOP / "docs" / "pictures"
AXE = TOP / "node_modules" / "axe-core" / "axe.min.js"
# Beside those that other tests' fleets have.
FIRST_BLOCK = 180
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
DESKTOP = {"width": 1180, "height": 1250}
PHONE = {"width": 390, "height": 1250}
BOSS = Person("boss", "terminal", frozenset(Role))
CAUSE = "A fire in the data centre in London. Nobody is hurt; the provider says more at noon."
HOSTILE = '</p><script>alert(1)</script><img src=x onerror="alert(2)">'
NEVER = timedelta(days=400)
Open = Callable[..., "Page"]


@dataclass(frozen=True)
class Pages:
    """Where the two pages are read, before and after one server died, and when they were written."""

    uk: str
    us: str
    written_at: datetime


_UP_UNTIL = "UPDATE observed SET until_at = ? WHERE until_at > ? AND target IN (SELECT value FROM json_each(?))"


def drawn(_outages: Sequence[Outage]) -> Reply:
    return Reply("it is down")


def no_card(_made: Sequence[str]) -> None:
    return None


async def remember(ports: Ports) -> None:
    """Give the store two months of a fleet to which now and then something happened, and a night without a bot."""
    now, watching = ports.clock.now(), ports.store.states
    targets = [Target.server(name) for name in ports.fleet.servers] + [Target.site(name) for name in ports.fleet.sites]
    targets += [Target.nameserver(one.name) for one in ports.fleet.dns.nameservers]
    story = [
        (60, "up", targets),
        (43, "down", [Target.server("us")]),
        (42.8, "up", targets),
        (30.2, "up", targets),
        (29.5, "up", targets),
        (17, "degraded", [Target.site("bakery.example")]),
        (16.6, "up", targets),
        (9, "down", [Target.site("garden.example")]),
        (8.97, "up", targets),
        (0, "up", targets),
    ]
    for days, state, those in story:
        at = now - timedelta(days=days)
        gap = timedelta(hours=1) if days == 29.5 else NEVER
        await watching.saw([ObservedState(target, state, at, at) for target in those], gap=gap)
        if state != "up":
            later = at + timedelta(hours=2)
            await watching.saw([ObservedState(target, state, at, later) for target in those], gap=NEVER)
    body = OutageFacts(why="SSH: connection refused at port 2222", at_first=5)
    (old,) = await ports.store.outages.open_many(
        [OutageOpening(Target.server("us"), now - timedelta(days=43), body)], "bot:watch", no_card, drawn, now
    )
    await ports.store.outages.annotate(
        old, Annotation("cause", "A disk controller died and was replaced.", BOSS.label, now), drawn
    )
    ended = OutageFacts(why="SSH: connection refused at port 2222", at_first=5, ending=OutageEnd.UP)
    await ports.store.outages.close_many(
        [OutageClosing(old, now - timedelta(days=42.8), ended)], "bot:watch", drawn, now
    )
    await answer(split_line('maintenance us 2h "New disks" --at 23:59'), BOSS, "terminal", ports)


async def die(ports: Ports, cause: str) -> None:
    """Let the watch have seen that uk is down, and somebody say why."""
    now, watching = ports.clock.now(), ports.store.states
    since = now - timedelta(minutes=4)
    dead = [Target.server("uk"), *(Target.site(site.name) for site in ports.fleet.sites.values() if site.home == "uk")]
    # What was told of the past before this said that it was up until a moment ago.
    earlier = [stamp(since), stamp(since), json.dumps(dead)]
    await watching._db.write(lambda transaction: transaction.execute(_UP_UNTIL, earlier))
    for at in (since, now):
        seen = [ObservedState(target, "down", since, at, "SSH: connection refused at port 2222") for target in dead]
        await watching.saw(seen, gap=NEVER)
    body = OutageFacts(why="SSH: connection refused at port 2222", at_first=7)
    (one,) = await ports.store.outages.open_many(
        [OutageOpening(Target.server("uk"), since, body)], "bot:watch", no_card, drawn, now
    )
    await ports.store.outages.annotate(one, Annotation("cause", cause, BOSS.label, now), drawn)


async def written(config: Path, store: Path, cause: str | None) -> datetime:
    """Write the pages as a bot would, and return of when they are. cause: why uk is dead; None: it lives."""
    async with open_ports(Settings(config, store)) as ports:
        await (remember(ports) if cause is None else die(ports, cause))
        page = await with_days(ports, await stored_page(ports))
        failures = await publish(ports, page)
        assert [server for server, failure in failures.items() if failure is not None] == (
            [] if cause is None else ["uk"]
        )
        return page.written_at


def own_block() -> int:
    return FIRST_BLOCK + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path]]:
    """Bring up the demo's fleet, at addresses of this worker's own."""
    folder = tmp_path_factory.mktemp("pages")
    yaml = YAML(typ="safe", pure=True)
    text = re.sub(r"\b127\.(\d+)\.0\.(\d+)\b", rf"127.{own_block()}.\1.\2", (TOP / "app.yaml").read_text())
    tree: dict[str, Any] = yaml.load(text)
    tree["status_pages"] = {"title": "Sharpnet hosting"}
    config = folder / "app.yaml"
    yaml.dump(tree, config)
    with Lab(config, folder / ".lab" / "demo") as lab, pytest.MonkeyPatch.context() as patch:
        for name, value in lab.env.items():
            patch.setenv(name, value)
        yield lab, config


@pytest.fixture
def pages(started: tuple[Lab, Path], tmp_path: Path) -> Pages:
    """Have both servers carry a page of a fleet that is well."""
    lab, config = started
    for name in ("uk", "us"):
        lab.back(name)
    written_at = asyncio.run(written(config, tmp_path / "store.db", None))
    return Pages(f"http://127.{own_block()}.10.1:8080/", f"http://127.{own_block()}.20.1:8080/", written_at)


@pytest.fixture
def pages_of_a_dead_server(pages: Pages, started: tuple[Lab, Path], tmp_path: Path) -> Pages:
    """Have uk dead; the page on us was written since."""
    lab, config = started
    lab.drop("uk")
    written_at = asyncio.run(written(config, tmp_path / "store.db", CAUSE))
    return Pages(pages.uk, pages.us, written_at)


@contextmanager
def browsing(**options: Any) -> Iterator[BrowserContext]:  # noqa: ANN401 - Playwright's options of a context
    """Open a browser that fails the test where a page logs an error, opens a dialog or asks for more than itself."""
    trouble: list[str] = []
    with chromium() as browser:
        context = browser.new_context(**options)
        context.on("console", lambda message: trouble.append(message.text))
        context.on("dialog", lambda dialog: trouble.append(dialog.message))
        context.on("request", lambda request: None if request.is_navigation_request() else trouble.append(request.url))
        yield context
    assert [one for one in trouble if not one.endswith("/favicon.ico")] == []


def violations(page: Page) -> list[str]:
    """Return what axe finds against WCAG 2.2 AA."""
    # Not as a script of the page: its policy forbids that, as it should.
    page.evaluate(AXE.read_text())
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    assert found["passes"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_page_of_the_living_server_says_why_the_other_is_dead_and_everybody_can_read_it(
    pages_of_a_dead_server: Pages, size: dict[str, int], scheme: str
) -> None:
    with browsing(viewport=size, color_scheme=scheme, device_scale_factor=2) as context:
        page = context.new_page()
        page.goto(pages_of_a_dead_server.us)
        expect(page.locator(".lead")).to_contain_text("uk (London) is down; 5 of 12 sites are up")
        expect(page.locator("main")).to_contain_text(CAUSE)
        expect(page.locator("#old")).to_be_hidden()
        assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
        assert violations(page) == []
        background = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]
        if os.environ.get("SHARPNET_PICTURES"):
            name = {("desktop", "light"): "page", ("phone", "dark"): "phone-page"}.get(
                ("phone" if size is PHONE else "desktop", scheme)
            )
            if name is not None:
                page.screenshot(path=PICTURES / f"{name}.png")


def test_nothing_that_somebody_wrote_is_carried_out_in_a_browser(
    pages: Pages, started: tuple[Lab, Path], tmp_path: Path
) -> None:
    lab, config = started
    lab.drop("uk")
    asyncio.run(written(config, tmp_path / "store.db", HOSTILE))
    with browsing() as context:
        page = context.new_page()
        page.goto(pages.us)
        expect(page.locator("main")).to_contain_text(HOSTILE)
        assert page.locator("img").count() == 0


def test_with_both_alive_each_page_tells_of_the_other(pages: Pages) -> None:
    with browsing() as context:
        page = context.new_page()
        for url, here, there in ((pages.uk, "uk", "us"), (pages.us, "us", "uk")):
            page.goto(url)
            expect(page.locator(".lead")).to_contain_text("Everything is up: 12 sites on 2 servers")
            expect(page.locator("main")).to_contain_text(f"This copy is on {here}; it tells of {there} too.")
            expect(page.locator("main")).to_contain_text("A disk controller died and was replaced.")
            expect(page.locator("main")).to_contain_text("Work on us (Dallas)")


def test_with_the_bot_dead_both_pages_warn_by_themselves_that_they_are_old(pages: Pages) -> None:
    with browsing() as context:
        page = context.new_page()
        page.clock.install(time=pages.written_at + timedelta(minutes=9))
        for url in (pages.uk, pages.us):
            page.goto(url)
            expect(page.locator("#old")).to_be_hidden()
        page.clock.fast_forward(90_000)
        expect(page.locator("#old")).to_contain_text("This page is old: it was written 10 min ago")
        page.goto(pages.uk)
        expect(page.get_by_role("alert")).to_contain_text("This page is old")
        assert violations(page) == []
        page.clock.fast_forward(timedelta(days=3) // timedelta(milliseconds=1))
        expect(page.locator("#old")).to_contain_text("3 days ago")


def test_a_clock_that_cannot_be_right_is_said_to_be_wrong(pages: Pages) -> None:
    with browsing() as context:
        page = context.new_page()
        page.clock.install(time=pages.written_at.astimezone(UTC) - timedelta(hours=3))
        page.goto(pages.us)
        expect(page.locator("#old")).to_contain_text("its clock or yours is wrong")


def test_without_a_script_it_says_the_same_and_when_it_is_old(pages_of_a_dead_server: Pages) -> None:
    with browsing(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(pages_of_a_dead_server.us)
        said = page.locator("body").inner_text()
        assert CAUSE in said
        assert "uk (London) is down; 5 of 12 sites are up" in said
        assert "If that is more than 10 min ago, this page is old" in said

"""Drawing the page: once for all servers, in parts, and without counting again the days that are over."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from notify.harness import ports_of

from core.monitor.detection import TargetState
from core.monitor.state import StateTally
from core.page.days import DAYS
from core.page.html import body_parts, page_html
from core.page.json_feed import page_facts
from core.page.model import Page, PageIncident, PageTarget
from ops.gather.pages.drawing import drawn
from ops.gather.pages.past import PastDays
from ops.store import Store
from ops.store.monitor.states import ObservedState
from ops.store.sqlite.database import SqliteDb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from pathlib import Path

    from core.page.days import Stretch
    from ops.ports import Ports

NOW = datetime(2026, 6, 14, 13, 2, 7, tzinfo=UTC)
GAP = timedelta(minutes=1)
ENTRIES = {"server": ("oslo", "lima"), "site": ("fjord", "ski")}


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncIterator[Ports]:
    store = Store(SqliteDb(tmp_path / "sharpnet.db"))
    await store.open()
    yield ports_of(store)
    await store.close()


def page_at(written_at: datetime, *sites: str) -> Page:
    named = [
        PageTarget(name, name.title(), TargetState.UP, url=f"https://{name}.example/") for name in ENTRIES["server"]
    ]
    return Page(
        title="small",
        timezone="Europe/Oslo",
        written_at=written_at,
        stale_after=timedelta(minutes=10),
        servers=tuple(named),
        sites=tuple(PageTarget(name, "oslo", TargetState.UP) for name in sites or ENTRIES["site"]),
        tally=StateTally(up=2),
        nameservers=StateTally(),
        incidents=(PageIncident("outage:1", "oslo (Oslo) was down", NOW - timedelta(days=2), NOW - timedelta(days=1)),),
    )


async def saw(ports: Ports, state: str, at: datetime, gap: timedelta = GAP) -> None:
    targets = [f"{kind}:{name}" for kind, names in ENTRIES.items() for name in names]
    await ports.store.states.saw([ObservedState(target, state, at, at) for target in targets], gap=gap)


class Asked:
    """Notes what is read of the past, and how far back."""

    def __init__(self, ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
        self.of: list[tuple[int, float]] = []
        stretches = ports.store.history.stretches

        async def noted(targets: Iterable[str], since_at: datetime) -> Mapping[str, tuple[Stretch, ...]]:
            wanted = list(targets)
            self.of.append((len(wanted), round((NOW - since_at) / timedelta(days=1))))
            return await stretches(wanted, since_at)

        monkeypatch.setattr(ports.store.history, "stretches", noted)


async def test_days_that_are_over_are_read_once_and_a_new_site_is_read_whole(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    past, asked = PastDays(ports), Asked(ports, monkeypatch)
    await past.onto(page_at(NOW))
    assert asked.of == [(4, DAYS + 1)]
    await past.onto(page_at(NOW + GAP))
    assert asked.of[1:] == [(4, 3)]
    await past.onto(page_at(NOW + 2 * GAP, "fjord", "ski", "new"))
    assert asked.of[2:] == [(1, DAYS + 1), (4, 3)]


async def test_the_next_day_everything_is_read_anew(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    past, asked = PastDays(ports), Asked(ports, monkeypatch)
    await past.onto(page_at(NOW))
    await past.onto(page_at(NOW + timedelta(days=1)))
    assert [targets for targets, _ in asked.of] == [4, 4]
    shown = await past.onto(page_at(NOW + timedelta(days=1, minutes=1)))
    assert {len(one.days) for one in (*shown.servers, *shown.sites)} == {DAYS}


async def test_what_is_remembered_and_what_is_read_afresh_never_differ(ports: Ports) -> None:
    # Over midnight in Oslo (22:00 UTC) and over a change of state, with looks that are late now and then.
    midnight = datetime(2026, 6, 14, 22, tzinfo=UTC)
    await saw(ports, "up", midnight - timedelta(days=40))
    await saw(ports, "up", midnight - timedelta(hours=3), gap=timedelta(days=90))
    remembering = PastDays(ports)
    states = ["up", "down", "down", "up", "degraded", "up"]
    for step, state in enumerate(states):
        at = midnight + timedelta(seconds=50 * (step - 3))
        await saw(ports, state, at)
        page = page_at(at + timedelta(seconds=1 + 30 * (step % 2)))
        assert await remembering.onto(page) == await PastDays(ports).onto(page)


async def test_a_page_drawn_once_is_the_same_as_drawn_for_each_server(ports: Ports) -> None:
    page = await PastDays(ports).onto(page_at(NOW))
    drawing = await drawn(page, ports.fleet)
    for server in ("", "oslo", "lima"):
        files = drawing.files(server)
        own = page.on(server) if server else page
        assert list(files)[-1] == "index.html"
        assert files["index.html"].decode() == page_html(own)
        assert json.loads(files["status.json"]) == json.loads(json.dumps(page_facts(own)))
    assert b"This copy is on lima" in drawing.files("lima")["index.html"]
    assert b"https://lima.example/feed.atom" in drawing.files("lima")["feed.atom"]


def test_no_part_of_the_page_holds_more_than_one_server_site_or_incident() -> None:
    incidents = tuple(replace(page_at(NOW).incidents[0], key=f"outage:{number}") for number in range(30))
    for part in body_parts(replace(page_at(NOW), incidents=incidents)):
        assert part.count("<li") <= 1

"""The pages as they are on real servers while things happen to them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pages.harness import Desk, until

from core.errors import RefusedError
from core.fleet.target import Target
from core.reply import Tone
from jobs.pages import Publisher, publish_now
from jobs.watch import Watcher
from ops.gather.pages import stored_page, with_days
from ops.gather.pages.drawing import drawn
from ops.store.monitor.states import ObservedState

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("pages")


async def test_with_both_alive_each_tells_of_the_other_and_with_one_dead_the_others_page_tells_why(desk: Desk) -> None:
    async with desk.running(Watcher(desk.ports).run(), Publisher(desk.ports).run()):
        await until(lambda: all("Everything is up: 3 sites on 2 servers" in desk.page(on) for on in ("oslo", "lima")))
        desk.lab.drop("oslo")
        await until(lambda: desk.state_of("oslo", "lima") == "down" and desk.facts("lima")["incidents"])
        outages = await desk.ports.store.outages.all_open()
        (open_outage,) = [one for one in outages if one.target == Target.server("oslo")]
        await desk.say(f'cause {open_outage.id} "Fire in the data centre; see https://status.host.example/ <b>"')
        await until(lambda: any(one["cause"] for one in desk.facts("lima")["incidents"]))
        await until(lambda: "Fire in" in desk.page("lima"))
        page = desk.read("lima")
        assert "oslo (Oslo) is down" in page
        assert "Fire in the data centre; see https://status.host.example/ &lt;b&gt;" in page
        assert "<b>" not in page
        assert "connection refused at port" in page
        desk.lab.back("oslo")
        await until(lambda: any(one["closed_at"] for one in desk.facts("oslo")["incidents"]))
        await until(lambda: "Fire in the data centre" in desk.page("oslo"))


async def test_nothing_that_is_not_public_stands_in_any_file(desk: Desk) -> None:
    address = desk.ports.fleet.servers["oslo"].address
    await desk.saw(f"web@oslo: {address}:2222 refused key /home/web/.ssh/id", server__oslo="down", server__lima="up")
    now = desk.ports.clock.now()
    await desk.ports.store.states.saw(
        [ObservedState(Target.site("attic.example"), "down", now, now, "status 500")], gap=timedelta(seconds=5)
    )
    oslo = Target.server("oslo")
    await desk.outage(oslo, f"{address} died, and attic.example with it", why=f"{address}: silent", at_first=2)
    await desk.outage(Target.nameserver("ns2"), why="ns2.internal.example is silent", place="Lima")
    page = await with_days(desk.ports, await stored_page(desk.ports))
    files = (await drawn(page, desk.ports.fleet)).files("lima")
    for text in (content.decode() for content in files.values()):
        for secret in (address, "127.", "attic", "web@", "/home", "internal", "boss", "ns2", "/srv/"):
            assert secret not in text, secret


async def test_addresses_stand_there_where_the_fleet_file_says_so(desk: Desk) -> None:
    fleet = desk.ports.fleet
    fleet = replace(fleet, status_pages=replace(fleet.status_pages, addresses=True))
    shown = await stored_page(replace(desk.ports, fleet=fleet))
    oslo = next(one for one in shown.servers if one.name == "oslo")
    assert fleet.servers["oslo"].address in oslo.note
    assert oslo.url == "http://" + fleet.servers["oslo"].address + ":8080/"


async def test_an_hour_without_a_bot_is_unknown_and_not_up(desk: Desk) -> None:
    now = desk.ports.clock.now()
    for passed in (timedelta(hours=3), timedelta(hours=1)):
        seen = [ObservedState(Target.server(name), "up", now - passed, now - passed) for name in ("oslo", "lima")]
        await desk.ports.store.states.saw(seen, gap=timedelta(hours=2))
    page = await with_days(desk.ports, await stored_page(desk.ports))
    assert [one.state.value for one in page.servers] == ["unknown", "unknown"]
    assert "No recent observations" in (await drawn(page, desk.ports.fleet)).files()["index.html"].decode()
    observed_s = sum(day.observed_s for day in page.servers[0].days)
    assert observed_s == pytest.approx(7200)


async def test_planned_work_is_on_the_page_before_and_during(desk: Desk) -> None:
    await desk.saw(server__oslo="up", server__lima="up")
    await desk.say('maintenance oslo 2h "New disks at 10.0.0.9" --at 23:59')
    (before,) = (await stored_page(desk.ports)).work
    assert (before.what, before.stage.value, before.why) == ("Work on oslo (Oslo)", "planned", "New disks at …")
    await desk.say('maintenance fleet 1h "Power"')
    during = await stored_page(desk.ports)
    assert {one.stage.value for one in during.work} == {"planned", "under way"}
    assert "planned work in progress: Power" in during.servers[0].note
    await desk.say("maintenance end M2")
    assert {one.stage.value for one in (await stored_page(desk.ports)).work} == {"planned", "over"}


async def test_a_page_that_cannot_be_written_is_told_once_and_when_it_is_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.pages.TOLD_AFTER", timedelta(0))
    monkeypatch.setattr("jobs.pages.RETRY_S", 0.05)
    await desk.saw(server__oslo="up", server__lima="up")
    (desk.root("oslo") / "index.html").mkdir()
    (desk.root("oslo") / "index.html" / "in the way").touch()
    cards = desk.ports.store.cards
    try:
        async with desk.running(Publisher(desk.ports).run()):
            await until_card(desk, Tone.WARN)
            first = await cards.get("page:oslo")
            assert first is not None
            assert "does not take /srv/oslo/status/index.html" in first.reply.title
            await until(lambda: desk.facts("lima"))
            await asyncio.sleep(0.3)
            again = await cards.get("page:oslo")
            assert again is not None
            assert again.revision == first.revision
            (desk.root("oslo") / "index.html" / "in the way").unlink()
            (desk.root("oslo") / "index.html").rmdir()
            await until_card(desk, Tone.GOOD)
    finally:
        for path in desk.root("oslo").glob("*/*"):
            path.unlink()
        for path in desk.root("oslo").glob("*/"):
            if path.is_dir():
                path.rmdir()
    assert await cards.get("page:lima") is None


async def until_card(desk: Desk, tone: Tone) -> None:
    async with asyncio.timeout(20):
        while True:
            card = await desk.ports.store.cards.get("page:oslo")
            if card is not None and card.reply.tone is tone:
                return
            await asyncio.sleep(0.02)


async def test_without_a_bot_the_terminal_looks_and_writes_the_page(desk: Desk, tmp_path: Path) -> None:
    reply = await desk.say(f"page --to {tmp_path / 'out'}")
    assert str(tmp_path / "out" / "index.html") in reply.title
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["feed.atom", "index.html", "status.json"]
    page = (tmp_path / "out" / "index.html").read_text()
    assert "Everything is up: 3 sites on 2 servers" in page
    assert "attic" not in page


async def test_put_by_hand_where_one_server_alone_has_a_page_it_is_counted_as_one(desk: Desk) -> None:
    fleet = desk.ports.fleet
    lima = replace(fleet.servers["lima"], status_page=None)
    fleet = replace(fleet, servers={**fleet.servers, "lima": lima})
    reply = await replace(desk, ports=replace(desk.ports, fleet=fleet)).say("page --put")
    assert reply.title.endswith("is on 1 of 1 server")


async def test_put_by_hand_with_a_dead_server_writes_the_other_and_says_which_it_did_not(desk: Desk) -> None:
    desk.lab.drop("oslo")
    reply = await desk.say("page --put")
    assert reply.exit_code == 1
    assert "is on 1 of 2 servers" in reply.title
    assert desk.state_of("oslo", "lima") == "down"
    assert desk.facts("lima")["written_on"] == "lima"
    kinds = [entry.kind for entry in await desk.ports.store.record.entries(last=5)]
    assert "page.put" in kinds


async def test_the_end_of_a_cutover_waits_for_no_server_that_is_down(desk: Desk) -> None:
    await desk.saw(server__oslo="up", server__lima="down")
    desk.lab.freeze("lima")
    async with asyncio.timeout(5):
        await publish_now(desk.ports)
    assert desk.state_of("lima", "oslo") == "down"
    assert desk.facts("lima") == {}


async def test_a_folder_that_cannot_be_written_is_refused(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RefusedError, match="could not be written"):
        await desk.say(f"page --to {tmp_path / 'file' / 'x'}")


async def test_a_fleet_without_pages_is_told_what_to_do(desk: Desk) -> None:
    fleet = desk.ports.fleet
    bare = {name: replace(server, status_page=None) for name, server in fleet.servers.items()}
    ports = replace(desk.ports, fleet=replace(fleet, servers=bare))
    with pytest.raises(RefusedError, match="No server of this fleet"):
        await Desk(desk.lab, ports).say("page --put")

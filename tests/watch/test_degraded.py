"""What answers, but not in full: one message a server, edited as it goes on, and closed when it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from core.fleet import HostLimits, ServerChecks, SiteCheck
from core.fleet.target import Target
from core.reply import Tone
from tests.watch.conftest import START

if TYPE_CHECKING:
    from tests.watch.conftest import SetStage, Stage

DISK = "== disk\nFilesystem 1024-blocks Used Available Capacity Mounted on\n/dev/x 100 {used} {free} x% /srv\n"


def disk(used: int) -> str:
    return DISK.format(used=used, free=100 - used)


@pytest.fixture
async def looked_at(set_stage: SetStage) -> Stage:
    """Give a stage on which servers are asked how they are every 10 s, and sites must answer within half a second."""
    stage = await set_stage()
    checks = ServerChecks(host=HostLimits(every=timedelta(seconds=10)))
    check = SiteCheck(within=timedelta(milliseconds=500))
    stage.change(
        servers={name: replace(server, checks=checks) for name, server in stage.fleet.servers.items()},
        sites={name: replace(site, check=check) for name, site in stage.fleet.sites.items()},
    )
    stage.world.says = {name: disk(10) for name in stage.fleet.servers}
    stage.start()
    await stage.play(20)
    return stage


async def test_a_full_disk_makes_the_server_degraded_and_one_message(looked_at: Stage) -> None:
    looked_at.world.says["one"] = disk(96)
    await looked_at.play(60)
    (card,) = await looked_at.cards()
    assert card.reply.title == "one is degraded: disk /srv 96 % full"
    assert card.reply.tone is Tone.WARN
    assert [button.label for button in card.reply.buttons] == ["Acknowledge"]
    seen = (await looked_at.store.states.states())[Target.server("one")]
    assert (seen.state, seen.why) == ("degraded", "disk /srv 96 % full")
    assert await looked_at.state(Target.server("two")) == "up"
    assert await looked_at.state(Target.site("site0")) == "up"


async def test_the_message_follows_the_figure_and_closes_when_there_is_room(looked_at: Stage) -> None:
    looked_at.world.says["one"] = disk(96)
    await looked_at.play(40)
    looked_at.world.says["one"] = disk(99)
    await looked_at.play(40)
    assert await looked_at.titles() == ["one is degraded: disk /srv 99 % full"]
    looked_at.world.says["one"] = disk(50)
    await looked_at.play(40)
    (title,) = await looked_at.titles()
    assert title.startswith("one is no longer degraded, after 1 min")
    assert await looked_at.state(Target.server("one")) == "up"
    assert await looked_at.store.outages.all_open() == ()


async def test_a_server_that_cannot_be_asked_is_not_called_well(looked_at: Stage) -> None:
    looked_at.world.says["one"] = disk(96)
    await looked_at.play(40)
    looked_at.world.no_login.add("one")
    await looked_at.play(120)
    assert await looked_at.titles() == ["one is degraded: disk /srv 96 % full"]
    assert len(await looked_at.store.outages.all_open()) == 1


async def test_what_is_no_longer_looked_at_is_not_called_well(looked_at: Stage) -> None:
    looked_at.world.says["one"] = disk(96)
    await looked_at.play(40)
    await looked_at.stop()
    servers = {
        name: replace(server, checks=ServerChecks(host=None)) for name, server in looked_at.fleet.servers.items()
    }
    looked_at.change(servers=servers)
    looked_at.start()
    await looked_at.play(40)
    (title,) = await looked_at.titles()
    assert title.startswith("one: what made it degraded is no longer looked at (for ")
    assert title.endswith(": disk /srv 96 % full)")


async def test_a_site_that_leaves_the_fleet_file_while_it_is_degraded_is_not_called_well(looked_at: Stage) -> None:
    looked_at.world.takes_s["site0"] = 1.4
    await looked_at.play(40)
    await looked_at.stop()
    del looked_at.world.points_to["site0"]
    looked_at.change(sites={name: site for name, site in looked_at.fleet.sites.items() if name != "site0"})
    looked_at.start()
    await looked_at.play(40)
    (title,) = await looked_at.titles()
    assert title.startswith("one: what made it degraded is no longer looked at")


async def test_a_server_that_goes_down_while_it_is_degraded_is_down(looked_at: Stage) -> None:
    looked_at.world.says["one"] = disk(96)
    await looked_at.play(40)
    looked_at.world.dead.add("one")
    await looked_at.play(60)
    titles = await looked_at.titles()
    assert titles[0] == "one is degraded: disk /srv 96 % full"
    assert titles[1].startswith("one is down since")
    looked_at.world.dead.clear()
    looked_at.world.says["one"] = disk(10)
    await looked_at.play(60)
    assert [title.split(",")[0].split(" after")[0] for title in await looked_at.titles()] == [
        "one is no longer degraded",
        "one is back",
    ]


async def test_slow_sites_are_one_message_for_their_server(looked_at: Stage) -> None:
    looked_at.world.takes_s |= {f"site{number}": 1.4 for number in range(0, 12, 2)}
    await looked_at.play(40)
    (card,) = await looked_at.cards()
    assert card.reply.title == (
        "6 sites on one are degraded: site0: it takes 2 s to answer, more than 0.5 s, and 5 more sites"
    )
    assert await looked_at.state(Target.site("site0")) == "degraded"
    assert await looked_at.state(Target.server("one")) == "up"
    looked_at.world.takes_s.clear()
    await looked_at.play(40)
    (title,) = await looked_at.titles()
    assert title.startswith("one is no longer degraded")


async def test_a_certificate_that_ends_soon_is_one_message_with_the_days_left(looked_at: Stage) -> None:
    looked_at.world.certificate_ends_at["site3"] = START + timedelta(days=6, hours=12)
    await looked_at.play(40)
    assert await looked_at.titles() == ["1 site on two is degraded: site3: its certificate ends in 6 days"]


async def test_a_bot_that_is_started_again_goes_on_with_the_same_message(looked_at: Stage) -> None:
    looked_at.world.says["one"] = disk(96)
    await looked_at.play(40)
    await looked_at.stop()
    looked_at.start()
    await looked_at.play(60)
    assert await looked_at.titles() == ["one is degraded: disk /srv 96 % full"]
    looked_at.world.says["one"] = disk(10)
    await looked_at.play(60)
    (title,) = await looked_at.titles()
    assert title.startswith("one is no longer degraded")


async def test_many_servers_that_fill_up_at_once_make_at_most_three_messages(set_stage: SetStage) -> None:
    stage = await set_stage(servers=10, sites=10)
    checks = ServerChecks(host=HostLimits(every=timedelta(seconds=10)))
    stage.change(servers={name: replace(server, checks=checks) for name, server in stage.fleet.servers.items()})
    stage.world.says = {name: disk(96) for name in stage.fleet.servers}
    stage.start()
    await stage.play(60)
    titles = await stage.titles()
    assert len(titles) <= 3
    assert any("servers are degraded: " in title for title in titles)
    stage.world.says = {name: disk(10) for name in stage.fleet.servers}
    await stage.play(60)
    assert any(title.startswith("None of ") for title in await stage.titles())


async def test_a_name_server_that_answers_slowly_is_degraded(set_stage: SetStage) -> None:
    stage = await set_stage()
    stage.change(dns=replace(stage.fleet.dns, answer_within=timedelta(milliseconds=5)))
    stage.world.look_took_s = 0.2
    stage.start()
    await stage.play(30)
    seen = (await stage.store.states.states())[Target.nameserver("ns1")]
    assert (seen.state, seen.why) == ("degraded", "it takes 0.2 s to answer, more than 0.01 s")
    assert await stage.cards() == []


async def test_a_site_whose_record_points_to_a_stranger_is_one_message(stage: Stage) -> None:
    stage.world.points_to["site3"] = "198.51.100.7"
    await stage.play(40)
    assert await stage.titles() == [
        "1 site on two is degraded: site3: DNS points to 198.51.100.7, no server that holds it"
    ]
    stage.world.points_to["site3"] = "two"
    stage.world.zone_edits += 1
    await stage.play(40)
    (title,) = await stage.titles()
    assert title.startswith("two is no longer degraded")

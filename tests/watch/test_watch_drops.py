"""One drop, one alert: sequences of what can befall a fleet, watched by the real watch over a real store."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from core.fleet import Watch
from core.fleet.target import Target
from core.reply import Tone

if TYPE_CHECKING:
    from tests.watch.conftest import SetStage, Stage


async def test_a_healthy_fleet_is_all_up_and_nobody_hears_of_it(stage: Stage) -> None:
    states = await stage.store.states.states()
    assert len(states) == 3 + 12 + 3
    assert {seen.state for seen in states.values()} == {"up"}
    assert await stage.cards() == []


async def test_a_server_that_drops_makes_one_alert_with_the_whole_fact(stage: Stage) -> None:
    stage.world.dead.add("one")
    await stage.play(60)
    (card,) = await stage.cards()
    assert card.reply.title.startswith("one is down since 14:00:")
    assert card.reply.title.endswith("seen from 3 places: 6 sites affected, two ready, 6 never copied")
    assert [button.line for button in card.reply.buttons] == ["failover one", "ack 1"]
    assert card.revision == 1


async def test_its_sites_are_down_with_it_and_the_others_are_not(stage: Stage) -> None:
    stage.world.dead.add("one")
    await stage.play(20)
    states = await stage.store.states.states()
    down = {target for target, seen in states.items() if seen.state == "down"}
    assert down == {Target.server("one"), *(Target.site(f"site{number}") for number in range(0, 12, 2))}
    assert states[Target.site("site0")].why == "one is down"


async def test_the_alert_comes_soon_after_the_drop(stage: Stage) -> None:
    stage.world.dead.add("one")
    await stage.play(5 + 2 * 1 + 1.5)
    assert len(await stage.cards()) == 1


async def test_the_alert_for_a_frozen_server_waits_for_no_second_round_of_time_outs(stage: Stage) -> None:
    stage.world.frozen.add("one")
    await stage.play(5 + 3 * 2 + 2 * 1 + 1.5)
    assert len(await stage.cards()) == 1


async def test_a_recovery_edits_the_same_message(stage: Stage) -> None:
    stage.world.dead.add("one")
    await stage.play(60)
    stage.world.dead.clear()
    await stage.play(20)
    (card,) = await stage.cards()
    assert card.reply.title.startswith("one is back after 1 min")
    assert (card.reply.buttons, card.reply.tone) == ((), Tone.GOOD)
    assert {seen.state for seen in (await stage.store.states.states()).values()} == {"up"}
    assert await stage.store.outages.all_open() == ()


async def test_two_drops_more_than_a_minute_apart_make_two_alerts(stage: Stage) -> None:
    for _ in range(2):
        stage.world.dead.add("one")
        await stage.play(30)
        stage.world.dead.clear()
        await stage.play(35)
    assert len(await stage.cards()) == 2


async def test_a_hiccup_shorter_than_three_looks_is_no_outage(stage: Stage) -> None:
    for _ in range(10):
        stage.world.dead.add("one")
        await stage.play(1.5)
        stage.world.dead.clear()
        await stage.play(4)
    assert await stage.cards() == []


async def test_a_server_that_others_reach_is_degraded_and_no_alert(stage: Stage) -> None:
    stage.world.hidden.add("one")
    await stage.play(60)
    seen = (await stage.store.states.states())[Target.server("one")]
    assert (seen.state, seen.why) == ("degraded", "reachable from two and three, not from here")
    assert await stage.state(Target.site("site0")) == "unknown"
    assert await stage.cards() == []


async def test_when_the_bots_own_link_goes_nothing_is_called_down(stage: Stage) -> None:
    stage.world.link = False
    await stage.play(60)
    states = await stage.store.states.states()
    assert {seen.state for seen in states.values()} == {"unknown"}
    (card,) = await stage.cards()
    assert "nothing is called down" in card.reply.title
    stage.world.link = True
    await stage.play(30)
    assert [title[:32] for title in await stage.titles()] == ["This bot sees the fleet again af"]
    assert {seen.state for seen in (await stage.store.states.states()).values()} == {"up"}


async def test_a_short_loss_of_the_bots_own_link_is_nobodys_business(stage: Stage) -> None:
    stage.world.link = False
    await stage.play(9)
    stage.world.link = True
    await stage.play(30)
    assert await stage.cards() == []


async def test_a_server_that_died_while_the_link_was_gone_is_found_afterwards(stage: Stage) -> None:
    stage.world.link = False
    await stage.play(9)
    stage.world.dead.add("one")
    stage.world.link = True
    await stage.play(20)
    (title,) = await stage.titles()
    assert title.startswith("one is down")


async def test_without_a_usable_vantage_point_one_place_has_to_do_and_is_said(stage: Stage) -> None:
    stage.world.no_login |= {"two", "three"}
    stage.world.dead.add("one")
    await stage.play(40)
    (title,) = await stage.titles()
    assert "seen from one place only" in title


async def test_a_fleet_of_one_server_is_watched_too(set_stage: SetStage) -> None:
    stage = await set_stage(servers=1, sites=2, nameservers=0)
    stage.start()
    await stage.play(15)
    stage.world.dead.add("one")
    await stage.play(20)
    (title,) = await stage.titles()
    assert title.endswith("seen from one place only: 2 sites affected, 2 sites have no mirror")


async def test_a_server_without_ssh_whose_sites_answer_is_degraded_and_no_alert(stage: Stage) -> None:
    stage.world.no_ssh.add("one")
    await stage.play(40)
    seen = (await stage.store.states.states())[Target.server("one")]
    assert (seen.state, seen.why) == ("degraded", "SSH: connection refused; its sites answer")
    assert await stage.state(Target.site("site0")) == "up"
    assert await stage.cards() == []


async def test_sites_that_fail_on_a_server_that_answers_make_one_alert_together(stage: Stage) -> None:
    stage.world.broken_sites |= {f"site{number}" for number in range(0, 12, 2)}
    await stage.play(40)
    (card,) = await stage.cards()
    assert card.reply.title.startswith("6 sites on one are failing since")
    assert await stage.state(Target.server("one")) == "up"
    assert await stage.state(Target.site("site1")) == "up"


async def test_a_site_that_joins_later_edits_the_message_and_one_that_recovers_does_too(stage: Stage) -> None:
    stage.world.broken_sites |= {"site0"}
    await stage.play(20)
    stage.world.broken_sites |= {"site2"}
    await stage.play(20)
    (title,) = await stage.titles()
    assert "2 sites on one are failing" in title
    assert "site0, site2" in title
    stage.world.broken_sites.remove("site0")
    await stage.play(20)
    (title,) = await stage.titles()
    assert "1 site on one is failing" in title
    stage.world.broken_sites.clear()
    await stage.play(20)
    (title,) = await stage.titles()
    assert title.startswith("Sites on one answer again")


async def test_a_site_that_fails_without_a_mirror_offers_no_failover(stage: Stage) -> None:
    stage.world.broken_sites.add("site11")
    await stage.play(30)
    (card,) = await stage.cards()
    assert [button.label for button in card.reply.buttons] == ["Acknowledge"]


async def test_a_server_that_goes_down_after_its_sites_takes_over_their_outage(stage: Stage) -> None:
    stage.world.broken_sites.add("site0")
    await stage.play(30)
    stage.world.dead.add("one")
    await stage.play(30)
    titles = await stage.titles()
    assert titles[0] == "site0 on one: one itself is down now, see its own message"
    assert titles[1].startswith("one is down")
    assert len(titles) == 2


async def test_web_servers_that_start_later_than_ssh_make_no_second_alert(stage: Stage) -> None:
    stage.world.dead.add("one")
    await stage.play(30)
    stage.world.broken_sites |= {f"site{number}" for number in range(0, 12, 2)}
    stage.world.dead.clear()
    await stage.play(20)
    stage.world.broken_sites.clear()
    await stage.play(60)
    (title,) = await stage.titles()
    assert title.startswith("one is back")


async def test_web_servers_that_never_start_again_are_told_of(stage: Stage) -> None:
    stage.world.dead.add("one")
    await stage.play(30)
    stage.world.broken_sites |= {f"site{number}" for number in range(0, 12, 2)}
    stage.world.dead.clear()
    await stage.play(60)
    titles = await stage.titles()
    assert [title[:11] for title in titles] == ["one is back", "6 sites on "]


async def test_a_name_server_that_drops_makes_one_alert(stage: Stage) -> None:
    stage.world.dead.add("ns2")
    await stage.play(40)
    (title,) = await stage.titles()
    assert title.startswith("Name server ns2 (Oslo) is down since")
    assert title.endswith("seen from 3 places: the other 2 answer")
    stage.world.dead.clear()
    await stage.play(20)
    (title,) = await stage.titles()
    assert title.startswith("Name server ns2 is back after")


async def test_a_name_server_that_lags_is_degraded_until_it_does_not(stage: Stage) -> None:
    stage.world.serials["ns1"] = 1
    await stage.play(60)
    seen = (await stage.store.states.states())[Target.nameserver("ns1")]
    assert (seen.state, seen.why[:14]) == ("degraded", "behind in test")
    assert await stage.cards() == []
    stage.world.serials.clear()
    await stage.play(60)
    assert await stage.state(Target.nameserver("ns1")) == "up"


async def test_a_name_server_on_a_server_that_died_makes_no_alert_of_its_own(set_stage: SetStage) -> None:
    stage = await set_stage()
    settings = stage.fleet.dns
    on_one = tuple(
        type(server)(server.name, type(server.endpoint)(stage.fleet.servers["one"].address), server.location)
        for server in settings.nameservers[:1]
    )
    stage.change(dns=type(settings)(settings.update, (*on_one, *settings.nameservers[1:]), settings.zones))
    stage.start()
    await stage.play(15)
    stage.world.dead.add("one")
    await stage.play(40)
    (title,) = await stage.titles()
    assert title.startswith("one is down")
    assert await stage.state(Target.nameserver("ns1")) == "down"


async def test_all_servers_at_once_make_at_most_three_messages(set_stage: SetStage) -> None:
    stage = await set_stage(servers=10, sites=40)
    stage.start()
    await stage.play(15)
    stage.world.dead |= set(stage.fleet.servers)
    await stage.play(60)
    titles = await stage.titles()
    assert len(titles) <= 3
    assert len(await stage.store.outages.all_open()) == 10
    stage.world.dead.clear()
    await stage.play(60)
    assert len(await stage.titles()) == len(titles)
    assert any(title.startswith("All 8 things that were down are over") for title in await stage.titles())
    assert await stage.store.outages.all_open() == ()


async def test_a_thousand_targets_at_once_make_at_most_three_messages(set_stage: SetStage) -> None:
    stage = await set_stage(servers=4, sites=40, nameservers=1000)
    stage.start()
    await stage.play(15)
    stage.world.dead |= {f"ns{number}" for number in range(1, 1001)}
    await stage.play(30)
    titles = await stage.titles()
    assert len(titles) <= 3
    assert any("998" in title for title in titles)


async def test_a_clock_that_jumps_back_an_hour_delays_no_alert(stage: Stage) -> None:
    stage.clock.shift = timedelta(hours=-1)
    stage.world.broken_sites.add("site0")
    stage.world.dead.add("two")
    await stage.play(20)
    assert sorted(title.split(" since")[0] for title in await stage.titles()) == [
        "1 site on one is failing",
        "two is down",
    ]


async def test_a_server_that_hangs_delays_no_look_at_the_others(set_stage: SetStage) -> None:
    stage = await set_stage(servers=3, sites=600)
    stage.start()
    await stage.play(15)
    stage.world.frozen.add("one")
    began_s = stage.clock.passed_s
    await stage.play(15)
    per_second = Counter(
        int(at_s - began_s) for at_s, place, name in stage.world.looks if (place, name) == ("here", "two")
    )
    # 300 sites every 5 s, and SSH: 60 a second, whatever befalls the other server.
    assert min(per_second[second] for second in range(1, 14)) > 35


@pytest.mark.parametrize("down_after", [1, 2, 5])
async def test_the_number_of_failures_in_a_row_is_the_operators(set_stage: SetStage, down_after: int) -> None:
    watch = Watch(timedelta(seconds=5), timedelta(seconds=1), timedelta(seconds=2), down_after=down_after)
    stage = await set_stage(watch=watch)
    stage.start()
    await stage.play(15)
    stage.world.looks.clear()
    stage.world.dead.add("one")
    await stage.play(20)
    alert_at = (await stage.cards())[0].made_at
    until_s = (alert_at - stage.clock.now()).total_seconds() + stage.clock.passed_s
    failures = [at for at, place, name in stage.world.looks if (place, name) == ("here", "one") and at <= until_s]
    ssh_looks = sorted({round(at, 2) for at in failures})
    assert len(ssh_looks) >= down_after
    assert len(await stage.cards()) == 1


async def test_who_gets_no_edits_is_told_once_more_of_what_joined_a_message(set_stage: SetStage) -> None:
    stage = await set_stage(servers=8, sites=8)
    await stage.store.notifications.take_up(["env:PAGER"])
    stage.start()
    await stage.play(20)
    names = list(stage.fleet.servers)
    for name in names[:6]:
        stage.world.dead.add(name)
        await stage.play(2)
    await stage.play(60)
    cards, alerts = await stage.cards(), await stage.store.notifications.after("env:PAGER")
    assert len(cards) == 3
    assert len(alerts) == 4
    assert all(name in alerts[-1].reply.title for name in names[2:6])
    assert alerts[0].reply.title.startswith("one is down")
    assert alerts[1].reply.title.startswith("two is down")

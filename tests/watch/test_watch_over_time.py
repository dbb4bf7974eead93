"""What the watch remembers and notices: stops and starts, moved sites, a store that fails, what nobody saw."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from commands import answer
from core.errors import NotAllowedError, RefusedError, StoreError, UsageError
from core.fleet.target import Target
from core.people import Person, Role
from core.reply import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops.store.monitor.states import ObservedState
    from tests.watch.conftest import SetStage, Stage

ALICE = Person("UALICE", "slack", frozenset({Role.OPERATOR}))
BOB = Person("UBOB", "slack", frozenset({Role.OPERATOR}))
EVE = Person("UEVE", "slack", frozenset())


async def type_in(stage: Stage, line: str, person: Person = ALICE) -> str:
    return (await answer(line.split(), person, person.via, stage.ports)).title


async def test_a_restarted_bot_does_not_alert_again(stage: Stage) -> None:
    stage.world.dead.add("one")
    await stage.play(30)
    await stage.stop()
    await stage.play(300)
    stage.start()
    await stage.play(60)
    (card,) = await stage.cards()
    assert card.reply.title.startswith("one is down since 14:00:")
    assert len(await stage.store.outages.all_open()) == 1


async def test_a_recovery_after_a_restart_is_noticed(stage: Stage) -> None:
    stage.world.dead.add("one")
    await stage.play(30)
    await stage.stop()
    stage.start()
    await stage.play(30)
    stage.world.dead.clear()
    await stage.play(30)
    (title,) = await stage.titles()
    assert title.startswith("one is back after")


async def test_a_recovery_that_nobody_saw_is_placed_while_the_bot_was_away(stage: Stage) -> None:
    stage.world.dead.add("one")
    await stage.play(30)
    await stage.stop()
    stage.world.dead.clear()
    await stage.play(600)
    stage.start()
    await stage.play(30)
    (title,) = await stage.titles()
    assert title.startswith("one is back: that happened between 14:00:")
    assert title.endswith("14:10:45 BST, while this bot did not watch")


async def test_failing_sites_are_not_called_well_before_all_were_looked_at_again(stage: Stage) -> None:
    stage.world.broken_sites.add("site0")
    await stage.play(30)
    await stage.stop()
    stage.start()
    for _ in range(20):
        await stage.play(0.5)
        (title,) = await stage.titles()
        assert title.startswith("1 site on one is failing")


async def test_a_bot_killed_between_opening_and_anything_else_goes_on_with_the_same_outage(stage: Stage) -> None:
    stage.world.dead |= {"one", "ns1"}
    for _ in range(40):
        await stage.play(0.25)
        await stage.stop()
        stage.start()
    await stage.play(30)
    assert sorted(title.split(" is ")[0] for title in await stage.titles()) == ["Name server ns1 (Oslo)", "one"]


async def test_a_short_restart_keeps_since_when_something_is_up(stage: Stage) -> None:
    before = (await stage.store.states.states())[Target.server("one")].since_at
    await stage.stop()
    stage.start()
    await stage.play(15)
    assert (await stage.store.states.states())[Target.server("one")].since_at == before


async def test_time_without_a_bot_belongs_to_no_stretch(stage: Stage) -> None:
    stopped_at = stage.clock.now()
    await stage.stop()
    await stage.play(3600)
    started_at = stage.clock.now()
    stage.start()
    await stage.play(15)
    stretches = (await stage.store.history.stretches([Target.server("one")], stopped_at - timedelta(hours=1)))[
        Target.server("one")
    ]
    assert [state for state, _, _ in stretches] == ["up", "up"]
    assert stretches[0][2] <= stopped_at
    assert stretches[1][1] >= started_at
    assert (await stage.store.states.states())[Target.server("one")].since_at >= started_at


async def test_an_outage_is_a_stretch_from_its_first_failing_look(stage: Stage) -> None:
    began_at = stage.clock.now()
    stage.world.dead.add("one")
    await stage.play(30)
    stretches = (await stage.store.history.stretches([Target.server("one")], began_at))[Target.server("one")]
    assert [state for state, _, _ in stretches] == ["down"]
    (outage,) = await stage.store.outages.all_open()
    assert stretches[0][1] == outage.opened_at


async def test_a_change_of_dns_by_hand_is_noticed_and_looked_at_there(stage: Stage) -> None:
    stage.world.points_to["site0"] = "two"
    await stage.play(30)
    assert (await stage.store.copies.active())["site0"] == "two"
    stage.world.dead.add("one")
    await stage.play(30)
    assert await stage.state(Target.site("site0")) == "up"
    (title,) = await stage.titles()
    assert "5 sites affected" in title
    (moved,) = [card for card in await stage.store.cards.waiting() if card.key.startswith("moved:")]
    assert moved.reply.title == "DNS was changed by hand: site0 is served from two (Two) now"


async def test_where_dns_points_is_kept_from_the_start(stage: Stage) -> None:
    active = await stage.store.copies.active()
    assert active == {site.name: site.home for site in stage.fleet.sites.values()}


async def test_after_a_failover_the_message_says_that_the_sites_are_served_and_at_the_return_what_is_quarantined(
    stage: Stage,
) -> None:
    stage.world.dead.add("one")
    await stage.play(30)
    moved = [f"site{number}" for number in range(0, 12, 2)]
    stage.world.points_to |= dict.fromkeys(moved, "two")
    await stage.store.copies.set_active(dict.fromkeys(moved, "two"), stage.clock.now())
    await stage.store.copies.quarantine([(site, "one") for site in moved], "failed over", stage.clock.now(), "bot")
    await stage.play(20)
    (card,) = await stage.cards()
    assert card.reply.title.endswith("its 6 sites are served from elsewhere now")
    assert [button.label for button in card.reply.buttons] == ["Acknowledge"]
    assert await stage.state(Target.site("site0")) == "up"
    stage.world.dead.clear()
    await stage.play(20)
    assert (await stage.titles())[0].endswith("its copies of 6 sites are quarantined")


async def test_failing_sites_that_were_moved_end_their_outage(stage: Stage) -> None:
    stage.world.broken_sites.add("site0")
    await stage.play(30)
    stage.world.broken_sites.clear()
    stage.world.points_to["site0"] = "two"
    await stage.store.copies.set_active({"site0": "two"}, stage.clock.now())
    await stage.play(30)
    (title,) = await stage.titles()
    assert title.endswith("is served from elsewhere now")


async def test_a_mirror_that_goes_down_too_is_no_longer_offered(stage: Stage) -> None:
    stage.world.dead.add("one")
    await stage.play(30)
    stage.world.dead |= {"two", "three"}
    await stage.play(60)
    first = (await stage.titles())[0]
    assert first.startswith("one is down")
    assert "6 sites with no mirror up" in first


async def test_a_server_taken_out_of_the_fleet_file_ends_its_outage(set_stage: SetStage) -> None:
    stage = await set_stage()
    stage.start()
    await stage.play(15)
    stage.world.dead.add("three")
    await stage.play(30)
    await stage.stop()
    servers = {name: server for name, server in stage.fleet.servers.items() if name != "three"}
    sites = {
        name: replace(site, mirrors=tuple(mirror for mirror in site.mirrors if mirror != "three"))
        for name, site in stage.fleet.sites.items()
    }
    stage.change(servers=servers, sites=sites)
    stage.start()
    await stage.play(15)
    (title,) = await stage.titles()
    assert title.startswith("three: no longer in app.yaml")
    assert Target.server("three") not in await stage.store.states.states()


async def test_a_store_that_fails_for_a_while_loses_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    watching = stage.store.states
    really = watching.saw
    failing = True

    async def saw(seen: Iterable[ObservedState], *, gap: timedelta) -> None:
        if failing:
            raise StoreError("disk full")
        await really(seen, gap=gap)

    monkeypatch.setattr(watching, "saw", saw)
    began_at = stage.clock.now()
    stage.world.dead.add("one")
    await stage.play(30)
    assert len(await stage.cards()) == 1
    failing = False
    await stage.play(5)
    assert await stage.state(Target.server("one")) == "down"
    stretches = (await stage.store.history.stretches([Target.server("one")], began_at))[Target.server("one")]
    assert stretches[0][1] <= began_at + timedelta(seconds=6)


class TestAcknowledging:
    async def test_it_is_on_the_message_with_who_and_when_and_asks_nobody_else(self, stage: Stage) -> None:
        stage.world.dead.add("one")
        await stage.play(30)
        assert await type_in(stage, "ack 1") == "Outage 1 acknowledged: one"
        (card,) = await stage.cards()
        assert [button.label for button in card.reply.buttons] == ["Prepare failover", "Add cause"]
        texts = [part.text for part in card.reply.parts if isinstance(part, Text)]
        assert any(text.startswith("Acknowledged by slack:UALICE, 14:00:4") for text in texts)

    async def test_it_outlives_later_edits_of_the_message(self, stage: Stage) -> None:
        stage.world.dead.add("one")
        await stage.play(30)
        await type_in(stage, "ack 1")
        stage.world.dead.add("two")
        await stage.play(40)
        card = (await stage.cards())[0]
        assert card.revision > 2
        assert "Acknowledge" not in [button.label for button in card.reply.buttons]

    async def test_the_second_to_say_so_is_told_who_was_first(self, stage: Stage) -> None:
        stage.world.dead.add("one")
        await stage.play(30)
        await type_in(stage, "ack 1")
        assert await type_in(stage, "ack 1", BOB) == (
            "Outage 1: acknowledged by slack:UALICE at 14:00:45 BST. Nothing changed"
        )
        assert await type_in(stage, "ack #1") == "Outage 1: you acknowledged it at 14:00:45 BST"

    async def test_one_word_is_enough_for_all_that_one_message_shows(self, set_stage: SetStage) -> None:
        stage = await set_stage(servers=10, sites=40)
        stage.start()
        await stage.play(15)
        stage.world.dead |= set(stage.fleet.servers) - {"one"}
        await stage.play(60)
        for outage in await stage.store.outages.all_open():
            await type_in(stage, f"ack {outage.id}")
        assert all(outage.acked_by for outage in await stage.store.outages.all_open())
        entries = await stage.store.record.entries()
        assert sum(entry.kind == "outage.acknowledged" for entry in entries) == 9

    async def test_what_is_over_cannot_be_looked_after(self, stage: Stage) -> None:
        stage.world.dead.add("one")
        await stage.play(30)
        stage.world.dead.clear()
        await stage.play(30)
        with pytest.raises(RefusedError, match="was over at"):
            await type_in(stage, "ack 1")

    async def test_an_outage_that_is_not_there_is_a_typing_error_that_names_those_that_are(self, stage: Stage) -> None:
        stage.world.dead.add("one")
        await stage.play(30)
        for wrong in ("99", "one", "²"):
            with pytest.raises(UsageError) as refused:
                await type_in(stage, f"ack {wrong}")
            assert refused.value.hint.startswith("Open: 1 (one)")

    async def test_a_stranger_cannot_say_so(self, stage: Stage) -> None:
        stage.world.dead.add("one")
        await stage.play(30)
        with pytest.raises(NotAllowedError):
            await type_in(stage, "ack 1", EVE)
        assert [outage.acked_by for outage in await stage.store.outages.all_open()] == [None]
